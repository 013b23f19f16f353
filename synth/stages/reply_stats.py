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
    """Where a reply is counted: the stage, template and subcategory that its request was made for."""

    stage: str
    template: str
    subcategory: str
    judging: bool = False
    """Whether the request asks for an opinion of a text: a model that refuses is reminded that the text is not its
    own."""


_Line: TypeAlias = tuple[str, str, str, str]


class ReplyStats:
    """Counts of how replies were read (ok, refusal, truncated …) in one fold. What is read ahead is held back until
    the fold has used it: how far a run reads ahead is a matter of time and chance, and after a kill it is read
    again."""

    def __init__(self) -> None:
        self._counts: Counter[_Line] = Counter()
        self._held: WeakKeyDictionary[Ask, Counter[_Line]] = WeakKeyDictionary()
        self.refusals: Counter[str] = Counter()
        """How many replies were refusals, by subcategory."""
        self.by_template: Counter[tuple[str, str, str]] = Counter()
        """How many replies there were, by model, template and class."""

    def hold(self, ask: Ask) -> None:
        """Holds back the counts of replies to this `ask` until the fold has used them."""
        self._held[ask] = Counter()

    def used(self, ask: Ask) -> None:
        """Releases the held counts of replies to this `ask`: the fold has used what came of it."""
        self._add(self._held.pop(ask, Counter()))

    def discard(self, ask: Ask) -> None:
        """Forgets the held counts of replies to this `ask`: no fold uses what came of it."""
        self._held.pop(ask, None)

    def count(self, ask: Ask, model: str, place: PromptUse, kind: str) -> None:
        """Counts one reply of a model under its prompt's use, by its class `kind` (ok, refusal, truncated …)."""
        line = (model, place.template, place.subcategory, kind)
        if ask in self._held:
            self._held[ask][line] += 1
        else:
            self._add({line: 1})

    def _add(self, lines: Mapping[_Line, int]) -> None:
        for line, count in lines.items():
            self._counts[line] += count
            self.by_template[line[0], line[1], line[3]] += count
            if line[3] == REFUSAL:
                self.refusals[line[2]] += count

    def clear(self) -> None:
        """Empties all reply counts, as a fold begins anew."""
        self._counts.clear()
        self.by_template.clear()
        self._held.clear()
        self.refusals.clear()

    def restore(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Takes up the reply counts that `rows` gave, from a checkpoint."""
        for row in rows:
            for kind in row.keys() - {"model", "template", "subcategory"}:
                self._add({(row["model"], row["template"], row["subcategory"], kind): row[kind]})

    def rows(self) -> list[dict[str, Any]]:
        """A table of reply counts: a row for each model, template and subcategory, with the number of replies of
        each class."""
        found: dict[tuple[str, str, str], dict[str, Any]] = {}
        for (model, template, subcategory, kind), count in sorted(self._counts.items()):
            names = {"model": model, "template": template, "subcategory": subcategory}
            found.setdefault((model, template, subcategory), names)[kind] = count
        return list(found.values())
