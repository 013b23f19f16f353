"""What an engine tells while it asks: facts of clocks and arrivals, by which work may be begun early and nothing decided."""

from typing import Final, Protocol

from synth.types import Origin


class Observer(Protocol):
    """Told by an engine of what happens to its requests. Must return at once and may not raise."""

    def missed(self, origin: Origin) -> None:
        """The journal could not answer a request; `origin` says for which role, stage and lane it was asked."""

    def landed(self) -> None:
        """An attempt is over, so a slot may have come free."""


class _Nobody:
    def missed(self, origin: Origin) -> None: ...
    def landed(self) -> None: ...


NOBODY: Final[Observer] = _Nobody()
"""Observes nothing."""
