"""Who is asked next: permits, a fixed number over all models and as many for each as its pace allows, the most urgent waiter first.

A model whose backend keeps requests waiting has that number to itself: what waits there for its turn takes no place from another.
"""

import asyncio
import heapq
from collections import Counter
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from synth.engine.pace import Pace, Pass

Rank: TypeAlias = tuple[int, int]
"""(stage, place in the plan); the lower is served first."""


@dataclass(slots=True, eq=False)
class _Waiter:
    turn: asyncio.Future[Pass]
    tokens: float


class Slots:
    def __init__(self, size: int) -> None:
        self.size = size
        self._held = 0
        """Permits of models that share them."""
        self._waiting: Counter[Pace] = Counter()
        self._queues: dict[Pace, list[tuple[Rank, int, _Waiter]]] = {}
        self._arrivals = count()
        self._alarm: asyncio.TimerHandle | None = None

    def add(self, pace: Pace) -> None:
        """Makes a model known before it is first asked."""
        self._queues.setdefault(pace, [])

    def drop(self, pace: Pace) -> None:
        """Forgets a model nobody waits for."""
        del self._queues[pace], self._waiting[pace]

    def dismiss(self, why: Exception) -> None:
        """Nobody who waits will be served: they get the exception."""
        for pace, queue in self._queues.items():
            for _, _, waiter in queue:
                if not waiter.turn.done():
                    self._waiting[pace] -= 1
                    waiter.turn.set_exception(why)
            queue.clear()

    @property
    def free(self) -> int:
        """Permits nobody waits for."""
        if not self._queues:
            return self.size
        now = asyncio.get_running_loop().time()
        room = waiting = alone = 0
        for pace in self._queues:
            if pace.queues:
                alone += max(0, pace.idle(now) - self._waiting[pace])
            else:
                room += pace.idle(now)
                waiting += self._waiting[pace]
        return max(0, min(self.size - self._held, room) - waiting) + alone

    async def acquire(self, rank: Rank, pace: Pace, tokens: float = 0.0) -> Pass:
        loop = asyncio.get_running_loop()
        queue = self._queues.setdefault(pace, [])
        if not queue and self._has_room(pace) and pace.wait(tokens, now := loop.time()) <= 0:
            return self._give(pace, tokens, now)
        turn: asyncio.Future[Pass] = loop.create_future()
        heapq.heappush(queue, (rank, next(self._arrivals), _Waiter(turn, tokens)))
        self._waiting[pace] += 1
        self._serve()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting[pace] -= 1
            elif turn.exception() is None:
                self.release(pace, turn.result())
            raise

    def release(self, pace: Pace, leave: Pass) -> None:
        pace.back(leave)
        self._held -= not pace.queues
        self._serve()

    def _has_room(self, pace: Pace) -> bool:
        return pace.queues or self._held < self.size

    def _give(self, pace: Pace, tokens: float, now: float) -> Pass:
        self._held += not pace.queues
        return pace.go(tokens, now)

    def _serve(self) -> None:
        """Hands out what can be handed out, and wakes up again when a rest or a minute is over."""
        loop = asyncio.get_running_loop()
        now, soonest = loop.time(), float("inf")
        while True:
            ready = []
            for pace, queue in self._queues.items():
                if not self._has_room(pace):
                    continue
                while queue and queue[0][2].turn.done():
                    heapq.heappop(queue)
                if queue:
                    wait = pace.wait(queue[0][2].tokens, now)
                    if wait <= 0:
                        ready.append((queue[0][:2], pace))
                    soonest = min(soonest, wait)
            if not ready:
                break
            pace = min(ready, key=lambda entry: entry[0])[1]
            waiter = heapq.heappop(self._queues[pace])[2]
            self._waiting[pace] -= 1
            waiter.turn.set_result(self._give(pace, waiter.tokens, now))
            soonest = float("inf")
        self._wake_at(loop, now + soonest)

    def _wake_at(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if when < float("inf"):
            self._alarm = loop.call_at(when, self._serve)
