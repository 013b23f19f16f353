"""How well a dataset covers its elements: for every axis and every pair of axes what was asked and what was got."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from synth.fold.acceptor import Acceptor
from synth.plan import sheet

Drawn = Mapping[str, str]
"""Axis -> value."""


def coverage(lanes: Iterable[Acceptor], rows: Iterable[Drawn], *, seed: int, size: int) -> dict[str, Any]:
    """How well a dataset covers its elements, as counts. `axes`: least and most writer calls (with a slot sheet:
    coordinates) and accepted rows over the values of an axis. `pairs`: how many of the pairs of values of two axes were
    asked for, and how many came to an accepted row. `rows` are the elements of the accepted rows, `size` the number of coordinates of a writer call. Memory is bounded
    by the element banks."""
    lanes = [lane for lane in lanes if lane.spec.banks]
    values: dict[str, set[str]] = {}
    for lane in lanes:
        for axis, bank in lane.spec.banks.items():
            values.setdefault(axis, set()).update(bank)
    asked, got = _Seen(_asked(lanes, seed, size)), _Seen(rows)
    return {
        "axes": [
            {"axis": axis, "values": len(known), "asked": asked.ends(axis, known), "got": got.ends(axis, known)}
            for axis, known in values.items()
        ],
        "pairs": [
            {
                "axes": pair,
                "possible": len(values[pair[0]]) * len(values[pair[1]]),
                "asked": len(asked.pairs.get(pair, ())),
                "got": len(got.pairs.get(pair, ())),
            }
            for pair in combinations(sorted(values), 2)
        ],
    }


def _asked(lanes: Iterable[Acceptor], seed: int, size: int) -> Iterator[Drawn]:
    for lane in lanes:
        for tally in (tally for tally in lane.tallies if not tally.plan.widening):  # wider banks are not the recipe's
            first, last = tally.plan.first, tally.plan.first + tally.plan.count - 1
            # A call shared with the round before was counted there.
            for _, drawn in sheet.asked(seed, lane.spec, first, last, size):
                yield {element.axis: element.value for element in drawn}


class _Seen:
    """How often each value was seen, and which pairs of values were seen together."""

    def __init__(self, seen: Iterable[Drawn]) -> None:
        self._times: Counter[tuple[str, str]] = Counter()
        self.pairs: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for drawn in seen:
            self._times.update(drawn.items())
            for one, other in combinations(sorted(drawn), 2):
                self.pairs.setdefault((one, other), set()).add((drawn[one], drawn[other]))

    def ends(self, axis: str, values: Iterable[str]) -> tuple[int, int]:
        """For coverage: the least and the most often that one of these values was seen."""
        times = [self._times[axis, value] for value in values]
        return min(times), max(times)
