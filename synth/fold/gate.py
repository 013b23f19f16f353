"""The gate: carries out plans one after the other; queries enter the near-duplicate index in (plan, coordinate) order."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from synth.dedup.normalise import normalise
from synth.engine.ask import REPLAY
from synth.errors import Stopped
from synth.fold.acceptor import Acceptor, Candidate
from synth.fold.parts import Parts
from synth.fold.planner import Planner
from synth.fold.prefetch import Prefetch
from synth.fold.sittings import Sittings
from synth.hashing import short_hash
from synth.plan.tally import Tally
from synth.stages.reply_stats import REFUSAL
from synth.types import Drop, Round, Sample


class Gate:
    """Carries out plans one after the other: the recorded ones, then, where planning is allowed, new ones, each recorded first.

    It is one coroutine for all lanes because the index is one for all of them: which of two near-duplicates stays hangs on which
    came first, and that must not be an order of arrival. `room` counts one more query as queued, or gives what to wait for while
    too many are; `between` is called after every writer call, where a checkpoint may be taken.
    """

    def __init__(
        self,
        parts: Parts,
        prefetch: Prefetch,
        *,
        room: Callable[[], "asyncio.Future[None] | None"],
        between: Callable[[], None],
    ) -> None:
        self._parts, self._flow, self._lanes = parts, parts.flow, parts.lanes
        self._prefetch, self._room, self._between = prefetch, room, between
        self.plans: list[Round] = []
        """Every plan in force for these lanes, in order."""
        self.carried = 0
        """How many of the plans in force have been carried out."""
        self.open: tuple[Tally, int] | None = None
        """The plan that is being carried out: its tally so far, and the next of its calls."""
        self._said: dict[str, str] = {}
        """The family of every gated query by type and own words, where queries are compared by other words than their own."""
        self.sittings = Sittings(parts.flow)
        """Which queries of the plan at hand are judged together."""
        self._coming: deque[Round] = deque()
        self._planner: Planner | None = None
        self._news = asyncio.Event()

    async def run(self, recorded: Sequence[Round], record: Callable[[Round], None] | None) -> None:
        """Carries out the recorded plans of this fold's lanes, and with `record` those that follow. Ends early where
        the journal holds no more and asking is forbidden; raises Stopped or ConfigError for whatever else keeps it
        from going on."""
        self.plans = self.ours(recorded)
        self._coming.extend(self.plans[self.carried :])
        for plan in self.plans:
            self._lanes[plan.lane].expect()
        self._planner = Planner(list(self._lanes.values()), recorded, record) if record else None
        self._prefetch.expect(self._coming)
        try:
            while (plan_or_none := await self._next_plan()) is not None:
                await self._carry_out(plan_or_none)
        except Stopped as stop:
            if stop.why != REPLAY:
                raise
            self.sittings.end(abandoned=True)
        for lane in self._lanes.values():
            lane.end()

    def ours(self, recorded: Sequence[Round]) -> list[Round]:
        """The plans among `recorded` that belong to lanes of this gate's fold."""
        return [plan for plan in recorded if plan.lane in self._lanes]

    def plan_on(self) -> None:
        """Records the plans that can be made now that a lane is settled, for the gate, and lets prefetch read along
        them."""
        if self._planner is not None:
            self._plan()
            self._news.set()
            self._prefetch.read_on()

    def _plan(self) -> None:
        if self._planner is not None:
            made = self._planner.advance()
            self.plans += made
            self._coming.extend(made)
            self._prefetch.foresee(self._planner.foreseen())

    async def _next_plan(self) -> Round | None:
        while True:
            # Cleared before the planning, not after: a lane that settles meanwhile must not be missed.
            self._news.clear()
            self._plan()
            if self._coming:
                return self._coming.popleft()
            if self._planner is None or self._planner.done:
                return None
            await self._news.wait()

    async def _carry_out(self, plan: Round) -> None:
        size, last = self._flow.source.size, plan.first + plan.count - 1
        lane, (tally, begin) = self._lanes[plan.lane], self.open or (Tally(plan), plan.first // size)
        self._prefetch.begin(plan)
        if self.open is None:
            self.sittings.begin(lane.spec, plan)
        # To the last of its calls, though its lane may be full long before: when a lane fills hangs on its target, and what has
        # entered the index decides what other lanes may keep. A larger N would else change rows that were there.
        for call in range(begin, last // size + 1):
            try:
                page = await self._prefetch.page(lane, plan, call)
            except Stopped as stop:
                if lane.frozen and stop.why == REPLAY:
                    self.sittings.end(abandoned=True)
                    break  # not asked for in this run; what it has stays
                raise
            tally.calls += 1
            for coordinate, entry in page:
                # A page may reach past its plan, whose ends need be no multiples of a call: the rest is another plan's.
                if plan.first <= coordinate <= last:
                    await self._enter(lane, tally, entry)
                    self.sittings.passed(coordinate)
            self.sittings.passed(min(last, (call + 1) * size - 1))
            self._prefetch.forget(plan, page)
            self.open = (tally, call + 1)
            self._between()
        self.sittings.end()
        lane.push(tally)
        self.open, self.carried = None, self.carried + 1

    async def _enter(self, lane: Acceptor, tally: Tally, entry: Sample | Drop) -> None:
        lane.born()
        if isinstance(entry, Drop):
            lane.lose(entry, tally)
            tally.refused_calls += entry.reason == REFUSAL
            return
        texts = {normalise(entry.query)}
        if not await self._admit(lane, tally, entry, self._flow.begins):
            return
        tally.roots += 1
        for operator, stage in self._flow.operators(lane.spec, tally.plan.operators, entry.coordinate).items():
            try:
                grown = await self._prefetch.augmented(lane, entry, operator)
            except Stopped as stop:
                if lane.frozen and stop.why == REPLAY:
                    continue
                raise
            lane.born()
            if isinstance(grown, Drop):
                lane.lose(grown, tally)
            elif normalise(grown.query) in texts:
                lane.lose(grown.dropped(stage, "unchanged", grown.query), tally)
            else:
                texts.add(normalise(grown.query))
                await self._admit(lane, tally, grown, stage)

    async def _admit(self, lane: Acceptor, tally: Tally, sample: Sample, stage: str) -> bool:
        """Whether a query that `stage` made has gone into the index and its lane's queue: not if a rule objects, nor if an earlier
        query of another family is nearly the same."""
        if reason := self._flow.objection(sample):
            lane.lose(sample.dropped(stage, reason, sample.query), tally)
            return False
        try:
            way = await self._no_news(lane, sample)
        except Stopped as stop:
            lane.counts.unanswered += 1
            if lane.frozen and stop.why == REPLAY:
                return False
            raise
        if way is not None:
            lane.lose(sample.dropped("dedup", way, sample.query), tally)
            return False
        tally.queries += 1
        # Waits for acceptors, never for a permit: those ahead of it hold none, so the wait ends however narrow the window is.
        while (room := self._room()) is not None:
            await room
        lane.gated(sample)
        self.queue(lane, sample, tally)
        return True

    async def _no_news(self, lane: Acceptor, sample: Sample) -> str | None:
        """Why a query may not join those before it; None if it has."""
        kind, family = sample.lane.query_type, sample.family
        if self._flow.source.from_run:
            return None  # each of them has passed a gate
        if self._flow.compares_requests and self._said.get(_words(kind, sample.query), family) != family:
            return "same_text"
        way = await self._like_another(lane, sample)
        if way is None:
            self.remember(kind, sample.query, family)
        return way

    async def _like_another(self, lane: Acceptor, sample: Sample) -> str | None:
        kind, query, family = sample.lane.query_type, sample.compared, sample.family
        index = self._parts.indexes[kind]
        if self._flow.embedder is None:
            return None if index.admit(query, family) is None else "near_duplicate"
        if index.find(query, family) is not None:
            return "near_duplicate"
        # The index is looked up before and added to after this wait: nobody else adds to it meanwhile, since there is one gate.
        vector = await self._prefetch.vector(lane, sample)
        meanings = self._parts.meanings[kind]
        if vector is None or not meanings.fits(vector):
            return "no_vector"
        if meanings.admit(vector, family) is not None:
            return "same_meaning"
        index.add(query, family)
        return None

    def remember(self, kind: str, text: str, family: str) -> None:
        """Notes that a query of that type, in its own words, has entered the near-duplicate index."""
        if self._flow.compares_requests:
            self._said.setdefault(_words(kind, text), family)

    def queue(self, lane: Acceptor, sample: Sample, tally: Tally) -> None:
        """Puts a query that has passed the gate into the queue of its lane's acceptor."""
        candidate = Candidate(sample, tally, self._parts.next_position())
        self.sittings.take(candidate)
        lane.push(candidate)
        self._prefetch.gated(lane, candidate)


def _words(kind: str, text: str) -> str:
    return short_hash(kind, normalise(text))
