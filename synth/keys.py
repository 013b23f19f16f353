"""Keys of requests (same key, same reply, for ever) and ids of queries and rows."""

import hashlib
import json

from synth.types import Request


def key_of(request: Request) -> str:
    """SHA-256 over the canonical JSON of everything in the request, 32 hex digits."""
    canonical = json.dumps(
        [
            request.family,
            request.model,
            [[message.role, message.content] for message in request.messages],
            request.params,
            request.schema,
            request.draw,
        ],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def seed_of(key: str) -> int:
    """The sampling seed sent along: a function of the key, so that a repeated request is a repeated draw. 31 bits."""
    return int(key[:8], 16) & 0x7FFFFFFF


def short_hash(*parts: str) -> str:
    """16 hex digits over the parts; ids of queries and rows."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
