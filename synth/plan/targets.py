"""N accepted rows per scenario, dealt out to cells: exact in number, even over subcategories, true to the shares, and
growing with N: a larger N never takes a row from a cell.

Largest remainders are not monotone in N (the Alabama paradox), so seats are dealt one by one in a fixed order instead.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import ceil

from synth.plan.lanes import Brief
from synth.recipe import Recipe
from synth.types import LABELS, Label

Targets = dict[str, dict[Label, int | None]]
"""For each lane id and wanted label the number of rows; None takes all there is."""

Cell = tuple[str, Label]


def targets(recipe: Recipe, briefs: Sequence[Brief], n: int | None) -> Targets:
    """The target of every cell for N rows per scenario (the ordinary one: N times its share)."""
    if n is None:
        return {brief.lane.id: dict.fromkeys(("safe",) if brief.lane.refuse_only else LABELS) for brief in briefs}
    found: Targets = defaultdict(dict)
    for scenario in _scenarios(briefs):
        ours = [brief for brief in briefs if brief.lane.scenario == scenario]
        for (lane, label), count in deal(_cells(recipe, ours), _seats(recipe, ours, n)).items():
            found[lane][label] = count
    return dict(found)


def least(recipe: Recipe, briefs: Sequence[Brief]) -> tuple[int, str]:
    """The smallest N that gives every cell a row, and the scenario that needs it."""
    needs = []
    for scenario in _scenarios(briefs):
        ours = [brief for brief in briefs if brief.lane.scenario == scenario]
        cells = sum(len(brief.cells) for brief in ours)
        share = recipe.ordinary if ours[0].ordinary else 1.0
        needs.append((ceil(cells / share), scenario))
    return max(needs)


def deal(subcategories: Mapping[str, Mapping[Cell, float]], seats: int) -> dict[Cell, int]:
    """Deals `seats` one by one over the cells of `subcategories` (cell -> share within its subcategory).

    One to every cell first; then each to a subcategory that has fewest, for the kind of cell that lags its share most over
    the whole, and to that subcategory where this kind lags most. A subcategory of one cell has no choice and is left out of
    the shares.
    """
    got: dict[Cell, int] = {}
    for cell in (cell for cells in subcategories.values() for cell in cells):
        got[cell] = 1 if len(got) < seats else 0
    totals = {name: sum(got[cell] for cell in cells) for name, cells in subcategories.items()}
    kinds: dict[str, int] = defaultdict(int)
    for cells in subcategories.values():
        for cell in cells if len(cells) > 1 else ():
            kinds[_kind(cell)] += got[cell]
    for _ in range(seats - sum(totals.values())):
        fewest = min(totals.values())
        open_ones = {name: cells for name, cells in subcategories.items() if totals[name] == fewest}
        name, cell = _next_seat(open_ones, got, totals, kinds)
        if len(subcategories[name]) > 1:
            kinds[_kind(cell)] += 1
        got[cell] += 1
        totals[name] += 1
    return got


def _next_seat(
    open_ones: Mapping[str, Mapping[Cell, float]],
    got: Mapping[Cell, int],
    totals: Mapping[str, int],
    kinds: Mapping[str, int],
) -> tuple[str, Cell]:
    for name, cells in open_ones.items():
        if len(cells) == 1:
            return name, next(iter(cells))
    dealt = sum(kinds.values())
    shares = {_kind(cell): share for cell, share in next(iter(open_ones.values())).items()}
    kind = max(shares, key=lambda kind: shares[kind] * (dealt + 1) - kinds[kind])
    choices = [(name, cell) for name, cells in open_ones.items() for cell in cells if _kind(cell) == kind]
    return max(choices, key=lambda choice: shares[kind] * (totals[choice[0]] + 1) - got[choice[1]])


def _kind(cell: Cell) -> str:
    """`harmful/unsafe` of (`crime.gambling/harmful`, `unsafe`)."""
    return f"{cell[0].rpartition('/')[2]}/{cell[1]}"


def _cells(recipe: Recipe, briefs: Sequence[Brief]) -> dict[str, dict[Cell, float]]:
    found: dict[str, dict[Cell, float]] = defaultdict(dict)
    for brief in briefs:
        for label in brief.cells:
            cell = (brief.lane.id, label)
            share = next((shape.share for name, shape in recipe.cells.items() if name == _kind(cell)), 1.0)
            found[brief.lane.subcategory][cell] = share
    for cells in found.values():
        total = sum(cells.values())
        for cell in cells:
            cells[cell] = cells[cell] / total if total else 1 / len(cells)
    return found


def _scenarios(briefs: Sequence[Brief]) -> list[str]:
    return list(dict.fromkeys(brief.lane.scenario for brief in briefs))


def _seats(recipe: Recipe, briefs: Sequence[Brief], n: int) -> int:
    return round(n * recipe.ordinary) if briefs[0].ordinary else n
