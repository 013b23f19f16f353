"""The table that `fluency` goes by, `fluency.bin`, as it is read: how often characters, pairs and triples of them were counted."""

import json
import lzma
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Numbers: TypeAlias = npt.NDArray[np.int64]

TABLE = Path(__file__).with_name("fluency.bin")
PAIRS, TRIPLES = 24, 25
"""Bits of the cells that pairs and triples are hashed to; about one in thirty is taken, so one strange triple in thirty looks known."""
STEPS = 16
"""Grades in which the surprise of a pair, and that of a triple, are told apart."""
HAN = 2
"""The first symbol that is a character: 0 is a mark or space, 1 a letter, digit or word of another script."""
SPREAD = np.uint64(0x9E3779B97F4A7C15)
UNSEEN = -3
"""Four times the logarithm to base 2 of how often a pair or triple was seen that was never seen: half a time or so."""


class Model(NamedTuple):
    """The table of fluency as it is read: `symbol` and `log` by code unit, levels of hashed `pairs` and `triples` (two a byte),
    `weights` by surprise and kind of salad, and `size`, four times the logarithm of how many characters were counted."""

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
def version() -> str:
    """A hash of the table of fluency that ships, 12 hex digits: rows hang on it."""
    return sha256(TABLE.read_bytes()).hexdigest()[:12]


@cache
def model() -> Model:
    """The table that ships, read once."""
    with TABLE.open("rb") as file:
        about = json.loads(file.readline())
        parts = {name: lzma.decompress(file.read(size)) for name, size in about["parts"].items()}
    return unpacked(parts, about["size"])


def level(key: int, bits: int, cells: npt.NDArray[np.uint8]) -> int:
    """How often a hashed pair or triple was counted: four times the logarithm to base 2, `UNSEEN` if never."""
    at = ((key * int(SPREAD)) & 0xFFFFFFFFFFFFFFFF) >> (64 - bits)
    found = int(cells[at >> 1]) >> ((at & 1) << 2) & 15
    return 4 * found if found else UNSEEN


def unpacked(parts: Mapping[str, bytes], size: int) -> Model:
    """A model from its parts as they are stored."""
    return Model(
        symbol=np.frombuffer(parts["symbols"], "<u2").astype(np.int64),
        log=np.frombuffer(parts["logs"], np.uint8).astype(np.int64),
        pairs=_cells(parts["pair_gaps"], parts["pair_levels"], PAIRS),
        triples=_cells(parts["triple_gaps"], parts["triple_levels"], TRIPLES),
        weights=np.frombuffer(parts["weights"], np.int8).astype(np.int64).reshape(-1, STEPS * STEPS).T.copy(),
        size=size,
    )


def _cells(gaps: bytes, levels: bytes, bits: int) -> npt.NDArray[np.uint8]:
    """Levels at their cells, two a byte. A gap of 255 goes on in the next byte."""
    steps, found = np.frombuffer(gaps, np.uint8), np.frombuffer(levels, np.uint8)
    at = np.cumsum(steps, dtype=np.int64)[steps < 255] - 1
    cells, odd = np.zeros(1 << bits - 1, np.uint8), (at & 1).astype(np.bool_)
    cells[at[~odd] >> 1] = found[~odd]
    cells[at[odd] >> 1] |= found[odd] << 4
    return cells
