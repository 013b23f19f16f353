"""Turns: one model at a time, few changes, and nobody waits for ever; a whole run over it on virtual time."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from synth.backends.vllm.residency import GRACE, Residency
from synth.errors import ConfigError, Stopped
from synth.types import Reply, Request
from tests.conftest import Lab
from tests.support.virtual import run_virtual
from tests.support.world import World

LOADING, LEAVING = 60.0, 5.0


class Hall:
    """What a place for one saw: who came and went, and how many were inside at once."""

    def __init__(self, refuses: str = "") -> None:
        self.seen: list[str] = []
        self.inside = 0
        self.refuses = refuses
        self.turns = Residency(self._enter, self._leave)

    async def _enter(self, name: str) -> str:
        assert not self.inside
        self.inside += 1
        await asyncio.sleep(LOADING)
        if name == self.refuses:
            self.inside -= 1
            raise ConfigError(f"{name} does not start")
        self.seen.append(name)
        return name

    async def _leave(self, name: str) -> None:
        await asyncio.sleep(LEAVING)
        self.inside -= 1

    async def use(self, name: str, seconds: float = 1.0) -> str:
        async with self.turns.of(name) as guest:
            assert guest == name
            await asyncio.sleep(seconds)
            return guest


def test_all_that_wait_for_one_are_served_before_another_is_let_in() -> None:
    hall = Hall()

    async def work() -> None:
        await asyncio.gather(*(hall.use(name) for name in "abcabcabc"))
        await hall.use("a")

    run_virtual(work())
    assert hall.seen == ["a", "b", "c", "a"]
    assert hall.turns.changes == 4


def test_who_comes_back_at_once_keeps_the_place() -> None:
    hall = Hall()

    async def chain() -> None:
        for _ in range(20):
            await hall.use("a")
            await asyncio.sleep(GRACE / 2)

    async def work() -> None:
        await asyncio.gather(chain(), hall.use("b"))

    run_virtual(work())
    assert hall.seen == ["a", "b"]


def test_who_gives_up_waiting_is_not_let_in_and_leaves_nothing_behind() -> None:
    hall = Hall()

    async def work() -> None:
        first = asyncio.create_task(hall.use("a", 100))
        gone = asyncio.create_task(hall.use("b"))
        await asyncio.sleep(LOADING + 1)
        gone.cancel()
        await first
        await asyncio.sleep(LOADING * 3)
        assert hall.seen == ["a"]
        # cancelled at the very moment at which it is let in
        late = asyncio.create_task(hall.use("b"))
        while hall.seen[-1] != "b":  # noqa: ASYNC110 (the moment is what is tested)
            await asyncio.sleep(0.01)
        late.cancel()
        await asyncio.wait([late])
        await hall.use("c")
        await hall.turns.close()

    run_virtual(work())
    assert hall.seen == ["a", "b", "c"]
    assert not hall.inside


def test_one_that_does_not_start_is_said_to_all_who_wait_for_it_and_the_others_go_on() -> None:
    hall = Hall(refuses="b")

    async def work() -> list[Any]:
        return await asyncio.gather(*(hall.use(name) for name in "abbc"), return_exceptions=True)

    found = run_virtual(work())
    assert [str(entry) for entry in found] == ["a", "b does not start", "b does not start", "c"]


def test_a_stop_dismisses_those_who_wait_and_lets_those_inside_end() -> None:
    hall = Hall()

    async def work() -> list[Any]:
        tasks = [asyncio.create_task(hall.use(name, 10)) for name in "aab"]
        await asyncio.sleep(LOADING + 1)
        hall.turns.dismiss(Stopped("interrupted"))
        found = await asyncio.gather(*tasks, return_exceptions=True)
        await hall.turns.close()
        return found

    found = run_virtual(work())
    assert found[:2] == ["a", "a"]
    assert isinstance(found[2], Stopped)
    assert hall.seen == ["a"]
    assert not hall.inside


class Rotating:
    """A world of models of which one at a time is loaded."""

    family, self_scheduling, note = "offline/1", True, "one at a time"

    def __init__(self) -> None:
        self.world, self.hall = World(), Hall()
        self.asked = 0

    async def complete(self, request: Request, key: str) -> Reply:
        async with self.hall.turns.of(request.model):
            await asyncio.sleep(1.0)
            self.asked += 1
            return await self.world.complete(request, key)

    async def check(self, model: str) -> None:
        return None

    def dismiss(self, why: Exception) -> None:
        self.hall.turns.dismiss(why)

    async def close(self) -> None:
        await self.hall.turns.close()


@pytest.fixture
def rotating(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Rotating]:
    """Runs the tiny recipe, five models, with one of them loaded at a time."""

    def run(concurrency: int, out: str, **changes: Any) -> Rotating:
        backend = Rotating()
        monkeypatch.setattr("tests.conftest.Distant", lambda *_, **__: backend)
        result = lab.run(40, concurrency=concurrency, out=out, **changes)
        backend.stopped = result.stopped  # type: ignore[attr-defined]
        return backend

    return run


def test_a_run_over_one_model_at_a_time_ends_with_the_same_rows_and_few_changes(
    lab: Lab, rotating: Callable[..., Rotating]
) -> None:
    lab.run(40, out="plain")
    for concurrency in (1, 3, 16, 64):
        backend = rotating(concurrency, f"rotating{concurrency}")
        assert lab.bytes(f"rotating{concurrency}") == lab.bytes("plain")
        print(concurrency, backend.asked, backend.hall.turns.changes)
        assert not backend.hall.inside
        assert backend.hall.turns.changes < backend.asked / min(8, 2 * concurrency)


def test_an_interrupted_run_lets_nobody_else_in(lab: Lab, rotating: Callable[..., Rotating]) -> None:
    lab.run(40, out="plain")
    backend = rotating(16, "run", interrupt=LOADING + 3.5)
    assert backend.stopped == "stopped: interrupted"
    assert backend.hall.seen == ["writer"]
    rotating(16, "run")
    assert lab.bytes("run") == lab.bytes("plain")
