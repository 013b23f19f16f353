"""Rows that every value of an axis is to get at least: rows of a cell kept free for values that still lack some. An axis is one of
elements, which queries are asked for, or a facet, which rows turn out to have: no plan is made for that.

Counted by cell, not by lane: so no value tells the label, and so a larger N keeps every row that a smaller one has.
"""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, get_args

from synth.errors import ConfigError, did_you_mean
from synth.plan.lanes import LaneSpec
from synth.plan.sheet import asked
from synth.types import Element, Label, Sample, Stance, Targets

AtLeast: TypeAlias = Mapping[str, int | Mapping[str, int]]
"""By axis, the least rows for every value, or for the values named."""
ATTACKED, STANCE, RESPONSE_CLASS = "attacked", "stance", "response_class"
FACETS: Final[Mapping[str, tuple[str, ...]]] = {
    ATTACKED: ("yes", "no"),
    STANCE: get_args(Stance),
    RESPONSE_CLASS: ("refusal", "rebuttal", "partial", "incapable", "compliance"),
}
"""Axes that a row's making decides, with their values: whether its query was made of another, how an answer was
asked for, what it does."""


def values(row: Sample) -> tuple[Element, ...]:
    """The axes and values by which quotas count a row (or a query not answered yet): those that are known of it."""
    found = (STANCE, row.stance), (RESPONSE_CLASS, row.response_class), (ATTACKED, "yes" if row.attack else "no")
    return (*row.elements, *(Element(axis, value) for axis, value in found if value is not None))


class Quota:
    """Counts which values of an axis still lack rows under `at_least` (axis -> rows), in the cells of one harmful
    lane. `size` is the number of coordinates of a writer call."""

    def __init__(self, spec: LaneSpec, at_least: AtLeast, *, seed: int, size: int) -> None:
        self._spec, self._seed, self._size = spec, seed, size
        self.lacks: dict[Label, dict[str, Counter[str]]] = {
            label: {axis: Counter(rows) for axis in at_least if (rows := _rows(spec, label, axis, at_least[axis]))}
            for label in spec.cells
        }

    def admits(self, row: Sequence[Element], label: Label, open_rows: int) -> bool:
        """Whether the quotas let a row into a cell with `open_rows` rows open: on each axis there is one to spare, or
        the row's value lacks some."""
        lacks = self.lacks.get(label, {})
        without = lacks.keys() & self._spec.banks.keys() - {element.axis for element in row}  # nobody knows its slot
        return all(
            open_rows > lacks[element.axis].total() or lacks[element.axis][element.value] > 0
            for element in row
            if element.axis in lacks
        ) and all(open_rows > lacks[axis].total() for axis in without)

    def take(self, row: Sequence[Element], label: Label) -> None:
        """Counts a row into the cell of a label: its values lack one row less of their quota."""
        for element in row:
            lacks = self.lacks.get(label, {}).get(element.axis)
            if lacks and lacks[element.value] > 0:
                lacks[element.value] -= 1

    def reach(self, first: int, labels: Sequence[Label]) -> int:
        """The coordinate before which, from `first` on, every value that lacks rows of these labels by its quota has
        come once."""
        missing = {
            (axis, value)
            for label in labels
            for axis, lacks in self.lacks.get(label, {}).items()
            for value, rows in lacks.items()
            if rows > 0 and axis in self._spec.banks
        }
        if not missing:
            return first
        begin = first if self._spec.sheet else first - first % self._size
        for end, drawn in asked(self._seed, self._spec, begin, sys.maxsize, self._size):
            missing -= {(element.axis, element.value) for element in drawn}
            if not missing:
                return end
        raise AssertionError("every value of a bank comes round")

    def paid_for(self, end: int) -> int:
        """The coordinate up to which the writer call is paid for that a round before `end` asks for last: with a slot sheet
        the rest of its slots are queries of their own, and wait for no further round; unless a yield is assumed, by which
        a further round may do without them."""
        whole = self._spec.sheet and self._spec.assumed_yield is None
        return -(-end // self._size) * self._size if whole else end


def check_axes(at_least: AtLeast, specs: Sequence[LaneSpec], *, answers: bool) -> None:
    """Raises ConfigError for an axis or a value in `at_least` (a recipe's quotas) that the lanes do not have."""
    banks = {
        axis: {value for spec in specs for value in spec.banks.get(axis, ())} for spec in specs for axis in spec.banks
    }
    facets = {facet: set(known) for facet, known in FACETS.items() if answers or facet == ATTACKED}
    axes = facets | banks
    for axis, wanted in at_least.items():
        if axis not in axes:
            raise ConfigError(f"mixture.at_least: there is no {axis!r}; {did_you_mean(axis, axes)}")
        for value in wanted if isinstance(wanted, Mapping) else ():
            if value not in axes[axis]:
                raise ConfigError(f"mixture.at_least.{axis}: there is no {value!r}; {did_you_mean(value, axes[axis])}")
        if axis == RESPONSE_CLASS and not isinstance(wanted, Mapping):
            raise ConfigError(f"mixture.at_least.{axis}: say of which classes, as {{refusal: {wanted}}}")


def check_quotas(at_least: AtLeast, specs: Sequence[LaneSpec], targets: Targets) -> None:
    """Raises ConfigError where a cell's target is smaller than the rows that the quotas (`at_least`) want of an axis's
    values."""
    for spec in specs:
        for label, seats in targets[spec.lane.id].items():
            for axis in at_least if label in spec.cells else ():
                wanted = _rows(spec, label, axis, at_least[axis])
                if seats is not None and sum(wanted.values()) > seats:
                    each = (
                        len(set(wanted.values())) == 1
                        and f"{min(wanted.values())} rows for each of {len(wanted)} values"
                    )
                    raise ConfigError(
                        f"mixture.at_least.{axis}: {each or f'{sum(wanted.values())} rows for its values'} are more than the {seats}"
                        f" rows of {spec.lane.id}/{label}; ask for fewer, or give a larger -n",
                        status=2,
                    )


def _rows(spec: LaneSpec, label: Label, axis: str, wanted: int | Mapping[str, int]) -> dict[str, int]:
    """How many rows values of an axis are to get in one cell: none that it cannot have."""
    if spec.lane.query_type != "harmful":
        return {}
    known = spec.banks.get(axis) or _facet(spec, label, axis)
    return {
        value: wanted[value] if isinstance(wanted, Mapping) else wanted
        for value in known
        if isinstance(wanted, int) or value in wanted
    }


def _facet(spec: LaneSpec, label: Label, axis: str) -> Sequence[str]:
    """The values of a facet that rows of a cell may have."""
    match axis:
        case "attacked":
            return FACETS[axis] if spec.operators else ("no",)
        case "stance":
            return tuple(spec.cells[label])
        case "response_class" if spec.lane.refuse_only:
            return ("refusal",)
        case "response_class":
            return [name for name in FACETS[axis] if name != "refusal" or not spec.labels.unsafe(label)]
    return ()
