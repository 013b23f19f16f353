"""A checkpoint: what a fold knows between two writer calls, so that a run that goes on need not read its journal from the start.

It is a cache: without it the fold comes to the same state, later.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from synth.fold.acceptor import Acceptor, Candidate
from synth.fold.counts import Counts
from synth.plan.tally import Tally
from synth.types import Label, Round, Sample


@dataclass
class LaneState:
    """What a checkpoint keeps of a lane's acceptor: what it has counted, and the gated queries that wait for it,
    round by round."""

    counts: Counts
    tallies: list[Tally]
    ended: dict[Label, str]
    lacks: dict[Label, dict[str, Counter[str]]]
    """What each value of an axis still lacks by its quota, in rows: label -> axis -> value -> rows."""
    waiting: list[tuple[list[Sample], Tally]]
    """Gated queries that wait for the acceptor, with the tally that closes their round."""
    unfinished: list[Sample]
    """Gated queries of the plan being carried out, whose round is still open."""
    family: str = ""
    """The family that gave the lane its latest row."""
    given: Counter[Label] = field(default_factory=Counter)
    """How many rows that family has given, by label."""
    before: list[Sample] = field(default_factory=list)
    """Queries that the acceptor is done with, and others that wait for it, or are still to come, are judged together with."""


@dataclass
class State:
    """What a checkpoint keeps of a fold after `carried` plans were carried out whole, and one in part."""

    carried: int
    """How many plans the fold has carried out whole."""
    plans: str
    """A hash of the plans that were carried out: a checkpoint is of use only where they are still in force."""
    open: tuple[Tally, int] | None
    """The tally so far of the plan being carried out, and the number of its next call; None between plans."""
    lanes: dict[str, LaneState]
    """The state of every lane's acceptor, by lane id."""
    replies: list[dict[str, Any]]
    """The table of reply counts, as `ReplyStats.rows` gives it."""


_STATE = TypeAdapter(State)


def written(state: State) -> str:
    """A checkpoint as text, which `read` takes."""
    return _STATE.dump_json(state).decode()


def read(text: str, plans: Sequence[Round]) -> State | None:
    """The state that a checkpoint's text holds; None if it cannot be read, or was taken under other plans than the first of these."""
    try:
        state = _STATE.validate_json(text)
    except ValidationError:
        return None
    if len(plans) < state.carried or hash_of(plans[: state.carried]) != state.plans:
        return None
    begun = state.open is None or plans[state.carried : state.carried + 1] == [state.open[0].plan]
    return state if begun else None


def hash_of(plans: Sequence[Round]) -> str:
    """For a checkpoint: a SHA-256 over plans in their order, in hex digits."""
    return hashlib.sha256(json.dumps([asdict(plan) for plan in plans], sort_keys=True).encode()).hexdigest()


def state_of(lane: Acceptor) -> LaneState:
    """What a checkpoint keeps of a lane's acceptor; it shares the acceptor's objects, so write it before the fold goes on."""
    waiting: list[tuple[list[Sample], Tally]] = []
    samples: list[Sample] = []
    for entry in lane.queue:
        if isinstance(entry, Candidate):
            samples.append(entry.sample)
        else:
            waiting.append((samples, entry))
            samples = []
    return LaneState(
        lane.counts,
        lane.tallies,
        lane.ended,
        lane.quota.lacks,
        waiting,
        samples,
        lane.family.id,
        lane.family.given,
        _before(lane),
    )


def _before(lane: Acceptor) -> list[Sample]:
    last = lane.left
    if last is None or last.sitting is None:
        return []
    members = last.sitting.members
    count = members.index(last) + 1
    return [one.sample for one in members[:count]] if members[count:] or not last.sitting.ready.is_set() else []


def restore(lane: Acceptor, state: LaneState) -> None:
    """Gives a fresh acceptor the counts of a checkpoint; what waited for it is still to be pushed."""
    lane.counts, lane.tallies, lane.ended, lane.quota.lacks = state.counts, state.tallies, state.ended, state.lacks
    lane.family.id, lane.family.given = state.family, state.given
