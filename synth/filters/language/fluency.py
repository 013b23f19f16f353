"""Whether Chinese is Chinese: how well characters follow each other, by a table of counts, and whether a text goes in a loop.

The table (`fluency.bin`, made by `benchmarks/fluency_table.py`) holds whole numbers alone: how often characters, pairs and triples were
seen, on a scale of logarithms, and what a pair and a triple seen more or less often than expected speak for. They are added in the
order of the text, so a verdict is the same on every machine.
"""

import re
from functools import cache, lru_cache
from itertools import pairwise
from math import isqrt
from types import ModuleType

import numpy as np

from synth.filters.language.fluency_table import HAN, Model, Numbers, model

_PARTICLE = np.isin(
    np.arange(1 << 16), [ord(one) for one in "的了是你她们这那个吗么吧呢很都什怎样啥嘛嘅咗唔系佢啲冇俺咱侬嘞"]
)
_ONE_IN = 14
"""In modern prose at least one character in so many is one of them."""
BOUNDS = np.array(
    [
        [
            [-45, -23, 5, 16, 50, 117],
            [-198, -214, -202, -198, -106, 41],
            [-84, -73, -52, -30, 39, 132],
            [-50, -32, -10, 5, 68, 192],
            [-33, -23, -13, 7, 54, 138],
        ],
        [
            [-39, -32, -12, -2, 12, 12],
            [-209, -226, -262, -316, -427, -464],
            [-88, -91, -86, -93, -102, -102],
            [-47, -39, -28, -13, -15, -15],
            [-38, -38, -32, -19, -22, -22],
        ],
    ],
    np.int64,
)
"""By register, kind of salad and length (8, 16, 32, 64, 128, 256 places): the lowest sum that is still language, over the root of the
length; of `benchmarks/fluency.py --calibrate`."""
STRETCHES = (64, 128, 256)
SLACK = (45, 60)
"""Places of a longer text that are judged by themselves too, and by register how much lower their bound is."""
_CHAPTER = 20_000
"""As much of a text as is looked at."""
_RUN_OF_MARKS = re.compile(r"([；;，,、。！!？?：:－~～])(?:\s?\1){15}")


def symbols(text: str, table: Numbers) -> Numbers:
    """A text as numbers: characters in their simplified form, runs of marks and of foreign letters one number each."""
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), "<u2")
    found = np.zeros(len(units) + 2, np.int64)
    found[1:-1] = table[units]
    kept = found >= HAN
    kept[0] = True
    kept[1:] |= found[1:] != found[:-1]
    return found[kept]


def surprises(found: Numbers, model: Model) -> Numbers:
    """Of each three symbols on end of which two are characters, at their first place in the text: how the last pair and the three
    compare with what chance would give, as an index of the weights."""
    out = np.empty(len(found), np.int64)
    return out[: _kernel().surprises(found, model, out)]


def sums(found: Numbers, model: Model) -> Numbers:
    """What the symbols up to each place speak for, by kind of salad: language if it grows, salad if it falls."""
    weights = model.weights[surprises(found, model)]
    grown = np.zeros((weights.shape[1], len(weights) + 1), np.int64)
    np.cumsum(weights.T, axis=1, out=grown[:, 1:])
    return grown


def is_salad(found: Numbers, model: Model, least: int = 12) -> bool:
    """Whether symbols are put together by chance, as a whole or for a stretch. Fewer than `least` places say nothing."""
    grown = sums(found, model)
    size = grown.shape[1] - 1
    if size < least:
        return False
    kind = register(found)
    bounds, slack = BOUNDS[kind], SLACK[kind]
    if (grown[:, -1] < _bound(bounds, size)).any():
        return True
    for width in STRETCHES:
        if width >= size:
            break
        lowest = (grown[:, width:] - grown[:, :-width]).min(axis=1)
        if (lowest < _bound(bounds, width) - slack * isqrt(width)).any():
            return True
    return False


def _bound(bounds: Numbers, size: int) -> Numbers:
    """What the sum over so many places must not fall below, by kind."""
    return bounds[:, min(max(size.bit_length() - 4, 0), bounds.shape[1] - 1)] * isqrt(size << 8) >> 4


def register(found: Numbers) -> int:
    """0 where the particles and pronouns of modern Chinese are as frequent as in prose, else 1: classical prose, verse, bare lists."""
    return int(_PARTICLE[found].sum() * _ONE_IN < (found >= HAN).sum())


@lru_cache(maxsize=4096)
def verdict(text: str, *, least: int = 12, piece: int | None = None) -> str | None:
    """`loop` for a text that goes round, `salad` for Chinese put together by chance, None for language and for what is too
    little to tell: fewer than `least` places at which characters follow each other, or little Chinese among code or figures. With
    `piece` a text of more characters is judged in pieces of about so many: bounds are of texts of up to 256 places, and an account in
    plain words, however long, does not get far above what chance gives. The latest verdicts are remembered: a rule asks, and later
    what counts doubts."""
    text = text[:_CHAPTER]
    if _RUN_OF_MARKS.search(text):
        return "loop"
    table = model()
    found = symbols(text, table.symbol)
    if _kernel().is_loop(found):
        return "loop"
    if piece is not None and len(text) > piece:
        count = -(-len(text) // piece)
        cuts = [len(text) * at // count for at in range(count + 1)]
        parts = [text[begin:end] for begin, end in pairwise(cuts)]
        return "salad" if any(_is_salad(part, symbols(part, table.symbol), least) for part in parts) else None
    return "salad" if _is_salad(text, found, least) else None


def _is_salad(text: str, found: Numbers, least: int) -> bool:
    return not is_sparse(text, found) and is_salad(found, model(), least)


def is_sparse(text: str, found: Numbers) -> bool:
    """Whether a text is code, figures or another language for the most part: fewer than two in five characters are Chinese."""
    return bool(5 * (found >= HAN).sum() < 2 * (len(text) - text.count(" ") - text.count("\n")))


@cache
def _kernel() -> ModuleType:
    """The inner loops, imported when the first text is looked at: numba takes longer to import than all else."""
    from synth.filters.language import fluency_kernel

    return fluency_kernel
