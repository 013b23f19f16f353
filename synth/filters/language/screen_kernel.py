"""The inner loop of `screen`, compiled by numba at first use: which patterns the texts at hand give a chance."""

import numpy as np

from synth.kernels import Numbers, compiled

SPREAD = np.uint64(0x9E3779B1)
LOW = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(16)
ONE, WORD = np.uint64(1), 6


@compiled
def screen(codes: Numbers, ends: Numbers, found: Numbers, lists: Numbers, out: Numbers) -> None:
    """For each text, the codes up to its end, sets the bits of the alternatives that have all they need, after those of the
    patterns whose they are. `found` and `lists` are a screen's, see `screen.Lists`."""
    needs_at, alternatives_at, wanted_at, owners_at, needs = lists[0], lists[1], lists[2], lists[3], lists[4]
    seen, order, begin = np.zeros(needs, np.bool_), np.empty(needs, np.int64), 0
    for text in range(len(ends)):
        end, count = ends[text], 1
        seen[0], order[0] = True, 0
        for at in range(begin, end):
            key = np.uint64(0)
            for last in range(at, min(at + 3, end)):
                key = (key * SPREAD + np.uint64(codes[last]) + ONE) & LOW
                row = needs_at + found[((key * SPREAD) & LOW) >> SHIFT]
                for place in range(lists[row], lists[row + 1]):
                    if not seen[lists[place]]:
                        seen[lists[place]] = True
                        order[count] = lists[place]
                        count += 1
        begin = end
        for need in order[:count]:
            for place in range(lists[alternatives_at + need], lists[alternatives_at + need + 1]):
                one, whole = lists[place], True
                for wanted in range(lists[wanted_at + one], lists[wanted_at + one + 1]):
                    whole = whole and seen[lists[wanted]]
                if whole:
                    out[text, 0] |= ONE << np.uint64(lists[owners_at + one])
                    out[text, 1 + (one >> WORD)] |= ONE << np.uint64(one & 63)
        seen[order[:count]] = False
