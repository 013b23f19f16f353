"""What is known of a lane before its acceptor comes to it: how many of its queries it cannot do without, how many it will likely need."""

from collections import Counter, deque
from dataclasses import dataclass, field

from synth.fold.acceptor import Acceptor, Candidate
from synth.plan.rounds import hit_rate
from synth.types import Label


@dataclass(eq=False)
class Demand:
    """What is known of a lane's queue before its acceptor comes to it."""

    lane: Acceptor
    fresh: deque[Candidate] = field(default_factory=deque)
    """Queued and not begun, in order."""
    underway: int = 0
    ready: Counter[Label] = field(default_factory=Counter)
    """Rows that finished candidates in the queue will bring."""

    def certain(self) -> int:
        """How many more queries the lane cannot do without: each brings one row of a label at most."""
        if None in self.lane.targets.values():
            return len(self.fresh)
        return max((lack - self.ready[label] for label, lack in self.lane.lacks().items()), default=0) - self.underway

    def likely(self) -> float:
        """How many more queries the lane will likely need, at its hit rates so far."""
        tallies = [*self.lane.tallies, self.fresh[0].tally]
        lacks = self.lane.lacks().items()
        return (
            max(((lack - self.ready[label]) / hit_rate(tallies, label) for label, lack in lacks), default=0.0)
            - self.underway
        )
