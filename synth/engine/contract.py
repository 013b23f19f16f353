"""What an engine is given: where replies are kept, what proves them, and who is told of clocks and arrivals while it asks, by which
work may be begun early and nothing decided."""

from collections.abc import Callable
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
