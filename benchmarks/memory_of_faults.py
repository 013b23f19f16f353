"""Peak memory of asking a server that misbehaves, over that of asking a calm one, at so many requests in flight.

python benchmarks/memory_of_faults.py [--in-flight 64 256] [--seconds 6] [--only NAME]...      # 64 MiB over calm at 64, 128 at 256
"""

import argparse
import asyncio
import functools
import gzip
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WHOLE = json.dumps({"choices": [{"message": {"content": "好" * 100}, "finish_reason": "stop"}], "usage": {}}).encode()
PIECE = b"a" * 2**16
BOUNDS = {64: 64, 256: 128}
"""MiB over calm that are allowed, by requests in flight."""


def _sized(size: int, *pieces: bytes) -> Iterator[bytes]:
    yield OK + b"Content-Length: %d\r\n\r\n" % size
    yield from pieces


def calm() -> Iterator[bytes]:
    yield from _sized(len(WHOLE), WHOLE)


def endless() -> Iterator[bytes]:
    yield OK + b'\r\n{"choices": [{"message": {"content": "'
    while True:
        yield PIECE


def endless_chunked() -> Iterator[bytes]:
    yield OK + b"Transfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"%x\r\n%b\r\n" % (len(PIECE), PIECE)


def text_of_500_mb() -> Iterator[bytes]:
    yield from _sized(500 * 2**20, b'{"choices": [{"message": {"content": "')
    for _ in range(8_000):
        yield PIECE


def just_under() -> Iterator[bytes]:
    """A good answer of 2 MB, with one character that makes each of its others four bytes."""
    text = WHOLE.replace(rb"\u597d", "😀".encode() + b"a" * 2_000_000, 1)
    yield from _sized(len(text), text)


def dense() -> Iterator[bytes]:
    text = b"[" + b"[]," * (7 * 2**20 // 3) + b"[]]"
    yield from _sized(len(text), text)


def bomb() -> Iterator[bytes]:
    yield OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_packed())
    yield _packed()


@functools.cache
def _packed() -> bytes:
    return gzip.compress(b" " * 2**28)


def flood_of_1xx() -> Iterator[bytes]:
    while True:
        yield b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2_000


def endless_events() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    event = b'data: {"choices": [{"delta": {"content": "' + b"x" * 400 + b'"}}]}\n\n'
    while True:
        yield event * 100


def large_refusals() -> Iterator[bytes]:
    yield b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\r\n" + b'{"error": {"message": "'
    for _ in range(2_000):
        yield PIECE


FAULTS: dict[str, Callable[[], Iterator[bytes]]] = {
    maker.__name__: maker
    for maker in (
        *(calm, endless, endless_chunked, text_of_500_mb, just_under),
        *(dense, bomb, flood_of_1xx, endless_events, large_refusals),
    )
}


async def serve(name: str) -> None:
    """Answers everything in that way, until killed; says its port first."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for _ in _requests(reader):
                for piece in FAULTS[name]():
                    writer.write(piece)
                    await writer.drain()
                if name != "calm":
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    if name == "bomb":
        _packed()
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _requests(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        yield await reader.readexactly(length)


async def ask(port: int, in_flight: int, seconds: float) -> None:
    """Asks over and over, so many at once; says how many replies and errors came, and the peak of memory in KiB."""
    import resource

    from synth.backends.openai import OpenAIBackend
    from synth.errors import ConfigError, ProviderError
    from synth.types import Message, Request

    client, loop = OpenAIBackend(f"http://127.0.0.1:{port}/v1", "sk-none"), asyncio.get_running_loop()
    request = Request("model", "m", (Message("user", "你好"),), {"max_tokens": 100}, None, ("x",))
    until, counts = loop.time() + seconds, [0, 0]

    async def lane(number: int) -> None:
        while loop.time() < until:
            try:
                async with asyncio.timeout_at(until):
                    await client.complete(request, f"{number:032x}")
                counts[0] += 1
            except (ProviderError, ConfigError, TimeoutError):
                counts[1] += 1
                await asyncio.sleep(0)

    await asyncio.gather(*map(lane, range(in_flight)))
    await client.close()
    print(json.dumps([*counts, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))


def measured(name: str, in_flight: int, seconds: float) -> tuple[int, int, float]:
    """Replies, errors, and the peak in MiB of a process that asks nothing but this."""
    me = [sys.executable, __file__]
    with subprocess.Popen([*me, "--serve", name], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        asked = [*me, "--ask", port, "--in-flight", str(in_flight), "--seconds", str(seconds)]
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
        server.kill()
    replies, errors, peak = json.loads(done.stdout)
    return replies, errors, peak / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--in-flight", type=int, nargs="*", default=list(BOUNDS))
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--only", action="append", choices=list(FAULTS), default=[])
    parser.add_argument("--serve", choices=list(FAULTS), help=argparse.SUPPRESS)
    parser.add_argument("--ask", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve))
    elif given.ask:
        asyncio.run(ask(given.ask, given.in_flight[0], given.seconds))
    else:
        for in_flight in given.in_flight:
            _, _, least = measured("calm", in_flight, given.seconds)
            bound = BOUNDS.get(in_flight, 64)
            print(f"{in_flight} in flight, calm {least:,.0f} MiB; allowed over it: {bound} MiB")
            for name in given.only or [name for name in FAULTS if name != "calm"]:
                replies, errors, peak = measured(name, in_flight, given.seconds)
                over = peak - least
                print(
                    f"  {name:<18}{over:>+8,.0f} MiB{over / bound:>7.0%} of it   {replies} replies, {errors} errors",
                    flush=True,
                )


if __name__ == "__main__":
    main()
