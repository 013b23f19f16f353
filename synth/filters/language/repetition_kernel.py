"""The inner loops of `repetition`, compiled by numba at first use: passages that come again, and pieces that come on end."""

import numpy as np

from synth.kernels import Numbers, compiled

SPREAD = np.uint64(0x9E3779B97F4A7C15)


@compiled
def again(codes: Numbers, gram: int, shortest: int) -> int:
    """How many grams of a text were there before, in runs of at least so many on end."""
    grams = len(codes) - gram + 1
    room = 4
    while room < 2 * grams:
        room *= 2
    first = np.zeros(room, np.int64)
    run = found = 0
    for at in range(grams):
        key = np.uint64(0)
        for code in codes[at : at + gram]:
            key = (key ^ np.uint64(code)) * SPREAD
            key ^= key >> np.uint64(29)
        cell = np.int64(key >> np.uint64(8)) & (room - 1)
        while first[cell] and not _same(codes, first[cell] - 1, at, gram):
            cell = (cell + 1) & (room - 1)
        if first[cell]:
            run += 1
            continue
        first[cell] = at + 1
        if run >= shortest:
            found += run
        run = 0
    return found + run if run >= shortest else found


@compiled
def _same(codes: Numbers, one: int, other: int, size: int) -> bool:
    step = 0
    while step < size and codes[one + step] == codes[other + step]:
        step += 1
    return step == size


@compiled
def on_end(codes: Numbers, marks: Numbers, shortest: int, longest: int, turns: int) -> bool:
    """Whether a piece of so many characters comes so often on end, anywhere in a text; marks are none of its characters."""
    bare, count = np.empty(len(codes), np.uint32), 0
    for code in codes:
        kept = True
        for mark in marks:
            if code == mark:
                kept = False
        if kept:
            bare[count] = code
            count += 1
    for size in range(shortest, longest + 1):
        run = 0
        for at in range(size, count):
            run = run + 1 if bare[at] == bare[at - size] else 0
            if run >= size * (turns - 1):
                return True
    return False
