"""Prefetch: starts calls before the fold's turn comes to them. It decides nothing, and the fold starts itself whatever is not begun.

Calls of recorded plans are never speculative, since a planned round enters the index whole. Augmentations are begun on a
tentative look-up. Answers are begun for as many queries as a lane needs at the very least; for more only while slots stand idle.
Of pages and vectors nothing is begun early until the journal has failed to answer some lane, of answers until it has failed to
answer that lane anything but a vector: replaying a finished journal asks for nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, TypeVar

from synth.dedup.ngrams import Index
from synth.dedup.vectors import Vectors
from synth.fold.acceptor import Acceptor, Candidate, Outcome
from synth.fold.demand import Demand
from synth.stages.embed import NAME as EMBED
from synth.stages.flow import Flow
from synth.stages.query import Written
from synth.types import Ask, Drop, Label, Origin, Round, Sample
from synth.vector import Numbers

Result = TypeVar("Result")

IDLE_GRACE = 0.002
"""Seconds a slot must stand idle before it is used for what is only likely: the fold's own next request comes first."""


class Prefetch:
    def __init__(
        self,
        flow: Flow,
        lanes: Mapping[str, Acceptor],
        indexes: Mapping[str, Index],
        meanings: Mapping[str, Vectors],
        asker: Callable[[Acceptor, int], Ask],
        *,
        idle: Callable[[], int],
        window: int,
    ) -> None:
        self._flow, self._lanes, self._asker = flow, lanes, asker
        self._indexes, self._meanings = indexes, meanings
        self._idle, self._window = idle, window
        self._positions = count()
        self._outlooks = {id: Demand(lane) for id, lane in lanes.items()}
        self._live: set[str] = set()
        self._embedding = False
        """Whether the journal has lacked a vector."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._pages: dict[tuple[str, int], asyncio.Task[tuple[Written, Ask]]] = {}
        self._augmented: dict[tuple[str, str], asyncio.Task[tuple[Sample | Drop, Ask]]] = {}
        self._begun: dict[str, int] = {}
        self._current: Round | None = None
        self._coming: deque[Round] = deque()
        self._speculating = False

    # --- what the fold takes from it ---

    def expect(self, coming: deque[Round]) -> None:
        """The recorded plans that will be carried out after the current one; the gate adds to them and takes from them."""
        self._coming = coming

    def begin(self, plan: Round) -> None:
        """The gate's turn has come to a plan."""
        self._current = plan

    def next_position(self) -> int:
        return next(self._positions)

    async def page(self, lane: Acceptor, plan: Round, call: int) -> Written:
        task = self._pages.pop((lane.id, call), None)
        self._begun[lane.id] = max(self._begun.get(lane.id, 0), call + 1)
        self.read_on()
        page, ask = await (task or self._page(lane, plan, call))
        self._flow.ledger.used(ask)
        return page

    async def augmented(self, lane: Acceptor, root: Sample, operator: str) -> Sample | Drop:
        task = self._augmented.pop((root.query_id, operator), None)
        grown, ask = await (task or self._augment(lane, root, operator))
        self._flow.ledger.used(ask)
        return grown

    async def vector(self, lane: Acceptor, query: Sample) -> "Numbers | None":
        ask = self._held_ask(lane, self.next_position())
        found = await self._embed(lane, query, ask)
        self._flow.ledger.used(ask)
        return found

    async def outcome(self, lane: Acceptor, candidate: Candidate) -> Outcome:
        found = await (candidate.work or self._answer_now(self._outlooks[lane.id], candidate))
        assert candidate.ask is not None
        self._flow.ledger.used(candidate.ask)
        return found

    async def _answer_now(self, outlook: Demand, candidate: Candidate) -> Outcome:
        assert outlook.fresh[0] is candidate
        outlook.fresh.popleft()
        outlook.underway += 1
        try:
            return await self._answer(outlook.lane, candidate)
        finally:
            outlook.underway -= 1

    # --- what tells it that something has changed ---

    def missed(self, origin: Origin) -> None:
        """The journal could not answer a request. Of a vector that says nothing of its lane's answers: vectors are asked for in
        all lanes from then on."""
        if origin.stage == EMBED:
            self._embedding = True
        elif origin.lane not in self._live:
            self._live.add(origin.lane)
            asyncio.get_running_loop().call_soon(self._wake, self._outlooks[origin.lane])

    def _begins(self, lane: Acceptor) -> bool:
        """Whether what a lane's pages bring is begun before the gate's turn comes to it."""
        return lane.id in self._live or self._embedding

    def gated(self, lane: Acceptor, candidate: Candidate) -> None:
        outlook = self._outlooks[lane.id]
        outlook.fresh.append(candidate)
        self._begin_certain(outlook)
        self.landed()

    def freed(self, lane: Acceptor, candidate: Candidate) -> None:
        """The acceptor is done with a candidate."""
        outlook = self._outlooks[lane.id]
        if outlook.fresh and outlook.fresh[0] is candidate:
            outlook.fresh.popleft()
        elif candidate.work is not None:
            outlook.ready.subtract(_labels(candidate.work))
            candidate.work.cancel()  # if the lane was filled without it; what is sent still lands
        self._begin_certain(outlook)

    def landed(self) -> None:
        """A slot may have come free."""
        if self._idle() > 0 and self._live and not self._speculating:
            self._speculating = True
            asyncio.get_running_loop().call_later(IDLE_GRACE, self._speculate)

    def forget(self, plan: Round, page: Written) -> None:
        """Augmentations begun for roots that did not pass the gate."""
        for _, entry in page if self._augmented else ():
            for operator in plan.operators:
                task = self._augmented.pop((entry.query_id, operator), None) if isinstance(entry, Sample) else None
                if task is not None:
                    task.cancel()

    async def stop(self) -> None:
        """Ends what was begun; requests that are in flight land on their own."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- how it looks ahead ---

    def _wake(self, outlook: Demand) -> None:
        self._begin_certain(outlook)
        self.read_on()

    def _begin_certain(self, outlook: Demand) -> None:
        if outlook.lane.id in self._live and outlook.fresh:
            while outlook.fresh and outlook.certain() > 0:
                self._begin_answer(outlook)

    def _speculate(self) -> None:
        """Fills idle slots, one query a lane in turn."""
        self._speculating = False
        self.read_on()
        open_ones = [outlook for id, outlook in self._outlooks.items() if id in self._live]
        budget = self._idle()
        while open_ones := [outlook for outlook in open_ones if outlook.fresh and outlook.likely() > 0][:budget]:
            budget -= len(open_ones)
            for outlook in open_ones:
                self._begin_answer(outlook)

    def _begin_answer(self, outlook: Demand) -> None:
        candidate = outlook.fresh.popleft()
        if not outlook.lane.wants(candidate.sample):
            return
        outlook.underway += 1
        candidate.work = self._spawn(self._answer(outlook.lane, candidate))
        candidate.work.add_done_callback(lambda work: self._answered(outlook, work))

    def _answered(self, outlook: Demand, work: "asyncio.Task[Outcome]") -> None:
        outlook.underway -= 1
        outlook.ready.update(_labels(work))
        self._begin_certain(outlook)

    def read_on(self) -> None:
        """Begins pages along the plans to come, in the gate's order, up to the window."""
        if not (self._live or self._embedding) or len(self._pages) >= self._window:
            return
        for lane, plan, call in self._calls_to_come():
            self._pages[lane.id, call] = self._spawn(self._page(lane, plan, call))
            self._begun[lane.id] = call + 1
            if len(self._pages) >= self._window:
                return

    def _calls_to_come(self) -> Iterator[tuple[Acceptor, Round, int]]:
        size = self._flow.source.size
        for plan in ((self._current,) if self._current else ()) + tuple(self._coming):
            lane = self._lanes[plan.lane]
            if not lane.frozen:
                first = max(plan.first // size, self._begun.get(lane.id, 0))
                for call in range(first, (plan.first + plan.count - 1) // size + 1):
                    yield lane, plan, call

    # --- the work itself ---

    def _spawn(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen, should nobody await it

    def _held_ask(self, lane: Acceptor, position: int) -> Ask:
        ask = self._asker(lane, position)
        self._flow.ledger.hold(ask)
        return ask

    async def _page(self, lane: Acceptor, plan: Round, call: int) -> tuple[Written, Ask]:
        ask = self._held_ask(lane, self.next_position())
        page = await self._flow.page(lane.spec, call, ask, plan.widening)
        if self._begins(lane):
            for coordinate, entry in page:
                if isinstance(entry, Sample) and plan.first <= coordinate < plan.first + plan.count:
                    self._begin_root(lane, plan, entry)
        return page, ask

    def _begin_root(self, lane: Acceptor, plan: Round, root: Sample) -> None:
        operators = self._flow.operators(lane.spec, plan, root)
        if (operators or self._flow.embedder) and not self._is_no_news(root):
            self._spawn(self._begin_augmentations(lane, root, operators))

    async def _begin_augmentations(self, lane: Acceptor, root: Sample, operators: Sequence[str]) -> None:
        """Of a root that means nothing known yet, if meaning matters."""
        if self._flow.embedder is not None:
            vector = await self._embed(lane, root, self._held_ask(lane, self.next_position()))
            if vector is None or self._meanings[root.lane.query_type].find(vector, root.family):
                return
        for operator in operators:
            if (root.query_id, operator) not in self._augmented:
                self._augmented[root.query_id, operator] = self._spawn(self._augment(lane, root, operator))

    async def _augment(self, lane: Acceptor, root: Sample, operator: str) -> tuple[Sample | Drop, Ask]:
        ask = self._held_ask(lane, self.next_position())
        grown = await self._flow.augmented(lane.spec, root, operator, ask)
        if self._flow.embedder and self._begins(lane) and isinstance(grown, Sample) and not self._is_no_news(grown):
            self._spawn(self._embed(lane, grown, self._held_ask(lane, self.next_position())))
        return grown, ask

    def _is_no_news(self, query: Sample) -> bool:
        """As far as can be told without asking anyone."""
        return bool(
            self._flow.objection(query) or self._indexes[query.lane.query_type].find(query.compared, query.family)
        )

    async def _embed(self, lane: Acceptor, query: Sample, ask: Ask) -> "Numbers | None":
        """The vector; ahead of the gate, so that its reply is in the journal or on its way there when the gate asks."""
        assert self._flow.embedder is not None
        return await self._flow.embedder.embed(lane.spec, query, ask)

    async def _answer(self, lane: Acceptor, candidate: Candidate) -> Outcome:
        candidate.ask = self._held_ask(lane, candidate.position)
        return await self._flow.outcome(lane.spec, candidate.tally.plan, candidate.sample, candidate.ask)


def _labels(work: "asyncio.Task[Outcome]") -> set[Label]:
    """The labels a finished outcome will fill."""
    if not work.done() or work.cancelled() or work.exception():
        return set()
    return {row.label for row in work.result() if isinstance(row, Sample) and row.label}
