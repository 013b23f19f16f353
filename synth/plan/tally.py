"""What a lane's rounds have brought so far: counted in plan order, from committed facts alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from synth.types import Label, Round, Stance

NEAR_DUPLICATE, SAME_MEANING, SAME_TEXT = "dedup.near_duplicate", "dedup.same_meaning", "dedup.same_text"
REFUSAL = "query.refusal"
MISSING = "query.missing"
"""The reason of a drop that stands for a slot which the writer left without a text."""


@dataclass
class Tally:
    """What one round of one lane has brought, from its first gated query to its close."""

    plan: Round
    calls: int = 0
    """How many writer calls the round made."""
    roots: int = 0
    """How many of the round's root queries entered the near-duplicate index."""
    queries: int = 0
    """How many of the round's queries entered the near-duplicate index, augmentations counted in."""
    refused_calls: int = 0
    """How many of the round's writer calls were refused."""
    lost: Counter[str] = field(default_factory=Counter)
    """Queries of the round that were dropped before they were answered, by `stage.reason`."""
    slots: dict[Label, Counter[Stance]] = field(default_factory=dict)
    """Slots that the round asked for, by wanted label and stance."""
    hits: dict[Label, Counter[Stance]] = field(default_factory=dict)
    """Slots whose row got the label it was wanted for, first of its query, by wanted label and stance."""
    refusals: Counter[Label] = field(default_factory=Counter)
    """Slots that missed because the responder refused, by wanted label."""
    misses: dict[Label, Counter[str]] = field(default_factory=dict)
    """Slots that missed, by wanted label and reason."""
    accepted: int = 0
    """How many rows of the round were accepted."""

    @property
    def missing(self) -> int:
        """How many slots of the round's writer calls got no text."""
        return self.lost[MISSING]

    @property
    def written(self) -> int:
        """How many of the round's coordinates a text was written for, as far as slots tell: all that got none are taken off."""
        return self.plan.count - self.missing

    def slot(self, wanted: Label, stance: Stance, why: str | None) -> None:
        """Counts one answered slot in its round's tally; `why` says for what reason it missed, None that it hit."""
        self.slots.setdefault(wanted, Counter())[stance] += 1
        if why is None:
            self.hits.setdefault(wanted, Counter())[stance] += 1
        else:
            self.misses.setdefault(wanted, Counter())[why] += 1


def total(tallies: Sequence[Tally], label: Label, which: Literal["slots", "hits"]) -> int:
    """Summed over these tallies, how many slots, or hits among them, a label had over all stances."""
    return sum(getattr(tally, which).get(label, Counter()).total() for tally in tallies)
