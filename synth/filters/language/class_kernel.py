"""The inner loops of the class of an answer, compiled by numba at first use: which runs of characters a text has, and what they weigh."""

import numpy as np

from synth.filters.language.class_table import Known
from synth.kernels import Number, Numbers, compiled

SPREAD = np.uint64(0x9E3779B97F4A7C15)
LETTERS, DIGITS, SPACE = 1, 2, 3
LONGEST, HINTS = 4, 20
"""Symbols of the longest run that counts: a character is one, and so is a word of letters."""
HINT = np.uint64((1 << HINTS) - 1)


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
def hints(slots: Numbers) -> Numbers:
    """A bit for each key of the table, so few of them that it is soon known of most keys that the table has not got them."""
    found = np.zeros(1 << (HINTS - 6), np.uint64)
    for key in slots:
        if key:
            found[(key & HINT) >> np.uint64(6)] |= np.uint64(1) << (key & np.uint64(63))
    return found


@compiled
def weigh(keys: Numbers, known_keys: Known, out: Numbers) -> int:
    """Adds up the weights of the keys that the table knows, each once. Gives how many it knew."""
    hinted, slots, weights, seen = known_keys
    mask, known = len(slots) - 1, 0
    places = np.empty(len(keys), np.int64)
    for key in keys:
        if not hinted[(key & HINT) >> np.uint64(6)] >> (key & np.uint64(63)) & np.uint64(1):
            continue
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


@compiled
def keys_of(codes: Numbers, ends: Numbers, zones: Numbers, kinds: Numbers, keys: Numbers) -> int:
    """Writes the keys of all runs of symbols in the parts of a text, which end at `ends` and are of these `zones`. Gives how many."""
    found, begin, count = np.empty(len(codes) + 1, np.uint64), 0, 0
    for part in range(len(ends)):
        size = symbols(codes[begin : ends[part]], kinds, found)
        count = runs(found[:size], zones[part], keys, count)
        begin = ends[part]
    return count
