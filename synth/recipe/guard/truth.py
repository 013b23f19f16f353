"""What a guard's verdict on a row must say: label, intent of the query, refusal, and categories by the crosswalk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol, TypeAlias

from synth.errors import ConfigError, did_you_mean
from synth.recipe.guard.format import HARMFUL, Categories, Mode, Read
from synth.recipe.labels import LabelScheme
from synth.types import Label

LeftOut: TypeAlias = Literal["", "no_label", "query_not_judged", "graded_between", "no_code"]
"""Why a guard's verdict on a row cannot be written; empty where it can."""
Codes: TypeAlias = Mapping[str, Mapping[str, tuple[str, ...]]]
"""By subcategory what guards and standards call it, by guard."""
REST: Final = "_rest"
"""After a guard's name in `codes:`: the class that takes in a subcategory of which the guard has no category."""


class Policies(Protocol):
    """The policy texts that the judges were given, as a data set keeps them, for a guard's prompt."""

    @property
    def every(self) -> Sequence[Any]: ...

    def of(self, row: Mapping[str, Any]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Choices:
    """How a guard's format takes rows for which it has no word, or no category."""

    controversial: Literal["unsafe", "safe", "drop"] = "unsafe"
    """What a label between safe and unsafe becomes for a guard that has no word for it."""
    rest: Literal["safe", "class"] = "safe"
    """What an unsafe row becomes under a guard that has no such category: safe, or of the class that takes it in."""


AS_EVER: Final = Choices()


@dataclass(frozen=True, slots=True)
class Truth:
    """What a guard's verdict on one row must say, in one mode."""

    label: Label | None
    """Of the answer; of the query in prompt mode. None for a row whose verdict cannot be written."""
    query: Label | None
    """Of the query alone; None where the judges did not agree."""
    refusal: bool | None
    """Whether the answer refuses; None in prompt mode."""
    codes: tuple[str, ...] = ()
    """The guard's codes of the categories that are violated, the row's own first."""
    left_out: LeftOut = ""
    outside: bool = False
    """Whether the row violates only what the guard has no category for, and so is safe under its policy."""


@dataclass(frozen=True)
class Terms:
    """On which terms a guard's format takes rows: its block `read`, the labels and codes of the rows, and choices."""

    reads: Read | None
    labels: LabelScheme
    coded: Codes
    """The codes of the rows' taxonomy; a guard whose file has no `categories` needs none."""
    choices: Choices = AS_EVER

    def truth(self, row: Mapping[str, Any], mode: Mode) -> Truth:
        """What the guard's verdict on a row must say."""
        query = query_label(row.get("query_label"), self.labels)
        refusal = refuses(row) if mode == "answer" else None
        label = row.get("label") if mode == "answer" else query
        if label is None:
            return Truth(None, query, refusal, left_out="no_label" if mode == "answer" else "query_not_judged")
        needs_query = self.reads is not None and "query" in self.reads.fields
        if needs_query and query is None:
            return Truth(None, query, refusal, left_out="query_not_judged")
        label, query = self._known(label), self._known(query)
        if label is None or (needs_query and query is None):
            return Truth(None, query, refusal, left_out="graded_between")
        said = Truth(label, query, refusal)
        return self._coded(said, row, mode) if self.reads and self.reads.categories and self.unsafe(label) else said

    @property
    def safe(self) -> Label:
        """What the guard's verdict calls the safe label of the rows."""
        known = self.reads.known if self.reads else ()
        return self.labels.safe if not known or self.labels.safe in known else known[-1]

    def unsafe(self, label: Label) -> bool:
        """Whether a label of the guard's verdict is more severe than its safe one."""
        return label != self.safe

    def _known(self, label: Label | None) -> Label | None:
        """The label as the guard's verdict may have it; None for one that is dropped."""
        known = self.reads.known if self.reads else ()
        if label is None or not known or label in known:
            return label
        ends = {self.labels.names[0]: known[0], self.labels.safe: known[-1]}
        if label in ends:
            return ends[label]
        return {"unsafe": known[0], "safe": known[-1]}.get(self.choices.controversial)

    def _coded(self, said: Truth, row: Mapping[str, Any], mode: Mode) -> Truth:
        assert self.reads
        assert self.reads.categories
        categories = self.reads.categories
        own = row["subcategory"]
        subcategories = sorted((mode == "answer" and row.get("categories")) or [own], key=lambda each: each != own)
        found = [self.coded.get(each, {}).get(categories.of) for each in subcategories]
        codes = [several[0] for several in found if several]
        if mode == "prompt" and row.get("attack") in categories.attacks:
            codes.append(categories.attacks[row["attack"]])
        if not codes and None in found:
            return replace(said, label=None, left_out="no_code")
        if not codes and self.choices.rest == "class":
            rest = [self.coded.get(each, {}).get(categories.of + REST) for each in subcategories]
            codes = [several[0] for several in rest if several]
        if codes:
            return replace(said, codes=tuple(dict.fromkeys(codes)))
        return replace(said, label=self.safe, query=self.safe if mode == "prompt" else said.query, outside=True)


def check_codes(path: str, categories: Categories, coded: Codes) -> None:
    """ConfigError where a guard names categories of which a data set's policies have no codes, or codes that the guard's
    file does not know."""
    of = categories.of
    if not any(of in codes for codes in coded.values()):
        raise ConfigError(
            f"{path}: names categories by the codes `{of}`, and policies.json has none of them; write `codes: {{{of}: […]}}` "
            "under the subcategories of the taxonomy and run the same command again"
        )
    for subcategory, codes in coded.items() if categories.names else ():
        first = [several[0] for key in (of, of + REST) if (several := codes.get(key))]
        if unknown := [code for code in first if code not in categories.names]:
            raise ConfigError(
                f"{path}: does not know the code {unknown[0]!r} of {subcategory}; {did_you_mean(unknown[0], categories.names)}"
            )


def query_label(word: object, labels: LabelScheme) -> Label | None:
    """The label that a row's column `query_label` stands for: harmful the most severe, benign the safe one."""
    if word in HARMFUL:
        return labels.names[HARMFUL[str(word)]]
    return next((name for name in labels.names if name == word), None)


def refuses(row: Mapping[str, Any]) -> bool:
    """Whether a row's answer refuses: as the judges said where they were asked, else by its response class. The row may be of
    anybody's table."""
    notes = row.get("notes")
    for note in notes if isinstance(notes, list | tuple) else ():
        if isinstance(note, Mapping) and (note.get("stage"), note.get("key")) == ("judge", "refusal"):
            return bool(note.get("value") == "yes")
    return row.get("response_class") == "refusal"
