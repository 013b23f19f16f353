"""The models that are asked, each at its address: how fast, whether it is out, whether its server has answered anything."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from synth.backends import Backend, completed
from synth.engine.adaptive import Pace
from synth.engine.circuit_breaker import Circuits, Endpoint
from synth.engine.scheduler import Slots
from synth.errors import ConfigError, ProviderError, Stopped
from synth.recipe.role import Ceiling, Role
from synth.types import Origin, Reply, Request


class Endpoints:
    """Every model by role: the backend that asks it, through shared `slots`.

    `roles` says which models are to be checked before the first call, and how fast each may be asked; `spared` without which of
    them the run can do. `say` is given a line for the user about each model that is out, and what else the
    user should know of the asking.
    """

    def __init__(
        self,
        backends: Mapping[str, Backend],
        slots: Slots,
        roles: Mapping[str, Role] | None = None,
        *,
        spared: frozenset[str] = frozenset(),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.backends, self.slots, self._spared = backends, slots, spared
        self.heard: set[Backend] = set()
        """The backends whose server has answered anything at all."""
        self.paces: dict[Endpoint, Pace] = {}
        self._endpoints = {name: (backends[name], role.model) for name, role in (roles or {}).items()}
        for name, role in (roles or {}).items():
            self._allow(self._endpoints[name], role.ceiling)
        self.say = say
        self.circuits = Circuits(slots, self.pace_at, say)
        self._checked: asyncio.Future[Any] | None = None

    def endpoint_of(self, request: Request, origin: Origin) -> Endpoint:
        """The endpoint, backend and model, that a request goes to."""
        return self.backends[origin.role], request.model

    def pace_at(self, endpoint: Endpoint) -> Pace:
        """The pace at which an endpoint (a model at an address) may be asked; without a ceiling if no role names it."""
        return self.paces.get(endpoint) or self._allow(endpoint, Ceiling())

    def _allow(self, endpoint: Endpoint, ceiling: Ceiling) -> Pace:
        """Of what several roles allow one model, the least."""
        if endpoint in self.paces:
            ceiling = self.paces[endpoint].ceiling.least(ceiling)
            self.slots.drop(self.paces[endpoint])
        pace = self.paces[endpoint] = Pace(self.slots.size, ceiling, self_scheduling=endpoint[0].self_scheduling)
        self.slots.add(pace)
        return pace

    @property
    def checked(self) -> bool:
        """Whether the check of all endpoints before the first call is over, however it ended."""
        return self._checked is not None and self._checked.done()

    async def check(self) -> None:
        """Checks all models before the first call: every backend may object to those it is to be asked for. Raises
        ConfigError for one that objects; returns early once the check is cut short."""
        if self._checked is None:
            self._checked = asyncio.ensure_future(self.circuits.check(self._endpoints, self._spared))
            self._checked.add_done_callback(
                lambda done: done.cancelled() or done.exception()
            )  # nobody may be left to hear
        try:
            await asyncio.shield(self._checked)
        except asyncio.CancelledError:
            if not self._checked.cancelled():
                raise

    def cut_check_short(self) -> None:
        """Ends the check of the models that is under way, as the run stops."""
        if self._checked is not None:
            self._checked.cancel()

    async def send(self, request: Request, key: str, role: str, deadline: float | None) -> Reply:
        """The reply of a role's model, at its endpoint, within so many seconds. Raises ProviderError for one that takes
        longer, and what its backend raises."""
        try:
            async with asyncio.timeout(deadline):
                return await completed(self.backends[role], request, key, role)
        except TimeoutError as error:
            raise ProviderError(f"takes longer than {deadline:g} s", cause="timeout") from error

    def verdict(self, error: ProviderError, request: Request, origin: Origin) -> Stopped | ConfigError:
        """The error with which an endpoint's model that was tried in vain stops the run."""
        who = f"model {request.model!r} ({origin.role})"
        if error.cause in ("network", "garbled") and self.backends[origin.role] not in self.heard:
            return ConfigError(f"{who}: {error}; check --base-url and that the server runs")
        return Stopped("provider", f"{who} does not answer: {error}; run the same command again once it does")
