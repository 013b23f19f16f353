"""One lane's acceptor: takes its gated queries in order, fills its cells, and says at each round's end what it still lacks."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from synth.engine.ask import REPLAY
from synth.errors import Stopped
from synth.fold.counts import Counts
from synth.fold.family import Family
from synth.mark.compare import unmarked
from synth.plan.ends import End, ends, grounds
from synth.plan.lanes import UNASKED, LaneSpec
from synth.plan.quota import Quota, values
from synth.plan.rounds import ENDLESS, Supply, next_round, rest_of_file
from synth.plan.tally import Tally
from synth.types import Aside, Ask, Drop, Judged, Label, Round, Sample

if TYPE_CHECKING:
    from synth.fold.sittings import Sitting

Outcome = list[Judged]


class RowSink(Protocol):
    """Where a fold's rows and drops go, in the order in which they are decided."""

    def gated(self, query: Sample) -> None:
        """Takes a query on its way to an acceptor, once in the near-duplicate index: a checkpoint needs all of them to
        build the index again."""

    def keep(self, split: str, row: Sample) -> None:
        """Takes a row that an acceptor has accepted or set aside; `split` says which (`accepted` or `hard`)."""

    def surplus(self, row: Sample) -> None:
        """Takes a row that an acceptor has counted as surplus, since its cell was full: kept nowhere."""

    def drop(self, drop: Drop) -> None:
        """Takes a query or row that an acceptor has counted as dropped, with stage and reason."""


@dataclass(slots=True, eq=False)
class Candidate:
    """A gated query that waits in the queue of its lane's acceptor."""

    sample: Sample
    tally: Tally
    """The tally of the round that the query belongs to."""
    position: int
    """The position in the plan at which the query's requests are asked; an earlier one is served first."""
    work: "asyncio.Task[Outcome] | None" = None
    """The task that answers the query; None until it is begun."""
    ask: Ask | None = None
    """How the query's answers and verdicts are asked for; None until it is begun."""
    sitting: "Sitting | None" = None
    """The queries that it is judged together with; None where each row has calls of its own."""


class Surroundings(Protocol):
    """What a lane's acceptor asks of the fold around it: outcomes of candidates, and whom to tell when one is done
    or a round closes."""

    unmarked: bool
    """Whether an acceptor takes answers for the same that differ in the mark 【略】 alone."""

    def outcome(self, lane: "Acceptor", candidate: Candidate) -> Awaitable[Outcome]:
        """What an acceptor waits for: one row or drop for every slot of its candidate. Raises Stopped or ConfigError
        where something it needs cannot be had."""

    def freed(self, lane: "Acceptor", candidate: Candidate) -> None:
        """Called when the acceptor is done with a candidate, whether it was answered or not."""

    def round_closed(self, lane: "Acceptor", tally: Tally) -> None:
        """Called when a lane's acceptor has taken in all of a round."""


