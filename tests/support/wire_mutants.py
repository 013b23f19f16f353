"""Whole answers as no server should send them, made by seed of what servers do send, and a server that sends them to the real client."""

import asyncio
import contextlib
import gzip
import json
import random
import re
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from synth.backends.embeddings import EmbeddingsBackend
from synth.backends.openai import OpenAIBackend
from synth.errors import ConfigError, ProviderError
from synth.types import Message, Reply, Request
from tests.backends.openai.odd_refusals import ODD, WITHIN
from tests.backends.openai.refusal_table import LATER, ROWS
from tests.support.mutants import HEADERS, MARKS, TEXTS, VALUES, WAITS, bodies, set_one
from tests.support.quirky import events

SCORES: Final = {
    "content": [{"token": "好", "logprob": -0.1, "top_logprobs": [{"token": "坏", "logprob": -3}]}],
    "tokens": ["好", "。"], "token_logprobs": [-0.1, None], "top_logprobs": [{"坏": -2.0}, None],
}  # fmt: skip
_PARTS: Final = (
    {"type": "thinking", "thinking": "想"}, {"type": "text", "text": "可以。"}, {"content": [{"text": "可以。"}]}, "x", 3,
)  # fmt: skip
_CALL: Final = {"tool_calls": [{"function": {"name": "f", "arguments": '{"query": "甲"}'}}], "content": None}
_FINISHES: Final = (
    "stop", "Stop", "FINISH_REASON_STOP", "length", "max-tokens", "null", "", None, 7, "content_filter", "安全", "SAFETY", "odd", "tool_calls",
)  # fmt: skip
_KINDS: Final = (
    "application/json",
    "text/event-stream",
    "text/html",
    "",
    "application/json; charset=\xff",
    "text/event-stream; x",
)
_STATUSES: Final = (200, 200, 200, 200, 400, 401, 403, 404, 408, 413, 422, 429, 500, 503, 529, 204, 301, 999)
_LINE_ENDS: Final = re.compile(r"[\r\n\0]")
ASKED: Final = (
    Request("model", "m", (Message("user", "写"),), {"max_tokens": 99, "temperature": 0.5, "top_p": 0.9, "stop": ["x"]}, None, ("x",)),
    Request("model", "m", (Message("user", "写"),), {"max_tokens": 99}, {"title": "queries", "type": "object"}, ("x",)),
    Request("model", "m", (Message("user", "写"), Message("assistant", "好，")), {}, None, ("x",)),
    Request("model", "m", (Message("user", "写"),), {"logprobs": True}, None, ("x",), "completion"),
)  # fmt: skip
KEY: Final = "0a" * 16
VECTOR: Final = Request("embedding", "m", (Message("user", "写"),), {}, None, ("x",), "embedding")


def completions(chance: random.Random) -> Any:
    """A completion, whole, with something of every kind that a reader looks for."""
    message: dict[str, Any] = {"role": "assistant", "content": chance.choice(TEXTS)}
    message |= chance.choice(
        ({}, {}, {"reasoning_content": "想"}, {"reasoning": ["想"], "thinking": "想"}, {"refusal": "不行"}, _CALL)
    )
    if chance.random() < 0.15:
        message["content"] = chance.choice((list(_PARTS), None, "", chance.choice(_PARTS)))
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": chance.choice(_FINISHES)}
    choice = chance.choice(
        (choice, choice, choice, {"text": "可以。", "stop_reason": "stop"}, {"delta": message}, choice | {"error": "x"})
    )
    if chance.random() < 0.2:
        choice["logprobs"] = {name: SCORES[name] for name in chance.sample(sorted(SCORES), chance.randint(1, 4))}
    usage = chance.choice(
        ({"prompt_tokens": 5, "completion_tokens": "7"}, {"input_tokens": 5.0}, {"prompt_tokens": -1}, None, 3)
    )
    found = {"choices": [choice], "usage": usage, "system_fingerprint": chance.choice((None, "synth-serve", 3))}
    return found | chance.choice(({}, {}, {}, {"output_sensitive": True}, {"base_resp": {"status_code": 0}}))


def vectors(chance: random.Random) -> Any:
    """What a server of embeddings gives for one text."""
    vector = [0.1, 0.2, chance.choice((0.3, None, "x", 1e999, [1]))]
    return {"data": [{"index": 0, "embedding": vector}] * chance.choice((1, 1, 1, 2)), "usage": {"prompt_tokens": 3}}


def _body(chance: random.Random, status: int, other: Iterator[bytes]) -> tuple[int, bytes]:
    """Status and body as a server means them, then changed."""
    if chance.random() < 0.15:
        return status, next(other)
    if status != 200 or chance.random() < 0.15:
        row: Any = chance.choice((*ROWS, *ODD, *WITHIN, *LATER))
        status, found = (row[0] if chance.random() < 0.8 else status), row[1]
    else:
        found = vectors(chance) if chance.random() < 0.15 else completions(chance)
    if isinstance(found, dict):
        found = json.loads(json.dumps(found))
        for _ in range(chance.choice((0, 0, 1, 1, 3))):
            set_one(chance, found, chance.choice((*VALUES, chance.choice(MARKS) * 50, json.dumps(found))))
        if chance.random() < 0.2:
            found = chance.choice(
                ({"error": found}, {"output": found}, [found], {"detail": [found]}, found | {"loc": ["body", "seed"]})
            )
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=chance.random() < 0.5)
    if isinstance(found, dict) and chance.random() < 0.2:
        with contextlib.suppress(Exception):  # no completion, then
            text = events(found)
            text = text.replace("\n\n", chance.choice(("\n\n", "\n", "\r\n\r\n", "\n\nevent: x\n", "\n: \n")))
    if chance.random() < 0.05:
        text = chance.choice(
            (
                "<html><script>x</script>busy</html>",
                "<!doctype html>Bad gateway",
                "",
                "null",
                "[]",
                "upstream connect error",
            )
        )
    return status, _hurt(chance, text.encode("utf-8", "surrogatepass"))


