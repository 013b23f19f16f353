"""The inner loops of `fluency`, compiled by numba at first use: how surprising each place of a text is, and whether a text goes round."""

import numpy as np

from synth.filters.language.fluency_table import HAN, PAIRS, SPREAD, STEPS, TRIPLES, UNSEEN, Model
from synth.kernels import Number, Numbers, compiled

SHORTEST, TURNS = 12, 3
"""A loop is at least so many characters, and comes round so often again."""
REACH, ROUND = 120, 100
"""Characters that stood so few before speak for a loop, the others against it; so many more of them are one."""


@compiled
def surprises(found: Numbers, model: Model, out: Numbers) -> int:
    """Writes the surprise of each three symbols of which two are characters, where they stand first; gives how many there are."""
    room = 4
    while room < 2 * len(found):
        room *= 2
    seen = np.zeros(room, np.uint64)
    count, before = 0, _pair(found[0], found[1], model) if len(found) > 1 else 0
    for at in range(2, len(found)):
        pair = _pair(found[at - 1], found[at], model)
        key = (
            np.uint64(found[at - 2]) << np.uint64(32) | np.uint64(found[at - 1]) << np.uint64(16) | np.uint64(found[at])
        )
        if (found[at - 2] >= HAN) + (found[at - 1] >= HAN) + (found[at] >= HAN) >= 2 and _is_new(
            key + np.uint64(1), seen
        ):
            log = model.log[found[at - 1]]
            by_pair = pair - max(log + model.log[found[at]] - model.size, -2)
            by_triple = _level(key, TRIPLES, model.triples) - max(before + pair - log, -4)
            out[count] = _grade(by_pair) * STEPS + _grade(by_triple)
            count += 1
        before = pair
    return count


@compiled
def _grade(surprise: Number) -> Number:
    return min(max((surprise + 24) >> 2, 0), STEPS - 1)


@compiled
def _pair(one: Number, other: Number, model: Model) -> Number:
    return _level(np.uint64(one) << np.uint64(16) | np.uint64(other), PAIRS, model.pairs)


@compiled
def _level(key: Number, bits: Number, cells: Numbers) -> Number:
    at = np.int64((key * SPREAD) >> np.uint64(64 - bits))
    level = np.int64(cells[at >> 1]) >> ((at & 1) << 2) & 15
    return 4 * level if level else UNSEEN


@compiled
def _is_new(key: Number, seen: Numbers) -> bool:
    at = np.int64((key * SPREAD) >> np.uint64(40)) & (len(seen) - 1)
    while seen[at]:
        if seen[at] == key:
            return False
        at = (at + 1) & (len(seen) - 1)
    seen[at] = key
    return True


@compiled
def is_loop(found: Numbers) -> bool:
    """Whether four characters on end come again so near, or at one distance for so long, that the text goes round."""
    units = found[found >= HAN]
    if len(units) < SHORTEST:
        return False
    room = 4
    while room < 2 * len(units):
        room *= 2
    keys, last = np.zeros(room, np.uint64), np.zeros(room, np.int64)
    grown, run, period = 0, 0, 0
    for at in range(len(units) - 3):
        key = np.uint64(1)
        for one in units[at : at + 4]:
            key = key * np.uint64(0x10001) + np.uint64(one)
        cell = np.int64((key * SPREAD) >> np.uint64(40)) & (room - 1)
        while keys[cell] and keys[cell] != key:
            cell = (cell + 1) & (room - 1)
        back = at + 1 - last[cell] if keys[cell] else 0
        keys[cell], last[cell] = key, at + 1
        grown = grown + 1 if 0 < back <= REACH else max(grown - 1, 0)
        run = run + 1 if back == period else 1
        period = back
        if grown >= ROUND or (period and run + 3 >= TURNS * period and run + 3 + period >= SHORTEST):
            return True
    return False
