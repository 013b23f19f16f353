"""Who waits though a slot is free: everybody while the judges are examined, and whoever asks more than a little of a model not yet known.

A model that is not fit is found out within its first replies, and what leaves before them is lost. Fast servers and many slots would send
hundreds of requests in that time.
"""

import asyncio
import heapq
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from itertools import count
from typing import TypeAlias

from synth.journal.usage import Usage
from synth.types import CONTROLS, Origin

FEW, KNOWN = 8, 30
"""How many requests to a model may be in flight for one stage before so many of its replies are committed."""
OTHERS = 10
"""How many requests are sent to others while judges are examined: with the 80 controls of a judge who is in doubt to the last, 90."""

_Use: TypeAlias = tuple[str, str]
"""A stage, and a model that it asks."""
_Waiters: TypeAlias = list[tuple[int, int, "asyncio.Future[None]"]]


class Probation:
    """Keeps requests waiting until their model is known a little, and, if `examined`, until `open` is called.

    What is asked of judges for rows waits for that; of all other requests the first `OTHERS` go. A request under the lane of
    controls goes past them. `written` is what earlier runs asked; the roles in `queued` have backends that keep requests
    waiting themselves: those are sent nothing before judges are known, and then everything at once.
    """

    def __init__(
        self,
        written: Iterable[Usage] = (),
        queued: Collection[str] = (),
        *,
        judging: str = "judge",
        examined: bool = False,
    ) -> None:
        self._queued, self._judging, self._closed = frozenset(queued), judging, examined
        self._replies = Counter[_Use]()
        for line in written:
            self._replies[line.stage, line.model] += line.calls
        self._out = Counter[_Use]()
        self._others = 0
        self._held: list[asyncio.Future[None]] = []
        """Who waits for the judges."""
        self._rooms: defaultdict[_Use, _Waiters] = defaultdict(list)
        """Who waits until less of a model is in flight, the earliest in the plan first."""
        self._arrivals = count()
        self._why: Exception | None = None
        self.first: Callable[[], None] | None = None
        """Called once, as the first request that is no control comes."""
        self.committed: Callable[[Origin, str], None] = lambda _origin, _model: None
        """Called when a reply is committed, with the model's name."""

    @property
    def waiting(self) -> int:
        """How many attempts wait for their turn of this probation."""
        return sum(not turn.done() for turn in self._held) + sum(
            not turn.done() for room in self._rooms.values() for *_, turn in room
        )

    @asynccontextmanager
    async def turn(self, origin: Origin, model: str) -> AsyncIterator[None]:
        """Waits until an attempt may be made of its model on probation, and lasts as long as it does. Raises what those who
        wait are dismissed with."""
        use = (origin.stage, model)
        if origin.lane != CONTROLS:
            await self._judged(origin)
        await self._room(use, origin)
        try:
            yield
            self._replies[use] += 1
        finally:
            self._leave(use)
        self.committed(origin, model)

    def open(self) -> None:
        """Ends the wait of requests on probation for the judges: they have passed, or nobody minds."""
        self._closed = False
        for turn in self._held:
            if not turn.done():
                turn.set_result(None)
        self._held.clear()

    def dismiss(self, why: Exception) -> None:
        """Raises the exception in everybody on probation who waits, and in whoever comes later."""
        self._why = why
        rooms = [turn for room in self._rooms.values() for *_, turn in room]
        for turn in (*self._held, *rooms):
            if not turn.done():
                turn.set_exception(why)
        self._held.clear()
        self._rooms.clear()

    async def _judged(self, origin: Origin) -> None:
        if self.first is not None:
            first, self.first = self.first, None
            first()
        if not self._closed:
            return
        if origin.stage != self._judging and origin.role not in self._queued and self._others < OTHERS:
            self._others += 1
            return
        await self._wait(self._held.append)

    async def _room(self, use: _Use, origin: Origin) -> None:
        def queue(turn: asyncio.Future[None]) -> None:
            heapq.heappush(self._rooms[use], (origin.position, next(self._arrivals), turn))

        while self._full(use, origin):
            try:
                await self._wait(queue)
            except asyncio.CancelledError:
                self._wake(use)  # it may have been called in the very turn in which it was cancelled
                raise
        self._out[use] += 1

    def _full(self, use: _Use, origin: Origin) -> bool:
        return origin.role not in self._queued and self._replies[use] < KNOWN and self._out[use] >= FEW

    async def _wait(self, place: Callable[["asyncio.Future[None]"], None]) -> None:
        if self._why is not None:
            raise self._why.with_traceback(None)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place(turn)
        await turn

    def _leave(self, use: _Use) -> None:
        self._out[use] -= 1
        self._wake(use)

    def _wake(self, use: _Use) -> None:
        room = self._rooms.get(use, [])
        free = len(room) if self._replies[use] >= KNOWN else FEW - self._out[use]
        while room and free > 0:
            turn = heapq.heappop(room)[2]
            if not turn.done():
                turn.set_result(None)
                free -= 1
