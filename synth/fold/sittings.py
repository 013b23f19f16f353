"""Which of a lane's queries are judged in common calls, where a recipe has several rows in one: the plan decides, before anything is asked.

The slots of a planned round are counted off in its order, whether their queries come to be or not, so neither arrival, nor N, nor what
a filter drops moves a row from one call into another: a query that is not there, or a row that falls before its judge, leaves a gap.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from synth.engine.ask import REPLAY
from synth.errors import Stopped
from synth.fold.acceptor import Candidate, Outcome
from synth.plan.lanes import LaneSpec
from synth.plan.tally import Tally
from synth.stages.flow import Flow
from synth.stages.together import rows_per_call
from synth.types import Ask, Provenance, Round, Sample


@dataclass(eq=False)
class Sitting:
    """Gated queries of one lane that are judged together, in the plan's order."""

    members: list[Candidate] = field(default_factory=list)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the gate has passed the sitting's last query, or will never come to it."""
    abandoned: bool = False
    """Whether the gate ended before it came to the sitting's last query: nobody knows what it would have held."""
    ask: Ask | None = None
    """How the sitting's answers and verdicts are asked for."""
    work: "asyncio.Task[list[Outcome]] | None" = None
    waiting: int = 0
    """How many wait for what comes of the sitting."""

    async def outcome(
        self, candidate: Candidate, begin: Callable[["Sitting"], "asyncio.Task[list[Outcome]]"]
    ) -> Outcome:
        """The rows and drops of one of the sitting's queries, when all of them are answered and judged; `begin` begins that. Raises
        Stopped where the sitting was abandoned, and as the asking does."""
        self.waiting += 1
        try:
            await self.ready.wait()
            if self.abandoned:
                raise Stopped(REPLAY)
            if self.work is None or self.work.cancelled() or self.work.cancelling():
                self.work = begin(self)
            # No suspension once it is done: an acceptor takes in all of a sitting at once, and no checkpoint falls into the midst of one.
            found = self.work.result() if self.work.done() else await asyncio.shield(self.work)
        finally:
            self.waiting -= 1
            if not self.waiting and self.work is not None:
                self.work.cancel()  # nobody wants it any more; what is sent still lands
        return found[self.members.index(candidate)]


class Sittings:
    """Puts the gated queries of the plan at hand into sittings, one plan after the other; of no use where calls hold one row."""

    def __init__(self, flow: Flow) -> None:
        self._flow, self._most = flow, rows_per_call(flow.panel)
        self._places: Iterator[tuple[int, dict[str, int]]] = iter(())
        self._coordinate, self._numbers = -1, dict[str, int]()
        self._open: tuple[int, Sitting] | None = None

    def begin(self, spec: LaneSpec, plan: Round, before: Sequence[Sample] = ()) -> list[Candidate]:
        """Begins with a plan's first query, whatever was at hand before. Gives, of its queries that an acceptor is done with and others are
        judged together with, `before`, the candidates that they were."""
        self._open, self._coordinate, self._numbers = None, -1, {}
        self._places = self._counted(spec, plan) if self._most > 1 else iter(())
        done = [Candidate(sample, Tally(plan), 0) for sample in before]
        for candidate in done:
            self.take(candidate)
        return done

    def take(self, candidate: Candidate) -> None:
        """Gives a gated query its sitting. Those of a plan come in its order."""
        if self._most == 1:
            return
        self._go_to(candidate.sample.coordinate)
        number = self._numbers.get(candidate.sample.attack or "", max(self._numbers.values(), default=0))
        if self._open is None or self._open[0] != number:
            self._close()
            self._open = number, Sitting()
        self._open[1].members.append(candidate)
        candidate.sitting = self._open[1]

    def passed(self, coordinate: int) -> None:
        """Says that no more queries come of a coordinate or of those before it."""
        if self._open is not None:
            self._go_to(coordinate + 1)
            if min(self._numbers.values(), default=self._open[0] + 1) != self._open[0]:
                self._close()

    def end(self, *, abandoned: bool = False) -> None:
        """Ends the plan at hand: the last sitting is as full as it will be, or `abandoned` where the plan was not carried out."""
        if self._open is not None:
            self._open[1].abandoned = abandoned
            self._close()

    def _close(self) -> None:
        if self._open is not None:
            self._open[1].ready.set()
            self._open = None

    def _go_to(self, coordinate: int) -> None:
        while self._coordinate < coordinate:
            self._coordinate, self._numbers = next(self._places, (coordinate, {}))

    def _counted(self, spec: LaneSpec, plan: Round) -> Iterator[tuple[int, dict[str, int]]]:
        """Every coordinate of a plan with the numbers of the sittings of its root, under an empty name, and of what is made of it."""
        number, rows = 0, 0
        for coordinate in range(plan.first, plan.first + plan.count):
            numbers: dict[str, int] = {}
            for name in ("", *self._flow.operators(spec, plan.operators, coordinate)):
                more = self._rows(plan, _stand_in(spec, coordinate, name))
                if rows and rows + more > self._most:
                    number, rows = number + 1, 0
                rows += more
                numbers[name] = number
            yield coordinate, numbers

    def _rows(self, plan: Round, sample: Sample) -> int:
        one = self._flow.source.answered or not self._flow.answers
        return 1 if one else len(self._flow.slots(plan, sample))


def _stand_in(spec: LaneSpec, coordinate: int, attack: str = "") -> Sample:
    """A query of that place, as far as its slots hang on the place."""
    place = Provenance(0, "")
    return Sample(spec.lane, coordinate, "", "", "", (), "", place, "", attack=attack or None)
