"""Who answers: one file a backend, each with `connect(role) -> Backend`."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Protocol, runtime_checkable

from synth.errors import ConfigError, did_you_mean
from synth.recipe import plugins
from synth.recipe.role import Role
from synth.types import Reply, Request

GROUP = "synth.backends"


class Backend(Protocol):
    """The one seam to the outside world."""

    family: str
    self_scheduling: bool
    """Whether it keeps requests waiting itself and answers when it can: it is asked for as much as there is room for, at once,
    and no single answer has a deadline."""

    async def complete(self, request: Request, key: str) -> Reply:
        """The model's reply. Raises `errors.Weather` for what may pass, `errors.ConfigError` for what will not."""
        ...

    async def check(self, model: str) -> None:
        """Raises `errors.ConfigError` if the server will not serve the model; costs a token at most."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class SelfScheduling(Protocol):
    """A backend in which requests wait until it turns to their model."""

    @property
    def note(self) -> str | None:
        """What is to be said of it after a run."""
        ...

    def dismiss(self, why: Exception) -> None:
        """The run stops: those it has not turned to get the exception, the others still land."""
        ...


def known() -> list[str]:
    """Names of the backends, those of other packages (entry points `synth.backends`) included."""
    return plugins.names(GROUP, _ours())


def module(name: str) -> Any:
    """The backend of that name; ConfigError if there is none, or another package's is broken."""
    if name not in known():
        raise ConfigError(f"no backend {name!r}; {did_you_mean(name, known())}")
    ours = partial(import_module, f"{__name__}.{name}") if name in _ours() else None
    return plugins.load(GROUP, name, ours, needs="connect")


def connect(roles: Mapping[str, Role]) -> dict[str, Backend]:
    """A backend for every role; roles with the same address share one. One that runs its models itself (`take`) is told of every
    role it is shared by."""
    shared: dict[tuple[Any, ...], Backend] = {}
    first: dict[tuple[Any, ...], Role] = {}
    found = {}
    for name, role in roles.items():
        place = (role.backend, *getattr(module(role.backend), "place", _address)(role))
        if place not in shared:
            shared[place] = _connect(name, role)
        if role.batch != first.setdefault(place, role).batch:
            raise ConfigError(
                f"models.{name}: `batch` differs from another model's at the same address; give both the same"
            )
        found[name] = shared[place]
        with _blamed(name):
            getattr(found[name], "take", _ignore)(role)
    return found


def family(role: Role) -> str:
    """The family of a role's backend, without opening it."""
    return str(getattr(module(role.backend), "FAMILY", "model"))


def gives(role: Role, what: str) -> bool:
    """Whether a role's backend answers in `words`, or in `vectors`."""
    return what in getattr(module(role.backend), "GIVES", {"words"})


def _address(role: Role) -> tuple[Any, ...]:
    return (role.base_url, role.api_key_env, *sorted(role.headers.items()))


def _ignore(role: Role) -> None:
    del role


def _connect(name: str, role: Role) -> Backend:
    with _blamed(name):
        backend: Backend = module(role.backend).connect(role)
    return backend


@contextlib.contextmanager
def _blamed(name: str) -> Iterator[None]:
    """The role that is wrong is named."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"models.{name}: {error}") from error


def _ours() -> set[str]:
    return {found.name for found in iter_modules(__path__) if not found.name.startswith("_")}


@dataclass(frozen=True, slots=True)
class BatchJob:
    """Requests left with a server that answers in its own time, and how far that has come."""

    id: str
    place: Mapping[str, Any]
    """Where: an address, and the names of the environment variables that open it."""
    model: str
    rung: int
    """Of the JSON ladder on which they are asked."""
    keys: tuple[str, ...]
    """Of a closed receipt, none."""
    file: str | None = None
    batch: str | None = None
    """What the server calls the file of requests, and the batch made of it; None while it is not known to have it."""
    closed: bool = False
    """Whether all it brought is journalled."""


class BatchJobs(Protocol):
    """What a run's journal knows of requests left with servers."""

    def known(self, place: Mapping[str, Any]) -> list[BatchJob]:
        """Those of a place, as they stand, in the order in which they were begun."""
        ...

    def record(self, receipt: BatchJob) -> None:
        """Journals how it stands now; called before the next step is taken."""
        ...

    async def keep(self, receipt: BatchJob, replies: Mapping[str, Reply]) -> None:
        """Journals replies, whether anyone in this run asks for them or not."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """A backend whose requests outlast the run: its server may answer tomorrow, and the run after this one collects."""

    def take_up(self, receipts: BatchJobs, say: Callable[[str], None]) -> None:
        """Begins: goes on with what earlier runs have left."""
        ...

    def leave(self) -> None:
        """Waits for no answer any more; whoever waits is told Stopped."""
        ...

    async def part(self, *, done: bool) -> int:
        """Ends in good order, taking half a minute at most. Gives how many requests stay with the server; where the run is
        `done`, nobody needs their replies, and the server is told so."""
        ...
