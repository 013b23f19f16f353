"""When a lane or a cell has to give up, and on what grounds: pure functions of its tallies, taken at round boundaries only."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from synth.plan.tally import MISSING, NEAR_DUPLICATE, REFUSAL, SAME_MEANING, SAME_TEXT, Tally, total
from synth.types import Label

NOVELTY, BLOCKED = "exhausted: novelty", "blocked: refusals"
NOVELTY_FLOOR = 0.1
"""The share of new queries under which a lane has run dry."""
YIELD_FLOOR = 0.02
"""The share of slots that hit under which a cell is stalled."""
EVIDENCE = 60
"""Slots or coordinates that a lane or cell is judged by at least: none that hits among 60 speaks for less than 5 % (95 %
one-sided, the rule of three)."""
REFUSAL_SHARE = 0.9
"""Share of calls or slots that must have been refused for a lane or cell to count as blocked."""
MISSING_SHARE = 0.5
"""The share of slots without a text above which a lane is stalled: what its writer does give tells too little of the rest."""
BARREN_ROUNDS = 8
"""Rounds on end without an accepted row after which a lane is stalled whatever the cause."""
_SLOTS = "slots of writer calls"


@dataclass(frozen=True, slots=True)
class End:
    """How a cell or lane ended short of its target, with the figures that it was judged by."""

    status: str
    """The end's name, as `exhausted: novelty`, `blocked: refusals` or `stalled: REASON`."""
    rounds: int
    """How many rounds of the lane were judged."""
    judged: int
    """How many units were judged in those rounds; `unit` says of what kind."""
    unit: str
    """`queries` that were planned (less the slots left empty), `calls` to the writer, `slots` of a sheet, or `slots` for answers."""
    count: int
    """How many of the judged units were new queries, refused calls or slots, slots with a text, or slots that gave their label."""
    reason_share: float | None = None
    """The share, in [0, 1], that the reason in the end's `status` has of all that was lost; None where none is
    named."""

    @property
    def share(self) -> float:
        """The end's `count` as a share of `judged`, in [0, 1]."""
        return self.count / self.judged if self.judged else 0.0

    def __str__(self) -> str:
        """The figures of an end as one line for the user, like `1 of 60 queries new (1.7%) in 2 rounds`."""
        what = {"queries": "new", _SLOTS: "with a text"}.get(self.unit, "with their label")
        what = "refused" if self.status == BLOCKED else what
        why = "repeated an earlier query" if self.status == NOVELTY else "were lost for this reason"
        reason = "" if self.reason_share is None else f"; {self.reason_share:.0%} of the others {why}"
        return (
            f"{self.count:,} of {self.judged:,} {self.unit} {what} ({self.share:.1%}) in {self.rounds} rounds{reason}"
        )


def ends(tallies: Sequence[Tally], lacking: Sequence[Label], *, widest: int = 0) -> dict[Label, str]:
    """The ends of those `lacking` cells of a lane that will not be filled: `exhausted: novelty` (only of a lane that
    cannot be widened any more), `blocked: refusals` or `stalled: REASON`."""
    return {label: end.status for label in lacking if (end := _end(tallies, label, widest))}


def grounds(tallies: Sequence[Tally], label: Label, *, widest: int = 0) -> End | None:
    """The end that a lacking cell came to, as it was judged after the first round at which it had one; None if it
    has not ended."""
    return next((end for upto in range(1, len(tallies) + 1) if (end := _end(tallies[:upto], label, widest))), None)


def ran_dry(tallies: Sequence[Tally]) -> bool:
    """Whether a lane's queries have begun to repeat themselves, judged by its rounds: a ground to end it, unless it can
    be widened."""
    end = _source_end(tallies)
    return end is not None and end.status == NOVELTY


def _end(tallies: Sequence[Tally], label: Label, widest: int) -> End | None:
    end = _source_end(tallies)
    if end and end.status == NOVELTY and tallies[-1].plan.widening < widest:
        return None
    return end or _cell_end(tallies, label)


