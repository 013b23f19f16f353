"""An event loop on virtual time: it never sleeps, the clock jumps to the next timer; and what can be put behind it."""

import asyncio
import heapq
import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from synth.backends import Backend
from synth.errors import ProviderError
from synth.types import Reply, Request

Result = TypeVar("Result")


class DeadlockError(Exception):
    """Nothing is ready and nothing is scheduled: every task waits for another."""


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        while self._scheduled and self._scheduled[0]._cancelled:  # type: ignore[attr-defined]
            heapq.heappop(self._scheduled)._scheduled = False  # type: ignore[attr-defined]
        if not self._ready:  # type: ignore[attr-defined]
            if not self._scheduled:  # type: ignore[attr-defined]
                raise DeadlockError
            self.now = max(self.now, self._scheduled[0]._when)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def run_virtual(work: Coroutine[Any, Any, Result], at: dict[float, Callable[[], None]] | None = None) -> Result:
    """Runs `work` on virtual time; `at` calls a function at a given second."""
    loop = VirtualLoop()
    try:
        for when, action in (at or {}).items():
            loop.call_at(when, action)
        return loop.run_until_complete(work)
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks))
        loop.close()


class Distant:
    """A backend seen over a network: a latency law, and faults drawn by arrival, as weather is."""

    def __init__(
        self, inner: Backend, latency: Callable[[random.Random], float], *, faults: float = 0.0, weather: int = 0
    ):
        self.inner, self.latency, self.faults = inner, latency, faults
        self.family, self.self_scheduling = inner.family, inner.self_scheduling
        self.chance = random.Random(weather)
        self.answered: list[str] = []
        self.in_flight = self.peak = 0

    async def complete(self, request: Request, key: str) -> Reply:
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self.latency(self.chance))
            if self.chance.random() < self.faults:
                raise ProviderError("stormy")
            reply = await self.inner.complete(request, key)
            self.answered.append(key)
            return reply
        finally:
            self.in_flight -= 1

    async def check(self, model: str) -> None:
        await self.inner.check(model)

    async def close(self) -> None:
        return None


def fixed(seconds: float) -> Callable[[random.Random], float]:
    return lambda chance: seconds


def heavy_tailed(mean: float, sigma: float = 1.0) -> Callable[[random.Random], float]:
    return lambda chance: mean * chance.lognormvariate(-sigma * sigma / 2, sigma)
