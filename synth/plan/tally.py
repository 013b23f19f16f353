"""What a lane's rounds have brought so far: counted in plan order, from committed facts alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from synth.types import Label, Round, Stance

NEAR_DUPLICATE, SAME_MEANING, SAME_TEXT = "dedup.near_duplicate", "dedup.same_meaning", "dedup.same_text"
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
    slots: dict[Label, Counter[Stance]] = field(default_factory=dict)
    """Slots asked, by wanted label and stance."""
    hits: dict[Label, Counter[Stance]] = field(default_factory=dict)
    """Slots whose row got the label it was wanted for, first of its query; likewise."""
    refusals: Counter[Label] = field(default_factory=Counter)
    """Slots that missed because the answerer refused."""
    misses: dict[Label, Counter[str]] = field(default_factory=dict)
    """Why slots missed, by wanted label."""
    accepted: int = 0

    def slot(self, wanted: Label, stance: Stance, why: str | None) -> None:
        """One slot has been answered; `why` says for what reason it missed, None that it hit."""
        self.slots.setdefault(wanted, Counter())[stance] += 1
        if why is None:
            self.hits.setdefault(wanted, Counter())[stance] += 1
        else:
            self.misses.setdefault(wanted, Counter())[why] += 1


def total(tallies: Sequence[Tally], label: Label, which: Literal["slots", "hits"]) -> int:
    """Of one label's slots or hits, over all stances."""
    return sum(getattr(tally, which).get(label, Counter()).total() for tally in tallies)
