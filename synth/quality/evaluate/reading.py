"""What a guard said of a case: its answers read by its own file, in either mode, or as Libra-Test's script reads them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from synth.errors import ConfigError
from synth.filters.language.refusal import is_refusal
from synth.quality.evaluate import published
from synth.recipe.guard import Guard
from synth.recipe.guard.format import Mode
from synth.recipe.guard.score import Scores, scores_in
from synth.recipe.labels import KNOWN, LabelScheme
from synth.types import Label, Reply

MODES: Final[tuple[Mode, ...]] = ("answer", "prompt")
_NONE: Final = frozenset(("", "none", "无", "n/a", "safe", "sec", "-"))
_APART: Final = re.compile(r"[,，;；、\n|]+")
_ENDS: Final = {"content_filter": "filtered", "rejected": "rejected", "length": "cut"}
"""Why an answer has no label, by how it ended."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a guard said of a case, as far as it can be read."""

    text: str
    label: Label | None
    why: str = ""
    """Why it has no label: empty, cut, filtered, rejected, refused, no_verdict."""
    refusal: bool | None = None
    categories: tuple[str, ...] | None = None
    """In the guard's own words; None where it names none and no absence either."""
    unsafe: float | None = None
    """The probability of a label that is not safe, by the first token of the verdict."""
    severe: float | None = None
    """That of the most severe label alone, where the guard has one between."""
    libra: bool | None = None
    """Whether it says unsafe, as Libra-Test's script reads it; None is unreadable there."""


@dataclass(frozen=True)
class Asked:
    """A guard as a test asks it. `guarded` makes it."""

    name: str
    guard: Guard
    scores: Scores | None

    @property
    def names_categories(self) -> bool:
        """Whether the guard's verdicts name categories."""
        reads = self.guard.reads
        return reads is not None and (reads.categories is not None or "categories" in reads.fields)

    @property
    def codes(self) -> str:
        """Whose codes the guard's categories are: a key under `codes:` of the taxonomy's subcategories."""
        reads = self.guard.reads
        return reads.categories.of if reads is not None and reads.categories is not None else self.name

    @property
    def attacks(self) -> Mapping[str, str]:
        """The guard's category that a query made by an operator has besides, by operator."""
        reads = self.guard.reads
        return reads.categories.attacks if reads is not None and reads.categories is not None else {}

    @property
    def limit(self) -> int | None:
        """New tokens that the guard's own script lets it answer with; None where its file does not say."""
        return self.guard.reads.limit if self.guard.reads else None


def guarded(name: str, guard: Guard) -> Asked:
    """A guard to be asked by a test. ConfigError for one whose verdicts cannot be read, or that says what its scores mean in a
    way that cannot be read."""
    if guard.reads is None:
        raise ConfigError(f"{guard.prompt.path}: has no block 'read', by which a verdict is read back; add one")
    try:
        return Asked(name, guard, scores_in(guard.reads))
    except ValueError as error:
        told = " ".join(str(error).split())[:200]
        raise ConfigError(f"{guard.prompt.path}: block 'read': scores: {told}") from error


def said(asked: Asked | None, reply: Reply, mode: Mode, labels: LabelScheme) -> Said:
    """What a reply says, read by its guard's file; without a guard as Libra-Test's script reads it, and a bare word of a label
    as that label."""
    if asked is None:
        return _by_words(reply, labels)
    found = asked.guard.read(reply.text, mode)
    label = found.label if found.label in KNOWN.names or found.label in labels.names else None
    categories = found.categories or _several(found.fields.get("categories", ""))
    unsafe = severe = None
    if asked.scores is not None and reply.scores:
        unsafe = asked.scores.unsafe(reply.scores, labels.safe, mode)
        if len(asked.scores.tokens) > 2:
            severe = asked.scores.unsafe(reply.scores, labels.safe, mode, severe=labels.names[0])
    return Said(
        reply.text,
        label,
        "" if label else _why(reply),
        found.refusal,
        categories if label and asked.names_categories else None,
        unsafe,
        severe,
        _libra(asked, reply.text, label, labels),
    )


def _by_words(reply: Reply, labels: LabelScheme) -> Said:
    unsafe = published.libra(reply.text)
    label = labels.read(reply.text) if unsafe is None else labels.names[0] if unsafe else labels.safe
    return Said(reply.text, label, "" if label else _why(reply), libra=unsafe)


def _libra(asked: Asked, text: str, label: Label | None, labels: LabelScheme) -> bool | None:
    """As that script reads Libra-Guard and ShieldLM; of any other guard what its own file reads, for the script cannot."""
    reads = asked.guard.reads
    if asked.name == "shieldlm":
        return published.first_line(text)
    if reads is not None and reads.kind == "json" and reads.fields.get("label") == published.ANSWER:
        return published.libra(text)
    return None if label is None else labels.unsafe(label)


def _why(reply: Reply) -> str:
    if reply.finish in _ENDS:
        return _ENDS[reply.finish]
    if not reply.text.strip():
        return "empty"
    return "refused" if is_refusal(reply.text) else "no_verdict"


def _several(told: str) -> tuple[str, ...]:
    """Of a guard whose file does not say how it names categories."""
    parts = (part.strip() for part in _APART.split(told))
    return tuple(dict.fromkeys(part for part in parts if part.casefold() not in _NONE))
