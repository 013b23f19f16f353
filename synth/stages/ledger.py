"""What became of the replies a fold has read: counted by model, template, subcategory and class."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

OK = "ok"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request comes from: what its reply is booked under."""

    stage: str
    template: str
    subcategory: str


class Ledger:
    """The counts of one fold."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str, str]] = Counter()

    def count(self, model: str, place: Place, kind: str) -> None:
        self._counts[model, place.template, place.subcategory, kind] += 1

    def clear(self) -> None:
        """A fold begins anew."""
        self._counts.clear()

    def restore(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Takes up what `rows` gave."""
        for row in rows:
            for kind in row.keys() - {"model", "template", "subcategory"}:
                self._counts[row["model"], row["template"], row["subcategory"], kind] = row[kind]

    def rows(self) -> list[dict[str, Any]]:
        """A row for each model, template and subcategory, with the number of replies of each class."""
        found: dict[tuple[str, str, str], dict[str, Any]] = {}
        for (model, template, subcategory, kind), count in sorted(self._counts.items()):
            names = {"model": model, "template": template, "subcategory": subcategory}
            found.setdefault((model, template, subcategory), names)[kind] = count
        return list(found.values())
