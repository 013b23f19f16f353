"""What became of the replies a fold has used: counted by model, template, subcategory and class."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from synth.types import Ask

OK, REFUSAL = "ok", "refusal"


@dataclass(frozen=True, slots=True)
class PromptUse:
    """Where a request comes from: what its reply is booked under."""

    stage: str
    template: str
    subcategory: str
    judging: bool = False
    """Whether it gives an opinion of a text: who refuses to is told that the text is none of its own."""


_Line: TypeAlias = tuple[str, str, str, str]


class ReplyStats:
    """The counts of one fold. What is read ahead is held back until the fold has used it: how far ahead a run reads is a matter
    of time and chance, and after a kill it is read again."""

    def __init__(self) -> None:
        self._counts: Counter[_Line] = Counter()
        self._held: WeakKeyDictionary[Ask, Counter[_Line]] = WeakKeyDictionary()
        self.refusals: Counter[str] = Counter()
        """By subcategory."""

    def hold(self, ask: Ask) -> None:
        """Replies to this `ask` count once they are used."""
        self._held[ask] = Counter()

    def used(self, ask: Ask) -> None:
        """The fold has used what came of it."""
        self._add(self._held.pop(ask, Counter()))

    def count(self, ask: Ask, model: str, place: PromptUse, kind: str) -> None:
        line = (model, place.template, place.subcategory, kind)
        if ask in self._held:
            self._held[ask][line] += 1
        else:
            self._add({line: 1})

    def _add(self, lines: Mapping[_Line, int]) -> None:
        for line, count in lines.items():
            self._counts[line] += count
            if line[3] == REFUSAL:
                self.refusals[line[2]] += count

    def clear(self) -> None:
        """A fold begins anew."""
        self._counts.clear()
        self._held.clear()
        self.refusals.clear()

    def restore(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Takes up what `rows` gave."""
        for row in rows:
            for kind in row.keys() - {"model", "template", "subcategory"}:
                self._add({(row["model"], row["template"], row["subcategory"], kind): row[kind]})

    def rows(self) -> list[dict[str, Any]]:
        """A row for each model, template and subcategory, with the number of replies of each class."""
        found: dict[tuple[str, str, str], dict[str, Any]] = {}
        for (model, template, subcategory, kind), count in sorted(self._counts.items()):
            names = {"model": model, "template": template, "subcategory": subcategory}
            found.setdefault((model, template, subcategory), names)[kind] = count
        return list(found.values())
