"""Vectors from any server that speaks OpenAI's embeddings, through the `openai` package: one text a request in a run, a page of them for a table."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import orjson

from synth.backends import _server, openai
from synth.backends.openai.replies import STAND_IN as BY_STAND_IN
from synth.backends.openai.replies import count_of
from synth.errors import ConfigError, ProviderError
from synth.recipe.role import Role
from synth.types import Reply, Request
from synth.vector import UNLIKE, Numbers, check, read, rounded, written

Read: TypeAlias = Callable[[int, bytes | bytearray], Reply | int]
FAMILY = "embedding"
GIVES = frozenset({"vectors"})
STAND_IN = False
share = _server.share


class Options(_server.Options):
    """A role's options of the backend `embeddings`: where its server is reached."""


class EmbeddingsBackend:
    """The backend `embeddings`: one address. A reply is the vector of a text in eight bits a number, as base64."""

    family = FAMILY
    self_scheduling = False

    def __init__(self, client: openai.OpenAIBackend) -> None:
        self._client = client

    async def check(self, model: str) -> None:
        """Asks the server for two vectors: a list of models does not tell which of them give any, nor what they are worth.
        ConfigError where neither is given, in whatever words."""
        found, refused = list[Reply](), list[ProviderError]()
        for text in UNLIKE:
            try:
                async with asyncio.timeout(openai.CHECK_TIMEOUT):
                    found.append(await self._asked({"model": model, "input": [text]}, model))
            except (ProviderError, TimeoutError) as error:
                if not isinstance(error, ProviderError) or error.cause != "refused":
                    return  # the first real call will tell
                refused.append(error)
        if not found:
            raise ConfigError(f"gives no vectors: the server {refused[0]}; check the model's name {model!r}")
        if len(found) == len(UNLIKE) and all(reply.finish == "stop" for reply in found):
            check(model, *(read(reply.text) for reply in found))

    async def complete(self, request: Request, key: str) -> Reply:
        body = {"model": request.model, "input": [request.messages[0].content], **request.params}
        return await self._asked(body, request.model, key)

    async def page(self, model: str, texts: Sequence[str]) -> Numbers:
        """The vectors of a page of texts as a server of embeddings gives them, a row each, in one request. ProviderError for
        what may pass, ConfigError for what will not."""
        found = list[Numbers]()

        def read(status: int, body: bytes | bytearray) -> Reply | int:
            if status != 200:
                return status
            found.append(_vectors(body, len(texts))[0])
            return Reply("")

        refused = await self._asked({"model": model, "input": list(texts)}, model, read=read)
        if not found:
            raise ConfigError(f"the server takes none of {len(texts)} texts: {refused.text}")
        return found[-1]

    async def _asked(self, body: dict[str, Any], model: str, key: str = "", *, read: Read | None = None) -> Reply:
        def build(_: str) -> dict[str, Any]:
            told = {"encoding_format": "float"} | body
            return {name: value for name, value in told.items() if value is not None}

        return await self._client.ask("/embeddings", model, build, read or _read, key)

    def adapt(self, known: Mapping[str, Mapping[str, str]], learnt: Callable[[str, str, str], None]) -> None:
        self._client.adapt(known, learnt)

    async def close(self) -> None:
        await self._client.close()


def connect(role: Role, options: Options) -> EmbeddingsBackend:
    """Opens the backend `embeddings` for a role: a client for its address, with the key its environment variable holds."""
    client = openai.connect(role, options)
    client.package()
    return EmbeddingsBackend(client)


def _read(status: int, body: bytes | bytearray) -> Reply | int:
    return _reply(body) if status == 200 else status


def _reply(body: bytes | bytearray) -> Reply:
    vectors, tokens = _vectors(body, 1)
    stand_in = orjson.loads(body).get("system_fingerprint") == BY_STAND_IN if BY_STAND_IN.encode() in body else False
    return Reply(written(rounded(vectors[0])), prompt_tokens=tokens, stand_in=stand_in)


def _vectors(body: bytes | bytearray, wanted: int) -> tuple[Numbers, int]:
    try:
        return vectors_of(body, wanted)
    except ValueError as error:
        raise ProviderError(str(error), cause="garbled") from error


def vectors_of(body: bytes | bytearray, wanted: int) -> tuple[Numbers, int]:
    """The embeddings in the body of a server's answer, and the tokens it counted. ValueError, with what is wrong, if it
    is not one vector a text."""
    try:
        answer = orjson.loads(body)
        usage = answer.get("usage")
        tokens = count_of(usage, "prompt_tokens", "total_tokens") if isinstance(usage, dict) else 0
        data = sorted(answer["data"], key=lambda entry: entry["index"])
        found = np.array([entry["embedding"] for entry in data], np.float64)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise ValueError("sends what is no list of vectors of one length") from error
    if found.ndim != 2 or len(found) != wanted or not found.size:
        raise ValueError(f"sends {len(found)} vectors for {wanted} texts")
    if not np.isfinite(found).all():
        raise ValueError("sends vectors that hold more than numbers (null, NaN)")
    return found, tokens
