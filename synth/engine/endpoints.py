"""The models that are asked, each at its address: how fast, whether it is out, whether its server has said anything."""

import asyncio
from collections.abc import Mapping
from typing import Any

from synth.backends import Backend
from synth.engine.adaptive import Pace
from synth.engine.circuit_breaker import Circuits, Endpoint
from synth.engine.scheduler import Slots
from synth.errors import ConfigError, ProviderError, Stopped
from synth.recipe.role import Role
from synth.types import Ceiling, Origin, Request


class Models:
    """Of `roles`, by their `backends`; `spared` are those the run can do without."""

    def __init__(
        self, backends: Mapping[str, Backend], slots: Slots, roles: Mapping[str, Role], *, spared: frozenset[str]
    ) -> None:
        self._backends, self._slots, self._spared = backends, slots, spared
        self.heard: set[Backend] = set()
        """Those whose server has answered anything at all."""
        self.paces: dict[Endpoint, Pace] = {}
        self._places = {role: (backends[role], told.model) for role, told in roles.items()}
        for role, told in roles.items():
            self._allow(self._places[role], told.ceiling)
        self.circuits = Circuits(slots, self.pace_at)
        self._checked: asyncio.Future[Any] | None = None

    def place_of(self, request: Request, origin: Origin) -> Endpoint:
        """Where a request goes."""
        return self._backends[origin.role], request.model

    def pace_at(self, place: Endpoint) -> Pace:
        return self.paces.get(place) or self._allow(place, Ceiling())

    def _allow(self, place: Endpoint, ceiling: Ceiling) -> Pace:
        """Of what several roles allow one model, the least."""
        if place in self.paces:
            ceiling = self.paces[place].ceiling.least(ceiling)
            self._slots.drop(self.paces[place])
        pace = self.paces[place] = Pace(self._slots.size, ceiling, self_scheduling=place[0].self_scheduling)
        self._slots.add(pace)
        return pace

    @property
    def checked(self) -> bool:
        return self._checked is not None and self._checked.done()

    async def check(self) -> None:
        """Before the first call of all: every backend may object to the models it is to be asked for. Ends early if it is cut short."""
        if self._checked is None:
            self._checked = asyncio.ensure_future(self.circuits.check(self._places, self._spared))
            self._checked.add_done_callback(
                lambda done: done.cancelled() or done.exception()
            )  # nobody may be left to hear
        try:
            await asyncio.shield(self._checked)
        except asyncio.CancelledError:
            if not self._checked.cancelled():
                raise

    def cut_check_short(self) -> None:
        """The run stops."""
        if self._checked is not None:
            self._checked.cancel()

    def verdict(self, error: ProviderError, request: Request, origin: Origin) -> Stopped | ConfigError:
        """What a model that was tried in vain stops the run with."""
        who = f"model {request.model!r} ({origin.role})"
        if error.cause in ("network", "garbled") and self._backends[origin.role] not in self.heard:
            return ConfigError(f"{who}: {error}; check --base-url and that the server runs")
        return Stopped("provider", f"{who} does not answer: {error}; run the same command again once it does")