class Acceptor:
    """Fills the cells of one lane with its gated queries' rows, strictly in their order, whichever is answered first."""

    def __init__(
        self,
        spec: LaneSpec,
        targets: Mapping[Label, int | None],
        sink: RowSink,
        around: Surroundings,
        *,
        quota: Quota,
        supply: Supply = ENDLESS,
        frozen: bool = False,
    ) -> None:
        self.spec, self.targets, self.frozen = spec, targets, frozen
        self.quota, self._supply = quota, supply
        self.family = Family()
        self.counts = Counts()
        self.tallies: list[Tally] = []
        self.ended: dict[Label, str] = {}
        self.queue: deque[Candidate | Tally] = deque()
        self.left: Candidate | None = None
        """The candidate that the acceptor was done with last."""
        self._sink, self._around = sink, around
        self._planned = 0
        self._halted = self._over = False
        self._news = asyncio.Event()

    @property
    def id(self) -> str:
        """The lane's id, `subcategory/query_type`."""
        return self.spec.lane.id

    # --- what the gate tells it ---

    def expect(self) -> None:
        """Notes that one more round of this lane is recorded; the lane is settled once it is closed."""
        self._planned += 1

    def push(self, entry: Candidate | Tally) -> None:
        """Queues a gated query; or, once all queries of a round are in, the round's tally, which closes it."""
        self.queue.append(entry)
        self._news.set()

    def end(self) -> None:
        """Says that nothing more will be pushed to the acceptor: `run` returns once its queue is empty."""
        self._over = True
        self._news.set()

    def gated(self, query: Sample) -> None:
        """Notes with the row sink that a query of this lane has entered the near-duplicate index."""
        self._sink.gated(query)

    def born(self) -> None:
        """Counts one more query of this lane: every one of them ends as one of the other counts."""
        self.counts.born += 1

    def lose(self, drop: Drop, tally: Tally | None = None) -> None:
        """Counts a drop of this lane and writes it down; with `tally` as lost before it was answered."""
        why = f"{drop.stage}.{drop.reason}"
        self.counts.dropped[why] += 1
        if tally is not None:
            tally.lost[why] += 1
        self._sink.drop(drop)

    # --- what it decides ---

    async def run(self) -> None:
        """Takes in the queries and tallies that are pushed until `end`. Raises Stopped or ConfigError where
        something a row needs cannot be had; where asking is forbidden, the rest of the lane counts as unanswered
        instead."""
        while (entry := await self._next()) is not None:
            if isinstance(entry, Tally):
                self._close(entry)
                continue
            if self._halted or not self.wants(entry.sample):
                self.counts.unanswered += 1
            else:
                await self._accept(entry)
            self.queue.popleft()
            self.left = entry
            self._around.freed(self, entry)

    async def _next(self) -> Candidate | Tally | None:
        while not self.queue:
            if self._over:
                return None
            self._news.clear()
            await self._news.wait()
        return self.queue[0] if isinstance(self.queue[0], Candidate) else self.queue.popleft()

    async def _accept(self, candidate: Candidate) -> None:
        try:
            rows = await self._around.outcome(self, candidate)
        except Stopped as stop:
            if stop.why != REPLAY:
                raise
            self._halted = True
            self.counts.unanswered += 1
            return
        self.counts.born += len(rows) - 1
        given: set[str] = set()
        for row in rows:
            self._commit(row, candidate.tally, given)

    def _commit(self, row: Judged, tally: Tally, given: set[str]) -> None:
        miss = self._place(row, tally, given)
        sample = row if isinstance(row, Sample) else row.sample
        if sample is not None and sample.votes:
            self.counts.vote(self.spec.labels.ballot(sample.votes), sample.responder)
        if sample is None or sample.wanted is None:
            return
        if miss is None and sample.label != sample.wanted:
            miss = "judge.other_label"
        tally.slot(sample.wanted, sample.stance or UNASKED, miss)
        if miss and self.spec.labels.unsafe(sample.wanted) and sample.response_class == "refusal":
            tally.refusals[sample.wanted] += 1

    def _place(self, found: Judged, tally: Tally, given: set[str]) -> str | None:
        """Puts a row where it belongs; None if its label was there to be had, else why not. `given` holds the labels and
        responses its query has given already."""
        if isinstance(found, Drop):
            self.lose(found)
            return f"{found.stage}.{found.reason}"
        row = found.sample if isinstance(found, Aside) else found
        answer = f"={unmarked(row.response or '') if self._around.unmarked else row.response}"
        for reason, mark in (("same_label", row.label), ("same_answer", answer)):
            if mark in given:
                return self._place(row.dropped("accept", reason, row.response or ""), tally, given)
        given |= {answer, *((row.label,) if row.label else ())}
        if isinstance(found, Aside):
            self.counts.aside[found.split] += 1
            self._sink.keep(found.split, row)
            return f"judge.{found.split}"
        assert row.label is not None, "what has no label is dropped or set aside"
        if self.family.full(row.family, row.label):
            return self._place(row.dropped("accept", "family", row.response or ""), tally, given)
        self.family.take(row.family, row.label)
        target = self.targets.get(row.label, 0)
        lack = None if target is None else target - self.counts.accepted[row.label]
        if lack is not None and (lack <= 0 or not self.quota.admits(values(row), row.label, lack)):
            self.counts.surplus[row.label] += 1
            self._sink.surplus(row)
            return None
        self.quota.take(values(row), row.label)
        self.counts.accepted[row.label] += 1
        self.counts.stances.setdefault(row.label, Counter())[row.stance or UNASKED] += 1
        tally.accepted += 1
        self._sink.keep("accepted", row)
        return None

    def _close(self, tally: Tally) -> None:
        if self._halted:
            return
        self.tallies.append(tally)
        self.ended |= ends(self.tallies, list(self.lacks()), widest=self._supply.widest)
        self._around.round_closed(self, tally)

    # --- what it lacks ---

    def lacks(self) -> dict[Label, int]:
        """How many rows each cell of the lane still lacks, by label; cells that have ended or have no bound are left
        out."""
        return {
            label: target - self.counts.accepted[label]
            for label, target in self.targets.items()
            if target is not None and label not in self.ended and self.counts.accepted[label] < target
        }

    def wants(self, sample: Sample) -> bool:
        """Whether any answer to this query could still be accepted; once none could, none ever will."""
        return None in self.targets.values() or any(
            self.quota.admits(values(sample), label, lack) and not self.family.full(sample.family, label)
            for label, lack in self.lacks().items()
        )

    @property
    def settled(self) -> bool:
        """Whether every round of the lane recorded so far is closed."""
        return len(self.tallies) == self._planned

    def next_plan(self) -> Round | None:
        """The lane's next plan, from its closed rounds alone; None if it wants nothing more or can get nothing more."""
        if None in self.targets.values():
            return rest_of_file(self.spec, self.tallies, self._supply.available or 0)
        plan = next_round(self.spec, self.lacks(), self.tallies, supply=self._supply)
        if plan is None:
            return None
        end = plan.first + plan.count
        if not (self.spec.sheet and plan.widening):  # there its banks have other values by now
            end = max(end, self.quota.reach(plan.first, list(self.lacks())))
        return replace(plan, count=self.quota.paid_for(end) - plan.first)

    def status(self, label: Label) -> str:
        """How the cell of a label stands: `met`, the end it came to, or `open` where the run was stopped."""
        target = self.targets.get(label)
        if target is None or self.counts.accepted[label] >= target:
            return "met"
        asked = sum(tally.plan.count for tally in self.tallies)
        dry = self._supply.available is not None and asked >= self._supply.available
        return self.ended.get(label, "exhausted: source" if dry else "open")

    def grounds(self, label: Label) -> End | None:
        """The figures that the end of a label's cell was judged by; None if it has not ended."""
        return grounds(self.tallies, label, widest=self._supply.widest) if label in self.ended else None
