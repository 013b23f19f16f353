"""The index's inner loops, compiled by numba at first use: shingles to ranks, prefix filtering, the exact check.

Prefix filtering (Chaudhuri, Ganti and Kaushik 2006; Bayardo, Ma and Srikant 2007): under any fixed order of tokens, two sets at or
over Jaccard t share a token among the first |x| - ceil(t|x|) + 1 of each. Postings carry size and position, which bound what can
still be shared (Xiao et al. 2008); an odd sketch, the parities of 64 buckets, bounds the symmetric difference from below
(Mitzenmacher, Pagh and Pham 2014). All of these only rule out; the merge of two token lists decides.
"""

from typing import NamedTuple

import numpy as np

from synth.kernels import Number, Numbers, compiled, part, sort

GRAMS, PARTS, ROWS, TOKENS, CELLS, WANTED = range(6)
"""Places in `Store.used`."""
NEVER, IF_NEW, IF_UNHEARD, ALWAYS = range(4)
"""When a text is kept: if nothing is near; if moreover its family has not brought the very same set before."""
PART, WHOLE, LONE = 1 << 60, 1 << 61, 1 << 62
"""Tell the beginnings of grams of more than three characters from the grams themselves, and both from those of a text that is one gram."""
CLIP = 0xFFFF
"""A size or position in a posting; this one stands for all from here on."""
SLACK = 1 - 1e-9
"""Bounds are loosened by this much, so that rounding rules nothing out."""


class Store(NamedTuple):
    """The n-gram index as flat arrays for compiled code, enlarged from outside."""

    table: Numbers
    """Open addressing: pairs (gram + 1, number); 0 is free. Its length is a power of two."""
    heads: Numbers
    """By rank: the newest chunk of its postings in `arena` (0: none), and how many postings that chunk holds."""
    arena: Numbers
    """Chunks: (chunk before) << 6 | log2 of its room, then postings: row << 32 | size << 16 | position."""
    starts: Numbers
    """Row r has tokens[starts[r] : starts[r + 1]]: ranks, in falling order."""
    tokens: Numbers
    sketches: Numbers
    families: Numbers
    used: Numbers
    ranks: Numbers
    """Room for one text's ranks."""


class Texts(NamedTuple):
    """Texts for the n-gram index as one array: text i is codes[ends[i - 1] : ends[i]]; family -1 is none; a lone one is one gram."""

    codes: Numbers
    ends: Numbers
    families: Numbers
    lone: Numbers


class Task(NamedTuple):
    first: int
    """The text to begin with."""
    look: bool
    keep: int
    ngram: int
    threshold: float


class Query(NamedTuple):
    ranks: Numbers
    size: int
    sketch: int
    family: int


@compiled
def run(store: Store, texts: Texts, task: Task, out: Numbers) -> int:
    """Takes texts into the n-gram kernel's index; gives the number of the first without room, or how many there are.

    out[i]: the earliest near row of another family or -1, the tokens shared with it, the tokens in both.
    """
    for number in range(task.first, len(texts.ends)):
        start = texts.ends[number - 1] if number else 0
        if not _has_room(store, texts.ends[number] - start, task.ngram):
            return number
        codes = texts.codes[start : texts.ends[number]]
        size = _rank_whole(store, codes) if texts.lone[number] else _rank_all(store, codes, task.ngram)
        query = Query(store.ranks, size, _sketch(store.ranks, size), texts.families[number])
        out[number, 0], held = -1, False
        if task.look:
            held = _find(store, query, task.threshold, out[number])
        fresh = out[number, 0] < 0 and not (held and task.keep == IF_UNHEARD)
        if task.keep == ALWAYS or (task.keep != NEVER and fresh):
            store.used[WANTED] = _wanted(store, query, task.threshold)
            if store.used[CELLS] + store.used[WANTED] > len(store.arena):
                return number
            _add(store, query, task.threshold)
    return len(texts.ends)


