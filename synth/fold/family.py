"""How many rows of one family a cell takes: a root query and all that was made of it are one subject, said in several ways."""

from collections import Counter
from dataclasses import dataclass, field

from synth.types import Label


@dataclass
class Family:
    """The rows that the family at hand has given a lane, by label: accepted or surplus, so that what it may still give
    does not hang on N. What is made of a root stands beside it in the lane, so one family is remembered; rows of a file
    that have one query, and stand apart there, are not counted together."""

    most: int | None = None
    """The most rows of one family that a cell takes; None is no limit."""
    id: str = ""
    given: Counter[Label] = field(default_factory=Counter)

    def full(self, family: str, label: Label) -> bool:
        """Whether a cell has had as many rows of that family as it takes."""
        return self.most is not None and family == self.id and self.given[label] >= self.most

    def take(self, family: str, label: Label) -> None:
        """Counts a row of that family; with its first one the family before is forgotten."""
        if family != self.id:
            self.id, self.given = family, Counter()
        self.given[label] += 1
