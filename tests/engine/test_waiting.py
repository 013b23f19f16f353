"""How long a role is waited for, on virtual time: what is said of one that gives no reply, and when and with which advice the run pauses."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synth.engine.ask import Engine
from synth.engine.endpoints import Endpoints
from synth.engine.scheduler import Slots
from synth.errors import ProviderError, Stopped
from synth.journal.store import Journal
from synth.recipe.role import Role
from synth.types import Message, Origin, Reply, Request
from tests.support.virtual import run_virtual

Law = Callable[[str, int], float]
"""Seconds an answer takes: by request, and beside how many others it is asked."""


class Slow:
    """A server whose every answer has as many tokens as it takes tenths of seconds."""

    family = "model"
    self_scheduling = False

    def __init__(self, law: Law, *, lost: Callable[[str], Exception | None] = lambda name: None) -> None:
        self.law, self.lost, self.out, self.asked = law, lost, 0, 0

    async def complete(self, request: Request, key: str) -> Reply:
        self.asked += 1
        self.out += 1
        name = request.messages[0].content
        try:
            seconds = self.law(name, self.out)
            await asyncio.sleep(seconds)
            if error := self.lost(name):
                raise error
            return Reply("好", completion_tokens=int(10 * seconds), prompt_tokens=1)
        finally:
            self.out -= 1

    async def check(self, model: str) -> None: ...
    async def close(self) -> None: ...


def ask(engine: Engine, number: int, role: str = "r") -> Any:
    request = Request("model", "m", (Message("user", str(number)),), {"max_tokens": 2048}, None, (role,))
    return engine.ask(request, Origin(role, "query", "lane", number))


def drive(tmp_path: Path, server: Any, work: Callable[[Engine], Any], **role: Any) -> tuple[Any, list[str]]:
    """What `work` gives, and what was said and reported to the user meanwhile."""
    told: list[str] = []
    journal = Journal(tmp_path)
    roles = {name: Role(model="m", **role) for name in "rs"}
    models = Endpoints({"r": server, "s": server}, Slots(64), roles, say=told.append, report=told.append)
    try:
        return run_virtual(work(Engine(journal, models))), told
    finally:
        journal.close()


async def ended(engine: Engine, count: int) -> tuple[float, str]:
    """When and with which words so many requests end in a pause."""
    with pytest.raises(Stopped) as caught:
        await asyncio.gather(*(ask(engine, number) for number in range(count)))
    await engine.drain()
    assert caught.value.why == "provider"
    return asyncio.get_running_loop().time(), str(caught.value)


def test_a_timeout_that_is_too_short_is_named_after_a_minute(tmp_path: Path) -> None:
    """Three seconds for answers that take ten: ten minutes and hundreds of calls once."""
    server = Slow(lambda name, out: 10.0)
    (seconds, words), told = drive(tmp_path, server, lambda engine: ended(engine, 64), timeout=3.0, concurrency=16)
    assert 60 <= seconds <= 60 + 2 * 3 + 10
    assert "raise models.r.timeout (now 3 s) or lower max_tokens (now 2048)" in words
    assert "thrown away after 3 s" in words
    assert server.asked < 60
    assert len(told) <= 1


def test_the_speed_of_another_role_at_the_server_says_how_long_an_answer_needs(tmp_path: Path) -> None:
    server = Slow(lambda name, out: 1.0 if name == "999" else 1e9)

    async def work(engine: Engine) -> tuple[float, str]:
        await ask(engine, 999, "s")
        return await ended(engine, 4)

    (_, words), _ = drive(tmp_path, server, work, timeout=30.0)
    assert (
        "raise models.r.timeout (now 30 s) or lower max_tokens (now 2048): at 10 tokens/s an answer needs 205 s"
        in words
    )


def test_too_many_at_once_are_named_where_answers_get_slower_with_them(tmp_path: Path) -> None:
    server = Slow(lambda name, out: 3.0 * out if int(name) < 40 else 1e9)

    async def work(engine: Engine) -> tuple[float, str]:
        for size in (1, 1, 1, 1, 1, 1, 8, 8):
            await asyncio.gather(*(ask(engine, engine.calls.total() + number) for number in range(size)))
        with pytest.raises(Stopped) as caught:
            await asyncio.gather(*(ask(engine, 100 + number) for number in range(8)))
        return 0.0, str(caught.value)

    (_, words), _ = drive(tmp_path, server, work, timeout=60.0, concurrency=16)
    assert "lower models.r.concurrency (now 16): with" in words


def test_a_role_without_a_reply_is_told_of_once_after_a_minute(tmp_path: Path) -> None:
    server = Slow(lambda name, out: 5.0 if name == "0" else 200.0)

    async def work(engine: Engine) -> None:
        await ask(engine, 0)
        await asyncio.gather(*(ask(engine, number) for number in (1, 2)))

    _, told = drive(tmp_path, server, work)
    assert told == [
        "role r (model 'm'): no reply for 60 s; 2 calls out, the oldest 60 s; 10 tokens a second so far; models.r.timeout is 300 s"
    ]


def test_what_answers_now_and_then_is_not_paused(tmp_path: Path) -> None:
    server = Slow(lambda name, out: 1.0 if int(name) % 40 == 0 else 1e9)

    async def work(engine: Engine) -> float:
        waiting = asyncio.create_task(ask(engine, 1))
        for number in range(30):
            await ask(engine, 40 * number)
            await asyncio.sleep(20)
        assert engine.failure is None
        engine.stop(Stopped("done"))
        await engine.drain()
        await asyncio.gather(waiting, return_exceptions=True)
        return asyncio.get_running_loop().time()

    assert drive(tmp_path, server, work, timeout=3.0)[0] > 300


def test_rests_that_the_server_names_are_no_silence(tmp_path: Path) -> None:
    def busy(name: str) -> Exception | None:
        early = asyncio.get_running_loop().time() < 400
        return ProviderError("busy", cause="limit", retry_after=90.0) if early else None

    server = Slow(lambda name, out: 1.0, lost=busy)

    async def work(engine: Engine) -> None:
        await asyncio.gather(*(ask(engine, number) for number in range(4)))

    assert [line for line in drive(tmp_path, server, work, timeout=3.0)[1] if "no reply" in line] == []


def test_a_backend_that_queues_is_neither_told_of_nor_paused(tmp_path: Path) -> None:
    server = Slow(lambda name, out: 7200.0)
    server.self_scheduling = True

    async def work(engine: Engine) -> None:
        await asyncio.gather(*(ask(engine, number) for number in range(4)))

    assert drive(tmp_path, server, work)[1] == []


def test_fewer_at_once_are_asked_while_nothing_comes_in_time(tmp_path: Path) -> None:
    """A server that answers four at once in time and no more: the run finds that out and goes on."""
    server = Slow(lambda name, out: 2.0 if out <= 4 else 30.0)

    async def work(engine: Engine) -> int:
        replies = await asyncio.gather(*(ask(engine, number) for number in range(64)))
        return len(replies)

    assert drive(tmp_path, server, work, timeout=5.0, concurrency=32)[0] == 64
