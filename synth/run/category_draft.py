"""The draft of a category, as a writer makes it of a policy: what it is asked, and how its reply becomes one that a taxonomy may hold."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from synth.errors import ConfigError, ParseError
from synth.filters.language.doable import doable
from synth.hashing import short_hash
from synth.recipe.taxonomy import REFUSE_ONLY, Scenario, Subcategory, Taxonomy
from synth.recipe.yaml import validate
from synth.run.category_policy import OTHER, SUBJECTS, refused, subject_of, without_elsewhere
from synth.sanitize import as_data, plain
from synth.stages.lenient_json import field
from synth.stages.parsing import read_object
from synth.stages.requester import object_schema
from synth.types import Reply

PROMPT: Final = "category/draft"
OFFERED: Final = frozenset({"policy", "scenarios", "least", "most"})
LEAST, MOST = 10, 24
"""Behaviours of a draft, at least and at most."""
NEW: Final = "new"
"""What a writer says where no scenario that is there fits."""
_NAME, _TEXT, _BEHAVIOUR = 30, 1_500, 40
"""Characters of a name, of a definition or a part of the rule, and of a behaviour, at most."""
_TAKEN: Final = frozenset({"own", "ordinary", NEW})
"""Ids of scenarios that mean something else."""
_LEVELS: Final = ("detail", "finished", "none")
_ALSO: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("名称", "类别名"),
    "english": ("英文名",),
    "definition": ("定义",),
    "unsafe": ("不安全",),
    "safe": ("安全",),
    "borderline": ("边界", "边界情形"),
    "behaviours": ("行为", "behaviors"),
    "redaction": ("略去",),
}
_MANY: Final = 0.25
"""The share of a draft's behaviours from which on a refuse-only subject is what the draft is of."""
_DETAIL: Final = re.compile(r"\d{4,}|https?:|www\.|@|【")
"""What no outline of a behaviour holds: long numbers, addresses, the mark of what was left out."""
_HAN: Final = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Draft:
    """A category as it was drafted, with the scenario that it stands in."""

    scenario: Scenario
    """The scenario: one that is there, or a new one that holds the category alone."""
    subcategory: Subcategory
    new: bool
    """Whether the scenario is a new one."""
    model: str
    """The model that wrote the draft."""
    left_out: int = 0
    """How many behaviours of the writer's were left out: they said more than an outline, or were of a refuse-only subject."""


def schema(taxonomy: Taxonomy) -> dict[str, Any]:
    """The JSON schema of a draft's reply; a scenario is one of the taxonomy's or a new one."""
    text = {"type": "string"}
    return object_schema(
        "category",
        subject={"type": "string", "enum": [*SUBJECTS, OTHER]},
        name=text,
        english=text,
        id=text,
        scenario={"type": "string", "enum": [*_scenarios(taxonomy), NEW]},
        definition=text,
        unsafe=text,
        safe=text,
        borderline=text,
        behaviours={"type": "array", "items": text, "minItems": LEAST, "maxItems": MOST},
        redaction={"type": "string", "enum": list(_LEVELS)},
        refuse_only={"type": "boolean"},
    )


def variables(policy: str, taxonomy: Taxonomy) -> dict[str, Any]:
    """What the prompt for a draft is told: the policy as data, and what there is already."""
    scenarios = [
        {"id": id, "name": one.name, "categories": [part.name for part in one.subcategories]}
        for id, one in _scenarios(taxonomy).items()
    ]
    return {"policy": as_data(policy), "scenarios": scenarios, "least": LEAST, "most": MOST}


def read_draft(taxonomy: Taxonomy, model: str, reply: Reply) -> Draft:
    """A writer's reply as a draft. Raises ParseError for one that lacks a part, and ConfigError for a subject that is refuse-only,
    by the writer's own word or by the words of the draft."""
    found = read_object(reply)
    said = _clean(field(found, "subject", ("主题",)) or "")
    for subject, ships_as in SUBJECTS.items():
        if subject in said and OTHER not in said:  # a writer may say it in a sentence, in quotes or in a list
            raise refused(ships_as, subject)
    name, texts = _text(found, "name", _NAME), {part: _text(found, part, _TEXT) for part in _PARTS}
    texts["definition"] = without_elsewhere(texts["definition"])
    for text in (name, texts["definition"]):  # a rule may say how such a thing is judged
        if id := subject_of(text):
            raise refused(id, text)
    behaviours, left_out = _behaviours(field(found, "behaviours", _ALSO["behaviours"]))
    if not texts["definition"] or not all(map(_HAN.search, (name, texts["definition"], behaviours[0]))):
        raise ParseError("shape")
    english = _clean(field(found, "english", _ALSO["english"]) or "")[:60]
    slug = _slug(field(found, "id"), english, name)
    scenario = _scenarios(taxonomy).get(_clean(field(found, "scenario", ("场景",)) or "").lower())
    data = {
        "name": name,
        "english": english,
        "definition": texts["definition"],
        "rule": {part: texts[part] for part in ("unsafe", "safe", "borderline")},
        "handling": "refuse_only" if _yes(field(found, "refuse_only")) else "normal",
        "redaction": _level(field(found, "redaction", _ALSO["redaction"])),
        "behaviours": behaviours,
    }
    return replace(_placed(taxonomy, scenario, slug, data, model), left_out=left_out)


