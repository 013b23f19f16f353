"""The inner loops of the class of an answer, compiled by numba at first use: which runs of characters a text has, and what they weigh."""

import numpy as np

from synth.filters.language.class_table import Known
from synth.kernels import Number, Numbers, compiled, part

SPREAD = np.uint64(0x9E3779B97F4A7C15)
LETTERS, DIGITS, SPACE = 1, 2, 3
LONGEST, HINTS = 4, 20
"""Symbols of the longest run that counts: a character is one, and so is a word of letters."""
HINT = np.uint64((1 << HINTS) - 1)
SEEN = np.uint64(1 << 63)
"""Set beside the weights of a key that has been counted."""


@part
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


@part
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


@part
def weigh(keys: Numbers, known_keys: Known, out: Numbers) -> int:
    """Adds up the weights of the keys that the table knows, each once. Gives how many it knew."""
    _, hinted, slots = known_keys
    mask, known = len(slots) - 1, 0
    places = np.empty(len(keys), np.int64)
    for key in keys:
        if not hinted[(key & HINT) >> np.uint64(6)] >> (key & np.uint64(63)) & np.uint64(1):
            continue
        at = np.int64(key) & mask
        while slots[at, 0] and slots[at, 0] != key:
            at = (at + 1) & mask
        held = slots[at, 1]
        if slots[at, 0] and not held & SEEN:
            slots[at, 1] = held | SEEN
            places[known] = at
            known += 1
            for name in range(len(out)):
                out[name] += np.int8(held >> np.uint64(8 * name) & np.uint64(0xFF))
    for place in places[:known]:
        slots[place, 1] &= ~SEEN
    return known


@compiled
def keys_of(codes: Numbers, parts: Numbers, kinds: Numbers, keys: Numbers) -> int:
    """Writes the keys of all runs of symbols in the parts of a text: of each where it ends and its zone. Gives how many."""
    found, begin, count = np.empty(len(codes) + 1, np.uint64), 0, 0
    for end, zone in parts:
        size = symbols(codes[begin:end], kinds, found)
        count = runs(found[:size], zone, keys, count)
        begin = end
    return count


@compiled
def sums(codes: Numbers, parts: Numbers, signs: Numbers, known_keys: Known, out: Numbers) -> int:
    """Adds up what the runs of a text's parts weigh, and what its signs do, in a row each. Gives how many runs the table knew."""
    keys = np.empty(8 * len(codes), np.uint64)
    known = weigh(keys[: keys_of(codes, parts, known_keys.kinds, keys)], known_keys, out[0])
    weigh(signs, known_keys, out[1])
    return known


@part
def _is_han(code: Number) -> bool:
    return 0x4E00 <= code <= 0x9FA5  # type: ignore[no-any-return]


@compiled
def pairs_again(codes: Numbers, asked: int, first: int) -> tuple[int, int, int]:
    """Of a query's first `asked` codes how many pairs of Chinese characters there are, each counted once, and how many of them its
    answer's first sentence, up to `first`, has, and the rest."""
    pairs, again, count = np.empty(asked, np.uint64), np.zeros(asked, np.uint8), 0
    hinted = np.zeros(1 << 12, np.bool_)
    for at in range(len(codes) - 1):
        if at == asked - 1 or at == first - 1:
            continue
        pair = np.uint64(codes[at]) << np.uint64(32) | np.uint64(codes[at + 1])
        hint = (pair * SPREAD) >> np.uint64(52)
        place = count
        if hinted[hint]:
            place = 0
            while place < count and pairs[place] != pair:
                place += 1
        if at >= asked:
            if place < count:
                again[place] |= 1 if at < first else 2
        elif place == count and _is_han(codes[at]) and _is_han(codes[at + 1]):
            pairs[count], hinted[hint] = pair, True
            count += 1
    in_first, in_rest = 0, 0
    for place in range(count):
        in_first += again[place] & 1
        in_rest += again[place] >> 1
    return count, in_first, in_rest
