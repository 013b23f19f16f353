"""A fixed number of permits, handed to the most urgent waiter first."""

import asyncio
import heapq
from itertools import count
from typing import TypeAlias

Rank: TypeAlias = tuple[int, int]
"""(stage, place in the plan); the lower is served first."""


class Slots:
    def __init__(self, size: int) -> None:
        self.free = size
        self._waiting: list[tuple[Rank, int, asyncio.Future[None]]] = []
        self._arrivals = count()

    async def acquire(self, rank: Rank) -> None:
        if self.free:
            self.free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._arrivals), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1
