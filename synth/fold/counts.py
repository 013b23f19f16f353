"""What has become of a lane's queries and rows, counted."""

from collections import Counter
from dataclasses import dataclass, field

from synth.types import Label

ANSWERERS, OTHERS = 50, "others"
"""How many answerers of a lane's rows are told apart, and what the rest are called: rows of another run may name any number."""


@dataclass
class Counts:
    """How many queries and rows were born in a lane, and what became of them: born = accepted + surplus + unanswered
    + aside + dropped."""

    born: int = 0
    """How many queries and rows the lane has had."""
    accepted: Counter[Label] = field(default_factory=Counter)
    """Rows that filled a cell of the lane, by label."""
    stances: dict[Label, Counter[str]] = field(default_factory=dict)
    """Rows that filled a cell of the lane, by label and the stance in which they were answered."""
    surplus: Counter[Label] = field(default_factory=Counter)
    """Rows of the lane whose cell was already full, by label."""
    unanswered: int = 0
    """How many gated queries of the lane did not need to be answered."""
    aside: Counter[str] = field(default_factory=Counter)
    """Rows of the lane that stand in no cell, by the split they are kept in."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Rows and queries of the lane that were dropped, by `stage.reason`."""
    votes: Counter[str] = field(default_factory=Counter)
    """The panel's votes on every judged row of the lane, whatever became of it, by `LabelScheme.ballot`."""
    answered: dict[str, Counter[str]] = field(default_factory=dict)
    """The same by answerer, as far as there are `ANSWERERS` of them; those of any more stand together."""

    def vote(self, ballot: str, responder: str | None) -> None:
        """Counts the ballot on one more judged row, whose answerer is that."""
        self.votes[ballot] += 1
        if responder is not None:
            known = responder in self.answered or len(self.answered) < ANSWERERS
            self.answered.setdefault(responder if known else OTHERS, Counter())[ballot] += 1
