"""The bounds of doubts: tests that may be looked at as often as one likes, since each holds over all looks together.

A count is compared with the most that a fit model shows by the likelihood of larger shares against that one, averaged over
a fixed grid of them. Where no more than that share is at fault, this average is a supermartingale that begins at 1, so
that it ever reaches 1 / ALPHA has at most the chance ALPHA (Ville's inequality), whenever and however often one looks.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from math import exp, inf, log, sqrt

from synth.recipe.labels import NO_VERDICT

ALPHA = 0.001
"""The chance that one test of one role ever finds more than there is."""
_GRID = 8
LEAST = 10
"""Votes of each of two labels that both judges of a pair must have given before their agreement is held against chance."""
FIT_AGREEMENT = 0.68
"""How often two judges agree who are both right in four of five cases, independently of each other: 0.8² + 0.2²."""
BEYOND_CHANCE = 0.15
"""The least agreement beyond chance, as a share of what chance leaves, that a fit pair shows where labels are uneven."""
MOST_CHANCE = 0.68
"""Agreement by chance above which labels are so uneven that agreement tells nothing."""
BETTER = 2.3
"""Standard deviations above chance from which on a pair agrees better than chance."""


def exceeds(count: int, n: int, share: float) -> bool:
    """Whether `count` of `n` is more than a fit model's `share`, by a test that holds over all looks together."""
    if not n or count <= share * n:
        return False
    steps = [share + (1 - share) * step / _GRID for step in range(1, _GRID + 1)]
    ratios = [_ratio(count, n, other, share) for other in steps]
    top = max(ratios)
    return top + log(sum(exp(ratio - top) for ratio in ratios) / _GRID) >= -log(ALPHA)


def _ratio(count: int, n: int, other: float, share: float) -> float:
    """The logarithm of how much likelier so many of `n` are under another share than under this one."""
    missed = n - count
    rest = 0.0 if not missed else -inf if other >= 1 else missed * log((1 - other) / (1 - share))
    return (count * log(other / share) if share else inf) + rest


def at_chance(voted: Mapping[str, int], one: int, other: int, *, least: int = LEAST) -> bool:
    """Whether two seats of a panel agree no better than chance, of its ballots (`LabelScheme.ballot`): less than two fit
    judges would, and not significantly more than their shares of the labels give by themselves. Never before two labels
    have `least` votes of both."""
    pairs: Counter[str] = Counter()
    for votes, count in voted.items():
        if NO_VERDICT not in (pair := votes[one] + votes[other]):
            pairs[pair] += count
    n, said = pairs.total(), [Counter[str](), Counter[str]()]
    for pair, count in pairs.items():
        for seat in (0, 1):
            said[seat][pair[seat]] += count
    enough = [label for label in said[0] | said[1] if min(said[0][label], said[1][label]) >= least]
    if not n or (least and len(enough) < 2):
        return False
    chance = sum(said[0][label] * said[1][label] for label in said[0]) / n**2
    if chance > MOST_CHANCE:
        return False
    met = sum(count for pair, count in pairs.items() if pair[0] == pair[1])
    better = met - chance * n >= BETTER * sqrt(n * chance * (1 - chance))
    fit = max(FIT_AGREEMENT, chance + BEYOND_CHANCE * (1 - chance))
    return not better and exceeds(n - met, n, 1 - fit)


def odd_one(voted: Mapping[str, int], seats: int) -> int | None:
    """The seat that stands alone against all others, of a panel of three or more, significantly more often than each of them
    does; None if none does."""
    alone = Counter({seat: standing for seat in range(seats) if (standing := alone_on(voted, seat))})
    if seats < 3 or not alone:
        return None
    (seat, count), n = alone.most_common(1)[0], alone.total()
    return seat if 2 * count >= n and exceeds(count, n, 1 / seats) else None


def alone_on(voted: Mapping[str, int], seat: int) -> int:
    """On how many rows a panel's seat stands alone against all others, who agree."""
    rest = {votes: {*votes[:seat], *votes[seat + 1 :]} for votes in voted if NO_VERDICT not in votes}
    return sum(voted[votes] for votes, others in rest.items() if len(others) == 1 and votes[seat] not in others)


def chance_pairs(voted: Mapping[str, int], seats: int, *, least: int = LEAST) -> set[tuple[int, int]]:
    """The pairs of a panel's seats that agree no better than chance."""
    return {pair for pair in combinations(range(seats), 2) if at_chance(voted, *pair, least=least)}
