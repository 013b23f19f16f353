"""What a server's answer costs at most."""

import asyncio
import gzip
import itertools
import zlib
from collections.abc import Iterable

import pytest

from synth.backends.openai import OpenAIBackend, limits
from synth.errors import ProviderError
from synth.types import Message, Reply, Request

REQUEST = Request("model", "m", (Message("user", "你好"),), {"max_tokens": 9}, None, ())
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
GOOD = b'{"choices": [{"message": {"content": "%b"}, "finish_reason": "stop"}]}'


def asked(pieces: Iterable[bytes], times: int = 1) -> list[Reply | BaseException]:
    """What comes of so many requests at once to a server that answers each with these bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    async def go() -> list[Reply | BaseException]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        client = OpenAIBackend(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", "sk-none")
        try:
            async with asyncio.timeout(20):
                return await asyncio.gather(
                    *(client.complete(REQUEST, f"{n:032x}") for n in range(times)), return_exceptions=True
                )
        finally:
            await client.close()
            server.close()

    return asyncio.run(go())


def sized(body: bytes, *headers: bytes) -> list[bytes]:
    return [OK + b"".join(b"%b\r\n" % one for one in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body]


@pytest.mark.parametrize(
    "answer",
    [
        itertools.chain([OK + b"\r\n"], itertools.repeat(b"a" * 2**16)),
        [OK + b"Content-Length: 500000000\r\n\r\n", b"a" * 2**16],
        sized(gzip.compress(b" " * 2**25), b"Content-Encoding: gzip"),
    ],
)
def test_more_than_8_mib_is_read_no_further(answer: Iterable[bytes]) -> None:
    (error,) = asked(answer)
    assert isinstance(error, ProviderError)
    assert (str(error), error.cause) == ("sends more than 8 MiB", "garbled")


def test_answers_before_the_answer_end_somewhere() -> None:
    (error,) = asked(itertools.repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50))
    assert isinstance(error, ProviderError)
    assert "1xx without end" in str(error)
    early = b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5
    assert asked([early + sized(GOOD % b"yes")[0]]) == [Reply("yes")]


@pytest.mark.parametrize("packed", [gzip.compress, zlib.compress, lambda body: zlib.compress(body)[2:-4]])
def test_compressed_answers_are_read(packed: object) -> None:
    body = packed(GOOD % (b"yes" * 50_000))  # type: ignore[operator]
    encoding = b"gzip" if packed is gzip.compress else b"deflate"
    assert asked(sized(body, b"Content-Encoding: " + encoding)) == [Reply("yes" * 50_000)]


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"nonsense"])
def test_a_body_that_is_not_in_its_encoding_is_garbled(encoding: bytes) -> None:
    (error,) = asked(sized(b"\x1f\x8bno such thing", b"Content-Encoding: " + encoding))
    assert isinstance(error, ProviderError)
    assert error.cause == "garbled"


def test_large_answers_come_one_at_a_time_and_all_of_them_come(monkeypatch: pytest.MonkeyPatch) -> None:
    held, most = 0, 0

    class Counted(limits._Turn):
        async def __aenter__(self) -> None:
            nonlocal held, most
            await super().__aenter__()
            held += 1
            most = max(most, held)

        async def __aexit__(self, *error: object) -> None:
            nonlocal held
            held -= 1
            await super().__aexit__(*error)

    monkeypatch.setattr(limits, "_Turn", Counted)
    replies = asked(sized(GOOD % (b"y" * 1_500_000)), times=20)
    assert replies == [Reply("y" * 1_500_000)] * 20
    assert most == 1
