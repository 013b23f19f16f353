"""One fold over a journal: lanes, gate and prefetch put together, run to the end or to a stop."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from synth.dedup.ngrams import Index
from synth.dedup.vectors import Vectors
from synth.engine.ask import Engine
from synth.engine.contract import Observer
from synth.fold.acceptor import Acceptor, Candidate, Outcome, RowSink
from synth.fold.checkpoint import State, hash_of, read, restore, state_of
from synth.fold.demand import Demand
from synth.fold.gate import Gate
from synth.fold.parts import Parts
from synth.fold.prefetch import Prefetch
from synth.plan.lanes import LaneSpec
from synth.plan.quota import AtLeast, Quota
from synth.plan.rounds import Supply
from synth.plan.tally import Tally
from synth.recipe.sections import Dedup
from synth.stages.flow import Flow
from synth.types import Ask, Origin, Reply, Request, Round, Sample, Targets

Record = Callable[[Round], None]
Keep = Callable[[State], None]
Connect = Callable[[Observer], Engine]
"""Gives the engine that a fold asks through, and that its prefetch observes."""


class FoldObserver(Protocol):
    """Called by a fold at the close of every lane's round. Decides nothing, and may not raise."""

    def round_closed(self, lane: Acceptor, tally: Tally) -> None:
        """Called by a fold when one of its lanes has taken in all of a round."""


KEEP_EVERY = 20.0
"""Seconds between two checkpoints, at least: they are taken between two writer calls."""


@dataclass(frozen=True)
class FoldInputs:
    """What a fold works on: a recipe's bound stages and rules, its lanes, and the rows wanted of them."""

    flow: Flow
    specs: Sequence[LaneSpec]
    targets: Targets
    dedup: Dedup
    concurrency: int
    at_least: AtLeast = field(default_factory=dict)
    """By axis, how many rows each of its values gets at least in every cell of harmful queries."""
    family: int | None = None
    """The most rows of one family that a cell takes; None is no limit."""
    eager: bool = True
    """Whether a fold uses idle slots for queries that will only likely be needed."""
    frozen: frozenset[str] = frozenset()
    """The ids of lanes that keep the rows they have and for which nothing is asked."""


