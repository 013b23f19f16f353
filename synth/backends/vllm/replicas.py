"""Several engines of one model, each in a process and on GPUs of its own: a request goes to the one that has the fewest, and those of one that dies
to the others."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from synth.backends.vllm import frames
from synth.errors import Stopped
from synth.recipe.role import Role
from synth.types import Reply, Request

LEAVING = 60.0
"""Seconds that an engine may take to end in good order."""


@dataclass(frozen=True)
class Seat:
    """Where one of several engines runs: what it is called, and the environment that keeps it there."""

    name: str
    environment: Mapping[str, str]


class _Died(Exception):
    """The engine has died that held a request, or its process; its text says which."""


class _Engine:
    """One of several engines, from here: its process, and who waits for an answer of it."""

    def __init__(
        self,
        seat: Seat,
        process: "subprocess.Popen[bytes]",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.seat, self._process, self._writer = seat, process, writer
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._listening = asyncio.create_task(self._listen(reader))
        self.dead = self._leaving = False

    @property
    def load(self) -> int:
        return len(self._waiting)

    @classmethod
    async def start(cls, role: Role, seat: Seat) -> "_Engine":
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.to_thread(_started, seat, theirs.fileno())
        engine = cls(seat, process, *await asyncio.open_connection(sock=ours))
        frames.send(engine._writer, role)
        return engine

    async def ask(self, asked: Any) -> Any:
        number, future = next(self._numbers), asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        frames.send(self._writer, (number, asked))
        try:
            return await future
        except asyncio.CancelledError:
            if not self.dead:
                frames.send(self._writer, (number, None))
            raise
        finally:
            self._waiting.pop(number, None)

    async def leave(self) -> None:
        """Ends the process, in good order if it can."""
        self._leaving = True
        if not self.dead:
            with suppress(OSError, RuntimeError):
                frames.send(self._writer, "close")
        try:
            await asyncio.to_thread(self._process.wait, LEAVING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        await asyncio.wait([self._listening])
        self._writer.close()

    def _die(self, why: str) -> None:
        """Nothing more comes of this engine; its process, told so by the closing of the socket, ends what it started."""
        if self.dead:
            return
        self.dead = True
        self._writer.close()
        if not self._leaving:
            what = "the engines that are left are given what it had in hand"
            sys.stderr.write(f"vllm: the engine on {self.seat.name} has died ({why}); {what}\n")
        for future in [one for one in self._waiting.values() if not one.done()]:
            future.set_exception(_Died(self.seat.name))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while (message := await frames.receive(reader)) is not None:
            number, outcome = message
            if isinstance(outcome, Stopped):
                self._die(str(outcome))
                return
            if (future := self._waiting.get(number)) is None or future.done():
                continue
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        self._die("its process has ended")


class Replicas:
    """All engines of one model that are loaded side by side: together they answer as one that is loaded alone does."""

    def __init__(self, model: str, engines: Sequence[_Engine]) -> None:
        self._model, self._engines = model, list(engines)

    @classmethod
    async def load(cls, role: Role, seats: Sequence[Seat]) -> "Replicas":
        """Has every engine of a model load, side by side. ConfigError, after all have ended, if one cannot."""
        engines = await asyncio.gather(*(_Engine.start(role, seat) for seat in seats))
        loaded = await asyncio.gather(*(engine.ask("load") for engine in engines), return_exceptions=True)
        found = cls(role.model, engines)
        for failure in [one for one in loaded if isinstance(one, BaseException)]:
            await found.leave()
            raise found.over() if isinstance(failure, _Died) else failure
        return found

    async def answer(self, request: Request, key: str) -> tuple[Reply, int]:
        """The reply of the engine that has the fewest requests, and how many tokens of the prompt were cached. Stopped once all
        engines have died."""
        while living := [engine for engine in self._engines if not engine.dead]:
            engine = min(living, key=lambda one: one.load)
            with suppress(_Died):
                reply, cached = await engine.ask((request, key))
                return reply, cached
        raise self.over()

    async def leave(self) -> None:
        """Has all engines of a model end, and give their memory back."""
        await asyncio.gather(*(engine.leave() for engine in self._engines))

    def over(self) -> Stopped:
        """What a run ends with whose engines have all died."""
        return Stopped(
            "provider",
            f"model {self._model!r}: all of vLLM's engines have died; what they wrote above says why",
        )


def _started(seat: Seat, descriptor: int) -> "subprocess.Popen[bytes]":
    """A process of its own session: an interrupt at the terminal must not end what is in flight."""
    command = [sys.executable, "-m", "synth.backends.vllm.replica", str(descriptor)]
    return subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=2,
        pass_fds=[descriptor],
        env=os.environ | dict(seat.environment),
        start_new_session=True,
    )
