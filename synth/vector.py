"""Vectors of texts in eight bits a number: a quarter of the size, and sums of their products that are the same on every machine."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from synth.errors import ConfigError
from synth.sanitize import plain

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
Embed: TypeAlias = Callable[[Sequence[str]], Numbers]
"""A row of float32 for each text."""
MOST = 127
LONGEST = 4_000
"""Characters of a text that are sent or read, from its beginning."""
UNLIKE = ("今天的天气怎么样？", "请介绍一道家常菜的做法")
"""Two texts that a model which knows Chinese tells apart."""


def rounded(vectors: Any) -> Numbers:
    """Vectors in eight bits: each row scaled so that its largest number is 127 or -127, then rounded to int8. A row of
    zeros stays one."""
    given = np.asarray(vectors, np.float64)
    largest = np.abs(given).max(axis=-1, keepdims=True)
    return np.rint(given / np.where(largest > 0, largest, 1.0) * MOST).astype(np.int8)


def sendable(text: str) -> str:
    """The part of a text of which a vector is asked: its first 4,000 characters; "。" for a text of nothing, which
    servers refuse."""
    return plain(text[:LONGEST]).strip() or "。"


def check(model: str, one: Numbers, other: Numbers) -> None:
    """ConfigError for a model whose vectors of the two texts in `UNLIKE` are zeros, or twice the same."""
    if not one.any() or not other.any() or np.array_equal(one, other):
        raise ConfigError(
            f"model {model!r} does not tell Chinese texts apart; use one of embeddings that knows Chinese"
        )


def written(vector: Numbers) -> str:
    """A vector of int8 written as base64, as a reply holds it."""
    return base64.b64encode(vector.tobytes()).decode()


def read(text: str) -> Numbers:
    """The vector of int8 in a reply's base64. ValueError for anything else."""
    try:
        found = np.frombuffer(base64.b64decode(text, validate=True), np.int8)
    except binascii.Error as error:
        raise ValueError("is no vector") from error
    if not len(found):
        raise ValueError("is no vector")
    return found


def numbers_only(model: str, ask: Embed) -> Embed:
    """`ask`, a function from texts to vectors, given texts that can be sent; ConfigError where a vector holds NaN or
    infinity."""

    def embed(texts: Sequence[str]) -> Numbers:
        found = ask([sendable(text) for text in texts])
        if not np.isfinite(found).all():
            raise ConfigError(f"{model}: gives vectors that hold more than numbers (NaN, infinity); use another model")
        return found

    return embed
