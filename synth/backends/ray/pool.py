"""The actors of one backend, seen from the driver: requests go to whoever holds fewest; what a dead one held goes to the others."""

import asyncio
import pickle
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from typing import Any, Final

from synth.backends.ray import cluster, placing
from synth.backends.ray.actor import Lesson, Setup
from synth.backends.ray.options import Options
from synth.backends.ray.seat import Asked, Seat, settle
from synth.errors import ConfigError, ProviderError, Stopped
from synth.types import Reply, Request

DEATHS: Final = 3
"""How many actors may die that hold a request before the engine is told, and how often in a row one may before it answered anything."""
PAUSE: Final = 0.5
"""Seconds before an actor that died is begun anew, doubled each time it dies without an answer."""
BEGINNING: Final = 600.0
"""Seconds that an actor is given to open its backend, or to look at a model."""
CLOSING: Final = 30.0
"""Seconds that an actor is given to close."""


class Pool:
    """The Ray actors of one backend in the driver's charge."""

    def __init__(self, options: Options, setup: Callable[[], Setup], learnt: Callable[[Lesson], None]) -> None:
        self._options, self._setup, self._learnt = options, setup, learnt
        self._seats = [Seat(number) for number in range(options.ray.actors)]
        self._numbers = count()
        self._queue: deque[Asked] = deque()
        """Requests that no actor has room for."""
        self._changed = asyncio.Event()
        """Set once an actor is up, or none will be."""
        self._placed = asyncio.Event()
        self._serving: list[asyncio.Task[None]] = []
        self._fault: Exception | None = None
        self.nodes: set[str] = set()
        """The machines on which actors were."""
        self.most = self.deaths = self.again = 0
        """How many actors were up at once, how many died, and how many requests they gave back."""

    async def open(self) -> None:
        """Begins the Ray actors; returns once one is up. ConfigError where none can be."""
        self._serving = [asyncio.get_running_loop().create_task(self._serve(seat)) for seat in self._seats]
        patience = self._options.ray.patience
        try:
            await asyncio.wait_for(_first(self._placed, self._changed), patience)
        except TimeoutError:
            self._fail(ConfigError(f"ray: {_no_room(self._options)}"))
        await self._changed.wait()
        self._raise()

    async def check(self, model: str) -> None:
        """Has one of the Ray actors see whether a model can be asked."""
        while True:
            await self._changed.wait()
            self._raise()
            seat = next((seat for seat in self._seats if seat.up), None)
            if seat is None:
                await asyncio.sleep(PAUSE)
                continue
            assert seat.actor is not None
            try:
                checked = await asyncio.wait_for(seat.actor.handle.check.remote(model), BEGINNING)
                error = pickle.loads(checked)  # noqa: S301 (from an actor of ours)
            except placing.errors():
                await asyncio.sleep(PAUSE)
                continue
            if error is not None:
                raise error
            return

    async def ask(self, request: Request, key: str) -> Reply:
        """The reply to a request, from whichever Ray actor has room. Raises what its backend raised."""
        self._raise()
        asked = Asked(next(self._numbers), request, key, asyncio.get_running_loop().create_future())
        self._queue.append(asked)
        self._deal()
        try:
            return await asked.reply
        finally:
            if not asked.reply.done() or asked.reply.cancelled():
                self._drop(asked)

    def dismiss(self, why: Exception) -> None:
        """Gives the exception to requests that no Ray actor holds, and has the actors give it to those that wait there."""
        for asked in self._queue:
            settle(asked, why)
        self._queue.clear()
        for seat in self._seats:
            if seat.up and seat.actor:
                seat.actor.handle.dismiss.remote(pickle.dumps(why))

    def _teach(self, lesson: Lesson, *, but: Seat) -> None:
        for seat in self._seats:
            if seat is not but and seat.up:
                seat.lessons.append(lesson)
                seat.news.set()

    async def close(self) -> list[str]:
        """Ends the Ray actors in good order, also while they begin; gives what their backends have to say."""
        self._fail(Stopped("provider", "ray: the actors are closed"))
        notes = await asyncio.gather(*(_closed(seat) for seat in self._seats if seat.up))
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        return [note for note in notes if note]

    # --- dealing requests out ---

    def _deal(self) -> None:
        free = [seat for seat in self._seats if seat.up and len(seat.out) < self._options.ray.in_flight]
        while self._queue and free:
            seat = min(free, key=lambda one: len(one.out))
            asked = self._queue.popleft()
            seat.out[asked.number] = asked
            seat.fresh.append(asked)
            seat.news.set()
            if len(seat.out) >= self._options.ray.in_flight:
                free.remove(seat)

    def _drop(self, asked: Asked) -> None:
        """Nobody waits for it any more."""
        if asked in self._queue:
            self._queue.remove(asked)
        for seat in self._seats:
            if seat.out.pop(asked.number, None) is None:
                continue
            if asked in seat.fresh:
                seat.fresh.remove(asked)
            else:
                seat.dropped.append(asked.number)
                seat.news.set()
        self._deal()

    def _give_back(self, seat: Seat) -> None:
        """What a dead actor held is asked first, by the others."""
        held, seat.out, seat.fresh, seat.dropped, seat.lessons = list(seat.out.values()), {}, [], [], []
        for asked in reversed(held):
            asked.deaths += 1
            if self._fault is not None:  # nobody else is left to be asked
                settle(asked, self._fault)
            elif asked.deaths < DEATHS:
                self._queue.appendleft(asked)
                self.again += 1
            else:
                settle(asked, ProviderError(f"is not answered: {DEATHS} actors of Ray died that were asked"))
        self._deal()

    # --- one actor after the other ---

    async def _serve(self, seat: Seat) -> None:
        failures = 0
        while self._fault is None:
            try:
                await self._begun(seat)
                await seat.exchanged(lambda lessons: self._landed(seat, lessons))
            except (ConfigError, Stopped) as error:
                self._fail(error)
                return
            except placing.errors() as error:
                failures = 0 if seat.answered else failures + 1
                if not self._bears(seat, failures, error):
                    return
            except Exception as error:  # noqa: BLE001 (whatever it is, nobody would wait for this task to end)
                self._fail(error)
                return
            finally:
                self._vacate(seat)
            await asyncio.sleep(PAUSE * 2**failures)

    async def _begun(self, seat: Seat) -> None:
        seat.actor = placed = await placing.place(self._options, [other.actor for other in self._seats if other.actor])
        placed.node = await placed.handle.where.remote()
        self._placed.set()
        self.nodes.add(placed.node)
        begun = await asyncio.wait_for(placed.handle.begin.remote(pickle.dumps(self._setup())), BEGINNING)
        error = pickle.loads(begun)  # noqa: S301 (from an actor of ours)
        if error is not None:
            raise self._placed_error(error)
        seat.up, seat.answered = True, False
        self.most = max(self.most, sum(one.up for one in self._seats))
        self._changed.set()
        self._deal()

    def _placed_error(self, error: Exception) -> Exception:
        """What an actor that loads models itself wrote stands where Ray keeps its words."""
        if self._options.loads and isinstance(error, ConfigError):
            return ConfigError(f"{error}; an actor writes under /tmp/ray/session_latest/logs on its machine")
        return error

    def _landed(self, seat: Seat, lessons: Iterable[Lesson]) -> None:
        for lesson in lessons:
            self._learnt(lesson)
            self._teach(lesson, but=seat)
        self._deal()

    def _bears(self, seat: Seat, failures: int, error: BaseException) -> bool:
        """Whether an actor that died is followed by another; where all have died again and again, why it stops."""
        if self._fault is not None:
            return False
        self.deaths += 1
        if failures < DEATHS:
            return True
        self._seats.remove(seat)
        if not self._seats:
            way_out = "an actor writes under /tmp/ray/session_latest/logs on its machine; run the same command again once it lives"
            self._fail(
                Stopped(
                    "provider", f"ray: actors die before they answer anything ({cluster.one_line(error)}); {way_out}"
                )
            )
        return False

    def _vacate(self, seat: Seat) -> None:
        actor, seat.actor, seat.up = seat.actor, None, False
        if actor is not None:
            placing.end(actor)
        self._give_back(seat)

    # --- ends ---

    def _fail(self, error: Exception) -> None:
        self._fault = self._fault or error
        for asked in [*self._queue, *(asked for seat in self._seats for asked in seat.out.values())]:
            settle(asked, self._fault)
        self._queue.clear()
        self._changed.set()

    def _raise(self) -> None:
        if self._fault is not None:
            raise self._fault.with_traceback(None)


async def _first(*events: asyncio.Event) -> None:
    waits: Iterable[Awaitable[Any]] = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)  # type: ignore[type-var]
    finally:
        for wait in waits:
            wait.cancel()  # type: ignore[attr-defined]


def _no_room(options: Options) -> str:
    """Why no actor has begun in time, and the way out."""
    if not options.bundles[0]:
        way_out = "what Ray writes stands under /tmp/ray/session_latest/logs, and `patience` gives it longer"
        return f"no actor has begun within {options.ray.patience:g} s; {way_out}"
    why = cluster.shortage(options.bundles) or "others hold what an actor needs"
    way_out = "add machines (`ray start --address=…`), or ask for less under `ray` (gpus, cpus, resources, turns)"
    return f"the cluster has had no room for {options.ray.patience:g} s: {why}; {way_out}"


async def _closed(seat: Seat) -> str | None:
    assert seat.actor is not None
    handle = seat.actor.handle
    try:
        note: str | None = await asyncio.wait_for(handle.note.remote(), CLOSING)
        await asyncio.wait_for(handle.close.remote(), CLOSING)
    except placing.errors():
        return None
    return note
