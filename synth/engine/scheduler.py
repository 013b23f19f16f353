"""Who is asked next: permits, a fixed number over all models and as many for each as its pace allows, the most urgent waiter first.

A model whose backend keeps requests waiting has that number to itself: what waits there for its turn takes no permit from another.
"""

import asyncio
import heapq
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from synth.engine.adaptive import Pace, Permit
from synth.engine.budget import Budget, Reservation

Rank: TypeAlias = tuple[int, int]
"""(stage, position in the plan), the lower served first. A later stage has the lower number: what was begun is finished before more is
begun, or a run would hold as many half-made rows as it has queries."""


@dataclass(slots=True, eq=False)
class _Waiter:
    turn: asyncio.Future[Permit]
    tokens: float
    reservation: Reservation | None


class Slots:
    """Hands out permits: `size` at once over all models that share them, and no more than fit a `budget`, if there is one.

    Who comes first decides nothing but the time: no row hangs on it. Still the order matters. A permit is held until the reply is
    in the journal, so that what is in flight is what is not journalled, and a kill never loses more than that. It is not held
    between two tries of a request (an outage would then stop every other model too), nor until a row is accepted: the fold waits
    in plan order for requests that could wait for the fold, and both would wait for ever.
    """

    def __init__(self, size: int, budget: Budget | None = None) -> None:
        self.size, self.budget = size, budget
        self._held = self._waiting = 0
        """Permits of the models that share `size`."""
        self._queues: dict[Pace, list[tuple[Rank, int, _Waiter]]] = {}
        self._asked: dict[Pace, list[tuple[Rank, int, _Waiter]]] = {}
        """Of these, those in which somebody may wait."""
        self._alone: set[Pace] = set()
        """Those of the models that have the number to themselves."""
        self._arrivals = count()
        self._alarm: asyncio.TimerHandle | None = None

    def add(self, pace: Pace) -> None:
        """Gives the scheduler a model's pace before it is first asked, so that its slots count among the free ones."""
        self._queue_of(pace)

    def _queue_of(self, pace: Pace) -> list[tuple[Rank, int, _Waiter]]:
        if (queue := self._queues.get(pace)) is None:
            queue = self._queues[pace] = []
            if pace.self_scheduling:
                self._alone.add(pace)
        return queue

    def drop(self, pace: Pace) -> None:
        """Lets the scheduler forget the pace of a model that nobody waits for."""
        del self._queues[pace]
        self._asked.pop(pace, None)
        self._alone.discard(pace)

    def dismiss(self, why: Exception, of: Pace | None = None) -> None:
        """Raises the exception in everybody who waits for the scheduler's permit, or for one of that model alone."""
        for pace, queue in self._queues.items() if of is None else [(of, self._queues[of])]:
            for _, _, waiter in queue:
                if not waiter.turn.done():
                    self._waiting -= not pace.self_scheduling
                    waiter.turn.set_exception(why)
            queue.clear()
            self._asked.pop(pace, None)

    @property
    def free(self) -> int:
        """How many permits the scheduler could give now that nobody waits for."""
        now = asyncio.get_running_loop().time()
        free = 0
        if (left := self.size - self._held) > self._waiting:  # asked at every landing, and mostly not so
            room = sum(pace.idle(now) for pace in self._queues if not pace.self_scheduling) if self._queues else left
            free = max(0, min(left, room) - self._waiting)
        return free + sum(max(0, pace.idle(now) - len(self._queues[pace])) for pace in self._alone)

    async def acquire(
        self, rank: Rank, pace: Pace, tokens: float = 0.0, reservation: Reservation | None = None
    ) -> Permit:
        """The scheduler's permit to make one attempt, of at most that many tokens, once there is one. Raises what those
        who wait are dismissed with: Stopped once the budget bears no more and nothing is in flight that might come to
        less than is held for it."""
        loop = asyncio.get_running_loop()
        queue = self._queue_of(pace)
        first = not queue if reservation is None else not any(self._queues.values()) and self._affords(reservation)
        if first and self._has_room(pace) and pace.wait(tokens, now := loop.time()) <= 0:
            return self._go(pace, tokens, reservation, now)
        turn: asyncio.Future[Permit] = loop.create_future()
        heapq.heappush(queue, (rank, next(self._arrivals), _Waiter(turn, tokens, reservation)))
        self._asked[pace] = queue
        self._waiting += not pace.self_scheduling
        self._serve()
        try:
            return await turn
        except asyncio.CancelledError:
            # A permit may have been handed out in the very turn in which its waiter was cancelled: it must not be lost.
            if turn.cancelled():
                self._waiting -= not pace.self_scheduling
            elif turn.exception() is None:
                self.release(pace, turn.result())
            raise

    def release(self, pace: Pace, permit: Permit) -> None:
        """Gives the scheduler back the permit of an attempt that is over: what its reply did not use of the budget is
        free again, and the next waiter is served."""
        pace.back(permit)
        self._held -= not pace.self_scheduling
        if self.budget and permit.reservation:
            self.budget.settle(permit.reservation, permit.reply)
        self._serve()

    def _has_room(self, pace: Pace) -> bool:
        return pace.self_scheduling or self._held < self.size

    def _go(self, pace: Pace, tokens: float, reservation: Reservation | None, now: float) -> Permit:
        self._held += not pace.self_scheduling
        permit = pace.go(tokens, now)
        if self.budget and reservation:
            self.budget.hold(reservation)
            permit.reservation = reservation
        return permit

    def _affords(self, reservation: Reservation | None) -> bool:
        return self.budget is None or reservation is None or self.budget.fits(reservation)

    def _serve(self) -> None:
        """Hands out what can be handed out, and wakes up again when a rest or a minute is over."""
        if not self._asked and self._alarm is None:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        while True:
            pace, soonest = self._next(now)
            if pace is None:
                break
            waiter = self._queues[pace][0][2]
            if not self._affords(waiter.reservation):
                # Nobody overtakes whom the budget stops, though a smaller request might fit: else the cheap stages would spend
                # what a begun row still needs. And it is no stop before nothing is in flight: what lands takes less than is held.
                if self.budget and waiter.reservation and self.budget.idle:
                    self.dismiss(self.budget.stop(waiter.reservation))
                soonest = float("inf")  # whoever lands will have the next one served
                break
            heapq.heappop(self._queues[pace])
            self._waiting -= not pace.self_scheduling
            waiter.turn.set_result(self._go(pace, waiter.tokens, waiter.reservation, now))
        self._wake_at(loop, now + soonest)

    def _next(self, now: float) -> tuple[Pace | None, float]:
        """The pace whose most urgent waiter comes first of those that may go; the seconds until the first may where none may."""
        ready, soonest = [], float("inf")
        for pace, queue in list(self._asked.items()):
            while queue and queue[0][2].turn.done():
                heapq.heappop(queue)
            if not queue:
                del self._asked[pace]
            elif self._has_room(pace):
                wait = pace.wait(queue[0][2].tokens, now)
                if wait <= 0:
                    ready.append((queue[0][:2], pace))
                soonest = min(soonest, wait)
        return (min(ready, key=lambda entry: entry[0])[1] if ready else None), soonest

    def _wake_at(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if when < float("inf"):
            self._alarm = loop.call_at(when, self._serve)