_PARTS: Final = ("definition", "unsafe", "safe", "borderline")


def _placed(taxonomy: Taxonomy, scenario: Scenario | None, slug: str, data: dict[str, Any], model: str) -> Draft:
    """The draft under an id that is free: one that is there would be laid over, and so changed."""
    ids = {one.id for above in taxonomy.scenarios for one in above.subcategories} | REFUSE_ONLY
    if scenario is not None:
        id = _free(f"{scenario.id}.{slug}", ids)
        return Draft(scenario, _checked({"id": id, **data}), new=False, model=model)
    above = _free(slug, _TAKEN | {one.id for one in taxonomy.scenarios})
    own = _checked({"id": f"{above}.{slug}", **data})
    return Draft(
        Scenario(id=above, name=own.name, english=own.english, subcategories=(own,)), own, new=True, model=model
    )


def _checked(data: dict[str, Any]) -> Subcategory:
    try:
        return validate(Subcategory, data, "draft")
    except ConfigError as error:  # what the checks above have let pass is of the model's making still
        raise ParseError("shape") from error


def _scenarios(taxonomy: Taxonomy) -> dict[str, Scenario]:
    """The scenarios of harm that a category may stand in, by id."""
    return {one.id: one for one in taxonomy.scenarios if not one.benign and one.id not in _TAKEN}


def _text(found: Mapping[str, Any], name: str, longest: int) -> str:
    text = field(found, name, _ALSO[name])
    if not isinstance(text, str) or not (cleaned := _clean(text)) or len(cleaned) > longest:
        raise ParseError("shape")
    return cleaned


def _behaviours(value: Any) -> tuple[list[str], int]:
    """The behaviours that are outlines, each once, and how many were left out. ConfigError where many are of a refuse-only subject."""
    items = value if isinstance(value, list) else re.split("[；;\n]", value) if isinstance(value, str) else []
    texts = [_clean(item).rstrip("。.") for item in items if isinstance(item, str)]
    given = list(dict.fromkeys(text for text in texts if 2 <= len(text) <= _BEHAVIOUR))[:MOST]
    forbidden = {text: id for text in given if (id := subject_of(text))}
    if forbidden and len(forbidden) >= _MANY * len(given):
        raise refused(*reversed(next(iter(forbidden.items()))))
    found = [text for text in given if text not in forbidden and not _DETAIL.search(text) and not doable(text)]
    if len(found) < LEAST:
        raise ParseError("shape")
    return found, len(given) - len(found)


def _slug(*given: object) -> str:
    """An id of the first of these that has ASCII letters: lower case, with underscores."""
    for text in given:
        words = re.findall(r"[a-z0-9]+", str(text or "").lower().rpartition(".")[2])
        found = "_".join(words)[:40].strip("_")
        if found[:1].isalpha():
            return found
    return f"c_{short_hash(*map(str, given))[:8]}"


def _free(id: str, taken: Iterable[str]) -> str:
    taken = set(taken)
    return next(
        name for number in range(1, len(taken) + 2) if (name := id if number == 1 else f"{id}_{number}") not in taken
    )


def _level(value: object) -> str:
    said = str(value or "").strip().lower()
    return said if said in _LEVELS else "detail"  # the strictest


def _yes(value: object) -> bool:
    return value is True or str(value).strip().lower() in ("true", "是", "yes")


def _clean(text: object) -> str:
    """A model's text as one line that opens and closes nothing: no control characters, no marks of chat templates."""
    shown = "".join(
        " " if character.isspace() else character
        for character in plain(str(text))
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs", "Cn")
    )
    return as_data(" ".join(shown.split()))
