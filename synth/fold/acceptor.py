"""One lane's acceptor: takes its gated queries in order, fills its cells, and says at each round's end what it still lacks."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from synth.engine.ask import REPLAY
from synth.errors import Stopped
from synth.plan.ends import End, ends, grounds
from synth.plan.lanes import LaneSpec
from synth.plan.quota import Quota
from synth.plan.rounds import ENDLESS, Supply, next_round, rest_of_file
from synth.plan.tally import Tally
from synth.types import Ask, Drop, Label, Round, Sample

Outcome = list[Sample | Drop]


class RowSink(Protocol):
    """Where the fold's rows go."""

    def gated(self, query: Sample) -> None:
        """A query has entered the near-duplicate index."""

    def keep(self, split: str, row: Sample) -> None: ...
    def drop(self, drop: Drop) -> None: ...


@dataclass(slots=True, eq=False)
class Candidate:
    """A gated query that waits for its lane's acceptor."""

    sample: Sample
    tally: Tally
    position: int
    work: "asyncio.Task[Outcome] | None" = None
    ask: Ask | None = None
    """What its answers and verdicts are asked with, once they are."""


@dataclass
class Counts:
    """Everything that was born in a lane: born = accepted + surplus + unanswered + hard + dropped."""

    born: int = 0
    accepted: Counter[Label] = field(default_factory=Counter)
    surplus: Counter[Label] = field(default_factory=Counter)
    """Rows whose cell was full."""
    unanswered: int = 0
    """Gated queries that nobody had to answer."""
    hard: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """By `stage.reason`."""
    votes: Counter[str] = field(default_factory=Counter)
    """How the panel voted on every judged row, whatever became of it, by `LabelScheme.ballot`."""


class Surroundings(Protocol):
    """What the fold around a lane does for it."""

    def outcome(self, lane: "Acceptor", candidate: Candidate) -> Awaitable[Outcome]: ...
    def freed(self, lane: "Acceptor", candidate: Candidate) -> None:
        """The acceptor is done with a candidate."""

    def round_closed(self, lane: "Acceptor", tally: Tally) -> None:
        """The lane has taken in all of a round."""


class Acceptor:
    """The acceptor of one lane."""

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
        self.counts = Counts()
        self.tallies: list[Tally] = []
        self.ended: dict[Label, str] = {}
        self.queue: deque[Candidate | Tally] = deque()
        self._sink, self._around = sink, around
        self._planned = 0
        self._halted = self._over = False
        self._news = asyncio.Event()

    @property
    def id(self) -> str:
        return self.spec.lane.id

    # --- what the gate tells it ---

    def expect(self) -> None:
        """One more round is recorded; it is settled once that is closed."""
        self._planned += 1

    def push(self, entry: Candidate | Tally) -> None:
        """A gated query; or, once all of a round's are in, the round's tally, which closes it."""
        self.queue.append(entry)
        self._news.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._over = True
        self._news.set()

    def gated(self, query: Sample) -> None:
        self._sink.gated(query)

    def born(self) -> None:
        self.counts.born += 1

    def lose(self, drop: Drop, tally: Tally | None = None) -> None:
        why = f"{drop.stage}.{drop.reason}"
        self.counts.dropped[why] += 1
        if tally is not None:
            tally.lost[why] += 1
        self._sink.drop(drop)

    # --- what it decides ---

    async def run(self) -> None:
        while (entry := await self._next()) is not None:
            if isinstance(entry, Tally):
                self._close(entry)
                continue
            if self._halted or not self.wants(entry.sample):
                self.counts.unanswered += 1
            else:
                await self._accept(entry)
            self.queue.popleft()
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

    def _commit(self, row: Sample | Drop, tally: Tally, given: set[str]) -> None:
        miss = self._place(row, tally, given)
        sample = row.sample if isinstance(row, Drop) else row
        if sample is not None and sample.votes:
            self.counts.votes[self.spec.labels.ballot(sample.votes)] += 1
        if sample is None or sample.wanted is None or sample.stance is None:
            return
        if miss is None and sample.label != sample.wanted:
            miss = "judge.other_label"
        tally.slot(sample.wanted, sample.stance, miss)
        if miss and self.spec.labels.unsafe(sample.wanted) and sample.response_class == "refusal":
            tally.refusals[sample.wanted] += 1

    def _place(self, row: Sample | Drop, tally: Tally, given: set[str]) -> str | None:
        """Puts a row where it belongs; None if that is a place under its label, else why there is none. `given` holds the
        labels and answers its query has given already."""
        if isinstance(row, Drop):
            self.lose(row)
            return f"{row.stage}.{row.reason}"
        for reason, mark in (("same_label", row.label), ("same_answer", f"={row.response}")):
            if mark in given:
                return self._place(row.dropped("accept", reason, row.response or ""), tally, given)
        given |= {f"={row.response}", *((row.label,) if row.label else ())}
        if row.label is None:
            self.counts.hard += 1
            self._sink.keep("hard", row)
            return "judge.hard"
        target = self.targets.get(row.label, 0)
        seats = None if target is None else target - self.counts.accepted[row.label]
        if seats is not None and (seats <= 0 or not self.quota.admits(row.elements, row.label, seats)):
            self.counts.surplus[row.label] += 1
            return None
        self.quota.take(row.elements, row.label)
        self.counts.accepted[row.label] += 1
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
        """What the cells that have not ended still lack; cells without a bound are left out."""
        return {
            label: target - self.counts.accepted[label]
            for label, target in self.targets.items()
            if target is not None and label not in self.ended and self.counts.accepted[label] < target
        }

    def wants(self, sample: Sample) -> bool:
        """Whether any answer to this query could find a place; once it could not, it never will."""
        return None in self.targets.values() or any(
            self.quota.admits(sample.elements, label, lack) for label, lack in self.lacks().items()
        )

    @property
    def settled(self) -> bool:
        """Whether every round recorded so far is closed."""
        return len(self.tallies) == self._planned

    def next_plan(self) -> Round | None:
        """The next round, from this lane's closed rounds alone; None if it wants nothing more or can get nothing more."""
        if None in self.targets.values():
            return rest_of_file(self.spec, self.tallies, self._supply.available or 0)
        plan = next_round(self.spec, self.lacks(), self.tallies, supply=self._supply)
        if plan is None:
            return None
        return replace(plan, count=max(plan.count, self.quota.reach(plan.first, list(self.lacks())) - plan.first))

    def status(self, label: Label) -> str:
        """`met`; the cell's end; `open` for a cell whose run was stopped."""
        target = self.targets.get(label)
        if target is None or self.counts.accepted[label] >= target:
            return "met"
        asked = sum(tally.plan.count for tally in self.tallies)
        dry = self._supply.available is not None and asked >= self._supply.available
        return self.ended.get(label, "exhausted: source" if dry else "open")

    def grounds(self, label: Label) -> End | None:
        """The figures that a cell's end was judged by."""
        return grounds(self.tallies, label, widest=self._supply.widest) if label in self.ended else None
