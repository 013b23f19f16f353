"""What an examination of a recipe's models came to: verdicts, rows, tokens and seconds."""

from collections import Counter
from dataclasses import dataclass, field
from math import ceil

from synth.quality.fitness import Fitness
from synth.run.estimate import Measured
from synth.types import CONTROLS


@dataclass
class Checkup:
    """What the check-up of a recipe's models came to: a verdict on each role, rows made on the way, the seconds it took."""

    roles: list[Fitness]
    seconds: float
    rows: Counter[str] = field(default_factory=Counter)
    """What became of the slots that were answered: accepted, other label, dropped, aside."""
    stages: dict[str, Measured] = field(default_factory=dict)
    """What the replies of each stage took."""
    calls: int = 0
    """Calls made now; what the journal held is not among them."""
    stopped: str = ""
    """Why it ended early: what may be spent is spent. Empty if it did not."""

    @property
    def at_once(self) -> float:
        """How many answers of the examination were waited for at once, on the average, one at least."""
        return max(1.0, sum(one.seconds for one in self.stages.values()) / max(self.seconds, 1e-9))

    def minutes(self, seen: int, needed: int) -> int | None:
        """How many minutes more it would have taken to see as much as is needed, as fast as the rest was seen; None if
        nothing was."""
        return max(1, ceil(self.seconds / seen * (needed - seen) / 60)) if seen else None

    @property
    def tokens_a_row(self) -> float | None:
        """Tokens, in and out, of all replies but those to controls, for each accepted row; None before there is one."""
        took = sum(one.tokens_in + one.tokens_out for name, one in self.stages.items() if name != CONTROLS)
        return took / self.rows["accepted"] if self.rows["accepted"] else None

    @property
    def fit(self) -> bool:
        """Whether every role of the examination is fit."""
        return all(one.verdict == "fit" for one in self.roles)
