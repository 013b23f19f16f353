"""What a lane asks for next: pure functions of its tallies, taken at round boundaries only."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count as counting
from math import ceil, sqrt

from synth.plan.ends import EVIDENCE, ran_dry
from synth.plan.lanes import LaneSpec
from synth.plan.tally import Tally, total
from synth.types import Label, Round, Stance, Want

YIELD_PRIOR, YIELD_WEIGHT = 0.5, 4.0
"""Share of slots that get the label they want, before any is known, and the number of slots that belief weighs."""
FAIR = 0.5
"""The share of slots from which on a stance keeps its weight."""
STANCE_WEIGHT = 2.0
"""The number of slots that belief weighs for one stance of a label."""
QUERY_PRIOR, QUERY_WEIGHT = 0.75, 8.0
"""Share of coordinates that give a query past the near-duplicate check, before any is known, and the coordinates that belief weighs."""
DRAWN_PRIOR = 0.9
"""The same share where a recipe assumes a yield, of all queries that are due to the coordinates."""
PILOT = 0.5
"""Where a recipe assumes a yield: the share of its need that a fresh lane asks for, to plan the rest at the yields of these."""
MARGIN = 1.3
"""… and the standard deviations that later rounds are planned above the slots they need at that yield: nine of ten suffice."""

BANKS, TEMPERATURE, OPERATORS = 1, 2, 3
WIDEST = OPERATORS
"""What is done, one after the other, before a lane counts as exhausted: its element banks are expanded by the writer, the writer's
temperature is raised, every operator is applied to every query."""


@dataclass(frozen=True, slots=True)
class Supply:
    """How many queries a lane's source holds, and how far it can be made to give others."""

    available: int | None = None
    """How many coordinates a source's file has for the lane; None is no limit."""
    widest: int = 0
    """The highest level the lane can be widened to: 0 is not at all, see `WIDEST`."""
    page: int = 1
    """How many coordinates one writer call has."""
    drawn: Callable[[Mapping[str, float], int], Collection[str]] | None = None
    """Which of a round's operators are due to the root at a coordinate; None where nobody can say, and their shares count."""

    def brings(self, operators: Mapping[str, float], coordinate: int) -> float:
        """How many queries a lane's source makes of a coordinate where nothing is lost, augmentations counted in."""
        return 1 + (sum(operators.values()) if self.drawn is None else len(self.drawn(operators, coordinate)))


ENDLESS = Supply()


def next_round(
    spec: LaneSpec,
    lacks: Mapping[Label, int],
    tallies: Sequence[Tally],
    *,
    supply: Supply = ENDLESS,
) -> Round | None:
    """The next round of a lane, to fill what its cells lack at the yields measured so far; None if it lacks nothing.

    Never more than twice all coordinates so far, or what a fresh lane would ask for, whichever is larger; where a lane has just
    been widened, no more than it takes to see whether that helps.
    """
    available, prior = supply.available, spec.assumed_yield or YIELD_PRIOR
    lacks = {label: lack for label, lack in lacks.items() if lack > 0}
    first = _next_coordinate(tallies)
    if not lacks or (available is not None and first >= available):
        return None
    mixes = {label: stance_mix(spec.cells[label], label, tallies, spec.floors.get(label), prior) for label in lacks}
    margin = MARGIN if spec.assumed_yield and tallies else 0.0
    slots = {
        label: _slots(lack, _rate_of(mixes[label], label, tallies, prior), margin) for label, lack in lacks.items()
    }
    fresh = _coordinates(max(lacks.values()) / YIELD_PRIOR, [], spec.operators)
    level = _widening(tallies, supply.widest)
    operators = dict.fromkeys(spec.operators, 1.0) if level >= OPERATORS else spec.operators
    since = [tally for tally in tallies if tally.plan.widening == level]
    asked = sum(tally.plan.count for tally in since)
    most = max(2 * asked, fresh) if since or not level else EVIDENCE  # one look at whether widening helps
    if spec.assumed_yield is None:
        count = min(_coordinates(max(slots.values()), since, operators), most)
    else:
        count = min(_drawn_coordinates(max(slots.values()), since, first, operators, supply), most)
        count = count if tallies else min(count, max(supply.page, ceil(PILOT * count)))
    if available is not None:
        count = min(count, available - first)
    last = available is not None and first + count >= available  # what is left unasked now never will be
    shares = {label: 1.0 if last else round(slots[label] / max(slots.values()), 3) for label in slots}
    wants = {label: Want(min(1.0, shares[label]), mixes[label]) for label in slots}
    return Round(spec.lane.id, 0, first, count, wants, operators, level)


def _widening(tallies: Sequence[Tally], widest: int) -> int:
    """The level of the latest round; one more where its lane has run dry at that."""
    level = tallies[-1].plan.widening if tallies else 0
    return min(widest, level + 1) if ran_dry(tallies) else level


