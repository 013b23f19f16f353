"""Request keys, ids and every choice a plan leaves to chance: functions of content alone, with no state and no order."""

import hashlib
import json
import random
from collections.abc import Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import Final, TypeVar

import orjson

from synth.types import Request

_SPELLING: Final[Mapping[str, str]] = MappingProxyType({"completion": "text", "embedding": "embed"})
"""What a request's kind is called in its key: as the role of its first message, which is where it stood when the first journals
were written. Another spelling would ask for everything again."""


def key_of(request: Request) -> str:
    """A request's key: SHA-256 over the canonical JSON of everything in the request, 32 hex digits."""
    roles: list[str] = [message.role for message in request.messages]
    roles[:1] = [_SPELLING.get(request.kind, roles[0])]
    everything = [
        request.family,
        request.named,
        [[role, message.content] for role, message in zip(roles, request.messages, strict=True)],
        request.params,
        request.schema,
        request.draw,
    ]
    try:
        canonical = orjson.dumps(everything, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a surrogate pair, or a number of more than 64 bits; the same JSON otherwise
        text = json.dumps(everything, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        canonical = text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(canonical).hexdigest()[:32]


def outage_of(key: str) -> str:
    """The journal's key of an outage, a hash: that a model was given up on for the request of key `key`, and the next
    of its chain asked. A key of its own, since the request may still be answered where it stands outside a chain. 32
    hex digits."""
    return hashlib.sha256(f"outage {key}".encode()).hexdigest()[:32]


def seed_of(key: str) -> int:
    """The sampling seed sent with a request: 31 bits of its key, a hash, so that a repeated request is a repeated
    draw."""
    return int(key[:8], 16) & 0x7FFFFFFF


def short_hash(*parts: str) -> str:
    """A hash of 16 hex digits over texts, their order included: ids of queries and rows."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


Choice = TypeVar("Choice", bound=str)


def unit(*parts: str | int) -> float:
    """A pseudorandom number in [0, 1), a hash of `parts`. Name the purpose among them, or two choices will be one."""
    digest = blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def pick(weights: Mapping[Choice, float], *parts: str | int) -> Choice:
    """One key of `weights`, chosen by weight and a hash of `parts`; the order of `weights` does not matter."""
    left = unit(*parts) * sum(weights.values())
    for choice, weight in sorted(weights.items()):
        left -= weight
        if left < 0:
            return choice
    return choice


def shuffled(size: int, *parts: str | int) -> list[int]:
    """A permutation of range(size), drawn by a hash of `parts`."""
    order = list(range(size))
    random.Random("\0".join(map(str, parts))).shuffle(order)
    return order
