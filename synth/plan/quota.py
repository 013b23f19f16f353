"""Rows that every value of an axis is to get at least: rows of a cell kept free for values that still lack some.

Counted by cell, not by lane: so no value tells the label, and so a larger N keeps every row that a smaller one has.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from synth.errors import ConfigError
from synth.plan.lanes import LaneSpec, elements
from synth.types import Element, Label, Targets


class Quota:
    """What each value of the axes in `at_least` (axis -> rows) still lacks in the cells of one lane. Harmful lanes only.
    `size` is the number of coordinates of a writer call."""

    def __init__(self, spec: LaneSpec, at_least: Mapping[str, int], *, seed: int, size: int) -> None:
        self._spec, self._seed, self._size = spec, seed, size
        axes = _axes(spec, at_least)
        self.lacks: dict[Label, dict[str, Counter[str]]] = {
            label: {axis: Counter(dict.fromkeys(spec.banks[axis], at_least[axis])) for axis in axes}
            for label in spec.cells
        }

    def admits(self, row: Sequence[Element], label: Label, open_rows: int) -> bool:
        """Whether a row may go into a cell with that many rows open: on each axis there is one to spare, or the row's value lacks some."""
        lacks = self.lacks.get(label, {})
        return all(
            open_rows > lacks[element.axis].total() or lacks[element.axis][element.value] > 0
            for element in row
            if element.axis in lacks
        )

    def take(self, row: Sequence[Element], label: Label) -> None:
        """A row has gone into the cell of a label: its values lack one row less."""
        for element in row:
            lacks = self.lacks.get(label, {}).get(element.axis)
            if lacks and lacks[element.value] > 0:
                lacks[element.value] -= 1

    def reach(self, first: int, labels: Sequence[Label]) -> int:
        """The coordinate before which, from `first` on, every value that lacks rows of these labels has come once."""
        missing = {
            (axis, value)
            for label in labels
            for axis, lacks in self.lacks.get(label, {}).items()
            for value, rows in lacks.items()
            if rows > 0
        }
        if not missing:
            return first
        call = first // self._size
        while missing:
            drawn = elements(self._seed, self._spec, call)
            missing -= {(element.axis, element.value) for element in drawn}
            call += 1
        return call * self._size


def check_quotas(at_least: Mapping[str, int], specs: Sequence[LaneSpec], targets: Targets) -> None:
    """Raises ConfigError where a cell has fewer rows than the values of an axis are to get."""
    for spec in specs:
        for axis in _axes(spec, at_least):
            for label, seats in targets[spec.lane.id].items():
                needed = at_least[axis] * len(spec.banks[axis])
                if seats is not None and needed > seats:
                    raise ConfigError(
                        f"mixture.at_least.{axis}: {at_least[axis]} rows for each of {len(spec.banks[axis])} values are more"
                        f" than the {seats} rows of {spec.lane.id}/{label}; ask for fewer, or give a larger -n",
                        status=2,
                    )


def _axes(spec: LaneSpec, at_least: Mapping[str, int]) -> list[str]:
    return [axis for axis in at_least if axis in spec.banks and spec.lane.query_type == "harmful"]
