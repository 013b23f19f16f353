"""The planner: which lane plans next. Plans are recorded in one order, lane by lane and sweep by sweep, as soon as they are known."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from synth.fold.acceptor import Acceptor
from synth.types import Round


class Planner:
    """Goes over the lanes again and again, beginning right after the last recorded plan, until a sweep plans nothing.

    The order of plans is the order in which queries enter the near-duplicate index, so it must not hang on which lane's replies
    came first: a lane that is ready waits for the lane before it. That costs less than it seems, since the lane in front is the
    one whose requests are served first. `record` writes a plan down before anything is done by it: a run that was killed goes on
    under the plans it had, whatever the yields look like by then.
    """

    def __init__(self, lanes: Sequence[Acceptor], recorded: Sequence[Round], record: Callable[[Round], None]) -> None:
        self._record = record
        self._order = [lane for lane in lanes if not lane.frozen]
        self._sweep = recorded[-1].sweep if recorded else 0
        self._planned = bool(recorded)
        served = {plan.lane for plan in recorded if plan.sweep == self._sweep}
        last = max((i for i, lane in enumerate(self._order) if recorded and lane.id == recorded[-1].lane), default=None)
        # Plans of this sweep that are recorded already are not made again, though the lane's yields would now give other ones.
        # A sweep entered half way says nothing of the lanes before it; a last lane that is gone ends its sweep.
        start = 0 if not recorded else len(self._order) if last is None else last + 1
        self._todo = [lane for lane in self._order[start:] if lane.id not in served]
        self._next: dict[str, tuple[int, Round | None]] = {}
        """By lane, what it plans next once so many of its rounds are closed."""

    def advance(self) -> list[Round]:
        """Records every plan that can be made now: each as a function of its lane's closed rounds, none before its turn."""
        made = []
        while self._more():
            lane = self._todo[0]
            if not lane.settled:
                break  # its open round may yet change what it lacks; nobody overtakes it, or arrival would decide the order
            del self._todo[0]
            plan = self._plan_of(lane)
            if plan is not None:
                made.append(self._recorded(lane, plan))
        return made

    def foreseen(self) -> list[Round]:
        """The plans that lanes will make when their turn comes, of those that have closed all their rounds: their pages may
        be begun while a lane before them is not settled."""
        return [plan for lane in self._order if lane.settled and (plan := self._plan_of(lane)) is not None]

    def _plan_of(self, lane: Acceptor) -> Round | None:
        """A settled lane's next plan: of its closed rounds alone, so what other lanes have come to may not show in it."""
        closed = len(lane.tallies)
        if lane.id not in self._next or self._next[lane.id][0] != closed:
            self._next[lane.id] = closed, lane.next_plan()
        return self._next[lane.id][1]

    @property
    def done(self) -> bool:
        """Whether no lane will make another plan."""
        return not self._more()

    def _more(self) -> bool:
        # A sweep without a plan is the end: no lane can come to want more later, since its own rounds are all that counts.
        if not self._todo and self._planned:
            self._sweep, self._todo, self._planned = self._sweep + 1, list(self._order), False
        return bool(self._todo)

    def _recorded(self, lane: Acceptor, plan: Round) -> Round:
        plan = replace(plan, sweep=self._sweep)
        self._record(plan)  # before `expect`, which is the first of its effects
        lane.expect()
        self._planned = True
        return plan
