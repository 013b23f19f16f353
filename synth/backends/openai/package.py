"""The `openai` package as a way to ask: its routes, requests and errors, over the transport that all else goes through.

So proxies, bounds on bodies, secrets and what is told of an address without a version hold for it as well, and of what it adds by itself
(headers that describe the machine, names out of the environment) nothing is sent.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI

from synth.backends.openai.bodies import loads
from synth.backends.openai.limits import MOST
from synth.backends.openai.transport import Answer, Transport
from synth.errors import ProviderError

SERVER = "http://server"
"""What the package takes for the server's address; the transport knows the real one."""
FORWARDED = ("content-type", "idempotency-key")
"""Headers of a request by the package that are sent; the others are the transport's own."""

FILE = 2**30
"""Bytes of a file that is fetched at most, as one of a batch's replies."""

Call = Callable[[AsyncOpenAI], Awaitable[Any]]
"""A call of the package that gives its raw response."""


class Package:
    """The `openai` package over a transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        http = httpx2.AsyncClient(transport=_Over(transport), trust_env=False)
        self._client = AsyncOpenAI(
            api_key="none",
            organization="",
            project="",
            base_url=SERVER,
            max_retries=0,
            timeout=None,
            http_client=http,
        )

    async def answer(self, call: Call) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of what a server answers to a call of the package, whichever status it is. ProviderError if
        it answers nothing."""
        try:
            raw = await call(self._client)
        except openai.APIStatusError as error:
            return error.response.status_code, error.response.headers, error.response.content
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, ProviderError):
                raise error.__cause__ from error
            raise
        return raw.status_code, raw.headers, raw.content

    @asynccontextmanager
    async def answered(
        self, method: str, path: str, data: Any = None, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Answer]:
        """Status, headers and body of a server's answer, as the transport's own `answered` gives them."""
        yield await self.http(method, path, data, headers)

    async def http(
        self, method: str, path: str, data: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of a server's answer: on a route that the package knows through it, on others by the
        transport alone. ProviderError if it answers nothing."""
        if path not in _CALLS:
            return await self._transport.http(method, path, data, headers)
        body = loads(data) if data else {}
        try:
            return await self.answer(lambda client: _CALLS[path](client, body, headers))
        except UnicodeEncodeError:  # half a surrogate pair, which the package cannot write
            return await self._transport.http(method, path, data, headers)


def _chat(client: AsyncOpenAI, body: dict[str, Any], headers: Any) -> Awaitable[Any]:
    create = client.chat.completions.with_raw_response.create
    return create(model=body.pop("model"), messages=body.pop("messages"), extra_body=body, extra_headers=headers)


def _completions(client: AsyncOpenAI, body: dict[str, Any], headers: Any) -> Awaitable[Any]:
    create = client.completions.with_raw_response.create
    return create(model=body.pop("model"), prompt=body.pop("prompt"), extra_body=body, extra_headers=headers)


def _embeddings(client: AsyncOpenAI, body: dict[str, Any], headers: Any) -> Awaitable[Any]:
    create = client.embeddings.with_raw_response.create
    form = body.pop("encoding_format", "float")
    model, texts = body.pop("model"), body.pop("input")
    return create(model=model, input=texts, encoding_format=form, extra_body=body, extra_headers=headers)


def _models(client: AsyncOpenAI, body: dict[str, Any], headers: Any) -> Awaitable[Any]:
    del body
    return client.models.with_raw_response.list(extra_headers=headers)


_CALLS: dict[str, Callable[[AsyncOpenAI, dict[str, Any], Any], Awaitable[Any]]] = {
    "/chat/completions": _chat,
    "/completions": _completions,
    "/embeddings": _embeddings,
    "/models": _models,
}


class _Over(httpx2.AsyncBaseTransport):
    """The package's HTTP, done by the transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        path, data = request.url.raw_path.decode(), await request.aread()
        headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
        most = FILE if path.endswith("/content") else MOST
        status, told, body = await self._transport.http(request.method, path, data or None, headers, most)
        kept = [(name, value) for name, value in told.items() if name.lower() not in CODED]
        return httpx2.Response(status, headers=kept, content=body, request=request)


CODED = ("content-encoding", "content-length", "transfer-encoding")
"""Headers that speak of a body as it was sent, not as it is here."""
