"""What gate, prefetch and demand of one fold share, and the tasks that are begun before the fold's turn comes to them."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from synth.dedup.ngrams import Index
from synth.dedup.vectors import Vectors
from synth.fold.acceptor import Acceptor
from synth.stages.flow import Flow
from synth.types import Ask

Result = TypeVar("Result")


class Tasks:
    """The tasks of one fold that were begun before their turn. Nobody may ever await one, so its failure is no error
    of its own."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        """Begins some part of the fold's work ahead of its turn; whoever awaits the task gets its result or what it
        raises."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop(self) -> None:
        """Cancels whatever part of the fold's work runs ahead of its turn; requests in flight land on their own."""
        while self._running:  # one that ends may begin another
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            await asyncio.sleep(0)  # until `_ended` has seen them

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen, should nobody await it


@dataclass(frozen=True)
class Parts:
    """What gate, prefetch and demand of one fold share: flow, acceptors, indexes and how requests are asked."""

    flow: Flow
    lanes: Mapping[str, Acceptor]
    """The acceptor of every lane, by the lane's id."""
    indexes: Mapping[str, Index]
    """The near-duplicate indexes of the queries that have entered, by query type."""
    meanings: Mapping[str, Vectors]
    """The vectors of the queries that have entered, by query type; empty where meaning is not compared."""
    asker: Callable[[Acceptor, int], Ask]
    """Gives a lane's way of asking requests at a position in the plan."""
    tasks: Tasks = field(default_factory=Tasks, init=False)
    _positions: "count[int]" = field(default_factory=count, init=False)

    def next_position(self) -> int:
        """The next position in the fold's plan, for any of its parts: requests of an earlier one are served first."""
        return next(self._positions)

    def ask(self, lane: Acceptor, position: int | None = None) -> Ask:
        """A way of asking for one piece of a lane's work, at the next position unless one is given. Its replies are
        counted only once the fold takes the work."""
        ask = self.asker(lane, self.next_position() if position is None else position)
        self.flow.stats.hold(ask)
        return ask
