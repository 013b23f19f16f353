"""`ask`: a reply from the journal, from an equal request in flight, or from the model; journalled before anyone sees it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from synth.engine.books import GAVE_UP, OUTAGE, RETRY, Books
from synth.engine.models import Models
from synth.engine.patience import Storm, persist
from synth.engine.slots import Slots
from synth.errors import ConfigError, Stopped, Weather
from synth.keys import key_of, outage_of
from synth.receipt import Lasting
from synth.role import Role
from synth.types import Backend, Reply, Request, Seat, Waiting

STAGES = ("judge", "respond", "embed", "augment", "query")
"""Who is served first: later stages, so that what was begun is finished."""

REPLAY = "replay"
"""Why a fold with calls forbidden comes to its end: the journal holds no more."""


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
    fast it may be asked; `spared` which of them the run can do without.

    `missed` is told of every request the journal could not answer, `landed` of every slot that comes free, `prove` of every reply
    before it is journalled: it raises Weather for one that will not do.
    """

    def __init__(
        self,
        journal: Store,
        backends: Mapping[str, Backend],
        slots: Slots,
        roles: Mapping[str, Role] | None = None,
        *,
        spared: frozenset[str] = frozenset(),
        books: Books | None = None,
    ) -> None:
        self._journal, self._backends, self._slots = journal, backends, slots
        self.books = books or Books()
        """What was paid for, every reply as it lands."""
        slots.broke = self.stop
        self._flights: dict[str, _Flight] = {}
        self._sending: dict[str, Seat] = {}
        """Every request that is out, by key."""
        self.models = Models(backends, slots, roles or {}, spared=spared)
        self._stop: Stopped | ConfigError | None = None
        self._stopping = asyncio.Event()
        self.missed: Callable[[Seat], None] = lambda _: None
        self.landed: Callable[[], None] = lambda: None
        self.prove: Callable[[Request, Reply], None] = lambda _request, _reply: None
        self.calls: Counter[str] = Counter()
        """Calls made, by lane, retries counted."""
        self.retries: Counter[str] = Counter()
        """Calls made again after bad weather, by lane."""
        self.weather: str | None = None
        """What the latest try failed of, if it did."""
        self.abandoned = False

    @property
    def in_flight(self) -> Counter[str]:
        """Requests that are out, by lane."""
        return Counter(seat.lane for seat in self._sending.values())

    def seat_of(self, key: str) -> Seat | None:
        """Of a request that is out."""
        return self._sending.get(key)

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
        if (reply := self._kept(key, spare=seat.spare)) and reply.finish != RETRY:
            return reply
        self.missed(seat)
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
            reply = await asyncio.shield(flight.task)
        finally:
            flight.askers -= 1
            if not flight.askers and key not in self._sending:
                flight.task.cancel()  # nobody wants it any more, and it was not sent
        if reply.finish == OUTAGE and not seat.spare:
            return await self.ask(request, seat)  # an equal request stood in a chain; this one waits for its model
        return reply

    def recall(self, request: Request, *, spare: bool = False) -> Reply:
        """The journalled reply. Raises Stopped(REPLAY) where there is none."""
        reply = self._kept(key_of(request), spare=spare)
        if reply is None:
            raise Stopped(REPLAY)
        return reply

    def _kept(self, key: str, *, spare: bool) -> Reply | None:
        """From the journal. That another model was asked stays so, though the request may have been answered since."""
        return (self._journal.get(outage_of(key)) if spare else None) or self._journal.get(key)

    def stop(self, why: Stopped | ConfigError) -> None:
        """From now on only the journal answers. What has been sent still lands, but for what may take until tomorrow; the
        first cause is kept."""
        if self._stop is None:
            self._stop = why
            self._stopping.set()
            self.models.cut_check_short()
            self._slots.dismiss(why)
            for backend in set(self._backends.values()):
                if isinstance(backend, Lasting):
                    backend.leave()
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
            if not self.models.checked:
                await self.models.check()
                if self._stop:
                    raise self._stop.with_traceback(None)
            try:
                return await self._through(key, request, seat)
            except (Weather, ConfigError) as error:
                if not seat.spare or self._stop:
                    raise
                return await self._without(error, key, request, seat)
        except Weather as error:
            self.stop(self.models.verdict(error, request, seat))
        except (ConfigError, Stopped) as error:  # Stopped: the journal's disk
            self.stop(error)
        except asyncio.CancelledError:
            if not self.abandoned:
                raise
        assert self._stop is not None
        raise self._stop.with_traceback(None)

    async def _through(self, key: str, request: Request, seat: Seat) -> Reply:
        """From the model; of one that is out only now and then, where another stands by. Raises what it could not be had for."""
        circuit = self.models.circuits.at(self.models.place_of(request, seat))
        if seat.spare and circuit.why and not circuit.admits(asyncio.get_running_loop().time()):
            raise circuit.why.with_traceback(None)
        try:
            return await self._attempt(key, request, seat)
        except Weather as error:
            return await self._persist(error, key, request, seat)

    async def _without(self, error: Weather | ConfigError, key: str, request: Request, seat: Seat) -> Reply:
        """That the model is out, journalled before the next of its chain is asked."""
        place = self.models.place_of(request, seat)
        self.models.circuits.declare(place, error, asyncio.get_running_loop().time())
        reply = Reply(str(error), finish=OUTAGE)
        await self._journal.put(outage_of(key), reply, seat, request.model)
        return reply

    async def _persist(self, first: Weather, key: str, request: Request, seat: Seat) -> Reply:
        """Tries again for as long as there is a point in it. A request that is given up on has a reply that says so."""
        place = self.models.place_of(request, seat)
        storm = Storm(
            self.models.pace_at(place),
            known=lambda: place[0] in self.models.heard,
            before=self._journal.get(key) is not None,
        )
        circuit = self.models.circuits.at(place)

        async def attempt() -> Reply:
            self.retries[seat.lane] += 1
            return await self._attempt(key, request, seat, again=storm.failures["timeout"] > 0)

        try:
            return await persist(
                first,
                attempt,
                storm,
                halted=lambda: self._stop is not None or (seat.spare and circuit.out),
                pause=self._pause,
            )
        except Weather as error:
            if not storm.given_up:
                raise
            reply = Reply(str(error), finish=GAVE_UP)
            await self._journal.put(key, reply, seat, request.model)
            self.books.add(seat, request.model, reply)
            return reply

    async def _attempt(self, key: str, request: Request, seat: Seat, *, again: bool = False) -> Reply:
        if self._stop:
            raise self._stop.with_traceback(None)
        pace = self.models.pace_at(self.models.place_of(request, seat))
        characters = sum(len(message.content) for message in request.messages)
        tokens = pace.tokens_of(characters) + (request.params.get("max_tokens") or 0)
        charge = self._slots.budget.charge(request) if self._slots.budget else None
        leave = await self._slots.acquire((STAGES.index(seat.stage), seat.position), pace, tokens, charge)
        try:
            if self._stop:
                raise self._stop.with_traceback(None)
            self._sending[key] = seat
            self.calls[seat.lane] += 1
            reply = await self._send(request, key, seat.role, pace.deadline(again=again))
            self.prove(request, reply)
            self.models.heard.add(self._backends[seat.role])
            used = reply.prompt_tokens + reply.completion_tokens
            pace.answered(leave, asyncio.get_running_loop().time(), characters, reply.prompt_tokens, used)
            await self._journal.put(key, reply, seat, request.model)
            self.books.add(seat, request.model, reply)
            leave.reply = reply
            self.weather = None
        except Weather as error:
            if error.cause not in ("network", "garbled"):
                self.models.heard.add(self._backends[seat.role])
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
