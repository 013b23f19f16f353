"""The table by which the class of an answer is told, `response_class.bin`, as it is read: what runs of characters and signs weigh."""

import json
import lzma
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

TABLE = Path(__file__).with_name("response_class.bin")
CLASSES = ("refusal", "rebuttal", "partial", "incapable", "compliance")


class Model(NamedTuple):
    """The table as it is read: `slots` holds keys of runs and signs at their places, `weights` what each speaks for, `start` what
    speaks for a class beforehand; a run's weight counts `run_unit`, a sign's `sign_unit`; `rules` is what the rules' class counts
    where they say that an answer does not just comply, `sure` what a class must be ahead by."""

    slots: npt.NDArray[np.uint64]
    weights: npt.NDArray[np.int8]
    start: npt.NDArray[np.int64]
    run_unit: int
    sign_unit: int
    rules: int
    sure: int


class Known(NamedTuple):
    """What the kernel reads: what each character is, a bit for each key that a table may have, and of each slot its key and beside it
    the weights, a byte each; the last byte is a mark, 0 between answers."""

    kinds: npt.NDArray[np.uint8]
    hinted: npt.NDArray[np.uint64]
    slots: npt.NDArray[np.uint64]


def head() -> dict[str, Any]:
    """What the table was made from: of each set of texts whose it is and how many answers of each class."""
    with TABLE.open("rb") as file:
        return dict(json.loads(file.readline()))


@cache
def version() -> str:
    """A hash of the table of classes that ships, 12 hex digits: rows hang on it."""
    return sha256(TABLE.read_bytes()).hexdigest()[:12]


@cache
def model() -> Model:
    """The table that ships, read once."""
    with TABLE.open("rb") as file:
        about = json.loads(file.readline())
        parts = {name: lzma.decompress(file.read(size)) for name, size in about["parts"].items()}
    return unpacked(parts, about)


def packed(keys: npt.NDArray[np.uint64], weights: npt.NDArray[np.int8], about: Mapping[str, Any]) -> bytes:
    """The file of a table, from the keys and what each weighs by class; `about` goes before them, on a line of its own."""
    order = np.argsort(keys)
    gaps = np.diff(keys[order], prepend=np.uint64(0)).astype("<u8")
    stored = {"keys": gaps.view(np.uint8).reshape(-1, 8).T.tobytes(), "weights": weights[order].T.tobytes()}
    parts = {name: lzma.compress(part, preset=9) for name, part in stored.items()}
    line = json.dumps({**about, "parts": {name: len(part) for name, part in parts.items()}}, ensure_ascii=False)
    return line.encode() + b"\n" + b"".join(parts.values())


def unpacked(parts: Mapping[str, bytes], about: Mapping[str, Any]) -> Model:
    """A model from its parts as they are stored."""
    gaps = np.frombuffer(parts["keys"], np.uint8).reshape(8, -1).T.copy().view("<u8").reshape(-1)
    keys = np.cumsum(gaps, dtype=np.uint64)
    stored = np.frombuffer(parts["weights"], np.int8).reshape(len(CLASSES), -1).T
    room = 1 << (2 * len(keys)).bit_length()
    slots, weights = np.zeros(room, np.uint64), np.zeros((room, len(CLASSES)), np.int8)
    for key, row in zip(keys.tolist(), stored, strict=True):
        at = key & (room - 1)
        while slots[at]:
            at = (at + 1) & (room - 1)
        slots[at], weights[at] = key, row
    start = np.array(about["start"], np.int64)
    return Model(slots, weights, start, about["run_unit"], about["sign_unit"], about["rules"], about["sure"])