@compiled
def rehash(old: Numbers, new: Numbers) -> None:
    """In compiled code: copies the n-gram index's hash table of grams into a larger, empty one."""
    for slot in range(len(old) // 2):
        if old[2 * slot]:
            at = _slot(new, old[2 * slot])
            new[2 * at], new[2 * at + 1] = old[2 * slot], old[2 * slot + 1]


@compiled
def reorder(store: Store, order: Numbers, ngram: int, threshold: float) -> None:
    """In compiled code: gives every gram of the index the rank order[rank], and files all rows anew."""
    for slot in range(len(store.table) // 2):
        key = store.table[2 * slot]
        if key and ((key - 1) & WHOLE or (ngram <= 3 and not (key - 1) & PART)):
            store.table[2 * slot + 1] = order[store.table[2 * slot + 1]]
    store.heads[:] = 0
    rows, store.used[ROWS], store.used[TOKENS], store.used[CELLS] = store.used[ROWS], 0, 0, 1
    for row in range(rows):
        start, end = store.starts[row], store.starts[row + 1]
        for at in range(start, end):
            store.ranks[at - start] = -order[store.tokens[at]]
        size = _each_once(store.ranks, end - start)
        _add(store, Query(store.ranks, size, _sketch(store.ranks, size), store.families[row]), threshold)


@part
def _has_room(store: Store, length: int, ngram: int) -> bool:
    """Whether a text of so many characters fits, at the very worst; its postings aside."""
    grams = store.used[GRAMS] + store.used[PARTS] + max(1, ngram - 2) * length + 1
    return (
        length <= len(store.ranks)
        and 4 * grams < len(store.table)
        and 2 * grams < len(store.heads)
        and store.used[ROWS] + 2 < len(store.starts)
        and store.used[ROWS] + 1 < min(len(store.sketches), len(store.families))
        and store.used[TOKENS] + length < len(store.tokens)
    )


@part
def _slot(table: Numbers, key: Number) -> Number:
    """Where a key stands, or would."""
    mask = len(table) // 2 - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    at = np.int64(mixed >> np.uint64(20)) & mask
    while table[2 * at] and table[2 * at] != key:
        at = (at + 1) & mask
    return at


@part
def _number(store: Store, gram: Number, counter: int) -> Number:
    """The number of a gram; a new one gets the next."""
    at = _slot(store.table, gram + 1)
    if not store.table[2 * at]:
        store.table[2 * at] = gram + 1
        store.table[2 * at + 1] = store.used[counter]
        store.used[counter] += 1
    return store.table[2 * at + 1]


@part
def _rank_all(store: Store, codes: Numbers, ngram: int) -> int:
    """Writes the ranks of a text's shingles into `ranks`, rarest first, each once; gives how many there are."""
    count = max(len(codes) - ngram + 1, min(len(codes), 1))
    for place in range(count):
        gram = np.int64(0)
        for at in range(place, place + ngram):
            # A text of fewer than n characters is padded with 0, which no text holds.
            code = np.int64(codes[at]) if at < len(codes) else np.int64(0)
            if at - place < 3:
                gram = gram << 21 | code
            else:  # the number of its beginning and one more character: exact, and still one number
                mark = WHOLE if at == place + ngram - 1 else PART
                gram = mark | _number(store, gram, PARTS) << 21 | code
        store.ranks[place] = -_number(store, gram, GRAMS)
    return _each_once(store.ranks, count)


@part
def _rank_whole(store: Store, codes: Numbers) -> int:
    """Writes the rank of a text that is one gram into `ranks`; gives how many there are."""
    if not len(codes):
        return 0
    part = np.int64(0)
    for code in codes[:-1]:
        part = _number(store, LONE | PART | part << 21 | np.int64(code), PARTS) + 1
    store.ranks[0] = _number(store, LONE | WHOLE | part << 21 | np.int64(codes[-1]), GRAMS)
    return 1


@part
def _each_once(ranks: Numbers, count: int) -> int:
    """Turns negated ranks into ranks in falling order, each once."""
    sort(ranks, count)
    size = 0
    for place in range(count):
        if not size or -ranks[place] != ranks[size - 1]:
            ranks[size] = -ranks[place]
            size += 1
    return size


@part
def _sketch(ranks: Numbers, size: int) -> Number:
    sketch = np.int64(0)
    for place in range(size):
        sketch ^= np.int64(1) << np.int64(ranks[place] & 63)
    return sketch


@part
def _apart(one: int, other: int) -> Number:
    """In how many bits two sketches differ."""
    bits = np.uint64(one ^ other)
    bits -= (bits >> np.uint64(1)) & np.uint64(0x5555555555555555)
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((bits * np.uint64(0x0101010101010101)) >> np.uint64(56))


@part
def _prefix(size: int, threshold: float) -> int:
    return size - int(np.ceil(threshold * size * SLACK)) + 1 if size else 0


@part
def _find(store: Store, query: Query, threshold: float, found: Numbers) -> bool:
    """Writes the earliest near row of another family into `found`; gives whether the family holds this very set already."""
    size, share, held = query.size, threshold / (1 + threshold) * SLACK, False
    for place in range(_prefix(size, threshold)):
        chunk, filled = store.heads[2 * query.ranks[place]], store.heads[2 * query.ranks[place] + 1]
        while chunk:
            for at in range(chunk + 1, chunk + 1 + filled):
                posting = store.arena[at]
                row, other = posting >> 32, (posting >> 16) & CLIP
                if other == CLIP:
                    other = store.starts[row + 1] - store.starts[row]
                least = share * (size + other)
                if min(size - place, other - (posting & CLIP)) < least or 0 <= found[0] <= row:
                    continue
                if _apart(query.sketch, store.sketches[row]) > size + other - 2 * least:
                    continue
                shared = _shared(store, row, query, least)
                if query.family >= 0 and query.family == store.families[row]:
                    held = held or shared == size == other
                elif shared and shared / (size + other - shared) >= threshold:
                    found[0], found[1], found[2] = row, shared, size + other - shared
            chunk = store.arena[chunk] >> 6
            filled = 1 << (store.arena[chunk] & 63)
    return held


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


@part
def _add(store: Store, query: Query, threshold: float) -> None:
    row, start, size = store.used[ROWS], store.used[TOKENS], query.size
    for place in range(size):  # a slice would take numba a second to compile
        store.tokens[start + place] = query.ranks[place]
    store.used[ROWS], store.used[TOKENS] = row + 1, start + size
    store.starts[row + 1] = start + size
    store.sketches[row], store.families[row] = query.sketch, query.family
    for place in range(_prefix(size, threshold)):
        _post(store, query.ranks[place], row << 32 | min(size, CLIP) << 16 | min(place, CLIP))


@part
def _wanted(store: Store, query: Query, threshold: float) -> int:
    """Cells that the query's postings may take."""
    cells = 0
    for place in range(_prefix(query.size, threshold)):
        chunk, filled = store.heads[2 * query.ranks[place]], store.heads[2 * query.ranks[place] + 1]
        width = store.arena[chunk] & 63 if chunk else -1
        if not chunk or filled == 1 << width:
            cells += 1 + (1 << min(width + 1, 6))
    return cells


@part
def _post(store: Store, rank: int, posting: int) -> None:
    """Into the newest chunk of the rank's postings; a full one is followed by one of twice the room, up to 64."""
    chunk, filled = store.heads[2 * rank], store.heads[2 * rank + 1]
    width = store.arena[chunk] & 63 if chunk else -1
    if not chunk or filled == 1 << width:
        width = min(width + 1, 6)
        store.arena[store.used[CELLS]] = chunk << 6 | width
        chunk, filled = store.used[CELLS], 0
        store.used[CELLS] += 1 + (1 << width)
        store.heads[2 * rank] = chunk
    store.arena[chunk + 1 + filled] = posting
    store.heads[2 * rank + 1] = filled + 1
