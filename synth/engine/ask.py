"""`ask`: a reply from the journal, from an equal request in flight, or from the model; journalled before anyone sees it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import tenacity

from synth.engine.pace import Pace
from synth.engine.patience import Storm, wait
from synth.engine.slots import Slots
from synth.errors import ConfigError, Stopped, Weather
from synth.keys import key_of
from synth.role import Role
from synth.types import Backend, Ceiling, Reply, Request, Seat, Waiting

STAGES = ("judge", "respond", "augment", "query")
"""Who is served first: later stages, so that what was begun is finished."""

REPLAY = "replay"
"""Why a fold with calls forbidden comes to its end: the journal holds no more."""

GAVE_UP = "gave_up"
"""How a reply ended that never came: its request failed again and again while its model answered others."""


class Store(Protocol):
    """Where replies are kept: the journal."""

    def get(self, key: str) -> Reply | None: ...
    async def put(self, key: str, reply: Reply, seat: Seat, model: str) -> None: ...


@dataclass(slots=True, eq=False)
class _Flight:
    """A request on its way, and how many wait for it."""

    task: asyncio.Task[Reply]
    askers: int = 0


class Engine:
    """Asks each role's backend through `slots`; `roles` says which model that is, to be checked before the first call, and how
    fast it may be asked.

    `missed` is told the lane of every request the journal could not answer, `landed` of every slot that comes free.
    """

    def __init__(
        self, journal: Store, backends: Mapping[str, Backend], slots: Slots, roles: Mapping[str, Role] | None = None
    ) -> None:
        self._journal, self._backends, self._slots = journal, backends, slots
        self._flights: dict[str, _Flight] = {}
        self._sending: dict[str, str] = {}
        """Lane of every request that is out, by key."""
        self._heard: set[Backend] = set()
        """Those whose server has answered anything at all."""
        self._paces: dict[tuple[Backend, str], Pace] = {}
        self._models = {role: told.model for role, told in (roles or {}).items()}
        for role, told in (roles or {}).items():
            self._allow((backends[role], told.model), told.ceiling)
        self._checked: asyncio.Future[Any] | None = None
        self._stop: Stopped | ConfigError | None = None
        self._stopping = asyncio.Event()
        self.missed: Callable[[str], None] = lambda _: None
        self.landed: Callable[[], None] = lambda: None
        self.calls: Counter[str] = Counter()
        """Calls made, by lane, retries counted."""
        self.weather: str | None = None
        """What the latest try failed of, if it did."""
        self.abandoned = False

    @property
    def in_flight(self) -> Counter[str]:
        """Requests that are out, by lane."""
        return Counter(self._sending.values())

    @property
    def idle(self) -> int:
        """Slots nobody waits for."""
        return self._slots.free

    @property
    def failure(self) -> Stopped | ConfigError | None:
        """What stopped the engine, if anything did."""
        return self._stop

    async def ask(self, request: Request, seat: Seat) -> Reply:
        """The reply. Raises Stopped once nothing more may be asked, ConfigError for what only the user can mend."""
        key = key_of(request)
        if reply := self._journal.get(key):
            return reply
        self.missed(seat.lane)
        if self._stop:
            raise self._stop.with_traceback(None)
        flight = self._flights.get(key)
        if flight is None or flight.task.cancelling():
            flight = self._flights[key] = _Flight(
                asyncio.get_running_loop().create_task(self._fetch(key, request, seat))
            )
            flight.task.add_done_callback(lambda done: self._landed(key, done))
        flight.askers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.askers -= 1
            if not flight.askers and key not in self._sending:
                flight.task.cancel()  # nobody wants it any more, and it was not sent

    def recall(self, request: Request) -> Reply:
        """The journalled reply. Raises Stopped(REPLAY) where there is none."""
        reply = self._journal.get(key_of(request))
        if reply is None:
            raise Stopped(REPLAY)
        return reply

    def stop(self, why: Stopped | ConfigError) -> None:
        """From now on only the journal answers. What has been sent still lands; the first cause is kept."""
        if self._stop is None:
            self._stop = why
            self._stopping.set()
            self._slots.dismiss(why)
            for backend in set(self._backends.values()):
                if isinstance(backend, Waiting):
                    backend.dismiss(why)

    async def drain(self, at_most: float | None = None) -> None:
        """Waits until everything that was sent has landed in the journal, or `at_most` so many seconds; each attempt has a
        deadline of its own."""
        if self._flights:
            await asyncio.wait([flight.task for flight in self._flights.values()], timeout=at_most)
        self._cancel()

    def abandon(self) -> None:
        """Waits for nothing: what is in flight is lost."""
        self.abandoned = True
        self._cancel()

    def _cancel(self) -> None:
        for flight in self._flights.values():
            flight.task.cancel()

    async def _fetch(self, key: str, request: Request, seat: Seat) -> Reply:
        try:
            if self._checked is None or not self._checked.done():
                await self._ready()
            try:
                return await self._attempt(key, request, seat)
            except Weather as error:
                return await self._persist(error, key, request, seat)
        except Weather as error:
            self.stop(self._verdict(error, request, seat))
        except (ConfigError, Stopped) as error:  # Stopped: the journal's disk
            self.stop(error)
        except asyncio.CancelledError:
            if not self.abandoned:
                raise
        assert self._stop is not None
        raise self._stop.with_traceback(None)

    async def _persist(self, first: Weather, key: str, request: Request, seat: Seat) -> Reply:
        """Tries again for as long as there is a point in it. A request that is given up on has a reply that says so."""
        backend = self._backends[seat.role]
        storm = Storm(self._pace(seat.role, request.model), known=lambda: backend in self._heard)
        failed = [first]

        async def attempt() -> Reply:
            if failed:
                raise failed.pop()
            return await self._attempt(key, request, seat, again=storm.failures["timeout"] > 0)

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(Weather),
            wait=wait,
            stop=lambda state: storm.stop(state) or self._stop is not None,
            sleep=self._pause,
            reraise=True,
        )
        try:
            return await retrying(attempt)
        except Weather as error:
            if not storm.given_up:
                raise
            reply = Reply(str(error), finish=GAVE_UP)
            await self._journal.put(key, reply, seat, request.model)
            return reply

    async def _ready(self) -> None:
        """Before the first call of all: every backend may object to the models it is to be asked for."""
        if self._checked is None:
            asked = {(self._backends[role], model) for role, model in self._models.items()}
            checks = [backend.check(model) for backend, model in sorted(asked, key=lambda pair: pair[1])]
            self._checked = asyncio.ensure_future(asyncio.gather(*checks))
        await asyncio.shield(self._checked)

    def _verdict(self, error: Weather, request: Request, seat: Seat) -> Stopped | ConfigError:
        who = f"model {request.model!r} ({seat.role})"
        if error.cause in ("network", "garbled") and self._backends[seat.role] not in self._heard:
            return ConfigError(f"{who}: {error}; check --base-url and that the server runs")
        return Stopped("provider", f"{who} does not answer: {error}; run the same command again once it does")

    def _pace(self, role: str, model: str) -> Pace:
        """Of a model at an address, whatever the role it plays."""
        place = (self._backends[role], model)
        return self._paces.get(place) or self._allow(place, Ceiling())

    def _allow(self, place: tuple[Backend, str], ceiling: Ceiling) -> Pace:
        """Of what several roles allow one model, the least."""
        if place in self._paces:
            ceiling = self._paces[place].ceiling.least(ceiling)
            self._slots.drop(self._paces[place])
        pace = self._paces[place] = Pace(self._slots.size, ceiling, queues=place[0].queues)
        self._slots.add(pace)
        return pace

    async def _attempt(self, key: str, request: Request, seat: Seat, *, again: bool = False) -> Reply:
        if self._stop:
            raise self._stop.with_traceback(None)
        pace, characters = (
            self._pace(seat.role, request.model),
            sum(len(message.content) for message in request.messages),
        )
        tokens = pace.tokens_of(characters) + request.params.get("max_tokens", 0)
        leave = await self._slots.acquire((STAGES.index(seat.stage), seat.position), pace, tokens)
        try:
            if self._stop:
                raise self._stop.with_traceback(None)
            self._sending[key] = seat.lane
            self.calls[seat.lane] += 1
            reply = await self._send(request, key, seat.role, pace.deadline(again=again))
            self._heard.add(self._backends[seat.role])
            used = reply.prompt_tokens + reply.completion_tokens
            pace.answered(leave, asyncio.get_running_loop().time(), characters, reply.prompt_tokens, used)
            await self._journal.put(key, reply, seat, request.model)
            self.weather = None
        except Weather as error:
            if error.cause not in ("network", "garbled"):
                self._heard.add(self._backends[seat.role])
            self.weather = f"model {request.model!r} {error}"
            pace.suffered(leave, asyncio.get_running_loop().time(), error)
            raise
        finally:
            self._sending.pop(key, None)
            self._slots.release(pace, leave)
            self.landed()
        return reply

    async def _send(self, request: Request, key: str, role: str, deadline: float | None) -> Reply:
        try:
            async with asyncio.timeout(deadline):
                return await self._backends[role].complete(request, key)
        except TimeoutError as error:
            raise Weather(f"takes longer than {deadline:g} s", cause="timeout") from error

    async def _pause(self, seconds: float) -> None:
        """Waits between two tries, holding no slot; a stop ends the wait."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _landed(self, key: str, task: asyncio.Task[Reply]) -> None:
        flight = self._flights.get(key)
        if flight is not None and flight.task is task:
            del self._flights[key]
        if not task.cancelled():
            task.exception()  # the asker has it; nobody may be left to ask
