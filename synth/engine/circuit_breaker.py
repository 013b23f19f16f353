"""Whether a model that others stand in for is out: declared once its patience is over, tried again now and then, used again once it
answers."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from synth.backends import Backend
from synth.engine.adaptive import Pace
from synth.engine.scheduler import Slots
from synth.errors import ConfigError, ProviderError

PROBE_EVERY = 30.0
"""Seconds between two requests that a model that is out is given to try."""

Endpoint: TypeAlias = tuple[Backend, str]
"""A model at an address, whatever the role it plays."""


@dataclass(slots=True)
class Circuit:
    """One place's state. Every method is told the time."""

    pace: Callable[[], Pace]
    why: ProviderError | ConfigError | None = None
    """What it was last declared out for."""
    _since: float = float("-inf")
    _next_probe: float = 0.0

    @property
    def out(self) -> bool:
        """Whether it is out: for good if the cause will not pass, else until it has answered anything."""
        return isinstance(self.why, ConfigError) or (self.why is not None and self.pace().last_good <= self._since)

    def admits(self, now: float) -> bool:
        """Whether a request may be tried: any, or while the model is out one now and then."""
        if not self.out:
            return True
        if isinstance(self.why, ConfigError) or now < self._next_probe or not self.pace().idle(now):
            return False
        self._next_probe = now + PROBE_EVERY
        return True

    def declare(self, why: ProviderError | ConfigError, now: float) -> bool:
        """The model is out; whether that is news."""
        news = not self.out
        if news:
            self._next_probe = now + PROBE_EVERY
        if news or isinstance(why, ConfigError):
            self.why = why
        self._since = now
        return news


class Circuits:
    """Those of all places. `say` is told of a model that is out."""

    def __init__(self, slots: Slots, pace_at: Callable[[Endpoint], Pace]) -> None:
        self._slots, self._pace_at = slots, pace_at
        self._circuits: dict[Endpoint, Circuit] = {}
        self.say: Callable[[str], None] = lambda _: None
        self.notes: list[str] = []
        """What it was told."""

    def at(self, place: Endpoint) -> Circuit:
        if place not in self._circuits:
            self._circuits[place] = Circuit(lambda: self._pace_at(place))
        return self._circuits[place]

    def declare(self, place: Endpoint, why: ProviderError | ConfigError, now: float) -> None:
        """The model is out: nobody waits any longer for leave to ask it."""
        circuit = self.at(place)
        if circuit.declare(why, now):
            self.notes.append(f"model {place[1]!r} is out: {why}; the next of its chain is asked")
            self.say(self.notes[-1])
            self._slots.dismiss(ProviderError(f"is out: {why}"), circuit.pace())

    async def check(self, places: Mapping[str, Endpoint], spared: frozenset[str]) -> None:
        """Asks every backend whether it serves what its roles name. Raises ConfigError for a model that is not spared."""
        needed = {place for role, place in places.items() if role not in spared}
        checks = [
            self._check(place, needed=place in needed)
            for place in sorted(set(places.values()), key=lambda place: place[1])
        ]
        await asyncio.gather(*checks)

    async def _check(self, place: Endpoint, *, needed: bool) -> None:
        backend, model = place
        try:
            await backend.check(model)
        except ConfigError as error:
            if needed:
                raise
            self.declare(place, error, asyncio.get_running_loop().time())
