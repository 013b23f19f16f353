"""Demand: which queries are answered before their acceptor comes to them: those a lane cannot do without, and while slots stand
idle those it will likely need."""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import partial

from synth.fold.acceptor import Acceptor, Candidate, Outcome
from synth.fold.parts import Parts
from synth.fold.sittings import Sitting
from synth.plan.rounds import YIELD_PRIOR, hit_rate
from synth.types import Label, Sample


@dataclass(eq=False)
class Backlog:
    """A lane's queue of gated queries before its acceptor comes to them, and how many of them must be answered."""

    lane: Acceptor
    fresh: deque[Candidate] = field(default_factory=deque)
    """The candidates in a lane's queue whose answering has not begun, in order."""
    underway: int = 0
    """How many candidates of a lane are being answered."""
    ready: Counter[Label] = field(default_factory=Counter)
    """How many rows the answered candidates in a lane's queue will bring, by label."""

    def certain(self) -> int:
        """How many more queries of the queue are in certain demand, as the lane cannot do without: each brings one row
        of a label at most."""
        if None in self.lane.targets.values():
            return len(self.fresh)
        return max((lack - self.ready[label] for label, lack in self.lane.lacks().items()), default=0) - self.underway

    def worth(self, least: float) -> bool:
        """Whether more than `least` of the queue are likely in demand; where the next is judged together with others, more than half of
        these."""
        if not self.fresh:
            return False
        sitting = self.fresh[0].sitting
        return self.likely() > max(least, len(sitting.members) / 2 if sitting else 0)

    def likely(self) -> float:
        """How many more queries of the queue are likely in demand, as the lane will need them at its hit rates so
        far."""
        tallies, prior = [*self.lane.tallies, self.fresh[0].tally], self.lane.spec.assumed_yield or YIELD_PRIOR
        lacks = self.lane.lacks().items()
        return (
            max(((lack - self.ready[label]) / hit_rate(tallies, label, prior) for label, lack in lacks), default=0.0)
            - self.underway
        )


class Demand:
    """Answers the gated queries of all lanes, as far as possible before the acceptors ask for them.

    It decides nothing: an acceptor begins what it waits for itself, so no order of beginning can leave it waiting. Nothing is
    begun early in a lane until the journal has failed to answer that lane: replaying a finished journal asks for nothing.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._backlogs = {id: Backlog(lane) for id, lane in parts.lanes.items()}
        self.live: set[str] = set()
        """The lanes whose journal has run out."""

    async def outcome(self, lane: Acceptor, candidate: Candidate) -> Outcome:
        """The rows and drops that came of a gated query, whose answering is begun now if it was not before. Raises
        Stopped and ConfigError as the asking does."""
        if candidate.work is not None and candidate.sitting is not None:
            found = await self._answer(lane, candidate)  # of which `work` is but the beginning
        else:
            found = await (candidate.work or self._answer_now(self._backlogs[lane.id], candidate))
        assert candidate.ask is not None
        self._parts.flow.stats.used(candidate.ask)
        return found

    def gated(self, lane: Acceptor, candidate: Candidate) -> None:
        """Adds a gated query to the backlog of its lane."""
        self._backlogs[lane.id].fresh.append(candidate)
        self.begin_certain(lane.id)

    def freed(self, lane: Acceptor, candidate: Candidate) -> None:
        """Takes a candidate out of its lane's backlog, as the acceptor is done with it; if the lane was filled
        without it, its answers are given up."""
        backlog = self._backlogs[lane.id]
        if backlog.fresh and backlog.fresh[0] is candidate:
            backlog.fresh.popleft()
        elif candidate.work is not None:
            backlog.ready.subtract(_labels(candidate.work))
            candidate.work.cancel()  # what is sent still lands
        self.begin_certain(lane.id)

    def begin_certain(self, lane: str) -> None:
        """Begins to answer the queued queries that a live lane cannot do without."""
        backlog = self._backlogs[lane]
        while lane in self.live and backlog.fresh and backlog.certain() > 0:
            self._begin(backlog)

    def begin_likely(self, slots: int, *, spare: bool) -> None:
        """Fills that many idle slots of the engine with queries that live lanes will likely need, one a lane in
        turn; where there are slots to spare with any that may be needed."""
        open_ones, least = [backlog for id, backlog in self._backlogs.items() if id in self.live], 0.0 if spare else 1.0
        while open_ones := [backlog for backlog in open_ones if backlog.worth(least)][:slots]:
            slots -= len(open_ones)
            for backlog in open_ones:
                self._begin(backlog)

    def _begin(self, backlog: Backlog) -> None:
        first = backlog.fresh[0].sitting
        self._begin_one(backlog)
        while first and backlog.fresh and backlog.fresh[0].sitting is first:
            self._begin_one(backlog)  # all of a sitting is answered, once one of it is

    def _begin_one(self, backlog: Backlog) -> None:
        candidate = backlog.fresh.popleft()
        if not backlog.lane.wants(candidate.sample):
            return
        backlog.underway += 1
        candidate.work = self._parts.tasks.start(self._answer(backlog.lane, candidate))
        candidate.work.add_done_callback(lambda work: self._answered(backlog, work))

    def _answered(self, backlog: Backlog, work: "asyncio.Task[Outcome]") -> None:
        backlog.underway -= 1
        backlog.ready.update(_labels(work))
        self.begin_certain(backlog.lane.id)

    async def _answer_now(self, backlog: Backlog, candidate: Candidate) -> Outcome:
        assert backlog.fresh[0] is candidate
        backlog.fresh.popleft()
        backlog.underway += 1
        try:
            return await self._answer(backlog.lane, candidate)
        finally:
            backlog.underway -= 1

    async def _answer(self, lane: Acceptor, candidate: Candidate) -> Outcome:
        if candidate.sitting is not None:
            found = await candidate.sitting.outcome(candidate, partial(self._sit, lane))
            candidate.ask = candidate.sitting.ask
            return found
        candidate.ask = self._parts.ask(lane, candidate.position)
        return await self._parts.flow.outcome(lane.spec, candidate.tally.plan, candidate.sample, candidate.ask)

    def _sit(self, lane: Acceptor, sitting: Sitting) -> "asyncio.Task[list[Outcome]]":
        first = sitting.members[0]
        sitting.ask = self._parts.ask(lane, first.position)
        samples = [member.sample for member in sitting.members]
        return self._parts.tasks.start(self._parts.flow.outcomes(lane.spec, first.tally.plan, samples, sitting.ask))


def _labels(work: "asyncio.Task[Outcome]") -> set[Label]:
    """The labels a finished outcome will fill."""
    if not work.done() or work.cancelled() or work.exception():
        return set()
    return {row.label for row in work.result() if isinstance(row, Sample) and row.label}
