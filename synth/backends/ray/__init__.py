"""Ray carries the asking: actors on a cluster hold an engine each, or ask servers; the run's one driver keeps journal, budget and order.

The actors decide nothing: a request and its key go there, a reply or an error comes back. Ray is an extra, imported once a role asks for it.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Final

from synth.backends import Backend, Resumable
from synth.backends.ray import cluster
from synth.backends.ray.options import LOCAL, Options
from synth.backends.ray.setting import setup_of
from synth.errors import ConfigError, Stopped
from synth.recipe.backend import module
from synth.recipe.role import Role
from synth.types import Reply, Request

__all__ = ["FAMILY", "GIVES", "STAND_IN", "Options", "RayBackend", "connect", "share"]

FAMILY = "model"
GIVES: Final[frozenset[str]] = frozenset()
STAND_IN = False
"""These three are the wrapped backend's: a role of `ray` is what that one is."""


class RayBackend:
    """The backend `ray`: what it wraps answers, on actors of a cluster; `family` and the way of scheduling are the wrapped one's."""

    def __init__(self, inner: Backend, options: Options) -> None:
        self.family, self.self_scheduling = inner.family, inner.self_scheduling
        self._inner, self._options = inner, options
        """The wrapped backend is opened here to be checked, and asked nothing."""
        self._roles: list[Role] = []
        self._known: dict[str, dict[str, str]] = {}
        self._told: Callable[[str, str, str], None] = lambda *_: None
        self._pool: Any = None
        self._opening: asyncio.Task[None] | None = None
        self._joined = self._closing = False
        self.note: str | None = None

    def take(self, role: Role, options: Options) -> None:
        """Lets one more role share the Ray actors."""
        del options
        self._roles.append(role)

    def adapt(self, known: Mapping[str, Mapping[str, str]], learnt: Callable[[str, str, str], None]) -> None:
        """Takes what earlier runs learnt of servers to the Ray actors, and what those learn back."""
        self._told = learnt
        for model, facts in known.items():
            self._known.setdefault(model, {}).update(facts)

    async def check(self, model: str) -> None:
        """Joins the Ray cluster, begins the actors, and has one of them check the model."""
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())
        await asyncio.shield(self._opening)
        await self._pool.check(model)

    async def complete(self, request: Request, key: str) -> Reply:
        if self._pool is None:
            await self.check(request.model)
        found: Reply = await self._pool.ask(request, key)
        return found

    def dismiss(self, why: Exception) -> None:
        """Tells the Ray actors that the run stops: requests that none has begun get the exception."""
        if self._pool is not None:
            self._pool.dismiss(why)

    async def close(self) -> None:
        self._closing = True
        if self._pool is not None:  # also while its actors load their models
            notes = await self._pool.close()
            self.note = _said(self._pool, notes) if self._pool.most else None
        if self._opening is not None:
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._joined:
            self._joined = False
            await asyncio.to_thread(cluster.leave)
        await self._inner.close()

    async def _open(self) -> None:
        from synth.backends.ray.pool import Pool

        thread, join = cluster.starter(cluster.address_of(self._options.ray.address))
        self._joined = True
        await asyncio.get_running_loop().run_in_executor(thread, join)
        if self._closing:
            raise Stopped("interrupted")
        self._pool = Pool(self._options, lambda: setup_of(self._roles, self._options, self._known), self._learnt)
        await self._pool.open()

    def _learnt(self, lesson: tuple[str, str, str]) -> None:
        model, field, told = lesson
        self._known.setdefault(model, {})[field] = told.partition(": ")[0]
        self._told(model, field, told)


def _said(pool: Any, notes: list[str]) -> str:
    of = len(pool.nodes)
    text = f"ray: {pool.most} {'actor' if pool.most == 1 else 'actors'} on {of} {'machine' if of == 1 else 'machines'}"
    if pool.deaths:
        text += f"; {pool.deaths} died, and {pool.again} requests were asked again"
    return "; ".join([text, *dict.fromkeys(notes)])


def share(role: Role, options: Options) -> tuple[Any, ...]:
    """What roles have in common that share Ray actors: the wrapped backend's address and the options of both; and the model, where models
    that actors load stand side by side."""
    turns = options.ray.turns
    if turns is None:
        turns = cluster.address_of(options.ray.address) == LOCAL
    inner = module(options.of)
    apart = None if turns or not options.loads else role.model
    return options.of, inner.share(role, options), options.ray.model_dump_json(), apart


def connect(role: Role, options: Options) -> RayBackend:
    """Opens the backend `ray` for a role: what it wraps is checked here, the cluster is joined before the first call. ConfigError where Ray
    is not installed, and for a backend that keeps its own queue."""
    if find_spec("ray") is None:
        raise ConfigError(
            "backend ray needs the package ray, which is not installed; in synth's repository run "
            ".venv/bin/pip install -e '.[ray]', or ask without it: --backend " + options.of
        )
    for name, value in cluster.QUIET.items():
        os.environ.setdefault(name, value)
    inner = module(options.of).connect(role, options)
    if isinstance(inner, Resumable):
        raise ConfigError(
            f"of: backend {options.of} leaves its requests with the server and needs no actors; name it alone"
        )
    return RayBackend(inner, options)
