"""A guard's verdict read back: label, categories, refusal, intent of the query."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from synth.recipe.guard import verdict
from synth.recipe.guard.format import Categories, Mode, Read
from synth.recipe.labels import MARKS, LabelScheme

_SAID: Final[Mapping[str, bool]] = {"yes": True, "no": False, "是": True, "否": False}


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from a guard's verdict: its label and the other fields."""

    label: str | None
    """The label that a guard's verdict gives, of the answer or in prompt mode of the query; None where none can be read:
    never a label by default."""
    fields: Mapping[str, str]
    """The other fields that were found: `analysis`, `categories`, `refusal`, whatever the guard's file names."""
    categories: tuple[str, ...] = ()
    """The guard's codes or names of what is violated, as its verdict has them."""
    refusal: bool | None = None
    """Whether the verdict says that the answer refuses; None where it does not say."""
    query_label: str | None = None
    """The intent of the query that the verdict tells, as rows have it (harmful, benign); None where it tells none."""


def reading(text: str, mode: Mode, reads: Read, labels: LabelScheme) -> Reading:
    """What a guard's verdict says, read as the block `read` of its file tells."""
    found = verdict.fields(reads.kind, reads.fields, text)
    word = found.pop("label", "")
    label = _label(word, reads, labels)
    query = _label(found["query"], reads, labels) if "query" in found else label if mode == "prompt" else None
    if mode == "prompt":
        label = query
    categories = _categories(word if reads.kind == "first_token" else found.get("categories", ""), label, reads, labels)
    refusal = _SAID.get(found.get("refusal", "").strip(MARKS).casefold())
    return Reading(label, found, categories, refusal, _intent(query, labels))


def numbered(categories: Categories, shown: Sequence[str] = ()) -> dict[str, str]:
    """What each category is called in a prompt that names these (none: all of the guard's), by code, in the prompt's
    order: its number there for a guard that numbers them anew, else the code."""
    codes = shown or tuple(categories.names)
    if not categories.numbered:
        return {code: code for code in codes}
    prefix = re.match(r"\D*", codes[0])[0] if codes else ""  # type: ignore[index]
    return {code: f"{prefix}{at}" for at, code in enumerate(codes, 1)}


def lines_of(shown: Iterable[tuple[str, str]]) -> str:
    """The categories that a prompt names, a line each."""
    return "\n".join(f"{code}: {name}." for code, name in shown)


def _label(word: str, reads: Read, labels: LabelScheme) -> str | None:
    if not reads.words:
        return labels.read(word)
    said = word.strip(MARKS).casefold()
    return next((label for label, words in reads.words.items() if said in map(str.casefold, words)), None)


def _categories(said: str, label: str | None, reads: Read, labels: LabelScheme) -> tuple[str, ...]:
    if reads.categories is None or label in (None, labels.safe, "safe"):
        return ()
    parts = (part.strip() for part in said.split(reads.categories.separator.strip() or ","))
    return tuple(part for part in parts if part and part != reads.categories.none)


def _intent(query: str | None, labels: LabelScheme) -> str | None:
    if query in (labels.safe, "safe"):
        return "benign"
    return "harmful" if query in (labels.names[0], "unsafe") else query
