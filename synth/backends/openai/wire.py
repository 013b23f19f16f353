"""A POST over one of aiohttp's connections, its head written beforehand: what a session does for each request is done once an address.

Connections, TLS and every error are aiohttp's own, its parser reads the answer and `limits` bounds it; what is unusual (a proxy, an
address with credentials, a large body) goes through the session.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from synth.backends.openai.limits import BUFFER, Held, body_in

SHORT: Final = 64 * 2**10
"""Bytes of a body that is written at once."""
_PLAIN: Final = re.compile(r"[\w.-]+", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OWN: Final = ("content-length", "transfer-encoding")


class Wire:
    """POSTs to one address over the connections of a session, which has no timeouts of its own but those for connecting."""

    def __init__(self, session: aiohttp.ClientSession, url: str, timeout: aiohttp.ClientTimeout) -> None:
        assert session.connector is not None
        self._connector, self._timeout = session.connector, timeout
        self._request = aiohttp.ClientRequest(
            "POST", URL(url), headers=session.headers, data=b"", loop=asyncio.get_running_loop(), session=session
        )
        lines = [f"{name}: {value}\r\n" for name, value in self._request.headers.items() if name.lower() not in _OWN]
        self._head = f"POST {self._request.url.raw_path_qs} HTTP/1.1\r\n{''.join(lines)}"

    async def post(
        self, body: bytes, headers: Mapping[str, str], held: Held, most: int
    ) -> tuple[int, Mapping[str, str], bytes | bytearray]:
        """Status, headers and body of a server's answer to a short body, sent with headers that are plain. Raises what a session
        does, and what `body_in` does."""
        connection = await self._connected()
        try:
            protocol = connection.protocol
            protocol.set_response_params(read_until_eof=True, auto_decompress=False, read_bufsize=BUFFER)
            self._write(protocol.transport, body, headers)
            status, told, content = await self._answer(protocol)
            found = await body_in(told, content, held, most)
        except BaseException:
            connection.close()
            raise
        connection.release()
        return status, told, found

    def _write(self, transport: asyncio.Transport | None, body: bytes, headers: Mapping[str, str]) -> None:
        if transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
        own = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        transport.write(f"{self._head}{own}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def _answer(self, protocol: Any) -> tuple[int, Mapping[str, str], aiohttp.StreamReader]:
        try:
            message, content = await protocol.read()
        except HttpProcessingError as error:
            raise aiohttp.ClientResponseError(
                self._request.request_info, (), status=error.code, message=error.message, headers=error.headers
            ) from error
        return message.code, message.headers, content

    async def _connected(self) -> Any:
        try:
            return await self._connector.connect(self._request, traces=[], timeout=self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError(f"Connection timeout to host {self._request.url}") from error


def takes(url: str, headers: Mapping[str, str]) -> bool:
    """Whether all that is sent to an address with these headers can be sent over a wire."""
    told = URL(url)
    plain = not any(_CONTROL.search(part) for item in headers.items() for part in item)
    return plain and told.scheme in ("http", "https") and bool(told.raw_host) and told.user is told.password is None


def is_short(data: Any, headers: Mapping[str, str]) -> bool:
    """Whether one request's body is written at once, and its own headers are plain: they can stand on a wire as they are."""
    if not isinstance(data, bytes) or len(data) > SHORT:
        return False
    return all(_PLAIN.fullmatch(part) for item in headers.items() for part in item)
