"""What an engine is given: where replies are kept, what proves them, and who is told of clocks and arrivals while it asks, by which
work may be begun early and nothing decided."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final, Protocol

from synth.types import Origin, Reply, Request

Prove = Callable[[Request, Reply], None]
"""Sees a reply before it is journalled. Raises ProviderError for one that will not do, and it is asked for again."""


class Store(Protocol):
    """Where an engine keeps replies by request key: the journal."""

    def get(self, key: str) -> Reply | None: ...
    async def put(self, key: str, reply: Reply, origin: Origin, model: str) -> None:
        """By contract with the engine, keeps a reply and returns once it is safe. Raises Stopped if it cannot be
        kept."""


class Observer(Protocol):
    """Called by an engine on what happens to its requests. Must return at once and may not raise."""

    def missed(self, origin: Origin) -> None:
        """By contract, called by the engine when the journal could not answer a request; `origin` says for which role,
        stage and lane it was asked."""

    def landed(self) -> None:
        """By contract, called by the engine when an attempt is over, so a slot may have come free."""


class _Nobody:
    def missed(self, origin: Origin) -> None: ...
    def landed(self) -> None: ...


NOBODY: Final[Observer] = _Nobody()
"""An observer that observes nothing."""


class Probation(Protocol):
    """Consulted by an engine before every attempt: whether its model may be sent one more request now."""

    @property
    def waiting(self) -> int:
        """By contract, how many attempts wait for their turn."""
        ...

    def turn(self, origin: Origin, model: str) -> AbstractAsyncContextManager[None]:
        """By contract with the engine, waits until an attempt may be made, and lasts as long as it does; the attempt takes
        no permit before. Raises what those who wait are dismissed with."""
        ...

    def dismiss(self, why: Exception) -> None:
        """By contract, called by the engine as it stops: raises the exception in everybody who waits."""


class _Trusted:
    waiting = 0

    def turn(self, origin: Origin, model: str) -> AbstractAsyncContextManager[None]:
        del origin, model
        return nullcontext()

    def dismiss(self, why: Exception) -> None: ...


TRUSTED: Final[Probation] = _Trusted()
"""The probation of models that need none: nobody waits."""
