"""What runs on the cluster: an actor that asks the wrapped backend, and hands replies back as they land."""

import asyncio
import contextlib
import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from synth import backends
from synth.errors import ConfigError, ProviderError, Stopped
from synth.recipe import plugins
from synth.recipe.files import own_hash
from synth.recipe.role import Role
from synth.types import Reply, Request

LINGER = 0.005
"""Seconds for which replies are collected before they travel together."""

POLL = 20.0
"""Seconds after which an actor says at the latest that nothing has landed: who hears less of it has lost it."""

Numbered: TypeAlias = tuple[int, Request, str]
"""A request with its key, and the number under which the driver waits for it."""
Outcome: TypeAlias = tuple[int, Reply | BaseException]
Lesson: TypeAlias = tuple[str, str, str]
"""What a server was found not to take: model, field, and what is done about it, with the server's words."""


@dataclass(frozen=True)
class Setup:
    """What a Ray actor is told before it asks: the roles, the variables that hold their keys, and what is known of their servers."""

    roles: Mapping[str, Role]
    environment: Mapping[str, str]
    known: Mapping[str, Mapping[str, str]]
    code: str
    """The hash of the driver's own code: what asks must be what folds."""


@dataclass(frozen=True)
class Chunk:
    """What a driver sends a Ray actor at once."""

    asked: Sequence[Numbered] = ()
    dropped: Sequence[int] = ()
    """Numbers of requests that nobody waits for any more."""
    lessons: Sequence[Lesson] = field(default_factory=tuple)
    """What others' servers were found not to take."""


class Asker:
    """An actor on a Ray cluster: holds one backend, asks it what the driver sends, and keeps outcomes until they are fetched."""

    def __init__(self) -> None:
        self._backend: Any = None
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._landed: list[Outcome] = []
        self._lessons: list[Lesson] = []
        self._news = asyncio.Event()

    async def where(self) -> str:
        """The machine that the Ray actor is on, as the cluster calls it."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    async def begin(self, sent: bytes) -> bytes:
        """Opens the backend as a driver's Setup says; gives None, or the error that it ends with, pickled."""
        return pickle.dumps(await self._guarded(self._begin(pickle.loads(sent))))  # noqa: S301 (from the driver alone)

    async def check(self, model: str) -> bytes:
        """Whether the Ray actor's backend can ask a model: None or the error, pickled."""
        return pickle.dumps(await self._guarded(self._backend.check(model)))

    async def take(self, sent: bytes) -> None:
        """Begins to ask what a Chunk of the driver holds, and gives up what it drops."""
        chunk: Chunk = pickle.loads(sent)  # noqa: S301 (from the driver alone)
        loop = asyncio.get_running_loop()
        if chunk.lessons and isinstance(self._backend, backends.Adapting):
            self._backend.adapt(_facts(chunk.lessons), self._learnt)
        for number, request, key in chunk.asked:
            self._tasks[number] = loop.create_task(self._ask(number, request, key))
        for number in chunk.dropped:
            if task := self._tasks.get(number):
                task.cancel()

    async def landed(self) -> bytes:
        """Outcomes since the driver last asked, and lessons, pickled; waits for one, but not for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await self._news.wait()
                await asyncio.sleep(LINGER)
        found, self._landed = self._landed, []
        lessons, self._lessons = self._lessons, []
        self._news.clear()
        return _pickled(found, lessons)

    async def dismiss(self, sent: bytes) -> None:
        """Tells the Ray actor's backend that the run stops."""
        if isinstance(self._backend, backends.SelfScheduling):
            self._backend.dismiss(pickle.loads(sent))  # noqa: S301 (from the driver alone)

    async def note(self) -> str | None:
        """What the Ray actor's backend has to say after a run."""
        return self._backend.note if isinstance(self._backend, backends.SelfScheduling) else None

    async def close(self) -> None:
        """Closes the backend in good order, before the Ray actor is killed."""
        for task in self._tasks.values():
            task.cancel()
        if self._backend is not None:
            await self._backend.close()

    async def _begin(self, setup: Setup) -> None:
        if setup.code != own_hash():
            raise ConfigError(
                "ray: synth's code on another machine is not this one's; install the same on every machine of the cluster"
            )
        os.environ.update(setup.environment)
        connected = await asyncio.to_thread(backends.connect, setup.roles)
        self._backend = next(iter(connected.values()))
        if isinstance(self._backend, backends.Adapting):
            self._backend.adapt(setup.known, self._learnt)

    def _learnt(self, model: str, field: str, told: str) -> None:
        self._lessons.append((model, field, told))
        self._news.set()

    async def _ask(self, number: int, request: Request, key: str) -> None:
        try:
            with plugins.blamed("ray: the wrapped backend", self._backend):
                outcome: Reply | BaseException = await self._backend.complete(request, key)
        except asyncio.CancelledError:
            return
        except TimeoutError:
            outcome = ProviderError("does not answer in time", cause="timeout")
        except Exception as error:  # noqa: BLE001 (the driver raises it, whatever it is)
            outcome = error
        finally:
            self._tasks.pop(number, None)
        self._landed.append((number, outcome))
        self._news.set()

    @staticmethod
    async def _guarded(step: Any) -> BaseException | None:
        try:
            await step
        except (ConfigError, ProviderError, Stopped) as error:
            return error.with_traceback(None)
        return None


def _facts(lessons: Sequence[Lesson]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for model, name, told in lessons:
        found.setdefault(model, {})[name] = told.partition(": ")[0]
    return found


def _pickled(found: list[Outcome], lessons: list[Lesson]) -> bytes:
    try:
        return pickle.dumps((found, lessons))
    except Exception:  # noqa: BLE001 (another package's error may hold anything)
        plain = [
            (n, one if isinstance(one, Reply) else RuntimeError(f"{type(one).__name__}: {one}")) for n, one in found
        ]
        return pickle.dumps((plain, lessons))