class Fold:
    """Turns a journal into rows. With `record` it plans on and asks for what is missing; without it asks nothing.
    `keep` is now and then given a checkpoint; nothing is read before inner loops are `compiled`."""

    def __init__(
        self,
        inputs: FoldInputs,
        connect: Connect,
        sink: RowSink,
        *,
        record: Record | None = None,
        keep: Keep | None = None,
        observer: FoldObserver | None = None,
        compiled: "Future[None] | None" = None,
    ) -> None:
        self.seed, self.page = inputs.flow.seed, inputs.flow.source.size
        self.judges, self.labels = inputs.flow.panel.seats, inputs.flow.labels
        self.unmarked = inputs.dedup.unmarked
        self._record, self._observer, self._compiled = record, observer, compiled
        inputs.flow.stats.clear()
        if inputs.flow.embedder is not None:
            inputs.flow.embedder.begin()
        self.replies = inputs.flow.stats
        """What became of the replies that the fold has read: how many were ok, refusals, truncated …"""
        self._room = 8 * inputs.concurrency + 64
        self._queued = 0
        self._waiting: asyncio.Future[None] | None = None
        self.lanes = {
            spec.lane.id: Acceptor(
                spec,
                inputs.targets[spec.lane.id],
                sink,
                self,
                quota=Quota(spec, inputs.at_least, seed=self.seed, size=self.page),
                supply=Supply(
                    inputs.flow.source.available(spec),
                    inputs.flow.source.widest,
                    self.page,
                    partial(inputs.flow.operators, spec),
                ),
                frozen=spec.lane.id in inputs.frozen,
            )
            for spec in inputs.specs
        }
        for lane in self.lanes.values():
            lane.family.most = inputs.family
        dedup, embedder = inputs.dedup, inputs.flow.embedder
        short, passages = dedup.short or 0, inputs.flow.source.passages
        indexes = {
            kind: Index(ngram=dedup.ngram, threshold=dedup.threshold, short=short, passages=passages)
            for kind in ("harmful", "benign")
        }
        meanings = {kind: Vectors(threshold=embedder.threshold) for kind in indexes} if embedder else {}
        self._parts = Parts(inputs.flow, self.lanes, indexes, meanings, self._asker)
        self._demand = Demand(self._parts)
        prefetch = Prefetch(
            self._parts,
            self._demand,
            idle=lambda: self.engine.idle if inputs.eager else 0,
            window=2 * inputs.concurrency,
        )
        self.engine = connect(prefetch)
        self._gate = Gate(self._parts, prefetch, room=self._await_room, between=self._checkpoint)
        self._keep, self._kept = keep, 0.0

    def resume(self, state: State, gated: Iterable[tuple[str, str, str, str]]) -> None:
        """Takes up a checkpoint, before `run`; `gated` are query type, text, own words and family of what is in the indexes, in
        order. Raises Stopped where the journal lacks a vector of theirs."""
        embedder = self._parts.flow.embedder
        self.replies.restore(state.replies)
        self._gate.carried, self._gate.open = state.carried, state.open
        for kind, text, said, family in gated:
            self._parts.indexes[kind].add(text, family)
            self._gate.remember(kind, said, family)
            if embedder is not None:
                self._parts.meanings[kind].add(embedder.recalled(text, self.engine.recall), family)
        for id, found in state.lanes.items():
            lane, before = self.lanes[id], found.before
            restore(lane, found)
            for samples, tally in found.waiting:
                self._sit(lane, tally.plan, before)
                self._queue(lane, samples, tally)
                self._gate.sittings.end()
                lane.push(tally)
                before = []
        if state.open is not None:  # last, since its sitting stays open
            tally, lane = state.open[0], self.lanes[state.open[0].plan.lane]
            found = state.lanes[lane.id]
            self._sit(lane, tally.plan, [] if found.waiting else found.before)
            self._queue(lane, found.unfinished, tally)

    def _sit(self, lane: Acceptor, plan: Round, before: Sequence[Sample]) -> None:
        for candidate in self._gate.sittings.begin(lane.spec, plan, before):
            lane.left = candidate

    def _queue(self, lane: Acceptor, samples: Sequence[Sample], tally: Tally) -> None:
        for sample in samples:
            self._gate.queue(lane, sample, tally)
            self._queued += 1

    def can_resume(self, text: str, recorded: Sequence[Round]) -> State | None:
        """The state that a checkpoint's text holds; None if it does not fit this fold's plans and lanes."""
        state = read(text, self._gate.ours(recorded))
        return state if state and state.lanes.keys() == self.lanes.keys() else None

    async def run(self, recorded: Sequence[Round]) -> None:
        """Carries out the recorded plans, and those that follow, to the end. Raises Stopped or ConfigError as soon
        as something needed cannot be had."""
        self._kept = asyncio.get_running_loop().time()
        if self._parts.flow.source.from_file:
            await self._ready()
        parts = [self._gate.run(recorded, self._record), *(lane.run() for lane in self.lanes.values())]
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._parts.tasks.stop()

    def _checkpoint(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._keep and now - self._kept >= KEEP_EVERY:
            plans = hash_of(self._gate.plans[: self._gate.carried])
            lanes = {lane.id: state_of(lane) for lane in self.lanes.values()}
            self._keep(State(self._gate.carried, plans, self._gate.open, lanes, self.replies.rows()))
            self._kept = asyncio.get_running_loop().time()

    def _asker(self, lane: Acceptor, position: int) -> Ask:
        async def ask(stage: str, role: str, request: Request, *, spare: bool = False) -> Reply:
            if self._record is None or lane.frozen:
                return self.engine.recall(request, spare=spare)
            reply = await self.engine.ask(request, Origin(role, stage, lane.id, position, spare))
            await self._ready()
            return reply

        return ask

    async def _ready(self) -> None:
        """Waits for the loops that texts are read with: whoever called one before that would keep everybody waiting."""
        if self._compiled is not None and not self._compiled.done():
            await asyncio.shield(asyncio.wrap_future(self._compiled))

    def _await_room(self) -> "asyncio.Future[None] | None":
        """None, and one more query counted as queued; or, while too many are, what to wait for."""
        if self._queued < self._room:
            self._queued += 1
            return None
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
        return self._waiting

    # --- what its lanes ask of it ---

    async def outcome(self, lane: Acceptor, candidate: Candidate) -> Outcome:
        """The rows and drops that came of a gated query, one for each slot."""
        return await self._demand.outcome(lane, candidate)

    def freed(self, lane: Acceptor, candidate: Candidate) -> None:
        """Called when an acceptor is done with a candidate: there is room for one more behind the gate."""
        self._demand.freed(lane, candidate)
        self._queued -= 1
        if self._waiting is not None:
            self._waiting.set_result(None)
            self._waiting = None

    def round_closed(self, lane: Acceptor, tally: Tally) -> None:
        """Called when an acceptor has taken in all of a round: observers are told, and the lane may plan its next
        one."""
        if self._observer is not None:
            self._observer.round_closed(lane, tally)
        if lane.settled:
            self._gate.plan_on()
