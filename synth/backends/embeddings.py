"""Vectors from any server that speaks OpenAI's embeddings, one text a request."""

import asyncio
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from synth.backends import _server, openai
from synth.backends._retry_after import retry_after
from synth.backends._server import KEY
from synth.backends.openai.replies import count_of
from synth.errors import ConfigError, ProviderError
from synth.recipe.credentials import Secrets, at, check_address, shown
from synth.recipe.role import Role
from synth.sanitize import one_line
from synth.types import Reply, Request
from synth.vector import UNLIKE, Embed, Numbers, check, read, rounded, written

if TYPE_CHECKING:
    import httpx2

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
        """Asks the server for two vectors: a list of models does not tell which of them give any, nor what they are worth."""
        try:
            async with asyncio.timeout(openai.CHECK_TIMEOUT):
                found = [await self._asked({"model": model, "input": [text]}, model) for text in UNLIKE]
        except (ProviderError, TimeoutError):
            return  # the first real call will tell
        if all(reply.finish == "stop" for reply in found):
            check(model, *(read(reply.text) for reply in found))

    async def complete(self, request: Request, key: str) -> Reply:
        body = {"model": request.model, "input": [request.messages[0].content], **request.params}
        return await self._asked(body, request.model, key)

    async def _asked(self, body: dict[str, Any], model: str, key: str = "") -> Reply:
        def build(_: str) -> dict[str, Any]:
            told = {"encoding_format": "float"} | body
            return {name: value for name, value in told.items() if value is not None}

        return await self._client.ask("/embeddings", model, build, _read, key)

    def adapt(self, known: Mapping[str, Mapping[str, str]], learnt: Callable[[str, str, str], None]) -> None:
        self._client.adapt(known, learnt)

    async def close(self) -> None:
        await self._client.close()


def connect(role: Role, options: Options) -> EmbeddingsBackend:
    """Opens the backend `embeddings` for a role: a client for its address, with the key its environment variable holds."""
    return EmbeddingsBackend(openai.connect(role, options))


def _read(status: int, body: bytes | bytearray) -> Reply | int:
    return _reply(body) if status == 200 else status


def _reply(body: bytes | bytearray) -> Reply:
    try:
        vectors, tokens = vectors_of(body, 1)
    except ValueError as error:
        raise ProviderError(str(error), cause="garbled") from error
    return Reply(written(rounded(vectors[0])), prompt_tokens=tokens)


PAGE, CALLS = 64, 8
"""Texts a request, requests at once."""
TRIES = 6
PATIENCE = 60.0
"""Seconds between two tries at most."""


def of_server(model: str, base_url: str) -> Embed:
    """A function from texts to vectors by a server's model of embeddings, asked a page of texts at a time. ConfigError for
    an address that is none."""
    key = os.environ.get(KEY, "").strip()
    check_address(base_url, "--base-url")
    if not key.isascii() or not key.isprintable():
        raise ConfigError(f"{KEY} holds characters that cannot stand in a key; export it anew")
    url, place, secrets = (
        at(base_url, "/embeddings"),
        shown(at(base_url, "/embeddings")),
        Secrets.sent(base_url, (key,)),
    )

    def embed(texts: Sequence[str]) -> Numbers:
        import httpx2

        pages = [texts[at : at + PAGE] for at in range(0, len(texts), PAGE)]
        over = threading.Event()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with httpx2.Client(headers=headers, timeout=120) as client, ThreadPoolExecutor(CALLS) as pool:
            asking = _Asking(client, url, model, secrets, over)
            try:
                found = list(pool.map(asking.page, pages))
            finally:
                over.set()
        sizes = sorted({page.shape[1] for page in found})
        if len(sizes) > 1:
            raise ConfigError(f"{place}: gives vectors of {sizes[0]} numbers and of {sizes[-1]}; ask one model")
        return np.concatenate(found)

    return embed


@dataclass(frozen=True)
class _Asking:
    client: "httpx2.Client"
    url: str
    model: str
    secrets: Secrets
    over: threading.Event
    """Set when no more answers are wanted."""

    def page(self, texts: Sequence[str]) -> Numbers:
        """The embeddings of some texts, from a server; asked for again in bad weather and after what is no answer."""
        import httpx2

        why, body = "", {"model": self.model, "input": list(texts), "encoding_format": "float"}
        for attempt in range(TRIES):
            told = None
            try:
                response = self.client.post(self.url, json=body)
                if response.status_code == 200:
                    return vectors_of(response.content, len(texts))[0]
                why, told = f"answers {response.status_code}", retry_after(response.headers)
                if not self._may_pass(response):
                    said = one_line(self.secrets.out_of_message(_message(response.text)))
                    raise ConfigError(f"{shown(self.url)}: {why}: {said}; check --semantic {self.model} and {KEY}")
            except httpx2.HTTPError as error:
                why = f"cannot be asked ({one_line(self.secrets.out_of_message(str(error))) or type(error).__name__})"
            except ValueError as error:
                why = str(error)
            if attempt + 1 < TRIES and self.over.wait(min(PATIENCE, told if told is not None else 0.25 * 2**attempt)):
                break
        raise ConfigError(f"{shown(self.url)}: {why}, {TRIES} times over; try again later, or check --base-url")

    @staticmethod
    def _may_pass(response: "httpx2.Response") -> bool:
        status = response.status_code
        return (status in (408, 409, 425, 429) or status >= 500) and "insufficient_quota" not in response.text


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


def _message(body: str) -> str:
    """The words in an error's body, whichever shape it has."""
    try:
        error = json.loads(body)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, TypeError, LookupError):
        return body
