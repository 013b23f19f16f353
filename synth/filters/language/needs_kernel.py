"""The inner loop of `needs`, compiled by numba at first use: which patterns the texts at hand give a chance."""

import numpy as np

from synth.kernels import Numbers, compiled

SPREAD = np.uint64(0x9E3779B1)
LOW = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(16)
ONE, WORD = np.uint64(1), 6


@compiled
def screen(
    codes: Numbers,
    ends: Numbers,
    found: Numbers,
    masks: Numbers,
    firsts: Numbers,
    owners: Numbers,
    wanted: Numbers,
    out: Numbers,
) -> None:
    """For each text, the codes up to its end, sets the bits of the alternatives that have all they need, after those of the
    patterns whose they are. `found` has the row of `masks` of a gram, `wanted` from `firsts` on what an alternative needs."""
    words = masks.shape[1]
    seen, begin = np.zeros(words, np.uint64), 0
    for text in range(len(ends)):
        seen[:] = 0
        end = ends[text]
        for at in range(begin, end):
            key = np.uint64(0)
            for last in range(at, min(at + 3, end)):
                key = (key * SPREAD + np.uint64(codes[last]) + ONE) & LOW
                row = found[((key * SPREAD) & LOW) >> SHIFT]
                if row:
                    for word in range(words):
                        seen[word] |= masks[row, word]
        begin = end
        for one in range(len(firsts) - 1):
            whole = True
            for at in range(firsts[one], firsts[one + 1]):
                if not seen[wanted[at] >> WORD] >> np.uint64(wanted[at] & 63) & ONE:
                    whole = False
                    break
            if whole:
                out[text, 0] |= ONE << np.uint64(owners[one])
                out[text, 1 + (one >> WORD)] |= ONE << np.uint64(one & 63)