def _hurt(chance: random.Random, body: bytes) -> bytes:
    raw, kind = bytearray(body), chance.random()
    if raw and kind < 0.15:
        del raw[chance.randrange(len(raw)) :]
    elif raw and kind < 0.3:
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    elif kind < 0.36:
        at = chance.randint(0, len(raw))
        raw[at:at] = chance.choice(MARKS).encode("utf-8", "surrogatepass") * chance.choice((1, 40, 3_000))
    return bytes(raw)


def answers(seed: int, count: int) -> Iterator[tuple[int, dict[str, str], bytes]]:
    """Status, headers and body of answers that no server should give."""
    chance, other = random.Random(seed), bodies(seed, count)
    for _ in range(count):
        status, body = _body(chance, 200 if chance.random() < 0.5 else chance.choice(_STATUSES), other)
        kind = "text/event-stream" if body.startswith(b"data:") and chance.random() < 0.7 else chance.choice(_KINDS)
        headers = {"Content-Type": kind if chance.random() < 0.5 else "application/json"}
        if chance.random() < 0.3:
            headers |= {
                name: "".join(chance.choices(WAITS, k=chance.choice((1, 1, 2)))) for name in chance.sample(HEADERS, 2)
            }
        if chance.random() < 0.1:
            packed = chance.choice((gzip.compress, zlib.compress, _bare))(body)
            headers["Content-Encoding"] = chance.choice(("gzip", "deflate", "GZIP ", "br", "identity", ""))
            body = _hurt(chance, packed)
        yield status, headers, body


def _bare(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def sent(chance: random.Random, status: int, headers: dict[str, str], body: bytes) -> bytes:
    """An answer as bytes on a wire, whole, in chunks, or with a head that does not hold."""
    lines = (
        [f"HTTP/1.1 {status} X"]
        if chance.random() < 0.99
        else [chance.choice(("HTTP/1.1 20", "SSH-2.0", "HTTP/9 200 X", ""))]
    )
    lines += ["Connection: close"] if chance.random() < 0.95 else []
    lines += [f"{name}: {_LINE_ENDS.sub(' ', value)}" for name, value in headers.items()]
    if chance.random() < 0.15:
        cut = chance.randint(0, len(body))
        pieces = [piece for piece in (body[:cut], body[cut:]) if piece]
        lines.append("Transfer-Encoding: chunked")
        size = (
            (lambda piece: f"{len(piece):x}")
            if chance.random() < 0.8
            else lambda _: chance.choice(("-1", "zz", "ffffffffff", "3;x"))
        )
        body = b"".join(f"{size(piece)}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"
    else:
        right = str(len(body))
        lines.append(
            f"Content-Length: {right if chance.random() < 0.95 else chance.choice(('0', '-1', 'x', '9' * 30, str(10**8), right + '1'))}"
        )
    if chance.random() < 0.05:
        lines.insert(
            1,
            chance.choice(
                (
                    "X: " + "y" * 9_000,
                    "Location: http://x.invalid/",
                    "Set-Cookie: a=b",
                    "no colon",
                    "HTTP/1.1 100 Continue",
                )
            ),
        )
    ahead = b"HTTP/1.1 100 Continue\r\n\r\n" * chance.choice((0,) * 60 + (1, 70))
    return ahead + "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


@dataclass
class Server:
    """Sends each request the next of these answers, and hangs up."""

    waiting: Iterator[tuple[int, dict[str, str], bytes]]
    chance: random.Random
    url: str = ""
    latest: list[bytes] = field(default_factory=list)
    count: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            if told := re.search(rb"(?i)content-length: (\d+)", head):
                await reader.readexactly(int(told[1]))
            if (one := next(self.waiting, None)) is not None:
                self.latest = [*self.latest[-7:], sent(self.chance, *one)]
                self.count += 1
                writer.write(self.latest[-1])
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()


@contextlib.asynccontextmanager
async def sending(seed: int, count: int) -> AsyncIterator[Server]:
    """A server that sends so many mutants, on this event loop."""
    server = Server(answers(seed, count), random.Random(seed))
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    async with listening:
        yield server


async def ask(server: Server, number: int) -> Reply | None:
    """What the real client makes of the server's next answers: a reply, or None for an error that may be raised."""
    client = OpenAIBackend(server.url)
    if number % 5 == 0:
        client.package()
    try:
        if number % 7 == 0:
            return await EmbeddingsBackend(client).complete(VECTOR, KEY)
        return await client.complete(ASKED[number % len(ASKED)], KEY)
    except (ProviderError, ConfigError):
        return None
    finally:
        await client.close()
