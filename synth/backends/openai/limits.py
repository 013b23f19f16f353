"""What a server's answer may cost: bytes of a body, answers before the answer, and how many large bodies are in memory at once."""

import asyncio
import functools
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.client_proto import ResponseHandler

from synth.backends.openai.streams import Assembler, is_stream
from synth.errors import ProviderError

MOST: Final = 8 * 2**20
"""Bytes of a body that are kept at most, as they are once decompressed."""
SMALL: Final = 64 * 2**10
"""Bytes of a body that need no leave: what is larger is read one body at a time, the others wait and their servers with them."""
BUFFER: Final = 16 * 2**10
"""Bytes after which a connection that nobody reads from is no longer read from."""
HELD: Final = 20.0
"""Seconds for which one large body may keep others waiting."""
AHEAD: Final = 64
"""Answers before the answer (100 Continue, 103 Early Hints) that a request gets at most."""
PACKED: Final = ("gzip", "deflate")
"""The encodings of a body that are read, and asked for."""
_SLICE = 16 * 2**10


class _Turn:
    """One large body at a time: whose turn it is to have one in memory, and how many wait for theirs."""

    def __init__(self) -> None:
        self._lock, self.waiting = asyncio.Lock(), 0

    async def __aenter__(self) -> None:
        self.waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self.waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


class Held:
    """What one answer holds while it is read and made use of: its turn, if it is a large one."""

    __slots__ = ("_turn",)

    def __init__(self) -> None:
        self._turn: _Turn | None = None

    async def take(self, turn: _Turn) -> None:
        """Waits for the turn of a large answer, which lasts until `leave`."""
        await turn.__aenter__()
        self._turn = turn

    async def leave(self) -> None:
        """Ends a large answer's turn, if it has one."""
        if self._turn is not None:
            turn, self._turn = self._turn, None
            await turn.__aexit__()


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turn] = WeakKeyDictionary()


class _Handler(ResponseHandler):
    """A connection that forgets answers before the answer as they come, and breaks off where they have no end."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._ahead = 0

    def set_response_params(self, **params: Any) -> None:
        self._ahead, self._payload = 0, None
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        if self._payload is not None:
            super().data_received(data)
            return
        for start in range(0, len(data) or 1, _SLICE):
            if self._ahead <= AHEAD:
                super().data_received(data[start : start + _SLICE])

    def feed_data(self, data: Any, size: int = 0) -> None:
        status = data[0].code
        if not 100 <= status < 200 or status == 101:
            super().feed_data(data, size)
            return
        self._payload = None
        self._ahead += 1
        if self._ahead == AHEAD + 1:
            self.set_exception(aiohttp.ClientPayloadError("answers 1xx without end"))
            if self.transport is not None:
                self.transport.abort()


class Connector(aiohttp.TCPConnector):
    """Connections without a limit on their number, each of which keeps little of what its server sends unasked."""

    def __init__(self) -> None:
        super().__init__(limit=0, ttl_dns_cache=300)
        self._factory = functools.partial(_Handler, loop=self._loop)  # type: ignore[assignment]


def _encoding(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Encoding", "identity").strip().lower() or "identity"


async def _unpacked(encoding: str, content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """A body decompressed a little at a time: aiohttp itself lets all of it out at once where a connection ends."""
    if encoding == "identity":
        async for chunk in content.iter_chunked(BUFFER):
            yield chunk
        return
    if encoding not in PACKED:
        raise ProviderError("sends a body in an encoding that it was not asked for", cause="garbled")
    unpack = None
    async for chunk in content.iter_chunked(BUFFER):
        unpack = unpack or zlib.decompressobj(zlib.MAX_WBITS | 32 if _has_head(chunk) else -zlib.MAX_WBITS)
        rest = chunk
        while rest and not unpack.eof:
            try:
                out, rest = unpack.decompress(rest, BUFFER), unpack.unconsumed_tail
            except zlib.error as error:
                raise ProviderError(f"sends a body that is not {encoding}", cause="garbled") from error
            yield out
    if unpack is not None and not unpack.eof:
        raise ProviderError(f"sends a body of {encoding} without its end", cause="garbled")


def _has_head(chunk: bytes) -> bool:
    """Whether compressed bytes begin as gzip or zlib do; some servers leave that out of `deflate`."""
    return chunk[:1] == b"\x1f" or chunk[0] & 0x0F == 8


class _Whole:
    """A body as it comes."""

    def __init__(self, most: int) -> None:
        self._bytes, self._most = bytearray(), most
        self.free = SMALL if most <= MOST else most
        """Bytes that need no turn: what was asked for as a large file takes as long as it takes, and nobody waits for it."""

    @property
    def size(self) -> int:
        return len(self._bytes)

    def feed(self, chunk: bytes) -> None:
        self._bytes += chunk
        if len(self._bytes) > self._most:
            raise _too_much(self._most)

    def body(self) -> bytearray:
        return self._bytes

    def clear(self) -> None:
        self._bytes.clear()


async def body_in(
    headers: Mapping[str, str], content: aiohttp.StreamReader, held: Held, most: int = MOST
) -> bytes | bytearray:
    """The body of a response, decompressed; one that comes as a stream of events as the completion these make up. A large one waits
    for its turn, which it has until `held` is left. ProviderError for more than `most` bytes."""
    encoding, streamed = _encoding(headers), is_stream(headers)
    if not streamed and encoding == "identity" and content.is_eof() and content.total_bytes <= min(SMALL, most):
        return content.read_nowait()  # it is all there
    told = headers.get("Content-Length")
    if told is not None and int(told) > most and "Content-Encoding" not in headers:
        raise _too_much(most)
    kept: Assembler | _Whole = Assembler(most) if streamed else _Whole(most)
    try:
        await _fill(kept, _unpacked(encoding, content), held)
        return kept.body()
    except BaseException:
        kept.clear()  # whoever keeps the error keeps this frame
        raise


async def _fill(kept: "Assembler | _Whole", unpacked: AsyncIterator[bytes], held: Held) -> None:
    loop, turn, since = asyncio.get_running_loop(), None, 0.0
    async for chunk in unpacked:
        kept.feed(chunk)
        if turn is None and kept.size > kept.free:
            turn = _turns.setdefault(loop, _Turn())
            await held.take(turn)
            since = loop.time()
        if turn is not None and turn.waiting and loop.time() - since > HELD:
            raise ProviderError(f"takes more than {HELD:g} s over a large answer while others wait", cause="garbled")


def _too_much(most: int) -> ProviderError:
    return ProviderError(f"sends more than {most >> 20} MiB", cause="garbled")
