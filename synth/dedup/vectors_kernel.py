"""The inner loops of `vectors`, compiled by numba at first use: the earliest kept vector whose cosine is high enough.

All numbers are whole, so that the cosine is the same however they are summed. A quarter of each vector is multiplied first; the
lengths of what is left bound the rest (Cauchy and Schwarz), which rules most pairs out.
"""

from typing import NamedTuple

import numpy as np

from synth.dedup.search_kernel import SLACK
from synth.kernels import Numbers, compiled

BLOCK = 256
"""Kept vectors that all new ones are compared with before the next: they stay in the processor's cache."""


class Rows(NamedTuple):
    """Vectors in eight bits for compiled code, with their lengths and families."""

    vectors: Numbers
    """Of int8."""
    lengths: Numbers
    rests: Numbers
    """Length of all but the first quarter."""
    families: Numbers
    """-1 is no family."""


class Task(NamedTuple):
    """New vectors for the index, what near means, and where what they are near to is filled in."""

    new: Rows
    least: float
    """The cosine from which on two vectors are near."""
    looks: bool
    """If not, all are kept."""
    near: Numbers
    """Filled in: for each new vector the earliest kept one that is near to it; -1 for none, …"""
    cosines: Numbers
    """… and their cosine."""


def look(kept: Rows, first: int, last: int, task: Task, at: int) -> None:
    """In compiled code: fills in the earliest of these kept vectors that is near to a new vector, if none before them
    is.

    Its loops stand here and not in functions of their own: a call costs more than a product.
    """
    if task.near[at] >= 0:
        return
    ours, theirs, family = kept.vectors, task.new.vectors, task.new.families[at]
    length, rest = task.least * task.new.lengths[at], task.new.rests[at]
    size = ours.shape[1]
    for row in range(first, last):
        if family >= 0 and family == kept.families[row]:
            continue
        least, product = length * kept.lengths[row], np.int32(0)
        for place in range(size // 4):
            product += np.int32(ours[row, place]) * np.int32(theirs[at, place])
        if product + rest * kept.rests[row] < least * SLACK:
            continue
        for place in range(size // 4, size):
            product += np.int32(ours[row, place]) * np.int32(theirs[at, place])
        if product > 0 and product >= least:
            task.near[at] = row
            task.cosines[at] = product / (kept.lengths[row] * task.new.lengths[at])
            return


look = compiled(look)


def _keep(kept: Rows, rows: int, new: Rows, at: int) -> None:
    kept.vectors[rows] = new.vectors[at]
    kept.lengths[rows], kept.rests[rows] = new.lengths[at], new.rests[at]
    kept.families[rows] = new.families[at]


_keep = compiled(_keep)


def run(kept: Rows, rows: int, task: Task) -> int:
    """The kernel's loop: takes new vectors into the index one after the other. Gives how many are kept then; there must
    be room for all."""
    count = len(task.new.vectors)
    for start in range(0, rows if task.looks else 0, BLOCK):
        for at in range(count):
            look(kept, start, min(rows, start + BLOCK), task, at)
    before = rows
    for at in range(count):
        if task.looks:
            look(kept, before, rows, task, at)
        if task.near[at] < 0:
            _keep(kept, rows, task.new, at)
            rows += 1
    return rows


run = compiled(run)
