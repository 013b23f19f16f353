"""The index's inner loops, compiled by numba at first use: shingles to ranks, prefix filtering, the exact check."""

from typing import NamedTuple

import numpy as np

from synth.dedup.lists_kernel import KINDS, append, lay_out
from synth.dedup.search_kernel import GRAMS, PARTS, ROWS, TOKENS, WANTED, Query, Store, find, posting, prefix, sketch
from synth.kernels import Number, Numbers, compiled, part, sort

NEVER, IF_NEW, IF_UNHEARD, ALWAYS = range(4)
"""When a text is kept: if nothing is near; if moreover its family has not brought the very same set before."""
PART, WHOLE, LONE = 1 << 60, 1 << 61, 1 << 62
"""Tell the beginnings of grams of more than three characters from the grams themselves, and both from those of a text that is one gram."""


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
        query = Query(store.ranks, size, sketch(store.ranks, size), texts.families[number])
        out[number, 0], held = -1, False
        if task.look:
            held = find(store, query, task.threshold, out[number])
        fresh = out[number, 0] < 0 and not (held and task.keep == IF_UNHEARD)
        if task.keep == ALWAYS or (task.keep != NEVER and fresh):
            store.used[WANTED] = 0
            for place in range(prefix(size, task.threshold)):
                store.used[WANTED] += 2 * store.lists.heads[2 * store.ranks[place] + 1] + 1
            if store.lists.spare[KINDS - 1] + store.used[WANTED] > len(store.lists.cells):
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
    for at in range(len(store.lists.heads)):
        store.lists.heads[at] = 0
    for row in range(store.used[ROWS]):
        start, end = store.starts[row], store.starts[row + 1]
        for at in range(start, end):
            store.ranks[at - start] = -order[store.tokens[at]]
        size = _each_once(store.ranks, end - start)
        for place in range(size):
            store.tokens[start + place] = store.ranks[place]
        store.sketches[row] = sketch(store.ranks, size)
        for place in range(prefix(size, threshold)):
            store.lists.heads[2 * store.ranks[place] + 1] += 1
    lay_out(store.lists)
    for row in range(store.used[ROWS]):
        start, size = store.starts[row], store.starts[row + 1] - store.starts[row]
        for place in range(prefix(size, threshold)):
            rank = store.tokens[start + place]
            at = store.lists.heads[2 * rank] + store.lists.heads[2 * rank + 1]
            store.lists.cells[at] = posting(row, size, place, threshold)
            store.lists.heads[2 * rank + 1] += 1


@part
def _has_room(store: Store, length: int, ngram: int) -> bool:
    """Whether a text of so many characters fits, at the very worst; its postings aside."""
    grams = store.used[GRAMS] + store.used[PARTS] + max(1, ngram - 2) * length + 1
    return (
        length <= len(store.ranks)
        and 4 * grams < len(store.table)
        and 2 * grams < len(store.lists.heads)
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
def _add(store: Store, query: Query, threshold: float) -> None:
    row, start, size = store.used[ROWS], store.used[TOKENS], query.size
    for place in range(size):  # a slice would take numba a second to compile
        store.tokens[start + place] = query.ranks[place]
    store.used[ROWS], store.used[TOKENS] = row + 1, start + size
    store.starts[row + 1] = start + size
    store.sketches[row], store.families[row] = query.sketch, query.family
    for place in range(prefix(size, threshold)):
        append(store.lists, query.ranks[place], posting(row, size, place, threshold))
