"""N accepted rows per scenario, dealt out to cells: exact in number, even over subcategories, true to the shares, and
growing with N: a larger N never takes a row from a cell.

Largest remainders are not monotone in N (the Alabama paradox), so seats are dealt one by one in a fixed order instead.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from math import ceil

from synth.plan.lanes import LaneSpec
from synth.recipe.schema import Recipe
from synth.types import Label, Targets

Cell = tuple[str, Label]


def targets(recipe: Recipe, specs: Sequence[LaneSpec], n: int | None) -> Targets:
    """The target of every cell, in rows, for N rows per scenario (the ordinary one: N times its share)."""
    if n is None:
        labels = recipe.scheme.names
        return {spec.lane.id: dict.fromkeys(spec.cells if spec.lane.refuse_only else labels) for spec in specs}
    found: Targets = defaultdict(dict)
    for scenario in _scenarios(specs):
        ours = [spec for spec in specs if spec.lane.scenario == scenario]
        own = {
            spec.lane.subcategory for spec in ours if {scenario, spec.lane.subcategory} & recipe.mixture.cells.keys()
        }
        dealt = deal(_cells(recipe, ours), _seats(recipe, ours, n), recipe.mixture.subcategories, own)
        for (lane, label), count in dealt.items():
            found[lane][label] = count
    return dict(found)


def least(recipe: Recipe, specs: Sequence[LaneSpec]) -> tuple[int, str]:
    """The smallest N, rows per scenario, whose targets give every cell a row, and the id of the scenario that needs
    it."""
    needs = []
    for scenario in _scenarios(specs):
        ours = [spec for spec in specs if spec.lane.scenario == scenario]
        cells = sum(len(spec.cells) for spec in ours)
        needs.append((ceil(cells / _multiple(recipe, ours)), scenario))
    return max(needs)


def deal(
    subcategories: Mapping[str, Mapping[Cell, float]],
    seats: int,
    weights: Mapping[str, float] | None = None,
    own: Collection[str] = (),
) -> dict[Cell, int]:
    """The targets of cells: how many of `seats` rows each gets, dealt one by one over `subcategories` (cell -> share within its own).

    One to every cell first; then each to a subcategory that lags its weight most (Sainte-Laguë's rule), for the kind of cell
    that lags its share most over the whole, and to that subcategory where this kind lags most. A subcategory of one cell, and
    those with shares of their `own`, choose for themselves and are left out of the whole.
    """
    got: dict[Cell, int] = {}
    for cell in (cell for cells in subcategories.values() for cell in cells):
        got[cell] = 1 if len(got) < seats else 0
    totals = {name: sum(got[cell] for cell in cells) for name, cells in subcategories.items()}
    alone = {name for name, cells in subcategories.items() if len(cells) == 1 or name in own}
    kinds = Counter[str]()
    for cell in (cell for name, cells in subcategories.items() if name not in alone for cell in cells):
        kinds[_kind(cell)] += got[cell]
    for _ in range(seats - sum(totals.values())):
        served = {name: (total + 0.5) / (weights or {}).get(name, 1.0) for name, total in totals.items()}
        fewest = min(served.values())
        least_served = {name: cells for name, cells in subcategories.items() if served[name] == fewest}
        name, cell = _next_seat(least_served, got, kinds, alone)
        got[cell] += 1
        if name not in alone:
            kinds[_kind(cell)] += 1
        totals[name] += 1
    return got


def _next_seat(
    least_served: Mapping[str, Mapping[Cell, float]],
    got: Mapping[Cell, int],
    kinds: Mapping[str, int],
    alone: Collection[str],
) -> tuple[str, Cell]:
    for name, cells in least_served.items():
        if name in alone:
            return name, max(cells, key=lambda cell: _lag(cells, cell, got))
    dealt = sum(kinds.values())
    shares = {_kind(cell): share for cell, share in next(iter(least_served.values())).items()}
    kind = max(shares, key=lambda kind: shares[kind] * (dealt + 1) - kinds[kind])
    choices = [(name, cell) for name, cells in least_served.items() for cell in cells if _kind(cell) == kind]
    return max(choices, key=lambda choice: _lag(least_served[choice[0]], choice[1], got))


def _lag(cells: Mapping[Cell, float], cell: Cell, got: Mapping[Cell, int]) -> float:
    """How far a cell is behind its share of its subcategory, in seats."""
    return cells[cell] * (sum(got[other] for other in cells) + 1) - got[cell]


def _kind(cell: Cell) -> str:
    """`harmful/unsafe` of (`crime.gambling/harmful`, `unsafe`)."""
    return f"{cell[0].rpartition('/')[2]}/{cell[1]}"


def _cells(recipe: Recipe, specs: Sequence[LaneSpec]) -> dict[str, dict[Cell, float]]:
    found: dict[str, dict[Cell, float]] = defaultdict(dict)
    for spec in specs:
        for label in spec.cells:
            cell = (spec.lane.id, label)
            shares = {
                str(name): share for name, share in recipe.shares(spec.lane.scenario, spec.lane.subcategory).items()
            }
            found[spec.lane.subcategory][cell] = shares.get(_kind(cell), 1.0)
    for cells in found.values():
        total = sum(cells.values())
        for cell in cells:
            cells[cell] = cells[cell] / total if total else 1 / len(cells)
    return found


def _scenarios(specs: Sequence[LaneSpec]) -> list[str]:
    return list(dict.fromkeys(spec.lane.scenario for spec in specs))


def _seats(recipe: Recipe, specs: Sequence[LaneSpec], n: int) -> int:
    return round(n * _multiple(recipe, specs))


def _multiple(recipe: Recipe, specs: Sequence[LaneSpec]) -> float:
    """How many rows a scenario gets, as a multiple of N."""
    usual = recipe.ordinary if specs[0].ordinary else 1.0
    return recipe.mixture.scenarios.get(specs[0].lane.scenario, usual)
