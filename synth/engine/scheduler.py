"""Who is asked next: permits, a fixed number over all models and as many for each as its pace allows, the most urgent waiter first.

A model whose backend keeps requests waiting has that number to itself: what waits there for its turn takes no place from another.
"""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from synth.engine.adaptive import Pace, Permit
from synth.engine.budget import Budget, Reservation
from synth.errors import ConfigError, Stopped

Rank: TypeAlias = tuple[int, int]
"""(stage, place in the plan); the lower is served first."""


@dataclass(slots=True, eq=False)
class _Waiter:
    turn: asyncio.Future[Permit]
    tokens: float
    reservation: Reservation | None


class Slots:
    """With a `budget` nothing goes that does not fit; who is most urgent waits for what is in flight, and nobody overtakes."""

    def __init__(self, size: int, budget: Budget | None = None) -> None:
        self.size, self.budget = size, budget
        self.broke: Callable[[Stopped | ConfigError], None] = lambda _: None
        """Told once the budget bears no more and nothing is in flight that might come to less than is held for it; or cannot be kept."""
        self._held = self._waiting = 0
        """Of the models that share the number."""
        self._queues: dict[Pace, list[tuple[Rank, int, _Waiter]]] = {}
        self._arrivals = count()
        self._alarm: asyncio.TimerHandle | None = None

    def add(self, pace: Pace) -> None:
        """Makes a model known before it is first asked."""
        self._queues.setdefault(pace, [])

    def drop(self, pace: Pace) -> None:
        """Forgets a model nobody waits for."""
        del self._queues[pace]

    def dismiss(self, why: Exception, of: Pace | None = None) -> None:
        """Nobody who waits (for that model) will be served: they get the exception."""
        for pace, queue in self._queues.items() if of is None else [(of, self._queues[of])]:
            for _, _, waiter in queue:
                if not waiter.turn.done():
                    self._waiting -= not pace.self_scheduling
                    waiter.turn.set_exception(why)
            queue.clear()

    @property
    def free(self) -> int:
        """Permits nobody waits for."""
        now = asyncio.get_running_loop().time()
        room = sum(pace.idle(now) for pace in self._queues if not pace.self_scheduling) if self._queues else self.size
        alone = sum(max(0, pace.idle(now) - len(queue)) for pace, queue in self._queues.items() if pace.self_scheduling)
        return max(0, min(self.size - self._held, room) - self._waiting) + alone

    async def acquire(
        self, rank: Rank, pace: Pace, tokens: float = 0.0, reservation: Reservation | None = None
    ) -> Permit:
        loop = asyncio.get_running_loop()
        queue = self._queues.setdefault(pace, [])
        first = not queue if reservation is None else not any(self._queues.values()) and self._affords(reservation)
        if first and self._has_room(pace) and pace.wait(tokens, now := loop.time()) <= 0:
            return self._go(pace, tokens, reservation, now)
        turn: asyncio.Future[Permit] = loop.create_future()
        heapq.heappush(queue, (rank, next(self._arrivals), _Waiter(turn, tokens, reservation)))
        self._waiting += not pace.self_scheduling
        self._serve()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting -= not pace.self_scheduling
            elif turn.exception() is None:
                self.release(pace, turn.result())
            raise

    def release(self, pace: Pace, leave: Permit) -> None:
        pace.back(leave)
        self._held -= not pace.self_scheduling
        if self.budget and leave.reservation:
            self.budget.settle(leave.reservation, leave.reply)
            if self.budget.fault:
                self.broke(self.budget.fault)
        self._serve()

    def _has_room(self, pace: Pace) -> bool:
        return pace.self_scheduling or self._held < self.size

    def _go(self, pace: Pace, tokens: float, reservation: Reservation | None, now: float) -> Permit:
        self._held += not pace.self_scheduling
        leave = pace.go(tokens, now)
        if self.budget and reservation:
            self.budget.hold(reservation)
            leave.reservation = reservation
        return leave

    def _affords(self, reservation: Reservation | None) -> bool:
        return self.budget is None or reservation is None or self.budget.fits(reservation)

    def _serve(self) -> None:
        """Hands out what can be handed out, and wakes up again when a rest or a minute is over."""
        loop = asyncio.get_running_loop()
        now, soonest = loop.time(), float("inf")
        while True:
            ready = []
            for pace, queue in self._queues.items():
                while queue and queue[0][2].turn.done():
                    heapq.heappop(queue)
                if queue and self._has_room(pace):
                    wait = pace.wait(queue[0][2].tokens, now)
                    if wait <= 0:
                        ready.append((queue[0][:2], pace))
                    soonest = min(soonest, wait)
            if not ready:
                break
            pace = min(ready, key=lambda entry: entry[0])[1]
            waiter = self._queues[pace][0][2]
            if not self._affords(waiter.reservation):
                if self.budget and waiter.reservation and self.budget.idle:
                    self.broke(self.budget.stop(waiter.reservation))
                soonest = float("inf")  # whoever lands will have the next one served
                break
            heapq.heappop(self._queues[pace])
            self._waiting -= not pace.self_scheduling
            waiter.turn.set_result(self._go(pace, waiter.tokens, waiter.reservation, now))
            soonest = float("inf")
        self._wake_at(loop, now + soonest)

    def _wake_at(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if when < float("inf"):
            self._alarm = loop.call_at(when, self._serve)
