"""Vectors from any server that speaks OpenAI's embeddings, one text a request."""

import asyncio
import secrets

import numpy as np

from synth.backends import openai
from synth.errors import Weather
from synth.role import Role
from synth.types import Message, Reply, Request
from synth.vector import rounded, written

FAMILY = "embedding"
GIVES = frozenset({"vectors"})


class EmbeddingsBackend:
    """One address. A reply is the vector in eight bits a number, as text."""

    family = FAMILY
    queues = False

    def __init__(self, client: openai.OpenAIBackend) -> None:
        self._client = client

    async def check(self, model: str) -> None:
        """Asks for a vector: a list of models does not tell which of them give any."""
        probe = Request(FAMILY, model, (Message("embed", "1"),), {}, None, ())
        try:
            async with asyncio.timeout(openai.CHECK_TIMEOUT):
                await self.complete(probe, secrets.token_hex(16))
        except (Weather, TimeoutError):
            return  # the first real call will tell

    async def complete(self, request: Request, key: str) -> Reply:
        body = {
            "model": request.model,
            "input": [request.messages[0].content],
            "encoding_format": "float",
            **request.params,
        }
        status, headers, answer = await self._client.http(
            "POST", "/embeddings", openai.dumps(body), {"Idempotency-Key": key}
        )
        if status == 200:
            return _reply(answer)
        return self._client.read(status, headers, answer, request.model)

    async def close(self) -> None:
        await self._client.close()


def connect(role: Role) -> EmbeddingsBackend:
    """A client for the role's address, with the key its environment variable holds."""
    return EmbeddingsBackend(openai.connect(role))


def _reply(body: bytes) -> Reply:
    try:
        found = openai.loads(body)
        tokens = int((found.get("usage") or {}).get("prompt_tokens") or 0)
        (entry,) = found["data"]
        vector = np.array(entry["embedding"], np.float64)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise Weather(f"sends something that is no vector ({type(error).__name__})", cause="garbled") from error
    if vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
        raise Weather("sends a vector that holds more than numbers, or none", cause="garbled")
    return Reply(written(rounded(vector)), prompt_tokens=tokens)
