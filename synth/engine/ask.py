"""`ask`: a reply from the journal, from an equal request in flight, or from the model; journalled before anyone sees it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from functools import partial

from synth.engine.contract import NOBODY, TRUSTED, Observer, Probation, Prove, Store
from synth.engine.endpoints import Endpoints
from synth.engine.flight import Flight
from synth.engine.notices import what
from synth.engine.recall import Recall
from synth.engine.retry import RetryState, persist
from synth.engine.scheduler import Slots
from synth.engine.waiting import Waiting
from synth.errors import ConfigError, ProviderError, Stopped
from synth.hashing import key_of, outage_of
from synth.journal.rows import DamagedReply
from synth.journal.usage import GAVE_UP, OUTAGE, RETRY, UsageLog
from synth.types import Origin, Reply, Request

REPLAY = "replay"
"""The stop of a fold with calls forbidden: the journal holds no more."""


class Engine:
    """Answers requests: from the journal, else from the models, once for equal requests that are in flight together."""

    def __init__(
        self,
        journal: Store,
        models: Endpoints,
        observer: Observer = NOBODY,
        *,
        prove: Prove | None = None,
        usage: UsageLog | None = None,
        order: Sequence[str] = (),
        probation: Probation = TRUSTED,
    ) -> None:
        self._journal, self.models, self._slots = journal, models, models.slots
        self._observer, self._prove, self._probation = observer, prove, probation
        self._ranks = {stage: rank for rank, stage in enumerate(order)}
        """`order` are the stages, those first that are served first; any other comes after them."""
        self.usage = usage or UsageLog()
        """What was paid for, every reply as it lands."""
        self._flights: dict[str, Flight] = {}
        self.waiting = Waiting(models)
        """The calls that are out."""
        self._stop: Stopped | ConfigError | None = None
        self._stopping = asyncio.Event()
        self.calls: Counter[str] = Counter()
        """Calls made, by lane, retries counted."""
        self.retries: Counter[str] = Counter()
        """Calls made again after a failed one, by lane."""
        self.weather: str | None = None
        """What the latest try failed of, if it did."""
        self.abandoned = False
        self._recall = Recall(journal, models.say)

    @property
    def in_flight(self) -> Counter[str]:
        """How many requests that were asked are out, by lane."""
        return Counter(call.origin.lane for call in self.waiting.calls.values())

    def origin_of(self, key: str) -> Origin | None:
        """The role, stage and lane for which the engine is asking the request of that key; None if it is not."""
        return call.origin if (call := self.waiting.calls.get(key)) else None

    @property
    def damaged(self) -> dict[str, DamagedReply]:
        """Replies, by key, that are not what was written, and that the engine asks for once more."""
        return self._recall.damaged

    @property
    def idle(self) -> int:
        """How many slots of all models stand free that no `ask` waits for."""
        return max(0, self._slots.free - self._probation.waiting)

    @property
    def failure(self) -> Stopped | ConfigError | None:
        """What stopped the engine; None while it may ask."""
        return self._stop

    async def ask(self, request: Request, origin: Origin) -> Reply:
        """The reply to a request, journalled or asked for now. Raises Stopped once nothing more may be asked,
        ConfigError for what only the user can mend."""
        key = key_of(request)
        if (reply := self._recall.kept(key, spare=origin.spare, mending=True)) and reply.finish != RETRY:
            return reply
        self._observer.missed(origin)
        self._refuse_stopped()
        flight = self._flights.get(key)
        if flight is None or flight.task.cancelling():
            flight = self._flights[key] = Flight(self._fetch(key, request, origin))
            flight.task.add_done_callback(partial(self._landed, key, flight))
        try:
            reply = await flight.landed()
        finally:
            if not flight.wanted and key not in self.waiting.calls:
                flight.task.cancel()  # nobody wants it any more, and it was not sent
        if reply.finish == OUTAGE and not origin.spare:
            return await self.ask(request, origin)  # an equal request stood in a chain; this one waits for its model
        return reply

    def recall(self, request: Request, *, spare: bool = False) -> Reply:
        """The journalled reply to a request, without a call. Raises Stopped(REPLAY) where there is none,
        DamagedReply where there was one."""
        if (reply := self._recall.kept(key_of(request), spare=spare, mending=False)) is None:
            raise Stopped(REPLAY)
        return reply

    def stop(self, why: Stopped | ConfigError) -> None:
        """Stops the engine: from now on only the journal answers; everybody else who asks gets `why`. What has been
        sent still lands, but for what may take until tomorrow. Of several causes the first is kept."""
        if self._stop is None:
            self._stop = why
            self._stopping.set()
            self.waiting.close()
            self.models.dismiss(why)
            self._probation.dismiss(why)

    async def drain(self, at_most: float | None = None) -> None:
        """Waits until every request that was sent has its reply in the journal, at most that many seconds; what has
        not is lost. Without a bound it ends too, since each attempt has a deadline of its own."""
        if self._flights:
            await asyncio.wait([flight.task for flight in self._flights.values()], timeout=at_most)
        self._cancel()

    def abandon(self) -> None:
        """Gives up every request that the engine has asked and that is in flight, without waiting for its reply."""
        self.abandoned = True
        self._cancel()

    def _cancel(self, role: str | None = None) -> None:
        """What is in flight; of one role alone what is out."""
        for key, flight in self._flights.items():
            if role is None or ((origin := self.origin_of(key)) and origin.role == role):
                flight.task.cancel()

    def _refuse_stopped(self) -> None:
        if self._stop:
            raise self._stop.with_traceback(None)

    async def _fetch(self, key: str, request: Request, origin: Origin) -> Reply:
        try:
            if not self.models.checked:
                await self.models.check()
                self._refuse_stopped()
            try:
                return await self._through(key, request, origin)
            except (ProviderError, ConfigError) as error:
                if not origin.spare or self._stop:
                    raise
                return await self._without(error, key, request, origin)
        except ProviderError as error:
            self._despair(error, request, origin)
        except (ConfigError, Stopped) as error:  # Stopped: the journal's disk
            self.stop(error)
        except asyncio.CancelledError:
            if self._stop is None:
                raise
        assert self._stop is not None
        raise self._stop.with_traceback(None)

    def _despair(self, error: ProviderError, request: Request, origin: Origin) -> None:
        """Stops, since a model was tried in vain. Whoever is silent for too long has no more of its calls waited for."""
        if error.cause == "timeout" and self.waiting.too_long(origin.role):
            self.stop(Stopped("provider", self.waiting.advice(request, origin.role)))
            self._cancel(origin.role)
        else:
            self.stop(self.models.verdict(error, request, origin, served=self._served(request, origin)))

    def _served(self, request: Request, origin: Origin) -> bool:
        now = self.models.pace_at(self.models.endpoint_of(request, origin)).last_good > float("-inf")
        return now or self.usage.served(request.named)

    async def _through(self, key: str, request: Request, origin: Origin) -> Reply:
        """From the model; of one that is out only now and then, where another stands by. Raises what it could not be had for."""
        circuit = self.models.circuits.at(self.models.endpoint_of(request, origin))
        if origin.spare and circuit.why and not circuit.admits(asyncio.get_running_loop().time()):
            raise circuit.why.with_traceback(None)
        try:
            return await self._attempt(key, request, origin)
        except ProviderError as error:
            return await self._persist(error, key, request, origin)

    async def _without(self, error: ProviderError | ConfigError, key: str, request: Request, origin: Origin) -> Reply:
        """That the model is out, journalled before the next of its chain is asked."""
        endpoint = self.models.endpoint_of(request, origin)
        self.models.circuits.declare(endpoint, error, asyncio.get_running_loop().time())
        reply = Reply(str(error), finish=OUTAGE)
        await self._journal.put(outage_of(key), reply, origin, request.named)
        return reply

    async def _persist(self, first: ProviderError, key: str, request: Request, origin: Origin) -> Reply:
        """Tries again for as long as there is a point in it. A request that is given up on has a reply that says so."""
        endpoint = self.models.endpoint_of(request, origin)
        state = RetryState(
            self.models.pace_at(endpoint),
            known=lambda: endpoint[0] in self.models.heard,
            missing=lambda: self.models.missing(origin.role),
            silent=lambda: self.waiting.too_long(origin.role),
            served=self._served(request, origin),
            before=self._recall.found(key) is not None,
        )
        circuit = self.models.circuits.at(endpoint)

        async def attempt() -> Reply:
            self.retries[origin.lane] += 1
            return await self._attempt(key, request, origin, again=state.failures["timeout"] > 0)

        try:
            return await persist(
                first,
                attempt,
                state,
                halted=lambda: self._stop is not None or (origin.spare and circuit.out),
                pause=self._pause,
            )
        except ProviderError as error:
            if not state.given_up:
                raise
            self.models.notices.of_given_up(error, request.model, origin.role)
            reply = Reply(what(error), finish=GAVE_UP)
            await self._journal.put(key, reply, origin, request.named)
            self.usage.add(origin, request.named, reply)
            return reply

    async def _attempt(self, key: str, request: Request, origin: Origin, *, again: bool = False) -> Reply:
        self._refuse_stopped()
        async with self._probation.turn(origin, request.named):
            return await self._try(key, request, origin, again=again)

    async def _try(self, key: str, request: Request, origin: Origin, *, again: bool) -> Reply:
        pace = self.models.pace_at(self.models.endpoint_of(request, origin))
        characters = sum(len(message.content) for message in request.messages)
        tokens = pace.tokens_of(characters) + (request.params.get("max_tokens") or 0)
        reservation = self._slots.budget.reservation(request) if self._slots.budget else None
        rank = self._ranks.get(origin.stage, len(self._ranks))
        permit = await self._slots.acquire((rank, origin.position), pace, tokens, reservation)
        ended: Reply | ProviderError | None = None
        permit.key = key
        try:
            self._refuse_stopped()
            self.waiting.sent(key, request, origin)
            self.calls[origin.lane] += 1
            reply = ended = await self.models.send(request, key, origin.role, pace.deadline(again=again))
            if self._prove:
                self._prove(request, reply)
            self.models.heard.add(self.models.backends[origin.role])
            used = reply.prompt_tokens + reply.completion_tokens
            pace.answered(permit, asyncio.get_running_loop().time(), characters, reply.prompt_tokens, used)
            await self._journal.put(key, reply, origin, request.named)
            self.usage.add(origin, request.named, reply)
            permit.reply = reply
            self.models.notices.of_reply(reply, request.model, origin.role)
            self.weather = None
        except ProviderError as error:
            ended = error
            self.models.suffered(error, request, origin)
            self.weather = f"model {request.model!r} {what(error)}"
            pace.suffered(permit, asyncio.get_running_loop().time(), error)
            raise
        finally:
            self.waiting.over(key, ended)
            self._slots.release(pace, permit)
            if self._slots.budget and self._slots.budget.fault:
                self.stop(self._slots.budget.fault)
            self._observer.landed()
        return reply

    async def _pause(self, seconds: float) -> None:
        """Waits between two tries, holding no slot; a stop ends the wait."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _landed(self, key: str, flight: Flight, _: asyncio.Task[Reply]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


def replaying(journal: Store, observer: Observer = NOBODY) -> Engine:
    """An engine that asks nobody: whatever the journal lacks raises Stopped(REPLAY)."""
    engine = Engine(journal, Endpoints({}, Slots(1)), observer)
    engine.stop(Stopped(REPLAY))
    return engine
