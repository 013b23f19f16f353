"""What a judge is asked of a row besides its analysis and label, head by head: the fields of its reply, how each is read, and what the
panel makes of it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias, get_args

from synth.errors import ConfigError
from synth.recipe.labels import MARKS
from synth.recipe.taxonomy import REFUSE_ONLY, Taxonomy
from synth.stages.contract import Context
from synth.stages.lenient_json import field
from synth.stages.own_file import UNSORTED
from synth.stages.verdicts import Verdict
from synth.types import Label, Note, QueryType, Vote

Head: TypeAlias = Literal["response", "query", "refusal", "categories"]
HEADS: Final[tuple[Head, ...]] = get_args(Head)

_INTENTS: Final[dict[str, QueryType]] = {"有害": "harmful", "无害": "benign", "harmful": "harmful", "benign": "benign"}
_REFUSES: Final = {"是": True, "否": False, "yes": True, "no": False, "true": True, "false": False}
_BETWEEN_NAMES: Final = re.compile(r"[、，,;；\n]")


@dataclass(frozen=True)
class Heads:
    """The heads of a panel: what its judges are asked besides a label, and the verdict on each."""

    names: tuple[Head, ...]
    """The heads that the recipe names; none where it says nothing: then the user's intent alone is asked for."""
    verdict: Verdict
    categories: Mapping[str, str]
    """The ids of the subcategories that may be named, by the name that judges are offered."""
    refuse_only: frozenset[str]
    """The ids of those subcategories that may only be refused."""

    @property
    def graded(self) -> bool:
        """Whether the query's head takes the recipe's labels, since there are more than two."""
        return "query" in self.names and len(self.verdict.scheme.names) > 2

    @property
    def intents(self) -> tuple[str, ...]:
        """The words for the user's intent that a judge may say, the worst first."""
        between = self.verdict.said[1:-1] if self.graded else ()
        return ("有害", *map(self.verdict.scheme.word, between), "无害")

    def fields(self, words: Sequence[str], *, label_first: bool) -> dict[str, dict[str, Any]]:
        """The fields of a judge's reply, a JSON schema each, in the order of writing; `words` are those for labels, the most severe
        first. With `label_first` the label stands before all that is asked of the query."""
        label: dict[str, dict[str, Any]] = {"label": {"type": "string", "enum": list(reversed(words))}}
        intent: dict[str, dict[str, Any]] = {}
        if not self.names or "query" in self.names:
            intent = {"intent": {"type": "string", "enum": list(self.intents)}}
        analysis: dict[str, dict[str, Any]] = {"analysis": {"type": "string"}}
        if not label_first:
            return analysis | intent | label
        if "refusal" in self.names:
            label["refusal"] = {"type": "string", "enum": ["是", "否"]}
        if "categories" in self.names:
            label["categories"] = {"type": "array", "items": {"type": "string", "enum": list(self.categories)}}
        return analysis | label | intent

    def read(self, found: Any) -> tuple[str | None, bool | None, tuple[str, ...]]:
        """What a judge's reply says on the heads besides the label: intent, refusal and ids of categories. What cannot be read is
        not said: the label stands without it."""
        said = str(field(found, "intent") or "").strip(MARKS).lower()
        intent: str | None = _INTENTS.get(said)
        if self.graded:
            label = self._grade(intent) if intent else self.verdict.scheme.said(said)
            intent = label if label in self.verdict.said else None
        refusal = _REFUSES.get(str(field(found, "refusal") or "").strip(MARKS).lower())
        return (
            intent,
            refusal if "refusal" in self.names else None,
            self._named(field(found, "categories")) if "categories" in self.names else (),
        )

    def _named(self, value: Any) -> tuple[str, ...]:
        names = _BETWEEN_NAMES.split(value) if isinstance(value, str) else value if isinstance(value, list) else ()
        told = [name.strip(MARKS) for name in names if isinstance(name, str)]
        ids = [name if name in self.categories.values() else self.categories.get(name) for name in told]
        return tuple(dict.fromkeys(id for id in ids if id is not None))

    def _grade(self, said: str | None) -> Label | None:
        """What a vote says of the query, as a label."""
        ends = {"harmful": self.verdict.said[0], "benign": self.verdict.said[-1]}
        return None if said is None else ends.get(said, said)

    def query(self, votes: Sequence[Vote], quorum: int) -> tuple[str | None, QueryType | None]:
        """The verdict on the query, and the query type that it amounts to: by the recipe's rule where the query is a head; else what
        all who gave a verdict read."""
        given = [vote for vote in votes if vote.label is not None]
        if "query" not in self.names:
            intents = {vote.query_label for vote in given}
            intent = intents.pop() if len(intents) == 1 else None
            return intent, _INTENTS.get(intent or "")
        graded = [replace(vote, label=self._grade(vote.query_label) if vote.label else None) for vote in votes]
        enough = sum(vote.label is not None for vote in graded) >= quorum
        label, scheme = self.verdict.label(graded) if enough else None, self.verdict.scheme
        ends: dict[Label | None, QueryType] = {scheme.names[0]: "harmful", scheme.safe: "benign"}
        intent = ends.get(label)
        return (label if self.graded else intent), intent

    def notes(self, votes: Sequence[Vote]) -> tuple[Note, ...]:
        """What the panel says of a refusal: whether more than half of those who say so call the answer one; nothing where as many do
        as do not."""
        said = [vote.refusal for vote in votes if vote.label is not None and vote.refusal is not None]
        yes = sum(said)
        if 2 * yes == len(said):
            return ()
        return (Note("judge", "refusal", "yes" if 2 * yes > len(said) else "no"),)

    def violated(self, votes: Sequence[Vote], own: str, label: Label | None) -> tuple[str, ...] | None:
        """The ids of the categories that a row violates: those that more than half of the verdicts name, and its own if any does; none
        for a safe row. None where nobody was asked."""
        if "categories" not in self.names:
            return None
        if label is not None and not self.verdict.scheme.unsafe(label):
            return ()
        given = [vote for vote in votes if vote.label is not None]
        named = Counter(id for vote in given for id in vote.categories)
        known = dict.fromkeys(self.categories.values())
        return tuple(id for id in known if 2 * named[id] > len(given) or (id == own and named[id]))

    def forbidden(self, named: Sequence[str], own: str) -> bool:
        """Whether a row may not be kept for a category named of it: one that may only be refused, and not the row's own."""
        return any(id in self.refuse_only and id != own for id in named)


