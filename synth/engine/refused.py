"""Refusals in words that nobody knows: whether they are a request's fault or the model's is told by its neighbours."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

TRIES = 2
"""Refusals after which a request is given up, if its model answers others."""
ALL = 3
"""Refusals of a model that has never answered, after which it is held to refuse everything."""
FEW, SOME, ONE_IN = 5, 16, 3
"""So many requests refused since the model's latest answer may still be their own fault: `FEW`, or one for each `ONE_IN` that it has
answered before, `SOME` at most; of more the model must answer another first."""
MINUTE = 60.0
"""Seconds without an answer after which a model that did answer is held to refuse everything."""


@dataclass(slots=True)
class Refused:
    """The requests that one model has refused, in words nobody knows, since its latest answer."""

    keys: set[str] = field(default_factory=set)
    count: int = 0
    enough_at: float = inf
    """When there were so many that the model may refuse everything, in seconds of the event loop."""

    def add(self, key: str, now: float) -> None:
        """Counts one more refusal in unknown words."""
        self.keys.add(key)
        self.count += 1
        if self.count == ALL:
            self.enough_at = now

    def own(self, answered: int) -> bool:
        """Whether the requests refused since a model's latest answer may be at fault themselves, where it has answered so many
        before."""
        return len(self.keys) <= max(FEW, min(SOME, answered // ONE_IN))

    def everything(self, out: Iterable[tuple[str, float]]) -> bool:
        """Whether a model that has never answered refuses everything: there were enough refusals, and no other request is
        `out` (key, and when it was sent) since before there were. It may be answered yet: a refusal is quicker than an answer."""
        return self.count >= ALL and not any(sent <= self.enough_at and key not in self.keys for key, sent in out)
