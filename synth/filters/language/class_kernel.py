"""The inner loops of the class of an answer, compiled by numba at first use: which runs of characters a text has, and what they weigh."""

import numpy as np

from synth.kernels import Number, Numbers, compiled

SPREAD = np.uint64(0x9E3779B97F4A7C15)
LETTERS, DIGITS, SPACE = 1, 2, 3
LONGEST = 4
"""Symbols of the longest run that counts: a character is one, and so is a word of letters."""


@compiled
def symbols(codes: Numbers, kinds: Numbers, out: Numbers) -> int:
    """Writes a text's symbols: each character is one, a word of letters one, a number one; spaces are none. Gives how many."""
    count, word = 0, np.uint64(0)
    for code in codes:
        kind = kinds[code] if code < len(kinds) else 0
        if kind == LETTERS:
            word = (word ^ np.uint64(code)) * np.uint64(0x100000001B3) + np.uint64(1)
            continue
        if word:
            out[count] = np.uint64(0x10000) + (word >> np.uint64(32))
            count += 1
            word = np.uint64(0)
        if kind == DIGITS:
            if count == 0 or out[count - 1] != np.uint64(DIGITS):
                out[count] = np.uint64(DIGITS)
                count += 1
        elif kind != SPACE:
            out[count] = np.uint64(code)
            count += 1
    if word:
        out[count] = np.uint64(0x10000) + (word >> np.uint64(32))
        count += 1
    return count


@compiled
def runs(found: Numbers, zone: Number, keys: Numbers, count: int) -> int:
    """Adds the keys of all runs of up to four symbols, as such and as of this zone of the text. Gives how many keys there are now."""
    for begin in range(len(found)):
        key = np.uint64(0)
        for end in range(begin, min(begin + LONGEST, len(found))):
            key = (key ^ found[end]) * SPREAD
            key ^= key >> np.uint64(29)
            keys[count] = (key * SPREAD) >> np.uint64(32)
            keys[count + 1] = ((key ^ np.uint64(zone)) * SPREAD) >> np.uint64(32)
            count += 2
    return count


@compiled
def weigh(keys: Numbers, slots: Numbers, weights: Numbers, seen: Numbers, out: Numbers) -> int:
    """Adds up the weights of the keys that the table knows, each once. Gives how many it knew. `seen` is all 0, before and after."""
    mask, known = len(slots) - 1, 0
    places = np.empty(len(keys), np.int64)
    for key in keys:
        at = np.int64(key) & mask
        while slots[at] and slots[at] != key:
            at = (at + 1) & mask
        if slots[at] and not seen[at]:
            seen[at] = 1
            places[known] = at
            known += 1
            for name in range(len(out)):
                out[name] += weights[at, name]
    for place in places[:known]:
        seen[place] = 0
    return known