def bind(names: Sequence[Head] | None, verdict: Verdict, context: Context) -> Heads:
    """The heads that a recipe names. ConfigError for those that its rows cannot have."""
    heads = tuple(name for name in HEADS if names and name in names)
    needed: Head = "response" if context.answers else "query"
    if heads and needed not in heads:
        raise ConfigError(f"judge.heads: lacks {needed!r}, which gives rows their label; add it")
    if wrong := [name for name in heads if name in ("response", "refusal") and not context.answers]:
        raise ConfigError(f"judge.heads: rows without answers have no {wrong[0]!r}; take it out")
    asked = "categories" in heads
    found = _categories(context.taxonomy) if asked else {}
    refused = {one.id for scenario in context.taxonomy.scenarios for one in scenario.subcategories if one.refuse_only}
    return Heads(heads, verdict, found, frozenset(refused | REFUSE_ONLY) if asked else frozenset())


def _categories(taxonomy: Taxonomy) -> dict[str, str]:
    """The ids of a taxonomy's subcategories of harm, by their names; where two are called the same, with their scenario's before it."""
    pairs = [
        (scenario, one)
        for scenario in taxonomy.scenarios
        for one in scenario.subcategories
        if not scenario.benign and one.id != UNSORTED
    ]
    times = Counter(one.name for _, one in pairs)
    return {one.name if times[one.name] == 1 else f"{scenario.name}——{one.name}": one.id for scenario, one in pairs}
