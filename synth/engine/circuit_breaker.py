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
from synth.recipe.plugins import blamed

PROBE_EVERY = 30.0
"""Seconds between two requests with which a model that is out is tried again."""

Endpoint: TypeAlias = tuple[Backend, str]
"""A model at an address, whatever role it plays."""


@dataclass(slots=True)
class Circuit:
    """Whether one model at one address is out. Every method is told the time, in seconds of the event loop."""

    pace: Callable[[], Pace]
    why: ProviderError | ConfigError | None = None
    """The error for which the model was last declared out."""
    _since: float = float("-inf")
    _next_probe: float = 0.0

    @property
    def out(self) -> bool:
        """Whether the model is out: for good if the cause will not pass, else until it has answered anything."""
        return isinstance(self.why, ConfigError) or (self.why is not None and self.pace().last_good <= self._since)

    def admits(self, now: float) -> bool:
        """Whether a request may be tried at the model: any, or one now and then while it is out."""
        if not self.out:
            return True
        if isinstance(self.why, ConfigError) or now < self._next_probe or not self.pace().idle(now):
            return False
        self._next_probe = now + PROBE_EVERY
        return True

    def declare(self, why: ProviderError | ConfigError, now: float) -> bool:
        """Declares the model out; gives whether that is news."""
        news = not self.out
        if news:
            self._next_probe = now + PROBE_EVERY
        if news or isinstance(why, ConfigError):
            self.why = why
        self._since = now
        return news


class Circuits:
    """The circuit of every endpoint. `say` is given a line for the user about each model that is out."""

    def __init__(self, slots: Slots, pace_at: Callable[[Endpoint], Pace], say: Callable[[str], None]) -> None:
        self._slots, self._pace_at, self._say = slots, pace_at, say
        self._circuits: dict[Endpoint, Circuit] = {}
        self.notes: list[str] = []
        """Every line that was said of a model that is out."""

    def at(self, endpoint: Endpoint) -> Circuit:
        """The circuit of an endpoint, made when it is first asked for."""
        if endpoint not in self._circuits:
            self._circuits[endpoint] = Circuit(lambda: self._pace_at(endpoint))
        return self._circuits[endpoint]

    def declare(self, endpoint: Endpoint, why: ProviderError | ConfigError, now: float) -> None:
        """Declares a model out, its circuit broken: whoever waits for a permit to ask it gets ProviderError."""
        circuit = self.at(endpoint)
        if circuit.declare(why, now):
            self.notes.append(f"model {endpoint[1]!r} is out: {why}; the next of its chain is asked")
            self._say(self.notes[-1])
            self._slots.dismiss(ProviderError(f"is out: {why}"), circuit.pace())

    async def check(self, endpoints: Mapping[str, Endpoint], spared: frozenset[str]) -> None:
        """Asks every backend whether it serves what its roles name, and breaks the circuit of a spared one that does
        not. Raises ConfigError for a model that is not spared."""
        needed = {endpoint for role, endpoint in endpoints.items() if role not in spared}
        checks = [
            self._check(endpoint, needed=endpoint in needed)
            for endpoint in sorted(set(endpoints.values()), key=lambda endpoint: endpoint[1])
        ]
        await asyncio.gather(*checks)

    async def _check(self, endpoint: Endpoint, *, needed: bool) -> None:
        backend, model = endpoint
        try:
            with blamed(f"the backend of model {model!r}", backend):
                await backend.check(model)
        except ConfigError as error:
            if needed:
                raise
            self.declare(endpoint, error, asyncio.get_running_loop().time())
