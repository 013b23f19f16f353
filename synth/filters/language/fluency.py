"""Whether Chinese is Chinese: how well characters follow each other, by a table of counts, and whether a text goes in a loop.

The table (`fluency.bin`, made by `benchmarks/fluency_table.py`) holds whole numbers alone: how often characters, pairs and triples were
seen, on a scale of logarithms, and what a pair and a triple seen more or less often than expected speak for. They are added in the
order of the text, so a verdict is the same on every machine.
"""

import json
import lzma
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import isqrt
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.int64]

TABLE = Path(__file__).with_name("fluency.bin")
PAIRS, TRIPLES = 24, 25
"""Bits of the cells that pairs and triples are hashed to; about one in thirty is taken, so one strange triple in thirty looks known."""
STEPS = 16
"""Grades in which the surprise of a pair, and that of a triple, are told apart."""
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_PAIR_LOG = np.array([-2, *range(4, 64, 4)], np.int64)
_TRIPLE_LOG = np.array([-4, 8, 13, 20], np.int64)
"""Four times the logarithm to base 2 of how often a pair or triple of that level was seen."""
_HAN = 2
"""The first symbol that is a character: 0 is a mark or space, 1 a letter, digit or word of another script."""
_PARTICLES = np.array(
    [ord(one) for one in "的了是你她们这那个吗么吧呢很都什怎样啥嘛嘅咗唔係系佢啲冇俺咱侬嘞"], np.int64
)
_ONE_IN = 14
"""In modern prose at least one character in so many is one of them."""
BOUNDS = np.array(
    [
        [[-13, -12, -11, -8, -8, -5], [-19, -19, 16, 40, 80, 130], [-13, -15, -5, 3, 6, 18], [-11, -11, -6, -2, -1, 5]],
        [
            [-19, -14, -11, -9, -8, -7],
            [-29, -29, -29, -28, -27, -26],
            [-17, -18, -19, -21, -24, -24],
            [-12, -13, -15, -17, -20, -20],
        ],
    ],
    np.int64,
)
"""By register, kind of salad and length (8, 16, 32, 64, 128, 256 places): the lowest sum that is still language, over the root of the
length; of `benchmarks/fluency.py --calibrate`."""
STRETCHES = ((64, 5), (128, 5), (256, 5))
"""Stretches of a longer text that are judged by themselves, and how much more it takes."""
_CHAPTER = 20_000
"""As much of a text as is looked at."""
_WORDS = re.compile(r"[^\u3400-\u9fff]+")
_RUN_OF_MARKS = re.compile(r"([；;，,、。！!？?：:－~～])(?:\s?\1){15}")
_SHORTEST, _TURNS = 12, 3
"""A loop is at least so many characters, and comes round so often again."""
_REACH, _ROUND = 120, 60
"""Characters that stood so few before speak for a loop, the others against it; so many more of them are one."""


@dataclass(frozen=True)
class Model:
    """The table as it is read: `symbol` and `log` by code unit, levels of hashed `pairs` (two a byte) and `triples` (four a byte),
    `weights` by kind of salad and surprise, and `size`, four times the logarithm of how many characters were counted."""

    symbol: Numbers
    log: Numbers
    pairs: npt.NDArray[np.uint8]
    triples: npt.NDArray[np.uint8]
    weights: Numbers
    size: int


def head() -> dict[str, Any]:
    """What the table was made from: of each source its name, version, licence, hash and number of characters."""
    with TABLE.open("rb") as file:
        return dict(json.loads(file.readline()))


@cache
def model() -> Model:
    """The table that ships, read once."""
    with TABLE.open("rb") as file:
        about = json.loads(file.readline())
        parts = {name: lzma.decompress(file.read(size)) for name, size in about["parts"].items()}
    return unpacked(parts, about["size"])


def unpacked(parts: Mapping[str, bytes], size: int) -> Model:
    """A model from its parts as they are stored."""
    pairs = _cells(parts["pair_gaps"], parts["pair_levels"], PAIRS)
    triples = _cells(parts["triple_gaps"], parts["triple_levels"], TRIPLES).reshape(-1, 4)
    halves = pairs.reshape(-1, 2)
    return Model(
        symbol=np.frombuffer(parts["symbols"], "<u2").astype(np.int64),
        log=np.frombuffer(parts["logs"], np.uint8).astype(np.int64),
        pairs=halves[:, 0] | halves[:, 1] << 4,
        triples=triples[:, 0] | triples[:, 1] << 2 | triples[:, 2] << 4 | triples[:, 3] << 6,
        weights=np.frombuffer(parts["weights"], np.int8).astype(np.int64).reshape(-1, STEPS * STEPS),
        size=size,
    )


def _cells(gaps: bytes, levels: bytes, bits: int) -> npt.NDArray[np.uint8]:
    """Levels at their cells. A gap of 255 goes on in the next byte."""
    steps = np.frombuffer(gaps, np.uint8)
    cells = np.zeros(1 << bits, np.uint8)
    cells[np.cumsum(steps, dtype=np.int64)[steps < 255] - 1] = np.frombuffer(levels, np.uint8)
    return cells


