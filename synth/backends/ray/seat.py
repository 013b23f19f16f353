"""One place for an actor of Ray, as the driver sees it: what its actor holds, what is to be sent to it, and the sending and fetching."""

import asyncio
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from synth.backends.ray import placing
from synth.backends.ray.actor import POLL, Chunk, Lesson, Outcome
from synth.types import Reply, Request

SILENCE: Final = 120.0 + POLL
"""Seconds without a sign of an actor after which it is taken for dead: Ray may lose one, or a call to it, and say nothing."""


@dataclass(slots=True, eq=False)
class Asked:
    """A request that waits for its reply from a Ray actor."""

    number: int
    request: Request
    key: str
    reply: "asyncio.Future[Reply]"
    deaths: int = 0
    """How many actors have died that held it."""


@dataclass(slots=True, eq=False)
class Seat:
    """The place of one Ray actor, which another takes when it dies: what it holds, and what is to be sent to it."""

    number: int
    actor: placing.Placed | None = None
    up: bool = False
    """Whether its actor has begun."""
    answered: bool = False
    """Whether its actor has brought an answer."""
    out: dict[int, Asked] = field(default_factory=dict)
    fresh: list[Asked] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    lessons: list[Lesson] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def exchanged(self, landed: Callable[[Sequence[Lesson]], None]) -> None:
        """Sends and fetches until the Ray actor dies, whose error is raised; `landed` is called after each fetch, with the lessons."""
        tasks = [asyncio.ensure_future(step) for step in (self._feed(), self._drain(landed))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _feed(self) -> None:
        assert self.actor is not None
        while True:
            await self.news.wait()
            await asyncio.sleep(0)  # what becomes ready in the same turn travels together
            self.news.clear()
            fresh, self.fresh = self.fresh, []
            dropped, self.dropped = self.dropped, []
            lessons, self.lessons = self.lessons, []
            asked = [(one.number, one.request, one.key) for one in fresh]
            chunk = pickle.dumps(Chunk(asked, dropped, lessons))
            await asyncio.wait_for(self.actor.handle.take.remote(chunk), SILENCE)

    async def _drain(self, landed: Callable[[Sequence[Lesson]], None]) -> None:
        assert self.actor is not None
        while True:
            outcomes: list[Outcome]
            brought = await asyncio.wait_for(self.actor.handle.landed.remote(), SILENCE)
            outcomes, lessons = pickle.loads(brought)  # noqa: S301 (from an actor of ours)
            self.answered = self.answered or bool(outcomes)
            for number, outcome in outcomes:
                if asked := self.out.pop(number, None):
                    settle(asked, outcome)
            landed(lessons)


def settle(asked: Asked, outcome: Reply | BaseException) -> None:
    """Ends the wait for a Ray actor's reply with what came of it."""
    if asked.reply.done():
        return
    if isinstance(outcome, Reply) or not isinstance(outcome, BaseException):
        asked.reply.set_result(outcome)
    else:
        asked.reply.set_exception(outcome)
        asked.reply.exception()  # seen, should nobody be left to ask
