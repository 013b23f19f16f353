"""Looks a set of n-grams up in the near-duplicate index, in compiled code: what may be near is picked from postings, then compared.

Prefix filtering (Chaudhuri, Ganti and Kaushik 2006; Bayardo, Ma and Srikant 2007): under any fixed order of tokens, two sets at or
over Jaccard t share a token among the first |x| - ceil(t|x|) + 1 of each. Postings carry the sizes that can still be near from
their position on (Xiao et al. 2008); an odd sketch, the parities of 64 buckets, bounds the symmetric difference from below
(Mitzenmacher, Pagh and Pham 2014). All of these only rule out; the merge of two token lists decides.

At a million texts the index is far larger than any cache, and a query of 36 tokens passes some 700 postings of a dozen lists, of
which 70 are picked and one in four queries compares one. So each step first touches all that the next will read, in a loop that
nothing waits in: memory is then asked for many places at once.
"""

from typing import NamedTuple

import numpy as np

from synth.dedup.lists_kernel import Lists
from synth.kernels import Number, Numbers, part

GRAMS, PARTS, ROWS, TOKENS, WANTED, TOUCHED = range(6)
"""Places in `Store.used`."""
CLIP = 0xFFFF
"""A size in a posting; this one stands for all from here on."""
SLACK = 1 - 1e-9
"""Bounds are loosened by this much, so that rounding rules nothing out."""
LINE = 8
"""Postings that memory gives at once."""
BLOCK = 512
"""Postings of a list that are gone through before there must be room for what is picked of more."""


class Store(NamedTuple):
    """The n-gram index as flat arrays for compiled code, enlarged from outside."""

    table: Numbers
    """Open addressing: pairs (gram + 1, number); 0 is free. Its length is a power of two."""
    lists: Lists
    """By rank: its postings, rows rising: row << 32 | size << 16 | the largest size that the row can be near to from there."""
    starts: Numbers
    """Row r has tokens[starts[r] : starts[r + 1]]: ranks, in falling order."""
    tokens: Numbers
    sketches: Numbers
    families: Numbers
    used: Numbers
    ranks: Numbers
    """Room for one text's ranks."""
    picked: Numbers
    """Room for postings of rows that may be near: at least `BLOCK`."""


class Query(NamedTuple):
    ranks: Numbers
    size: int
    sketch: int
    family: int


@part
def posting(row: int, size: int, place: int, threshold: float) -> Number:
    """What the list of a row's token at a place holds of the row."""
    share = threshold / (1 + threshold) * SLACK
    return row << 32 | min(size, CLIP) << 16 | min(int((size - place) / share) - size, CLIP)


@part
def prefix(size: int, threshold: float) -> int:
    """How many of a set's rarest tokens one that is near must share one of."""
    return size - int(np.ceil(threshold * size * SLACK)) + 1 if size else 0


@part
def find(store: Store, query: Query, threshold: float, found: Numbers) -> bool:
    """Writes the earliest near row of another family into `found`; gives whether the family holds this very set already."""
    size, share, held, picked = query.size, threshold / (1 + threshold) * SLACK, False, 0
    heads, cells, least, end = (
        store.lists.heads,
        store.lists.cells,
        min(query.size, CLIP),
        prefix(query.size, threshold),
    )
    touched = np.int64(0)
    for place in range(end):
        touched ^= heads[2 * query.ranks[place]]
    for place in range(end):
        first, count = heads[2 * query.ranks[place]], heads[2 * query.ranks[place] + 1]
        for at in range(
            first, first + min(count, BLOCK), LINE
        ):  # of a longer one the processor then sees where it goes
            touched ^= cells[at]
    store.used[TOUCHED] = touched  # or else the loops would be left out
    for place in range(end):
        first, count = heads[2 * query.ranks[place]], heads[2 * query.ranks[place] + 1]
        most = min(int((size - place) / share) - size, CLIP)
        for begin in range(first, first + count, BLOCK):
            if picked + BLOCK > len(store.picked):
                held |= _compare(store, query, threshold, picked, found)
                picked = 0
            for at in range(begin, min(begin + BLOCK, first + count)):
                one = cells[at]
                # Without a branch, which would be guessed wrong half of the time.
                store.picked[picked] = one
                picked += 1 - (((most - (one >> 16 & CLIP)) | ((one & CLIP) - least)) >> 63 & 1)
    return held | _compare(store, query, threshold, picked, found)


@part
def _compare(store: Store, query: Query, threshold: float, picked: int, found: Numbers) -> bool:
    """Compares the query with the rows of picked postings."""
    size, share, held, touched = query.size, threshold / (1 + threshold) * SLACK, False, np.int64(0)
    for at in range(picked):
        touched ^= store.sketches[store.picked[at] >> 32]
    store.used[TOUCHED] = touched
    for at in range(picked):
        row, other = store.picked[at] >> 32, store.picked[at] >> 16 & CLIP
        if other == CLIP:
            other = store.starts[row + 1] - store.starts[row]
        least = share * (size + other)
        if _apart(query.sketch, store.sketches[row]) > size + other - 2 * least or 0 <= found[0] <= row:
            continue
        shared = _shared(store, row, query, least)
        if query.family >= 0 and query.family == store.families[row]:
            held |= shared == size == other
        elif shared and shared / (size + other - shared) >= threshold:
            found[0], found[1], found[2] = row, shared, size + other - shared
    return held


@part
def sketch(ranks: Numbers, size: int) -> Number:
    """Which of 64 buckets hold an odd number of the tokens."""
    odd = np.int64(0)
    for place in range(size):
        odd ^= np.int64(1) << np.int64(ranks[place] & 63)
    return odd


@part
def _apart(one: int, other: int) -> Number:
    """In how many bits two sketches differ."""
    bits = np.uint64(one ^ other)
    bits -= (bits >> np.uint64(1)) & np.uint64(0x5555555555555555)
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((bits * np.uint64(0x0101010101010101)) >> np.uint64(56))


@part
def _shared(store: Store, row: int, query: Query, least: float) -> int:
    """How many tokens a row and the query share; 0 as soon as they cannot come to `least`."""
    one, other, end, shared = 0, store.starts[row], store.starts[row + 1], 0
    while one < query.size and other < end:
        if shared + min(query.size - one, end - other) < least:
            return 0
        difference = query.ranks[one] - store.tokens[other]
        shared += difference == 0
        one += difference >= 0
        other += difference <= 0
    return shared
