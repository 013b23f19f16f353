"""One fold over a journal: lanes, gate and prefetch put together, run to the end or to a stop."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from synth.dedup.index import Index
from synth.engine.ask import Engine
from synth.fold.ahead import Ahead
from synth.fold.gate import Gate
from synth.fold.lane import Candidate, LaneFold, Outcome, Sink
from synth.fold.work import Work
from synth.plan.lanes import Brief
from synth.plan.targets import Targets
from synth.recipe import Dedup
from synth.types import Ask, Reply, Request, Round, Seat

Record = Callable[[Round], None]


class Fold:
    """Turns a journal into rows. With `record` it plans on and asks for what is missing; without it asks nothing."""

    def __init__(
        self,
        work: Work,
        briefs: Sequence[Brief],
        targets: Targets,
        engine: Engine,
        sink: Sink,
        *,
        dedup: Dedup,
        operators: Mapping[str, float],
        concurrency: int,
        frozen: frozenset[str] = frozenset(),
        record: Record | None = None,
    ) -> None:
        self._engine, self._record = engine, record
        self._room = 4 * concurrency + 64
        self._queued = 0
        self._waiting: asyncio.Future[None] | None = None
        self.lanes = {
            brief.lane.id: LaneFold(
                brief,
                targets[brief.lane.id],
                sink,
                self._outcome,
                self._freed,
                available=work.source.available(brief),
                frozen=brief.lane.id in frozen,
            )
            for brief in briefs
        }
        indexes = {kind: Index(ngram=dedup.ngram, threshold=dedup.threshold) for kind in ("harmful", "benign")}
        self._ahead = Ahead(work, self.lanes, indexes, self._asker, idle=lambda: engine.idle, window=2 * concurrency)
        self._gate = Gate(work, self.lanes, indexes, self._ahead, operators=operators, room=self._await_room)
        self._operators = operators

    async def run(self, recorded: Sequence[Round]) -> None:
        """Folds to the end. Raises Stopped or ConfigError as soon as something needed cannot be had."""
        if self._record:
            self._engine.missed, self._engine.landed = self._ahead.missed, self._ahead.landed
        self._ahead.expect(recorded, self._operators, planning=self._record is not None)
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
            await self._ahead.stop()

    def _asker(self, lane: LaneFold, position: int) -> Ask:
        async def ask(stage: str, role: str, request: Request) -> Reply:
            if self._record is None or lane.frozen:
                return self._engine.recall(request)
            return await self._engine.ask(request, Seat(role, stage, lane.id, position))

        return ask

    async def _outcome(self, lane: LaneFold, candidate: Candidate) -> Outcome:
        return await self._ahead.outcome(lane, candidate)

    def _await_room(self) -> "asyncio.Future[None] | None":
        """None, and one more query counted as queued; or, while too many are, what to wait for."""
        if self._queued < self._room:
            self._queued += 1
            return None
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
        return self._waiting

    def _freed(self, lane: LaneFold, candidate: Candidate) -> None:
        self._ahead.freed(lane, candidate)
        self._queued -= 1
        if self._waiting is not None:
            self._waiting.set_result(None)
            self._waiting = None
