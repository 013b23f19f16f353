"""Whether a model can do its part, by what it was seen to do: fit, doubtful, unfit, or not seen enough of to say."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Grade: TypeAlias = Literal["fit", "doubtful", "unfit", "not seen"]
Part: TypeAlias = Literal["writer", "answerer", "judge", "other"]

ENOUGH: Final[Mapping[Part, int]] = {"writer": 4, "answerer": 8, "judge": 8, "other": 2}
"""Replies of a role after which a share of faults says something."""
SAMPLES = 3
SHARES: Final[Mapping[str, tuple[float, float]]] = {
    "gives no answer": (0.1, 0.5),
    "is cut off": (0.15, 0.5),
    "is not the JSON asked for": (0.15, 0.5),
    "declines": (0.3, 0.8),
    "is filtered": (0.3, 0.8),
    "repeats a query of the same call": (0.15, 0.5),
    "leaves slots empty": (0.3, 0.7),
    "is dropped by a rule": (0.3, 0.7),
    "declines in a stance that asks for more": (0.8, 1.01),
    "declines whatever it is asked": (1.0, 1.0),
    "is no language": (0.1, 0.5),
    "gives no verdict": (0.15, 0.5),
    "says nothing in its analysis": (0.05, 0.5),
    "contradicts its analysis": (0.15, 0.5),
}
"""By fault, the share of what could have it from which on a role is doubtful, and unfit: never laxer than what a run stops over."""


@dataclass
class Fault:
    """How often a role had one fault, of how many that could have had it, with the first three samples."""

    count: int = 0
    n: int = 0
    samples: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    """The rules or causes it came of, by key."""

    @property
    def share(self) -> float:
        """The share of what could have the fault that had it, 0 to 1."""
        return self.count / self.n if self.n else 0.0


@dataclass
class RoleFacts:
    """What one role was seen to do: replies, tokens, seconds, faults by name."""

    role: str
    model: str
    part: Part
    replies: int = 0
    """How many of its requests were answered."""
    reused: int = 0
    """How many of these answers the journal held already."""
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    """How long its answers took, added up, in seconds; those from the journal took none."""
    longest: int = 0
    """The tokens of its longest prompt that was taken."""
    faults: dict[str, Fault] = field(default_factory=lambda: defaultdict(Fault))
    stances: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    """By stance, of each of its answers whether it refused; where a refusal was asked for there is none."""
    as_json: int = 0
    """How many of its requests asked for JSON."""
    said: list[str] = field(default_factory=list)
    """What else is to be told of it: how it takes being asked for JSON, how its control questions went."""
    failed: str = ""
    """Why it could not be asked at all; empty if it could."""
    controls: Grade | None = None
    """What its answers to pairs with known labels came to; None for what is not given any."""
    examined: tuple[int, int] = (0, 0)
    """How many of these it has answered, and how many it is given."""
    wrong: list[str] = field(default_factory=list)
    """Those it got wrong, where they make it unfit."""

    def seen(self, fault: str, *, of: int = 1, reason: str = "", sample: str = "", found: int = 1) -> None:
        """Counts `found` of `of` texts with a fault, by its name in `SHARES`, with a reason and a sample."""
        entry = self.faults[fault]
        entry.n += of
        entry.count += found
        if found and reason:
            entry.reasons[reason] = entry.reasons.get(reason, 0) + found
        if found and sample and len(entry.samples) < SAMPLES:
            entry.samples.append(sample)

    def refusals(self) -> list[str]:
        """A line on each stance in which a role refused though nobody asked it to."""
        return [
            f"refuses {sum(refused)} of {len(refused)} in stance {stance}"
            for stance, refused in sorted(self.stances.items())
            if any(refused)
        ]

    @property
    def speed(self) -> float | None:
        """Tokens a second of one answer, on the average; None before there was one."""
        return self.tokens_out / self.seconds if self.seconds else None


@dataclass(frozen=True)
class Fitness:
    """What is to be said of one role: the verdict, the reasons for it, samples of what was wrong."""

    facts: RoleFacts
    verdict: Grade
    reasons: tuple[str, ...]
    samples: tuple[str, ...]
    missing: tuple[int, int] | None = None
    """Where not enough was seen: how much of how much, replies or controls, whichever takes longer."""


def fitness(facts: RoleFacts) -> Fitness:
    """The verdict on a role. Unfit for a fault in more than so many of its texts, or for its answers to controls;
    not seen where there is too little to say that it is fit."""
    if facts.failed:
        return Fitness(facts, "unfit", (facts.failed,), ())
    enough = facts.replies >= ENOUGH[facts.part]
    found = dict(_wrong(facts)) if enough else {}
    samples = (*facts.wrong, *(sample for name in found for sample in facts.faults[name].samples))[:SAMPLES]
    reasons = tuple(_words(name, facts.faults[name]) for name in found)
    if facts.controls == "unfit" or "unfit" in found.values():
        return Fitness(facts, "unfit", reasons, samples)
    if not enough or facts.controls == "not seen":
        return Fitness(facts, "not seen", reasons, samples, _missing(facts))
    return Fitness(facts, "doubtful" if found else "fit", reasons, samples)


def _missing(facts: RoleFacts) -> tuple[int, int]:
    """Of replies and controls those that take longer to come to what is needed, as fast as they came."""
    found = [(facts.replies, ENOUGH[facts.part]), *([facts.examined] if facts.controls == "not seen" else [])]
    return max(found, key=lambda part: part[1] / part[0] if part[0] else float("inf"))


def _wrong(facts: RoleFacts) -> Iterator[tuple[str, Grade]]:
    """Faults that are too frequent, the worst first."""
    for name, fault in sorted(facts.faults.items(), key=lambda entry: -entry[1].share):
        doubtful, unfit = SHARES[name]
        if fault.n >= ENOUGH[facts.part] and fault.share >= doubtful:
            yield name, "unfit" if fault.share >= unfit else "doubtful"


def _words(name: str, fault: Fault) -> str:
    most = sorted(fault.reasons.items(), key=lambda entry: (-entry[1], entry[0]))[:3]
    why = f" ({', '.join(f'{reason} {count}' for reason, count in most)})" if most else ""
    return f"{fault.count} of {fault.n} {name}{why}"
