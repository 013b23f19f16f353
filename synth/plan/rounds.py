"""What a lane asks for next, and when it has to give up: pure functions of its tallies, taken at round boundaries only."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

from synth.plan.lanes import Brief
from synth.plan.tally import NEAR_DUPLICATE, REFUSAL, Tally
from synth.types import Label, Round, Stance, Want

YIELD_PRIOR, YIELD_WEIGHT = 0.5, 4.0
"""Share of slots that get the label they want, before any is known, and the number of slots that belief weighs."""
STANCE_WEIGHT = 2.0
"""The number of slots that belief weighs for one stance of a label."""
QUERY_PRIOR, QUERY_WEIGHT = 0.75, 8.0
"""Share of coordinates that give a query past the near-duplicate check, likewise."""

NOVELTY = "exhausted: novelty"
BANKS, TEMPERATURE, OPERATORS = 1, 2, 3
WIDEST = OPERATORS
"""What is done, one after the other, before a lane counts as exhausted: its element banks are expanded by the writer, the writer's
temperature is raised, every operator is applied to every query."""
NOVELTY_FLOOR = 0.1
"""Under this share of new queries a lane has run dry."""
YIELD_FLOOR = 0.02
"""Under this share of hits a cell is stalled."""
EVIDENCE = 60
"""Slots or coordinates that a lane or cell is judged by at least: none that hits among so many speaks for less than 5 % (95 %
one-sided, the rule of three)."""
REFUSAL_SHARE = 0.9
BARREN_ROUNDS = 8
"""Rounds on end without an accepted row after which a lane is stalled whatever the cause."""


@dataclass(frozen=True, slots=True)
class Supply:
    """Where a lane's queries come from."""

    available: int | None = None
    """Coordinates there are, where they come from a file; None is no limit."""
    widest: int = 0
    """How far the lane can be widened."""


ENDLESS = Supply()


def next_round(
    brief: Brief,
    lacks: Mapping[Label, int],
    tallies: Sequence[Tally],
    *,
    supply: Supply = ENDLESS,
) -> Round | None:
    """The lane's plan to fill what its cells lack, at the yields measured so far; None if it lacks nothing.

    Never more than twice all coordinates so far, or what a fresh lane would ask for, whichever is larger; where a lane has just
    been widened, no more than it takes to see whether that helps.
    """
    available = supply.available
    lacks = {label: lack for label, lack in lacks.items() if lack > 0}
    first = _next_coordinate(tallies)
    if not lacks or (available is not None and first >= available):
        return None
    mixes = {label: stance_mix(brief.cells[label], label, tallies) for label in lacks}
    slots = {label: lack / _rate_of(mixes[label], label, tallies) for label, lack in lacks.items()}
    fresh = _coordinates(max(lacks.values()) / YIELD_PRIOR, [], brief.operators)
    level = _widening(tallies, supply.widest)
    operators = dict.fromkeys(brief.operators, 1.0) if level >= OPERATORS else brief.operators
    since = [tally for tally in tallies if tally.plan.widening == level]
    asked = sum(tally.plan.count for tally in since)
    most = max(2 * asked, fresh) if since or not level else EVIDENCE  # one look at whether widening helps
    count = min(_coordinates(max(slots.values()), since, operators), most)
    if available is not None:
        count = min(count, available - first)
    last = available is not None and first + count >= available  # what is left unasked now never will be
    shares = {label: 1.0 if last else round(slots[label] / max(slots.values()), 3) for label in slots}
    wants = {label: Want(min(1.0, shares[label]), mixes[label]) for label in slots}
    return Round(brief.lane.id, 0, first, count, wants, operators, level)


def _widening(tallies: Sequence[Tally], widest: int) -> int:
    """That of the latest round; one more where its lane has run dry at that."""
    level = tallies[-1].plan.widening if tallies else 0
    return min(widest, level + 1) if _source_end(tallies) == NOVELTY else level


def rest_of_file(brief: Brief, tallies: Sequence[Tally], available: int) -> Round | None:
    """What is left of the user's own queries or pairs, for a lane that takes all there is; None if nothing is."""
    first = _next_coordinate(tallies)
    wants = {label: Want(1.0, stances) for label, stances in brief.cells.items()}
    return Round(brief.lane.id, 0, first, available - first, wants, brief.operators) if first < available else None


def _next_coordinate(tallies: Sequence[Tally]) -> int:
    return max((tally.plan.first + tally.plan.count for tally in tallies), default=0)


def hit_rate(tallies: Sequence[Tally], label: Label) -> float:
    hits, slots = (_total(tallies, label, which) for which in ("hits", "slots"))
    return (hits + YIELD_PRIOR * YIELD_WEIGHT) / (slots + YIELD_WEIGHT)


def _total(tallies: Sequence[Tally], label: Label, which: Literal["slots", "hits"]) -> int:
    return sum(getattr(tally, which).get(label, Counter()).total() for tally in tallies)


