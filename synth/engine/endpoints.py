"""The models that are asked, each at its address: how fast, whether it is out, whether its server has answered anything."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from synth.backends import Backend, Resumable, SelfScheduling, completed
from synth.engine.adaptive import Pace
from synth.engine.circuit_breaker import Circuits, Endpoint
from synth.engine.deadline import Deadline
from synth.engine.notices import Notices, what
from synth.engine.retry import CONTACT, PATIENCE
from synth.engine.scheduler import Slots
from synth.errors import ConfigError, ProviderError, Stopped
from synth.recipe.role import Ceiling, Role
from synth.types import Origin, Reply, Request


class Endpoints:
    """Every model by role: the backend that asks it, through shared `slots`.

    `roles` says which models are to be checked before the first call, and how fast each may be asked; `spared` without which of
    them the run can do. `say` is given a line for the user about each model that is out, and what else the
    user should know of the asking; `report` a line on how it goes just now.
    """

    def __init__(
        self,
        backends: Mapping[str, Backend],
        slots: Slots,
        roles: Mapping[str, Role] | None = None,
        *,
        spared: frozenset[str] = frozenset(),
        say: Callable[[str], None] = lambda _: None,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self.backends, self.slots, self._spared = backends, slots, spared
        self.heard: set[Backend] = set()
        """The backends whose server has answered anything at all."""
        self._missed: dict[Backend, float] = {}
        """When the server of each other one could first not be reached."""
        self.paces: dict[Endpoint, Pace] = {}
        self._endpoints = {name: (backends[name], role.model) for name, role in (roles or {}).items()}
        for name, role in (roles or {}).items():
            self._allow(self._endpoints[name], role.ceiling)
        self.say, self.report, self.notices = say, report or say, Notices(say)
        self.circuits = Circuits(slots, self.pace_at, say)
        self._checked: asyncio.Future[Any] | None = None

    def endpoint_of(self, request: Request, origin: Origin) -> Endpoint:
        """The endpoint, backend and model, that a request goes to."""
        return self.backends[origin.role], request.model

    def pace_at(self, endpoint: Endpoint) -> Pace:
        """The pace at which an endpoint (a model at an address) may be asked; without a ceiling if no role names it."""
        return self.paces.get(endpoint) or self._allow(endpoint, Ceiling())

    def ceiling(self, role: str) -> Ceiling:
        """How fast the model of a role may be asked at its endpoint, and how long one answer is waited for."""
        endpoint = self._endpoints.get(role)
        return self.paces[endpoint].ceiling if endpoint else Ceiling()

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

    def dismiss(self, why: Stopped | ConfigError) -> None:
        """Tells the endpoints that the run stops: the check of the models that is under way ends, and whoever waits for a
        permit, or for what may take until tomorrow, is told why."""
        if self._checked is not None:
            self._checked.cancel()
        for pace in self.paces.values():  # other engines may share the slots
            self.slots.dismiss(why, pace)
        for backend in set(self.backends.values()):
            if isinstance(backend, Resumable):
                backend.leave()
            if isinstance(backend, SelfScheduling):
                backend.dismiss(why)

    async def send(self, request: Request, key: str, role: str, deadline: float | None) -> Reply:
        """One attempt at a request at a role's endpoint, of so many seconds at most; None is no bound. Raises ProviderError
        for what may pass, a late reply among it."""
        if deadline is None:
            return await completed(self.backends[role], request, key, role)
        try:
            with Deadline(deadline):
                return await completed(self.backends[role], request, key, role)
        except TimeoutError as error:
            raise ProviderError(f"takes longer than {deadline:g} s", cause="timeout") from error

    def suffered(self, error: ProviderError, request: Request, origin: Origin) -> None:
        """Notices a failed attempt at an endpoint, and says what the user does not know of it yet."""
        backend, model, who = self.backends[origin.role], request.model, f"model {request.model!r} (role {origin.role})"
        if error.cause not in ("network", "garbled"):
            self.heard.add(backend)
        never = self.pace_at((backend, model)).last_good == float("-inf")
        if error.cause == "network" and backend not in self.heard:
            if backend not in self._missed:
                self._missed[backend] = asyncio.get_running_loop().time()
                self.say(f"{who} {error}; waiting up to {CONTACT:.0f} s for it")
        elif error.cause == "overload" and never:
            self.notices.once(model, error.cause, f"{who} {what(error)}; waiting up to {PATIENCE:.0f} s for it")
        else:
            self.notices.of_error(error, model, origin.role)

    def missing(self, role: str) -> float:
        """Seconds since the server of a role's endpoint could first not be reached."""
        now = asyncio.get_running_loop().time()
        return now - self._missed.get(self.backends[role], now)

    def verdict(self, error: ProviderError, request: Request, origin: Origin, *, served: bool) -> Stopped | ConfigError:
        """The error with which an endpoint's model that was tried in vain stops the run. `served` is whether it has ever
        answered anything."""
        who = f"model {request.model!r} ({origin.role})"
        if error.cause in ("network", "garbled") and self.backends[origin.role] not in self.heard:
            return ConfigError(f"{who}: {error}; check --base-url and that the server runs")
        if error.cause == "refused" and not served:
            return ConfigError(
                f"{who} refuses whatever it is asked: {what(error)}; check the model's name, its options in the recipe and the account"
            )
        if error.cause == "refused":
            return Stopped(
                "provider",
                f"{who} refuses whatever it is asked now: {what(error)}; run the same command again once it does not",
            )
        return Stopped("provider", f"{who} does not answer: {what(error)}; run the same command again once it does")
