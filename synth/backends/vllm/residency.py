"""Which model is loaded: one at a time; whoever asks for another waits until nobody has used the loaded one for a moment, so that
changes are few."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

Guest = TypeVar("Guest")

GRACE = 0.25
"""Seconds for which nobody must have used the guest before it makes room: an answer is read, and the next request comes of it."""


class Residency(Generic[Guest]):
    """A place for one resident at a time, as a model on a GPU: lets residents in by name with `enter` and sees them off
    with `leave`. Of those waited for, the longest waited for comes next.

    Whoever uses the resident waits for no one, so every stay ends, and so does every wait.
    """

    def __init__(
        self,
        enter: Callable[[str], Awaitable[Guest]],
        leave: Callable[[Guest], Awaitable[None]],
        *,
        grace: float = GRACE,
    ) -> None:
        self._enter, self._leave, self._grace = enter, leave, grace
        self.changes = 0
        """Guests let in."""
        self._name: str | None = None
        self._guest: Guest | None = None
        self._using = self._begun = 0
        self._waiting: dict[str, list[asyncio.Future[Guest]]] = {}
        """By name, in the order in which they were first waited for."""
        self._changing: asyncio.Task[None] | None = None
        self._closed = False

    @contextlib.asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[Guest]:
        """The resident of that name, for the length of a block; waits until it is let in."""
        if name == self._name and self._guest is not None:
            self._admit()
            guest = self._guest
        else:
            guest = await self._turn(name)
        try:
            yield guest
        finally:
            self._finished()

    def dismiss(self, why: Exception) -> None:
        """Gives the exception to all who wait for a resident that is not there."""
        for turn in [turn for turns in self._waiting.values() for turn in turns if not turn.done()]:
            turn.set_exception(why)
        self._waiting.clear()

    async def close(self) -> None:
        """Sees the resident off; one that is being let in comes in first."""
        self._closed = True
        if self._changing is not None:
            await asyncio.wait([self._changing])
        await self._empty()

    def _admit(self) -> None:
        self._using += 1
        self._begun += 1

    def _finished(self) -> None:
        self._using -= 1
        self._consider()

    async def _turn(self, name: str) -> Guest:
        turn: asyncio.Future[Guest] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, []).append(turn)
        self._consider()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._finished()  # it had been let in
            raise

    def _next(self) -> str | None:
        """Who has been waited for longest, of those that are still waited for."""
        for name in list(self._waiting):
            self._waiting[name] = [turn for turn in self._waiting[name] if not turn.done()]
            if self._waiting[name]:
                return name
            del self._waiting[name]
        return None

    def _consider(self) -> None:
        if self._changing is None and not self._using and not self._closed and self._next() is not None:
            self._changing = asyncio.get_running_loop().create_task(self._change())
            self._changing.add_done_callback(self._changed)

    def _changed(self, task: "asyncio.Task[None]") -> None:
        self._changing = None
        if not task.cancelled():
            task.result()
            self._consider()

    async def _change(self) -> None:
        if self._guest is not None:
            begun = self._begun
            await asyncio.sleep(self._grace)
            if self._using or begun != self._begun:
                return
        name = self._next()
        if name is None or self._closed:
            return
        try:
            await self._empty()
            guest = await self._enter(name)
        except Exception as error:  # noqa: BLE001 (whoever waits is told, whatever it is)
            for turn in self._waiting.pop(name, []):
                if not turn.done():
                    turn.set_exception(error)
            return
        self._name, self._guest = name, guest
        self.changes += 1
        for turn in self._waiting.pop(name, []):
            if not turn.done():
                self._admit()
                turn.set_result(guest)

    async def _empty(self) -> None:
        guest, self._name, self._guest = self._guest, None, None
        if guest is not None:
            await self._leave(guest)