def _source_end(tallies: Sequence[Tally]) -> End | None:
    """Whether the writer has run dry: judged over the latest two rounds or more that hold enough coordinates, of those since the
    lane was last widened."""
    level = tallies[-1].plan.widening if tallies else 0
    tallies = [tally for tally in tallies if tally.plan.widening == level]
    barren = tallies[-BARREN_ROUNDS:]
    if len(barren) == BARREN_ROUNDS and not any(tally.accepted for tally in barren):
        return _barren(barren)
    window = _latest(tallies, rounds=1 if level else 2, evidence=lambda tally: tally.plan.count)
    if window is None:
        return None
    calls, refused = sum(tally.calls for tally in window), sum(tally.refused_calls for tally in window)
    if calls and refused >= REFUSAL_SHARE * calls:
        return _of_source(BLOCKED, None, window)
    asked, written = (
        sum(counts) for counts in zip(*((tally.plan.count, tally.written) for tally in window), strict=True)
    )
    if asked - written > MISSING_SHARE * asked:
        return End(f"stalled: {MISSING}", len(window), asked, _SLOTS, written)
    new = sum(tally.roots for tally in window) / written
    lost = _lost(window)
    del lost[MISSING]  # a slot left empty says nothing of whether what is written is new
    dry = NOVELTY_FLOOR if lost and lost.most_common(1)[0][0] == NEAR_DUPLICATE else YIELD_FLOOR
    return _of_source(*_named(lost), window) if new < dry else None


def _barren(window: Sequence[Tally]) -> End:
    """Rounds on end that brought nothing: by what was lost before an answer and by the slots that missed."""
    lost = _lost(window)
    missed = sum((counter for tally in window for counter in tally.misses.values()), Counter[str]())
    status, share = _named(lost + missed)
    slots = sum(counter.total() for tally in window for counter in tally.slots.values())
    if status in (NOVELTY, BLOCKED) or not slots:
        return _of_source(status, share, window)
    return End(status, len(window), slots, "slots", 0, share)


def _lost(window: Sequence[Tally]) -> Counter[str]:
    """What was lost before an answer, by reason; what repeats another in whatever words is of one reason."""
    lost = sum((tally.lost for tally in window), Counter[str]())
    lost[NEAR_DUPLICATE] += lost.pop(SAME_MEANING, 0) + lost.pop(SAME_TEXT, 0)
    return +lost


def _of_source(status: str, share: float | None, window: Sequence[Tally]) -> End:
    """An end that lies in the writing of queries."""
    if status == BLOCKED:
        refused = sum(tally.refused_calls for tally in window)
        return End(status, len(window), sum(tally.calls for tally in window), "calls", refused)
    asked, new = sum(tally.written for tally in window), sum(tally.roots for tally in window)
    return End(status, len(window), asked, "queries", new, share)


def _cell_end(tallies: Sequence[Tally], label: Label) -> End | None:
    """Whether slots for a label keep missing: judged over the latest two rounds or more that hold enough slots."""
    window = _latest(tallies, rounds=2, evidence=lambda tally: total([tally], label, "slots"))
    if window is None:
        return None
    slots, hits = total(window, label, "slots"), total(window, label, "hits")
    if hits >= YIELD_FLOOR * slots:
        return None
    refused = sum(tally.refusals[label] for tally in window)
    if refused >= REFUSAL_SHARE * slots:
        return End(BLOCKED, len(window), slots, "slots", refused)
    status, share = _named(sum((tally.misses.get(label, Counter()) for tally in window), Counter[str]()))
    return End(status, len(window), slots, "slots", hits, share)


def _latest(tallies: Sequence[Tally], *, rounds: int, evidence: Callable[[Tally], int]) -> Sequence[Tally] | None:
    """The fewest latest whole rounds that hold enough evidence, at least `rounds` of them; None if all of them do not."""
    held = 0
    for back, tally in enumerate(reversed(tallies), start=1):
        held += evidence(tally)
        if back >= rounds and held >= EVIDENCE:
            return tallies[-back:]
    return None


def _named(reasons: Counter[str]) -> tuple[str, float | None]:
    """The end that the most frequent reason stands for, and its share of all of them."""
    if not reasons:
        return "stalled: nothing made", None
    reason, count = reasons.most_common(1)[0]
    share = count / reasons.total()
    if reason == NEAR_DUPLICATE:
        return NOVELTY, share
    return (BLOCKED if reason == REFUSAL else f"stalled: {reason}"), share
