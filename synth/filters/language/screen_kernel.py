"""The inner loop of `screen`, compiled by numba at first use: which patterns the texts at hand give a chance."""

import numpy as np

from synth.filters.language.screen import Tables
from synth.kernels import Numbers, compiled

SPREAD = np.uint64(0x9E3779B1)
LOW = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(16)
ONE, WORD = np.uint64(1), 6


@compiled
def screen(codes: Numbers, ends: Numbers, tables: Tables, out: Numbers) -> None:
    """For each text, the codes up to its end, sets the bits of the alternatives that have all they need, after those of the
    patterns whose they are."""
    words = tables.masks.shape[1]
    seen, begin = np.zeros(words, np.uint64), 0
    for text in range(len(ends)):
        seen[:] = 0
        end = ends[text]
        for at in range(begin, end):
            key = np.uint64(0)
            for last in range(at, min(at + 3, end)):
                key = (key * SPREAD + np.uint64(codes[last]) + ONE) & LOW
                row = tables.found[((key * SPREAD) & LOW) >> SHIFT]
                if row:
                    for word in range(words):
                        seen[word] |= tables.masks[row, word]
        begin = end
        for one in range(len(tables.owners)):
            whole = True
            for at in range(tables.firsts[one], tables.firsts[one + 1]):
                bit = tables.wanted[at]
                if not seen[bit >> WORD] >> np.uint64(bit & 63) & ONE:
                    whole = False
                    break
            if whole:
                out[text, 0] |= ONE << np.uint64(tables.owners[one])
                out[text, 1 + (one >> WORD)] |= ONE << np.uint64(one & 63)
