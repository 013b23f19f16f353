"""Vectors from any server that speaks OpenAI's embeddings, one text a request."""

import asyncio
from collections.abc import Mapping
from typing import Any

from synth.backends import openai
from synth.embedding import vectors_of
from synth.errors import Weather
from synth.role import Role
from synth.types import Reply, Request
from synth.vector import UNLIKE, check, read, rounded, written

FAMILY = "embedding"
GIVES = frozenset({"vectors"})


class EmbeddingsBackend:
    """One address. A reply is the vector in eight bits a number, as text."""

    family = FAMILY
    queues = False

    def __init__(self, client: openai.OpenAIBackend) -> None:
        self._client = client

    async def check(self, model: str) -> None:
        """Asks for two vectors: a list of models does not tell which of them give any, nor what they are worth."""
        try:
            async with asyncio.timeout(openai.CHECK_TIMEOUT):
                found = [await self._asked({"model": model, "input": [text]}, model) for text in UNLIKE]
        except (Weather, TimeoutError):
            return  # the first real call will tell
        if all(reply.finish == "stop" for reply in found):
            check(model, *(read(reply.text) for reply in found))

    async def complete(self, request: Request, key: str) -> Reply:
        body = {"model": request.model, "input": [request.messages[0].content], **request.params}
        return await self._asked(body, request.model, {"Idempotency-Key": key})

    async def _asked(self, body: dict[str, Any], model: str, headers: Mapping[str, str] | None = None) -> Reply:
        data = openai.dumps({"encoding_format": "float"} | body)
        status, told, answer = await self._client.http("POST", "/embeddings", data, headers)
        if status == 200:
            return _reply(answer)
        # Servers that find a text too long say so under many a status.
        return self._client.read(
            413 if status in (422, 500) and openai.says(answer, openai.TOO_LONG) else status, told, answer, model
        )

    async def close(self) -> None:
        await self._client.close()


def connect(role: Role) -> EmbeddingsBackend:
    """A client for the role's address, with the key its environment variable holds."""
    return EmbeddingsBackend(openai.connect(role))


def _reply(body: bytes) -> Reply:
    try:
        vectors, tokens = vectors_of(body, 1)
    except ValueError as error:
        raise Weather(str(error), cause="garbled") from error
    return Reply(written(rounded(vectors[0])), prompt_tokens=tokens)
