"""The rows of an audit: so many of every cell, chosen and ordered by a hash of their ids."""

import heapq
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synth.dataset.reader import Dataset
from synth.hashing import short_hash


@dataclass(frozen=True, slots=True)
class Drawn:
    """The rows that a person is given to label in an audit, as they were judged, and of how many cells they are."""

    rows: tuple[dict[str, Any], ...]
    cells: int

    @property
    def name(self) -> str:
        """By what labels of this draw are known: a hash of its rows."""
        return short_hash(*(row["id"] for row in self.rows))


def drawn(made: Dataset, *, per_cell: int, seed: int) -> Drawn:
    """Draws the rows of an audit from a dataset; another seed draws others."""
    chosen: dict[str, list[tuple[int, str, dict[str, Any]]]] = defaultdict(list)
    for split in made.labelled():
        for row in made.rows(split, marked=True):
            cell = chosen[cell_of(row)]
            heapq.heappush(cell, (-int(short_hash(str(seed), row["id"]), 16), row["id"], row))
            if len(cell) > per_cell:
                heapq.heappop(cell)
    entries = sorted((entry for cell in chosen.values() for entry in cell), key=lambda entry: -entry[0])
    return Drawn(tuple(row for _, _, row in entries), len(chosen))


def cell_of(row: Mapping[str, Any]) -> str:
    """The cell of a dataset's row, of which an audit draws so many."""
    return f"{row['subcategory']}/{row['query_type']}/{row['label']}"
