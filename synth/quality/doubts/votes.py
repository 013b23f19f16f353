"""A judge's vote as doubts and the doctor read it: whether its analysis says anything, goes with its label, and may be shown."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from synth.filters.language.analysis import fault, quotes
from synth.filters.language.stated_label import contradicts
from synth.quality.doubts.evidence import Who
from synth.recipe.labels import BINARY, LabelScheme
from synth.sanitize import masked
from synth.stages.parsing import SECOND_TRIES
from synth.types import Sample, Vote

NOTHING_SAID = ("placeholder", "copied")
"""Why a vote fell whose analysis says nothing."""


@dataclass(frozen=True)
class RoleNames:
    """Who does what in a run, and what its judges are told: all that is needed to name a role."""

    roles: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The role of a stage's model, by stage and model; what no model wrote has none."""
    seats: tuple[Who | None, ...] = ()
    """The panel's seats; None for one that no model sits in."""
    members: Mapping[str, Collection[str]] = field(default_factory=dict)
    """By seat's role, the roles that a chain or mixture in it is made of."""
    gate: Collection[str] = ()
    """The stages under whose names queries are dropped before they are answered; the first of them is the source."""
    rules: Mapping[str, str] = field(default_factory=dict)
    """By subcategory what its judges are told of it."""
    placeholders: frozenset[str] = frozenset()
    """What the judges' prompts show in the place of an analysis."""
    labels: LabelScheme = BINARY
    checked: bool = False
    """Whether the panel itself lets votes fall whose analysis says nothing or contradicts them: one that stands does neither."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """The stage that each prompt belongs to."""


@dataclass(frozen=True, slots=True)
class ReadVote:
    """What a vote amounts to beside its label."""

    empty: str | None
    """Why the vote's analysis says nothing: `placeholder` or `copied`; None where it says something."""
    against: bool
    """Whether the vote's analysis speaks for another label."""
    shown: str
    """What may be shown of the vote: its analysis, unless that holds words of an answer; why it fell, if it did."""


def read_vote(vote: Vote, row: Sample, names: RoleNames) -> ReadVote:
    """What a vote on a row amounts to beside its label. Of one that fell its reason says so."""
    said = vote.analysis or ""
    if vote.label is None:
        return ReadVote(said if said in NOTHING_SAID else None, said == "contradicts", said)
    empty, against = None, False
    if not names.checked:
        rule = names.rules.get(row.lane.subcategory, "")
        empty = fault(said, [row.query, row.response or "", rule, *SECOND_TRIES], names.placeholders)
        against = contradicts(said, vote.label, names.labels)
    copied = empty == "copied" or quotes(said, row.response or "")
    return ReadVote(empty, against, masked(said, "analysis", "copied") if copied else said)
