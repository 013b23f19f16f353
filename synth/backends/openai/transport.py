"""HTTP with a server of OpenAI's kind, over aiohttp: one session an address."""

import asyncio
import errno
import io
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import aiohttp

from synth.backends.openai.limits import BUFFER, MOST, PACKED, Connector, Held, body_in
from synth.backends.openai.proxies import proxy_of
from synth.backends.openai.wire import Wire, is_short, takes
from synth.errors import UNREACHABLE, ProviderError
from synth.recipe.addresses import ASKED, at, versioned
from synth.recipe.credentials import Secrets, shown
from synth.sanitize import for_terminal

Answer: TypeAlias = tuple[int, Mapping[str, str], bytes | bytearray]
"""Status, headers and body."""
LARGE = 2**20
"""Bytes from which on a body is sent piece by piece."""
LOOKED_FOR = (*ASKED, "/models")
OF_MODELS = ("model", "模型", "deployment")
"""Words of a 404 that is of a model, not of a route."""
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=30)


class Transport:
    """Asks one address over HTTP; what it says of answers holds no secret. ConfigError for a proxy that cannot be asked through."""

    def __init__(self, url: str, headers: Mapping[str, str], secrets: Secrets) -> None:
        self.url, self.secrets = url, secrets
        self.proxy = proxy_of(url)
        self.moved: Callable[[str], None] = lambda _: None
        """Told, in words for the user, that the server answers at another address than was given, and what to give."""
        self._headers = headers
        self._session: aiohttp.ClientSession | None = None
        self._routes: dict[tuple[str, str], tuple[str, Wire | None]] = {}
        """By address and path the address of both, and the wire to it; None where only the session can ask."""
        self._versioned = versioned(url)
        self._finding = asyncio.Lock()

    async def http(
        self, method: str, path: str, data: Any = None, headers: Mapping[str, str] | None = None, most: int = MOST
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of a server's answer to one HTTP request. ProviderError if it answers nothing, or more than `most`
        bytes."""
        async with self.answered(method, path, data, headers, most) as (status, told, body):
            return status, told, bytes(body)

    def answered(
        self, method: str, path: str, data: Any = None, headers: Mapping[str, str] | None = None, most: int = MOST
    ) -> "Answered":
        """Status, headers and body of a server's answer, as `http` gives them; until the block is left no other large body is read."""
        return Answered(self._found, _Question(method, path, data, headers or {}), most)

    async def _found(self, question: "_Question", held: Held, most: int) -> Answer:
        """What is not found at an address without a version is once looked for under `/v1`."""
        asked = self.url
        found = await self._got(asked, question, held, most)
        settled = self._versioned is None and asked == self.url
        if settled or question.path not in LOOKED_FOR or not _has_no_route(found):
            return found
        await held.leave()  # the next body may be large too
        async with self._finding:
            if self._versioned is None:
                return found if self.url == asked else await self._got(self.url, question, held, most)
            there = await self._got(self._versioned, question, held, most)
            if there[0] // 100 in (2, 4) and not _has_no_route(there):
                self.url, self._versioned = self._versioned, None
                self.moved(f"completed with /v1: {found[0]} without it; give --base-url {shown(self.url)}")
                return there
            if question.method == "POST":
                self._versioned = None
        return found

    async def _got(self, url: str, question: "_Question", held: Held, most: int) -> Answer:
        if self._session is None:
            self._session = self._opened()
        (asked, wire), data = self._route(self._session, url, question.path), question.data
        try:
            if wire and question.method == "POST" and is_short(data, question.headers):
                return await wire.post(data, question.headers, held, most)
            async with self._session.request(
                question.method,
                asked,
                data=io.BytesIO(data) if isinstance(data, bytes) and len(data) > LARGE else data,
                headers=question.headers,
                allow_redirects=False,
            ) as response:
                return response.status, response.headers, await body_in(response.headers, response.content, held, most)
        except (aiohttp.ClientError, OSError) as error:
            away = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError)
            what = f"{UNREACHABLE} {shown(url)}" if away else "breaks off"
            why = self.said(_why(error))
            raise ProviderError(f"{what}{self.by_proxy} ({why})", cause="network") from error

    def _route(self, session: aiohttp.ClientSession, url: str, path: str) -> tuple[str, Wire | None]:
        if (found := self._routes.get((url, path))) is None:
            asked = at(url, path)
            wire = Wire(session, asked, _TIMEOUT) if self.proxy is None and takes(asked, session.headers) else None
            found = (asked, wire)
            if path in LOOKED_FOR:  # others may hold an id, each another
                self._routes[url, path] = found
        return found

    @property
    def by_proxy(self) -> str:
        """Through which proxy a server is asked, and how it would be asked directly, in words; empty where through none."""
        return "" if self.proxy is None else str(self.proxy)

    def where(self, status: int) -> str:
        """Of an answer that there is nothing at an address without a version, where else a server may be found, in words."""
        other = versioned(self.url) if status in (404, 405) else None
        if other is None:
            return ""
        return (
            f" (nor is it at {shown(other)})"
            if self._versioned is None
            else f" (most servers answer at {shown(other)})"
        )

    def said(self, text: str) -> str:
        """The server's words as they may be shown and kept: one line, no control characters, and no secret."""
        return for_terminal(" ".join(self.secrets.out_of_message(text).split()))[:300]

    async def close(self) -> None:
        """Closes the session with the server, if one was opened."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """No limit on connections (the engine has one) nor on time (likewise), but for the time to connect."""
        return aiohttp.ClientSession(
            connector=Connector(),
            read_bufsize=BUFFER,
            auto_decompress=False,
            timeout=_TIMEOUT,
            headers={"Accept-Encoding": ", ".join(PACKED), **self._headers},
            proxy=self.proxy.url if self.proxy else None,
            cookie_jar=aiohttp.DummyCookieJar(),
        )


@dataclass(slots=True)
class _Question:
    method: str
    path: str
    data: Any
    headers: Mapping[str, str]


class Answered:
    """A block in which a transport's answer is made use of."""

    __slots__ = ("_body", "_find", "_held", "_most", "_question")

    def __init__(
        self, find: Callable[[_Question, Held, int], Awaitable[Answer]], question: _Question, most: int
    ) -> None:
        self._find, self._question, self._most, self._held = find, question, most, Held()
        self._body: bytes | bytearray = b""

    async def __aenter__(self) -> Answer:
        try:
            answer = await self._find(self._question, self._held, self._most)
        except BaseException:
            await self._held.leave()
            raise
        self._body = answer[2]
        return answer

    async def __aexit__(self, *_: object) -> None:
        if isinstance(self._body, bytearray):
            self._body.clear()  # whoever keeps an error keeps the frames that it passed
        await self._held.leave()


def _why(error: Exception) -> str:
    """Why a call did not get through, in the system's words where it has some: `Connection refused`."""
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(
        error.os_error, ssl.SSLError | socket.gaierror
    ):
        number = error.os_error.errno
        if number is not None and number in errno.errorcode:
            return os.strerror(number)
    return str(error) or type(error).__name__


def _has_no_route(answer: Answer) -> bool:
    """Whether an answer says that there is no such route, rather than no such model: a bare 404 or 405, or somebody's web page."""
    status, _, body = answer
    if status not in (200, 404, 405):
        return False
    begun = body[:10_000].decode("utf-8", "replace").lower()
    if begun.lstrip("\ufeff \n\r\t").startswith("<"):
        return True
    return status != 200 and not any(word in begun for word in OF_MODELS)
