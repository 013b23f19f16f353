"""Who waits though a slot is free: until judges have passed all but a few, and for each model until it is known a little."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from synth.engine.probation import FEW, KNOWN, OTHERS, Probation
from synth.errors import Stopped
from synth.journal.usage import Usage
from synth.types import CONTROLS, Origin

WRITER = Origin("writer", "query", "a/harmful")
JUDGE = Origin("j", "judge", "a/harmful")
CONTROL = Origin("j", "judge", CONTROLS, -1)


class Server:
    """Holds every attempt until it is let go."""

    def __init__(self, probation: Probation) -> None:
        self.probation, self.out, self.most = probation, 0, 0
        self.done: list[int] = []
        self.free = asyncio.Semaphore(0)

    async def ask(self, origin: Origin, model: str = "m", *, fails: bool = False) -> None:
        async with self.probation.turn(origin, model):
            self.out += 1
            self.most = max(self.most, self.out)
            try:
                await self.free.acquire()
                if fails:
                    raise ValueError
            finally:
                self.out -= 1
        self.done.append(origin.position)


async def begun(*parts: Coroutine[Any, Any, None]) -> list["asyncio.Task[None]"]:
    tasks = [asyncio.create_task(part) for part in parts]
    await settled()
    return tasks


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def let_go(server: Server, count: int) -> None:
    for _ in range(count):
        server.free.release()
        await settled()


def test_a_model_has_eight_in_flight_until_thirty_are_committed() -> None:
    async def run() -> None:
        server = Server(Probation())
        tasks = await begun(*(server.ask(WRITER) for _ in range(100)))
        assert (server.out, server.probation.waiting) == (FEW, 92)
        await let_go(server, KNOWN - 1)
        assert server.most == FEW
        await let_go(server, 1)
        assert server.out == 70
        server.free = asyncio.Semaphore(100)
        for task in tasks:
            task.cancel()

    asyncio.run(run())


def test_failures_make_no_model_known_and_what_earlier_runs_asked_does() -> None:
    async def run() -> None:
        server = Server(Probation([Usage("b/harmful", "query", "old", calls=KNOWN)]))
        tasks = await begun(*(server.ask(WRITER, fails=True) for _ in range(50)))
        await let_go(server, 40)
        assert server.most == FEW
        tasks += await begun(*(server.ask(WRITER, "old") for _ in range(50)))
        assert server.out == FEW + 50
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


def test_the_earliest_in_the_plan_goes_first_and_one_that_is_given_up_holds_nobody() -> None:
    async def run() -> None:
        server = Server(Probation())
        first = await begun(*(server.ask(Origin("w", "query", "l", position)) for position in range(100, 108)))
        later = await begun(*(server.ask(Origin("w", "query", "l", position)) for position in (9, 3, 5)))
        later[1].cancel()
        await let_go(server, 10)
        assert server.done[-2:] == [5, 9]
        await asyncio.gather(*first, later[0], later[2])

    asyncio.run(run())


def test_before_judges_have_passed_ten_go_to_others_and_none_to_judges_but_controls() -> None:
    async def run() -> None:
        probation = Probation(examined=True)
        firsts: list[int] = []
        probation.first = lambda: firsts.append(1)
        server = Server(probation)
        others = [server.ask(Origin("w", "query", "l", at), f"m{at}") for at in range(40)]
        tasks = await begun(server.ask(JUDGE), *others, server.ask(CONTROL))
        assert server.out == OTHERS + 1
        await let_go(server, OTHERS + 1)
        assert (server.out, len(server.done), firsts) == (0, OTHERS + 1, [1])
        probation.open()
        await settled()
        assert server.out == 41 - OTHERS
        await let_go(server, 41 - OTHERS)
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_a_backend_that_queues_itself_gets_nothing_before_and_then_everything() -> None:
    async def run() -> None:
        server = Server(Probation(queued={"writer"}, examined=True))
        tasks = await begun(*(server.ask(WRITER) for _ in range(100)))
        assert server.out == 0
        server.probation.open()
        await settled()
        assert server.out == 100
        await let_go(server, 100)
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_a_stop_wakes_all_who_wait_and_whoever_comes_later() -> None:
    async def run() -> None:
        server = Server(Probation(examined=True))
        tasks = await begun(*(server.ask(WRITER) for _ in range(40)))
        server.probation.dismiss(Stopped("doubt", "why"))
        tasks += await begun(server.ask(JUDGE))
        await let_go(server, FEW)
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(one, Stopped) for one in found) == 33
        with pytest.raises(Stopped, match="why"):
            await server.ask(WRITER)

    asyncio.run(asyncio.wait_for(run(), 5))
