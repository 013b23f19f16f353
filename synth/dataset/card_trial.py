"""A dataset card written on stand-ins for what a run comes to, to see whether its template can be rendered before anything is paid for."""

from typing import Any, Final

from synth.dataset.card_facts import Facts
from synth.dataset.card_text import text_of
from synth.dataset.card_told import told
from synth.dedup.decontaminate import Source
from synth.recipe.schema import Recipe

_WORD: Final = "（某项）"
_AGREED: Final = {"n": 1, "agreed": 1.0, "kappa": 1.0, "ac1": 1.0, "rare": False}
_JUDGE: Final = {"judge": _WORD, "model": _WORD, "n": 1, "no_verdict": 0.0, "unsafe": 0.5, "bias": 0.0}
_MEASURED: Final = dict.fromkeys(
    ("n", "length", "distinct_2", "self_bleu", "vendi", "nearest", "openings", "opening"), 1
)
_KIND: Final = {
    "rows": 1,
    "matched": _MEASURED,
    "forms": {"question": 1.0},
    "found": {_WORD: 1.0},
    "answers": {_WORD: {"length": 1.0, "lines": 1.0, "lists": 0.0}},
    "telling": {"length": 0.5},
}
_FLOOR: Final = {"floor": 0.5, "accepted": 0, "under": True, "slots": 0, "hits": 0}
_CELL: Final = {
    "scenario": _WORD,
    "subcategory": _WORD,
    "name": _WORD,
    "query_type": "harmful",
    "accepted": 1,
    "target": 1,
    "status": _WORD,
    "floors": {_WORD: _FLOOR},
}
_ROW: Final = dict.fromkeys(
    (
        *("id", "subcategory", "subcategory_name", "query_type", "label", "stance", "responder"),
        *("query", "response", "analysis"),
    ),
    _WORD,
)
_AUDIT: Final[dict[str, Any]] = {
    "rows": 10,
    "errors": 1,
    "error": 0.1,
    "low": 0.0,
    "high": 0.4,
    "covered": 0.9,
    "readers": 2,
    "kappa": 0.5,
    "date": "2026-01-01",
    "earlier": True,
}


_AGREEMENT: Final = {
    "overall": _AGREED,
    "judges": [_JUDGE],
    "pairs": [{"judges": [_WORD, _WORD]} | _AGREED] * 2,
    "subcategories": [{"subcategory": _WORD} | _AGREED],
    "answerers": [{"answerer": _WORD, "judges": [{"judge": _WORD, "bias": 0.0}] * 2} | _AGREED] * 2,
}
_CONTROL: Final = dict.fromkeys(("role", "model", "verdict"), _WORD) | {
    "right": 1, "n": 1, "low": 0.5, "high": 1.0, "lately": {"right": 1, "n": 1, "fell": True},
}  # fmt: skip
_DIVERSITY: Final = {
    "kinds": {"harmful": _KIND},
    "real": [{"set": _WORD} | _MEASURED],
    "behaviours": {"reached": 1, "possible": 1, "largest": [{"count": 1, "n": 1, "cell": _WORD}]},
}


def tried(recipe: Recipe) -> str:
    """The dataset card of a run of the recipe that came to stand-ins for everything a card may tell. ConfigError names its template
    where it cannot be rendered."""
    facts = Facts(
        splits={"train": 1, "hard": 1},
        content="0" * 16,
        cells=[_CELL | {"label": recipe.scheme.safe}],
        dropped={"query.refusal": 1},
        fingerprint="0" * 16,
        versions={_WORD: "1"},
        prompts={_WORD: "0" * 16},
        stopped=_WORD,
        avoided=(Source(_WORD, 1, "0" * 16),),
        agreement=_AGREEMENT,
        controls=[_CONTROL],
        doubts=[{"role": _WORD, "model": _WORD, "words": _WORD, "whole": True}],
        diversity=_DIVERSITY,
        asked_without={_WORD: {_WORD: _WORD}},
        stand_ins={role.named for role in recipe.models.values()},
        shown={"examples": [_ROW], "redacted": 1, "marked": 1},
    )
    return text_of(told(recipe, facts), _AUDIT)