def stance_mix(stances: Mapping[Stance, float], label: Label, tallies: Sequence[Tally]) -> dict[Stance, float]:
    """The recipe's stances for a label, by weight, those that rarely give it asked for less: a stance keeps its weight down to
    a yield of one in two, and loses of it in proportion below that."""
    return {
        stance: round(weight * min(1.0, _stance_rate(stance, label, tallies) / YIELD_PRIOR), 3)
        for stance, weight in stances.items()
    }


def _stance_rate(stance: Stance, label: Label, tallies: Sequence[Tally]) -> float:
    hits = sum(tally.hits.get(label, Counter())[stance] for tally in tallies)
    slots = sum(tally.slots.get(label, Counter())[stance] for tally in tallies)
    return (hits + YIELD_PRIOR * STANCE_WEIGHT) / (slots + STANCE_WEIGHT)


def _rate_of(mix: Mapping[Stance, float], label: Label, tallies: Sequence[Tally]) -> float:
    """Share of slots that will get their label, if they are asked for in this mix."""
    return sum(weight * _stance_rate(stance, label, tallies) for stance, weight in mix.items()) / sum(mix.values())


def _coordinates(queries: float, tallies: Sequence[Tally], operators: Mapping[str, float]) -> int:
    """Coordinates that give so many queries, augmentations counted in."""
    prior = QUERY_PRIOR * (1 + QUERY_PRIOR * sum(operators.values()))
    got, asked = sum(tally.queries for tally in tallies), sum(tally.plan.count for tally in tallies)
    return max(1, ceil(queries * (asked + QUERY_WEIGHT) / (got + prior * QUERY_WEIGHT)))


def ends(tallies: Sequence[Tally], lacking: Sequence[Label], *, widest: int = 0) -> dict[Label, str]:
    """The cells among `lacking` that will not be filled, each with its end: `exhausted: novelty` (only of a lane that cannot be
    widened any more), `blocked: refusals` or `stalled: REASON`."""
    end = _source_end(tallies)
    if end == NOVELTY and tallies[-1].plan.widening < widest:
        return {}
    if end:
        return dict.fromkeys(lacking, end)
    return {label: end for label in lacking if (end := _cell_end(tallies, label))}


def _source_end(tallies: Sequence[Tally]) -> str | None:
    """Whether the writer has run dry: judged over the latest two rounds or more that hold enough coordinates, of those since the
    lane was last widened."""
    level = tallies[-1].plan.widening if tallies else 0
    tallies = [tally for tally in tallies if tally.plan.widening == level]
    barren = tallies[-BARREN_ROUNDS:]
    if len(barren) == BARREN_ROUNDS and not any(tally.accepted for tally in barren):
        return _named(sum((tally.lost for tally in barren), _all_misses(barren)))
    window = _latest(tallies, rounds=1 if level else 2, evidence=lambda tally: tally.plan.count)
    if window is None:
        return None
    calls, refused = sum(tally.calls for tally in window), sum(tally.refused_calls for tally in window)
    if calls and refused >= REFUSAL_SHARE * calls:
        return "blocked: refusals"
    new = sum(tally.roots for tally in window) / sum(tally.plan.count for tally in window)
    lost = sum((tally.lost for tally in window), Counter[str]())
    dry = NOVELTY_FLOOR if lost and lost.most_common(1)[0][0] == NEAR_DUPLICATE else YIELD_FLOOR
    return _named(lost) if new < dry else None


def _cell_end(tallies: Sequence[Tally], label: Label) -> str | None:
    """Whether slots for a label keep missing: judged over the latest two rounds or more that hold enough slots."""
    window = _latest(tallies, rounds=2, evidence=lambda tally: _total([tally], label, "slots"))
    if window is None:
        return None
    slots, hits = _total(window, label, "slots"), _total(window, label, "hits")
    if hits >= YIELD_FLOOR * slots:
        return None
    if sum(tally.refusals[label] for tally in window) >= REFUSAL_SHARE * slots:
        return "blocked: refusals"
    return _named(sum((tally.misses.get(label, Counter()) for tally in window), Counter[str]()))


def _latest(tallies: Sequence[Tally], *, rounds: int, evidence: Callable[[Tally], int]) -> Sequence[Tally] | None:
    """The fewest latest whole rounds that hold enough evidence, at least so many; None if all of them do not."""
    held = 0
    for back, tally in enumerate(reversed(tallies), start=1):
        held += evidence(tally)
        if back >= rounds and held >= EVIDENCE:
            return tallies[-back:]
    return None


def _all_misses(tallies: Sequence[Tally]) -> Counter[str]:
    return sum((counter for tally in tallies for counter in tally.misses.values()), Counter())


def _named(reasons: Counter[str]) -> str:
    reason = reasons.most_common(1)[0][0] if reasons else "nothing made"
    if reason == NEAR_DUPLICATE:
        return NOVELTY
    return "blocked: refusals" if reason == REFUSAL else f"stalled: {reason}"
