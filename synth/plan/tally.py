"""What a lane's rounds have brought so far: counted in plan order, from committed facts alone."""

from collections import Counter
from dataclasses import dataclass, field

from synth.types import Label, Round, Stance

NEAR_DUPLICATE = "dedup.near_duplicate"
REFUSAL = "query.refusal"


@dataclass
class Tally:
    """One round of one lane, from its first gated query to its close."""

    plan: Round
    calls: int = 0
    roots: int = 0
    """Queries of the writer that entered the index."""
    queries: int = 0
    """Roots and their augmentations that entered the index."""
    refused_calls: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    """Why queries stopped before they were answered, by `stage.reason`."""
    slots: Counter[tuple[Label, Stance]] = field(default_factory=Counter)
    """Slots asked, by wanted label and stance."""
    hits: Counter[tuple[Label, Stance]] = field(default_factory=Counter)
    """Slots whose row got the label it was wanted for, first of its query."""
    refusals: Counter[Label] = field(default_factory=Counter)
    """Slots that missed because the answerer refused."""
    misses: dict[Label, Counter[str]] = field(default_factory=dict)
    """Why slots missed, by wanted label."""
    accepted: int = 0

    def slots_for(self, label: Label) -> int:
        return sum(count for (wanted, _), count in self.slots.items() if wanted == label)

    def hits_for(self, label: Label) -> int:
        return sum(count for (wanted, _), count in self.hits.items() if wanted == label)

    def miss(self, wanted: Label, why: str) -> None:
        self.misses.setdefault(wanted, Counter())[why] += 1
