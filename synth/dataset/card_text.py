"""The text of a dataset card: its facts, made harmless, in the words of `prompts/card/dataset.j2`, which people may edit."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from synth.dataset.card_metadata import metadata
from synth.dataset.cell import in_cell, in_example, in_paragraphs
from synth.recipe.files import folders
from synth.recipe.prompt import Prompt

TEMPLATE: Final = "card/dataset"
"""The name of the card's template among the prompts."""
BLOCKS: Final = ("card", "access")
"""The blocks of the card's template: the card, and what who asks for access to a gated repository reads."""
_OFFERED: Final = frozenset(
    (
        *("name", "about", "stopped", "splits", "made", "licence", "terms", "kinds", "scenarios", "few", "examples"),
        *("redacted", "marked", "how", "doubts", "agreement", "controls", "diversity", "floors", "cells", "dropped"),
        *("content", "audit"),
    )
)
"""What the card's template may speak of."""
_ADDRESS: Final = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9._~/%=&?#+-]*)?")
_EXAMPLE: Final = frozenset(("query", "response", "analysis"))


def text_of(told: Mapping[str, Any], audit: Mapping[str, Any] | None) -> str:
    """The dataset card in these facts' words, the text of README.md with its metadata for Hugging Face. ConfigError names the template
    where it cannot be rendered."""
    template = load()
    values = _escaped({**told, "audit": audit})
    body = re.sub(r"\n{3,}", "\n\n", template.text("card", values))
    return f"{metadata(told, template.said('access', values).strip())}\n{body}\n"


def load() -> Prompt:
    """The dataset card's template, the user's own first. ConfigError for one that is no template, or speaks of what a card has not."""
    found = [path for folder in folders("prompts") for path in sorted((folder / "card").glob("*.j2")) if path.is_file()]
    return _parsed(tuple((str(path), path.read_text(encoding="utf-8", errors="replace")) for path in found))


@lru_cache(maxsize=4)
def _parsed(texts: tuple[tuple[str, str], ...]) -> Prompt:
    """The template as the files under `card/` have it. To parse them takes longer than to render them, and a process may write many
    cards."""
    del texts
    return Prompt(TEMPLATE, _OFFERED, BLOCKS, needs="card")


def _escaped(value: Any, key: str = "") -> Any:
    """Every text among the facts as text: none of it leaves its place in the card or becomes markup, whatever the template does."""
    if isinstance(value, Mapping):
        return {name: _escaped(one, name) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(one, key) for one in value]
    if not isinstance(value, str):
        return value
    if key in ("source", "link") and _ADDRESS.fullmatch(value):
        return value
    return {"about": in_paragraphs}.get(key, in_example if key in _EXAMPLE else in_cell)(value)