def rest_of_file(spec: LaneSpec, tallies: Sequence[Tally], available: int) -> Round | None:
    """A round for what is left of the user's own queries or pairs, in a lane that takes all there is; None if nothing
    is."""
    first = _next_coordinate(tallies)
    wants = {label: Want(1.0, _above(stances, spec.floors.get(label))) for label, stances in spec.cells.items()}
    return Round(spec.lane.id, 0, first, available - first, wants, spec.operators) if first < available else None


def _next_coordinate(tallies: Sequence[Tally]) -> int:
    return max((tally.plan.first + tally.plan.count for tally in tallies), default=0)


def hit_rate(tallies: Sequence[Tally], label: Label, prior: float = YIELD_PRIOR) -> float:
    """By a lane's rounds so far, the share of a label's slots that gave it, in (0, 1]; a prior belief as long as little
    is known."""
    hits, slots = total(tallies, label, "hits"), total(tallies, label, "slots")
    return (hits + prior * YIELD_WEIGHT) / (slots + YIELD_WEIGHT)


def stance_mix(
    stances: Mapping[Stance, float],
    label: Label,
    tallies: Sequence[Tally],
    floors: Mapping[Stance, float] | None = None,
    prior: float = YIELD_PRIOR,
) -> Mapping[Stance, float]:
    """The shares of stances in a lane's next round, for a label: the recipe's weights, less for stances that rarely
    give it. A stance keeps its weight down to a yield of one in two, and loses of it in proportion below that, though
    never so much that its share of the slots falls under its floor."""
    mix = {
        stance: round(weight * min(1.0, _stance_rate(stance, label, tallies, prior) / FAIR), 3)
        for stance, weight in stances.items()
    }
    return _above(mix, floors)


def _above(mix: Mapping[Stance, float], floors: Mapping[Stance, float] | None) -> Mapping[Stance, float]:
    """The mix with the weights of stances raised that have less than their floor of the whole, the others among themselves as they
    are."""
    raised: dict[Stance, float] = {}
    while floors:
        rest = sum(weight for stance, weight in mix.items() if stance not in raised)
        left = 1.0 - sum(raised.values())
        low = [stance for stance in mix if stance not in raised and mix[stance] * left < floors.get(stance, 0.0) * rest]
        if not low:
            break
        raised |= {stance: floors[stance] for stance in low}
    if not raised:
        return mix
    rest = sum(weight for stance, weight in mix.items() if stance not in raised) or 1.0
    left = max(0.0, 1.0 - sum(raised.values()))
    return {
        stance: round(raised[stance] if stance in raised else left * weight / rest, 4) for stance, weight in mix.items()
    }


def _stance_rate(stance: Stance, label: Label, tallies: Sequence[Tally], prior: float) -> float:
    hits = sum(tally.hits.get(label, Counter())[stance] for tally in tallies)
    slots = sum(tally.slots.get(label, Counter())[stance] for tally in tallies)
    return (hits + prior * STANCE_WEIGHT) / (slots + STANCE_WEIGHT)


def _rate_of(mix: Mapping[Stance, float], label: Label, tallies: Sequence[Tally], prior: float) -> float:
    """Share of slots that will get their label, if they are asked for in this mix."""
    return sum(weight * _stance_rate(stance, label, tallies, prior) for stance, weight in mix.items()) / sum(
        mix.values()
    )


def _slots(lack: float, rate: float, margin: float) -> float:
    """How many slots bring the rows that lack: so many that what they bring on average is that many standard deviations more."""
    if not margin:
        return lack / rate
    spread = margin * sqrt(1 - rate)
    return ((spread + sqrt(spread * spread + 4 * lack)) / 2) ** 2 / rate


def _coordinates(queries: float, tallies: Sequence[Tally], operators: Mapping[str, float]) -> int:
    """How many coordinates give that many queries, augmentations counted in."""
    prior = QUERY_PRIOR * (1 + QUERY_PRIOR * sum(operators.values()))
    got, asked = sum(tally.queries for tally in tallies), sum(tally.plan.count for tally in tallies)
    return max(1, ceil(queries * (asked + QUERY_WEIGHT) / (got + prior * QUERY_WEIGHT)))


def _drawn_coordinates(
    queries: float,
    tallies: Sequence[Tally],
    first: int,
    operators: Mapping[str, float],
    supply: Supply,
) -> int:
    """How many coordinates from `first` on give that many queries, where which operators are due to each is drawn already."""
    asked = [at for tally in tallies for at in range(tally.plan.first, tally.plan.first + tally.plan.count)]
    due = sum(supply.brings(operators, at) for at in asked)
    rate = (sum(tally.queries for tally in tallies) + DRAWN_PRIOR * QUERY_WEIGHT) / (due + QUERY_WEIGHT)
    for number in counting(1):
        queries -= rate * supply.brings(operators, first + number - 1)
        if queries <= 0:
            return number
    raise AssertionError("every coordinate gives some")
