"""The gate: carries out plans one after the other; queries enter the near-duplicate index in (plan, coordinate) order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from synth.dedup.index import Index
from synth.dedup.normal import normalise
from synth.engine.ask import REPLAY
from synth.errors import Stopped
from synth.fold.ahead import Ahead
from synth.fold.lane import Candidate, LaneFold
from synth.fold.work import Work
from synth.plan.tally import REFUSAL, Tally
from synth.types import Drop, Round, Sample


class Gate:
    """One coroutine over recorded plans, then, if `record` is given, over new ones, each recorded before it is carried out."""

    def __init__(
        self,
        work: Work,
        lanes: Mapping[str, LaneFold],
        indexes: Mapping[str, Index],
        ahead: Ahead,
        *,
        operators: Mapping[str, float],
        room: Callable[[], "asyncio.Future[None] | None"],
    ) -> None:
        self._work, self._lanes, self._indexes, self._ahead = work, lanes, indexes, ahead
        self._operators, self._room = operators, room

    async def run(self, recorded: Sequence[Round], record: Callable[[Round], None] | None) -> None:
        try:
            for plan in recorded:
                await self._carry_out(plan)
            if record is not None:
                async for plan in self._frontier(recorded):
                    record(plan)
                    await self._carry_out(plan)
        except Stopped as stop:
            if stop.why != REPLAY:
                raise
        for lane in self._lanes.values():
            lane.end()

    async def _frontier(self, recorded: Sequence[Round]) -> AsyncIterator[Round]:
        """New plans, lane by lane and sweep by sweep, beginning right after the last recorded one."""
        order = [lane for lane in self._lanes.values() if not lane.frozen]
        sweep = recorded[-1].sweep if recorded else 0
        served = {plan.lane for plan in recorded if plan.sweep == sweep}
        last = next(
            (i for i, lane in enumerate(order) if recorded and lane.id == recorded[-1].lane),
            len(order) if recorded else -1,
        )
        todo, planned = [lane for lane in order[last + 1 :] if lane.id not in served], bool(recorded)
        while todo or planned:
            planned = False
            for lane in todo:
                await lane.all_closed()
                plan = lane.plan(sweep, self._operators)
                if plan is not None:
                    planned = True
                    yield plan
            # A sweep entered half way says nothing of the lanes before it: one more is gone through in full.
            planned = planned or todo != order
            sweep, todo = sweep + 1, order if planned else []

    async def _carry_out(self, plan: Round) -> None:
        lane = self._lanes.get(plan.lane)
        if lane is None:
            return
        tally = lane.open(plan)
        self._ahead.begin(plan)
        size, last = self._work.source.size, plan.first + plan.count - 1
        for call in range(plan.first // size, last // size + 1):
            try:
                page = await self._ahead.page(lane, plan, call)
            except Stopped as stop:
                if lane.frozen and stop.why == REPLAY:
                    break  # not asked for in this run; what it has stays
                raise
            tally.calls += 1
            for coordinate, entry in page:
                if plan.first <= coordinate <= last:
                    await self._enter(lane, tally, entry)
            self._ahead.forget(plan, page)
        lane.push(tally)

    async def _enter(self, lane: LaneFold, tally: Tally, entry: Sample | Drop) -> None:
        lane.born()
        if isinstance(entry, Drop):
            lane.lose(entry, tally)
            tally.refused_calls += f"{entry.stage}.{entry.reason}" == REFUSAL
            return
        family = {normalise(entry.query)}
        if not await self._admit(lane, tally, entry):
            return
        tally.roots += 1
        for operator in self._work.operators(tally.plan, entry):
            try:
                grown = await self._ahead.augmented(lane, entry, operator)
            except Stopped as stop:
                if lane.frozen and stop.why == REPLAY:
                    continue
                raise
            lane.born()
            if isinstance(grown, Drop):
                lane.lose(grown, tally)
            elif normalise(grown.query) in family:
                lane.lose(Drop("augment", "unchanged", grown.lane, grown.provenance.draw, grown.query), tally)
            else:
                family.add(normalise(grown.query))
                await self._admit(lane, tally, grown)

    async def _admit(self, lane: LaneFold, tally: Tally, sample: Sample) -> bool:
        """Into the index and the lane's queue, unless a rule objects or an earlier query of another family is nearly the same."""
        place = sample.provenance.draw
        if reason := self._work.objection(sample):
            lane.lose(Drop("augment" if sample.attack else "query", reason, sample.lane, place, sample.query), tally)
            return False
        index = self._indexes[sample.lane.query_type]
        if index.find(sample.query, sample.kin) is not None:
            lane.lose(Drop("dedup", "near_duplicate", sample.lane, place, sample.query), tally)
            return False
        index.add(sample.query, sample.kin)
        tally.queries += 1
        while (room := self._room()) is not None:
            await room
        candidate = Candidate(sample, tally, self._ahead.next_position())
        lane.push(candidate)
        self._ahead.gated(lane, candidate)
        return True
