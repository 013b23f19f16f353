"""Every choice a plan leaves to chance, as a function of what it is for: no generator, no state, no order."""

import random
from collections.abc import Mapping
from hashlib import blake2b
from typing import TypeVar

Choice = TypeVar("Choice", bound=str)


def unit(*parts: str | int) -> float:
    """A number in [0, 1), uniform over `parts`. Name the purpose among them, or two choices will be one."""
    digest = blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def pick(weights: Mapping[Choice, float], *parts: str | int) -> Choice:
    """One key of `weights`, by weight; their order does not matter."""
    left = unit(*parts) * sum(weights.values())
    for choice, weight in sorted(weights.items()):
        left -= weight
        if left < 0:
            return choice
    return choice


def shuffled(size: int, *parts: str | int) -> list[int]:
    """A permutation of range(size)."""
    order = list(range(size))
    random.Random("\0".join(map(str, parts))).shuffle(order)
    return order