def symbols(text: str, table: Numbers) -> Numbers:
    """A text as numbers: characters in their simplified form, runs of marks and of foreign letters one number each."""
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), "<u2")
    found = np.zeros(len(units) + 2, np.int64)
    found[1:-1] = table[units]
    kept = found >= _HAN
    kept[0] = True
    kept[1:] |= found[1:] != found[:-1]
    return found[kept]


def hashed(keys: Numbers, bits: int) -> Numbers:
    """The cells of these pairs or triples."""
    return ((keys.astype(np.uint64) * _SPREAD) >> np.uint64(64 - bits)).astype(np.int64)


def surprises(found: Numbers, model: Model) -> Numbers:
    """Of each three symbols on end of which two are characters: how the last pair and the three compare with what chance would give,
    as an index of the weights."""
    if len(found) < 3:
        return np.zeros(0, np.int64)
    cell = hashed(found[:-1] << 16 | found[1:], PAIRS)
    pair = _PAIR_LOG[model.pairs[cell >> 1] >> ((cell & 1) << 2) & 15]
    cell = hashed(found[:-2] << 32 | found[1:-1] << 16 | found[2:], TRIPLES)
    triple = _TRIPLE_LOG[model.triples[cell >> 2] >> ((cell & 3) << 1) & 3]
    log = model.log[found]
    by_pair = pair[1:] - np.maximum(log[1:-1] + log[2:] - model.size, -2)
    by_triple = triple - np.maximum(pair[:-1] + pair[1:] - log[1:-1], -4)
    index = np.clip((by_pair + 24) >> 2, 0, STEPS - 1) * STEPS + np.clip((by_triple + 24) >> 2, 0, STEPS - 1)
    han = (found >= _HAN).astype(np.int64)
    return index[han[:-2] + han[1:-1] + han[2:] >= 2]


def sums(found: Numbers, model: Model) -> Numbers:
    """What the symbols up to each place speak for, by kind of salad: language if it grows, salad if it falls."""
    weights = model.weights[:, surprises(found, model)]
    return np.concatenate((np.zeros((len(weights), 1), np.int64), np.cumsum(weights, axis=1)), axis=1)


def is_salad(found: Numbers, model: Model, least: int = 12) -> bool:
    """Whether symbols are put together by chance, as a whole or for a stretch. Fewer than `least` places say nothing."""
    grown = sums(found, model)
    size = grown.shape[1] - 1
    if size < least:
        return False
    bounds = BOUNDS[register(found)]
    if (grown[:, -1] < _bound(bounds, size)).any():
        return True
    for width, slack in STRETCHES:
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
    han = found[found >= _HAN]
    return int(np.isin(han, _PARTICLES).sum() * _ONE_IN < len(han))


def is_loop(text: str) -> bool:
    """Whether a text comes back to the same few characters again and again, or ends in a run of one mark."""
    if _RUN_OF_MARKS.search(text):
        return True
    units = np.array([ord(one) for one in _WORDS.sub("", text)], np.int64)
    if len(units) < _SHORTEST:
        return False
    grams = ((units[:-3] * 0x1F35 + units[1:-2]) * 0x1F35 + units[2:-1]) * 0x1F35 + units[3:]
    order = np.argsort(grams, kind="stable")
    again = grams[order][1:] == grams[order][:-1]
    back = np.zeros(len(grams), np.int64)
    back[order[1:][again]] = (order[1:] - order[:-1])[again]
    near = np.where((back > 0) & (back <= _REACH), 1, -1)
    grown = np.concatenate(([0], np.cumsum(near)))
    if int((grown - np.minimum.accumulate(grown)).max()) >= _ROUND:
        return True
    edges = np.flatnonzero(np.concatenate(([True], back[1:] != back[:-1], [True])))
    return any(
        period and end - start + 3 >= _TURNS * period and end - start + 3 + period >= _SHORTEST
        for start, end, period in zip(edges[:-1].tolist(), edges[1:].tolist(), back[edges[:-1]].tolist(), strict=True)
    )


def is_sparse(text: str) -> bool:
    """Whether a text is code, figures or another language for the most part: fewer than two in five characters are Chinese."""
    return 5 * len(_WORDS.sub("", text)) < 2 * len("".join(text.split()))


def verdict(text: str, *, least: int = 12) -> str | None:
    """`loop` for a text that goes round, `salad` for Chinese put together by chance, None for language and for what is too
    little to tell: fewer than `least` places at which characters follow each other, or little Chinese among code or figures."""
    text = text[:_CHAPTER]
    if is_loop(text):
        return "loop"
    if is_sparse(text):
        return None
    table = model()
    return "salad" if is_salad(symbols(text, table.symbol), table, least) else None
