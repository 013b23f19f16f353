"""Who answers: one file a backend, each a `BackendModule`."""

import contextlib
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from synth.errors import ConfigError, ProviderError
from synth.recipe import plugins
from synth.recipe.backend import Bears, Declared, Options, Wrapping, known, module
from synth.recipe.role import Role
from synth.sanitize import counted
from synth.types import Reply, Request

__all__ = ["Backend", "BackendModule", "Bears", "Options", "Sharing", "Wrapping", "connect", "known", "module"]


_OURS = ("gave_up", "retry", "outage")
"""Ends of replies that the engine alone gives, of requests that nobody answered."""


class Backend(Protocol):
    """Who answers requests, a server or a model in this process: the one seam to the outside world."""

    family: str
    self_scheduling: bool
    """Whether it keeps requests waiting itself and answers when it can: it is asked for as much as there is room for, at once,
    and no single answer has a deadline."""

    async def complete(self, request: Request, key: str) -> Reply:
        """What every backend does: gives its model's reply to a request. Raises `errors.ProviderError` for what may
        pass, `errors.ConfigError` for what will not."""
        ...

    async def check(self, model: str) -> None:
        """Whether a backend's model can be asked, before a run: raises `errors.ConfigError` if not; costs a token at
        most."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class SelfScheduling(Protocol):
    """A backend of several models in which requests wait until it turns to their model."""

    @property
    def note(self) -> str | None:
        """What is to be said of a self-scheduling backend after a run, in one line; None for nothing."""
        ...

    def dismiss(self, why: Exception) -> None:
        """Tells a self-scheduling backend that the run stops: requests whose model it has not turned to get the
        exception, the others still land."""
        ...


@runtime_checkable
class Sharing(Protocol):
    """A backend that is told of every role it is shared by, the first one among them."""

    def take(self, role: Role, options: Any) -> None:
        """Tells a backend of one more role that shares it. Raises `errors.ConfigError` for one that does not go with the
        others."""
        ...


@runtime_checkable
class Adapting(Protocol):
    """A backend that learns from refusals what its server does not take, and leaves it out from then on."""

    def adapt(self, known: Mapping[str, Mapping[str, str]], learnt: Callable[[str, str, str], None]) -> None:
        """Begins a run on an adapting backend: `known` is what earlier runs learnt, by model and field; `learnt` is to
        be told what it learns now: model, field, and what was done about it, with the server's words."""
        ...


class BackendModule(Declared, Protocol):
    """What a backend's file holds, synth's own or one of another package (entry point `synth.backends`): `FAMILY`, `GIVES`, `STAND_IN`, `Options`
    and two functions. Of a backend that wraps another (its `Options` are `Wrapping`) the first three are the other's."""

    def share(self, role: Role, options: Any) -> Hashable:
        """What roles have in common that share one backend of any kind: those for which it is equal do."""
        ...

    def connect(self, role: Role, options: Any) -> Backend:
        """Opens the backend for a role, whose options are an instance of `Options`; ConfigError for what the user must
        mend."""
        ...


def connect(roles: Mapping[str, Role]) -> dict[str, Backend]:
    """Opens a backend for every role, by name; roles whose backend's `share` is equal have one together. ConfigError names
    the role."""
    shared: dict[tuple[str, Hashable], Backend] = {}
    found = {}
    for name, role in roles.items():
        module, options = module_of(role), role.settings
        with _blamed(name), plugins.blamed(f"backend {role.backend}", module):
            place = (role.backend, module.share(role, options))
            if place not in shared:
                shared[place] = module.connect(role, options)
            backend = found[name] = shared[place]
            if isinstance(backend, Sharing):
                backend.take(role, options)
    return found


async def completed(backend: Backend, request: Request, key: str, role: str) -> Reply:
    """What a role's backend answers. What another package's raises, besides what a backend may, and what is no reply, is a line."""
    with plugins.blamed(f"models.{role}: its backend", backend):
        try:
            reply: Any = await backend.complete(request, key)
        except TimeoutError as error:
            raise ProviderError("does not answer in time", cause="timeout") from error
    if not (isinstance(reply, Reply) and isinstance(reply.text, str) and isinstance(reply.finish, str)):
        given = "a reply without text" if isinstance(reply, Reply) else f"a {type(reply).__name__}"
        raise ConfigError(f"models.{role}: its backend gives {given}; mend it, or take another")
    return believed(reply, scored=bool(request.params.get("logprobs")))


def believed(reply: Reply, *, scored: bool = False) -> Reply:
    """A backend's reply as far as it can be believed: its counts are counts, and its end is none of those that the
    engine alone gives. Scores of tokens are kept where they were asked for (`scored`)."""
    counts = (reply.prompt_tokens, reply.completion_tokens)
    if (
        type(reply) is Reply
        and reply.finish not in _OURS
        and counts == (*map(counted, counts),)
        and isinstance(reply.reasoning, str | None)
        and isinstance(reply.word, str)
        and (scored or not reply.scores)
    ):
        return reply
    return Reply(
        reply.text,
        "broken" if reply.finish in _OURS else reply.finish,
        counted(reply.prompt_tokens),
        counted(reply.completion_tokens),
        reply.reasoning if isinstance(reply.reasoning, str) else None,
        reply.scores if scored else (),
        reply.stand_in is True,
        reply.word if isinstance(reply.word, str) else "",
    )


def module_of(role: Role) -> BackendModule:
    """The module of a role's backend, among synth's own backends or another package's."""
    found: BackendModule = module(role.backend)
    return found


def family(role: Role) -> str:
    """The family of a role's backend, a part of every request's key, without opening it."""
    return role.settings.family or role.answering.FAMILY


def gives(role: Role, what: str) -> bool:
    """Whether a role's backend answers in `words`, or in `vectors`, or `continues` a text."""
    return what in role.answering.GIVES


@contextlib.contextmanager
def _blamed(name: str) -> Iterator[None]:
    """The role that is wrong is named."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"models.{name}: {error}") from error


@dataclass(frozen=True, slots=True)
class BatchJob:
    """Requests left with a Batch API, which answers in its own time, and how far that has come: the receipt in the journal."""

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
    """What a run's journal knows of requests left with Batch APIs."""

    def known(self, place: Mapping[str, Any]) -> list[BatchJob]:
        """What a backend may ask of the journal: its receipts of batches left at an address, as they stand, in the
        order in which they were begun."""
        ...

    def record(self, receipt: BatchJob) -> None:
        """For a backend: journals how a batch stands now; called before the next step is taken."""
        ...

    async def keep(self, receipt: BatchJob, replies: Mapping[str, Reply]) -> None:
        """For a backend: journals replies out of a batch, whether anyone in this run asks for them or not."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """A backend whose requests outlast the run, as in batches: its server may answer tomorrow, and the run after this one
    collects."""

    def take_up(self, receipts: BatchJobs, say: Callable[[str], None]) -> None:
        """Begins a run on a backend whose requests outlast it: goes on with what earlier runs have left."""
        ...

    def leave(self) -> None:
        """Tells a backend whose requests outlast the run to wait for no answer any more: whoever waits is told
        Stopped."""
        ...

    async def part(self, *, done: bool) -> int:
        """Of a backend whose requests outlast a run: ends the run in good order, in half a minute at most; gives how
        many requests stay with the server. Where the run is `done`, nobody needs their replies, and the server is told
        so."""
        ...
