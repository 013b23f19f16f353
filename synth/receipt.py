"""Requests left with a server that answers in its own time: the receipts for them, and what a backend that leaves any can do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from synth.types import Reply


@dataclass(frozen=True, slots=True)
class Receipt:
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


class Receipts(Protocol):
    """What a run's journal knows of requests left with servers."""

    def known(self, place: Mapping[str, Any]) -> list[Receipt]:
        """Those of a place, as they stand, in the order in which they were begun."""
        ...

    def record(self, receipt: Receipt) -> None:
        """Journals how it stands now; called before the next step is taken."""
        ...

    async def keep(self, receipt: Receipt, replies: Mapping[str, Reply]) -> None:
        """Journals replies, whether anyone in this run asks for them or not."""
        ...


@runtime_checkable
class Lasting(Protocol):
    """A backend whose requests outlast the run: its server may answer tomorrow, and the run after this one collects."""

    def take_up(self, receipts: Receipts, say: Callable[[str], None]) -> None:
        """Begins: goes on with what earlier runs have left."""
        ...

    def leave(self) -> None:
        """Waits for no answer any more; whoever waits is told Stopped."""
        ...

    async def part(self, *, done: bool) -> int:
        """Ends in good order, taking half a minute at most. Gives how many requests stay with the server; where the run is
        `done`, nobody needs their replies, and the server is told so."""
        ...
