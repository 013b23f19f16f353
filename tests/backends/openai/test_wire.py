"""What goes over a wire is what a session would have sent, and what cannot go over it goes through the session."""

import asyncio
from typing import Any

import pytest

from synth.backends.openai.transport import Transport
from synth.backends.openai.wire import SHORT, is_short, takes
from synth.recipe.credentials import Secrets

SENT = {"Authorization": "Bearer sk-none", "Content-Type": "application/json", "X-Team": "守卫"}
BODY = '{"问": 1}'.encode()


def arrivals(*sent: tuple[Any, dict[str, str]], close: bool = False) -> list[tuple[bytes, bytes]]:
    """Head and body of each request as a server gets it, asked one after the other at `/v1/chat/completions?a=b`."""
    found: list[tuple[bytes, bytes]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            found.append((head, await reader.readexactly(length)))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            if close:
                break
        writer.close()

    async def go() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1?a=b"
        transport = Transport(url, SENT, Secrets.sent(url, (), ()))
        for data, headers in sent:
            assert (await transport.http("POST", "/chat/completions", data, headers))[::2] == (200, b"{}")
            await asyncio.sleep(0.02 * close)  # as long as it takes to hear of it
        await transport.close()
        server.close()

    asyncio.run(go())
    return found


def lines(head: bytes) -> list[bytes]:
    return sorted(line.lower() for line in head.split(b"\r\n"))


def test_a_wire_sends_what_a_session_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    key = {"Idempotency-Key": "0" * 32}
    over_wire = arrivals((BODY, key), (BODY, {}))
    monkeypatch.setattr("synth.backends.openai.transport.takes", lambda *_: False)
    by_session = arrivals((BODY, key), (BODY, {}))
    assert [(lines(head), body) for head, body in over_wire] == [
        ([line.replace(old, new) for line in lines(head)], body)
        for (head, body), old, new in zip(by_session, *ports(by_session, over_wire), strict=True)
    ]


def ports(*found: list[tuple[bytes, bytes]]) -> tuple[list[bytes], ...]:
    return tuple(
        [next(line[6:] for line in lines(head) if line.startswith(b"host: ")) for head, _ in one] for one in found
    )


def test_what_is_large_or_unusual_arrives_too() -> None:
    odd = {"X-Odd": "with blanks, and 汉字"}
    found = arrivals((b" " * (SHORT + 1), {}), (BODY, odd))
    assert [len(body) for _, body in found] == [SHORT + 1, len(BODY)]
    assert "with blanks, and 汉字".encode() in found[1][0]


def test_a_connection_that_its_server_closed_is_not_used_again() -> None:
    assert len(arrivals((BODY, {}), (BODY, {}), close=True)) == 2


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://me:secret@host/v1", {}),
        ("unix:///run/x", {}),
        ("http://host/v1", {"X-A": "a\r\nX-B: b"}),
    ],
)
def test_what_a_wire_leaves_to_the_session(url: str, headers: dict[str, str]) -> None:
    assert takes("http://host:8000/v1", SENT)
    assert not takes(url, headers)


def test_a_header_cannot_become_two() -> None:
    assert is_short(BODY, {"Idempotency-Key": "0" * 32})
    assert not is_short(BODY, {"Idempotency-Key": "0\r\nX-B: b"})
    assert not is_short(BODY, {"X-A:": "a"})
