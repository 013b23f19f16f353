"""One request on its way to its model, and all who asked for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from synth.types import Reply


class Flight:
    """An engine's request on its way: a task that outlives those who wait for it, since what was sent must land."""

    __slots__ = ("_askers", "task")

    def __init__(self, fetch: Coroutine[Any, Any, Reply]) -> None:
        self.task = asyncio.get_running_loop().create_task(fetch)
        self.task.add_done_callback(self._tell)
        self._askers: set[asyncio.Future[Reply]] = set()

    @property
    def wanted(self) -> bool:
        """Whether anybody still waits for the request of this flight."""
        return bool(self._askers)

    async def landed(self) -> Reply:
        """The reply that the flight brings, or raises what it does. Who is cancelled leaves it on its way."""
        asker: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._askers.add(asker)
        try:
            return await asker
        finally:
            self._askers.discard(asker)

    def _tell(self, task: asyncio.Task[Reply]) -> None:
        error = None if task.cancelled() else task.exception()  # taken note of, though nobody may be left to hear it
        for asker in self._askers:
            if asker.done():
                continue
            if task.cancelled():
                asker.cancel()
            elif error is not None:
                asker.set_exception(error)
            else:
                asker.set_result(task.result())
