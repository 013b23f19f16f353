"""HTTP with a server of OpenAI's kind, over aiohttp: one session an address."""

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from synth.errors import ProviderError
from synth.recipe.credentials import Secrets, at, shown
from synth.sanitize import for_terminal

LARGE = 2**20
"""Bytes from which on a body is sent piece by piece."""


class Transport:
    """Asks one address over HTTP; what it says of answers holds no secret."""

    def __init__(self, url: str, headers: Mapping[str, str], secrets: Secrets) -> None:
        self.url, self.secrets = url, secrets
        self._headers = headers
        self._session: aiohttp.ClientSession | None = None

    async def http(
        self, method: str, path: str, data: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of a server's answer to one HTTP request. ProviderError if it answers nothing."""
        if self._session is None:
            self._session = _session(self.url, self._headers)
        try:
            async with self._session.request(
                method,
                at(self.url, path),
                data=io.BytesIO(data) if isinstance(data, bytes) and len(data) > LARGE else data,
                headers=headers,
                allow_redirects=False,
            ) as response:
                return response.status, response.headers, await response.read()
        except (aiohttp.ClientError, OSError) as error:
            away = isinstance(error, aiohttp.ClientConnectorError)
            what = f"cannot be reached at {shown(self.url)}" if away else "breaks off"
            raise ProviderError(f"{what} ({self.said(str(error) or type(error).__name__)})", cause="network") from error

    def said(self, text: str) -> str:
        """The server's words as they may be shown and kept: one line, no control characters, and no secret."""
        return for_terminal(" ".join(self.secrets.out_of_message(text).split()))[:300]

    async def close(self) -> None:
        """Closes the session with the server, if one was opened."""
        if self._session is not None:
            await self._session.close()


def _session(url: str, headers: Mapping[str, str]) -> aiohttp.ClientSession:
    """No limit on connections (the engine has one) nor on time (likewise), but for the time to connect."""
    parts = urlsplit(url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
        headers=headers,
        proxy=proxy,
        cookie_jar=aiohttp.DummyCookieJar(),
    )
