"""Prefetch: starts calls before the fold's turn comes to them. It decides nothing, and the fold starts itself whatever is not begun.

Calls of recorded plans are never speculative, since a planned round enters the index whole. Augmentations are begun on a
tentative look-up. Answers are begun for as many queries as a lane needs at the very least; for more only while slots stand idle.
Of pages and vectors nothing is begun early until the journal has failed to answer some lane, of answers until it has failed to
answer that lane anything but a vector: replaying a finished journal asks for nothing.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from synth.fold.acceptor import Acceptor, Candidate
from synth.fold.demand import Demand
from synth.fold.parts import Parts
from synth.stages.contract import Written
from synth.stages.embed import NAME as EMBED
from synth.types import Ask, Drop, Origin, Round, Sample
from synth.vector import Numbers

IDLE_GRACE = 0.002
"""Seconds a slot must stand idle before it is used for what is only likely: the fold's own next request comes first."""


class Prefetch:
    """Pages, augmentations and vectors for the gate, begun early up to `window` pages; observes the engine, and hands `demand` the
    slots that stand `idle`."""

    def __init__(self, parts: Parts, demand: Demand, *, idle: Callable[[], int], window: int) -> None:
        self._parts, self._flow, self._demand = parts, parts.flow, demand
        self._idle, self._window = idle, window
        self._embedding = False
        """Whether the journal has lacked a vector."""
        self._pages: dict[tuple[str, int, int], asyncio.Task[tuple[Written, Ask]]] = {}
        """Pages begun early, by lane, first coordinate of the plan and call: rounds that share a page read it each for itself."""
        self._augmented: dict[tuple[str, str], asyncio.Task[tuple[Sample | Drop, Ask]]] = {}
        self._begun: dict[str, int] = {}
        """By lane, the coordinate before which everything has been begun."""
        self._current: Round | None = None
        self._coming: deque[Round] = deque()
        self._foreseen: Sequence[Round] = ()
        self._speculating = False

    # --- what the gate takes from it ---

    def expect(self, coming: deque[Round]) -> None:
        """The recorded plans that will be carried out after the current one; the gate adds to them and takes from them."""
        self._coming = coming

    def foresee(self, plans: Sequence[Round]) -> None:
        """Takes the plans that lanes will make when their turn comes, after all those recorded: their pages may be begun."""
        self._foreseen = plans

    def begin(self, plan: Round) -> None:
        """Notes that the gate's turn has come to a plan, whose pages are read ahead first."""
        self._current = plan

    async def page(self, lane: Acceptor, plan: Round, call: int) -> Written:
        """The queries of a lane's writer call, begun early or now. Raises Stopped and ConfigError as the asking
        does."""
        task = self._pages.pop((lane.id, plan.first, call), None)
        self._note_begun(plan, call)
        self.read_on()
        page, ask = await (task or self._page(lane, plan, call))
        self._flow.stats.used(ask)
        return page

    async def augmented(self, lane: Acceptor, root: Sample, operator: str) -> Sample | Drop:
        """The query that an operator makes of a root query, begun early or now, or why there is none."""
        task = self._augmented.pop((root.query_id, operator), None)
        grown, ask = await (task or self._augment(lane, root, operator))
        self._flow.stats.used(ask)
        return grown

    async def vector(self, lane: Acceptor, query: Sample) -> "Numbers | None":
        """The vector of a query, begun early or now; None where the model gave none."""
        ask = self._parts.ask(lane)
        found = await self._embed(lane, query, ask)
        self._flow.stats.used(ask)
        return found

    def gated(self, lane: Acceptor, candidate: Candidate) -> None:
        """Notes that one more query waits for a lane's acceptor: it may be answered ahead, or leave slots to others."""
        self._demand.gated(lane, candidate)
        self.landed()

    def forget(self, plan: Round, page: Written) -> None:
        """Gives up the augmentations that were begun for roots of a page that did not pass the gate."""
        for _, entry in page if self._augmented else ():
            for operator in plan.operators:
                task = self._augmented.pop((entry.query_id, operator), None) if isinstance(entry, Sample) else None
                if task is not None:
                    task.cancel()

    # --- what the engine tells it ---

    def missed(self, origin: Origin) -> None:
        """Notes that the journal could not answer a request, so its lane is live. A vector says nothing of its
        lane's answers: from then on vectors are asked for in all lanes. What is no lane of the fold's says nothing."""
        if origin.stage == EMBED:
            self._embedding = True
        elif origin.lane in self._parts.lanes and origin.lane not in self._demand.live:
            self._demand.live.add(origin.lane)
            asyncio.get_running_loop().call_soon(self._wake, origin.lane)

    def landed(self) -> None:
        """Uses the slot that may have come free, if it stays so."""
        if self._idle() > 0 and self._demand.live and not self._speculating:
            self._speculating = True
            asyncio.get_running_loop().call_later(IDLE_GRACE, self._speculate)

    def _wake(self, lane: str) -> None:
        self._demand.begin_certain(lane)
        self.read_on()

    def _speculate(self) -> None:
        self._speculating = False
        self.read_on()
        idle = self._idle()
        self._demand.begin_likely(idle, spare=4 * idle > self._window)  # half of all slots, at the end of a run say

    # --- how it reads ahead ---

    def read_on(self) -> None:
        """Begins writer pages along the plans to come, in the gate's order, up to the window."""
        if not (self._demand.live or self._embedding) or len(self._pages) >= self._window:
            return
        for lane, plan, call in self._calls_to_come():
            self._pages[lane.id, plan.first, call] = self._parts.tasks.start(self._page(lane, plan, call))
            self._note_begun(plan, call)
            if len(self._pages) >= self._window:
                return

    def _calls_to_come(self) -> Iterator[tuple[Acceptor, Round, int]]:
        size = self._flow.source.size
        for plan in (*((self._current,) if self._current else ()), *self._coming, *self._foreseen):
            lane = self._parts.lanes[plan.lane]
            if not lane.frozen:
                first, end = max(plan.first, self._begun.get(lane.id, 0)), plan.first + plan.count
                for call in range(first // size, -(-end // size) if first < end else 0):
                    yield lane, plan, call

    def _note_begun(self, plan: Round, call: int) -> None:
        end = min(plan.first + plan.count, (call + 1) * self._flow.source.size)
        self._begun[plan.lane] = max(self._begun.get(plan.lane, 0), end)

    def _begins(self, lane: Acceptor) -> bool:
        """Whether what a lane's pages bring is begun before the gate's turn comes to it."""
        return lane.id in self._demand.live or self._embedding

    # --- the work itself ---

    async def _page(self, lane: Acceptor, plan: Round, call: int) -> tuple[Written, Ask]:
        ask = self._parts.ask(lane)
        page = await self._flow.page(lane.spec, call, ask, plan.widening)
        if self._begins(lane):
            for coordinate, entry in page:
                if isinstance(entry, Sample) and plan.first <= coordinate < plan.first + plan.count:
                    self._begin_root(lane, plan, entry)
        return page, ask

    def _begin_root(self, lane: Acceptor, plan: Round, root: Sample) -> None:
        operators = self._flow.operators(lane.spec, plan.operators, root.coordinate)
        if (operators or self._flow.embedder) and not self._is_no_news(root):
            self._parts.tasks.start(self._begin_augmentations(lane, root, tuple(operators)))

    async def _begin_augmentations(self, lane: Acceptor, root: Sample, operators: Sequence[str]) -> None:
        """Of a root that means nothing known yet, if meaning matters."""
        if self._flow.embedder is not None:
            vector = await self._embed(lane, root, self._parts.ask(lane))
            if vector is None or self._parts.meanings[root.lane.query_type].find(vector, root.family):
                return
        for operator in operators:
            if (root.query_id, operator) not in self._augmented:
                self._augmented[root.query_id, operator] = self._parts.tasks.start(self._augment(lane, root, operator))

    async def _augment(self, lane: Acceptor, root: Sample, operator: str) -> tuple[Sample | Drop, Ask]:
        ask = self._parts.ask(lane)
        grown = await self._flow.augmented(lane.spec, root, operator, ask)
        if self._flow.embedder and self._begins(lane) and isinstance(grown, Sample) and not self._is_no_news(grown):
            self._parts.tasks.start(self._embed(lane, grown, self._parts.ask(lane)))
        return grown, ask

    def _is_no_news(self, query: Sample) -> bool:
        """As far as can be told without asking anyone."""
        known = self._parts.indexes[query.lane.query_type]
        return bool(self._flow.objection(query) or known.find(query.compared, query.family))

    async def _embed(self, lane: Acceptor, query: Sample, ask: Ask) -> "Numbers | None":
        """The vector; ahead of the gate, so that its reply is in the journal or on its way there when the gate asks."""
        assert self._flow.embedder is not None
        return await self._flow.embedder.embed(lane.spec, query, ask)
