"""What speaks for and against the roles of a run, counted: shares by role and model, the panel's ballots, samples.

All of it is sums and the samples of lowest rank, so it is the same in whatever order rows come, and does not grow with N.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from synth.hashing import short_hash
from synth.sanitize import shortened

Who: TypeAlias = tuple[str, str]
"""A role and the model that it is."""
SAMPLES = 3
SHOWN = 80
"""Characters of a sample that are kept."""
BUCKETS = 512
"""Into how many the analyses of a judge are counted by their hash: one analysis that comes again and again stands out."""


@dataclass
class Share:
    """How often something was found among so many."""

    count: int = 0
    n: int = 0


@dataclass(frozen=True, order=True)
class DoubtSample:
    """A sample of what a doubt counts. Those of lowest rank are kept, so that which they are hangs on no order."""

    rank: str
    place: str
    """The place in the plan of the query or row, `lane#call.item`."""
    text: str


@dataclass
class Written:
    """What the writers of a lane have given."""

    written: int = 0
    """Queries that were written."""
    known: int = 0
    """Of these, those that were as good as known already."""
    alike: int = 0
    """How many queries of one call were alike, at the call in which most were."""
    of: int = 0
    """How many queries that call gave."""
    worst: str = ""
    """The call in which most were."""
    by: Counter[str] = field(default_factory=Counter)
    """Queries by the model that wrote them."""


@dataclass
class Evidence:
    """All that was counted, by what is measured, role and model."""

    shares: dict[str, dict[str, dict[str, Share]]] = field(default_factory=dict)
    """Shares by measure, role and model."""
    samples: dict[str, dict[str, dict[str, list[DoubtSample]]]] = field(default_factory=dict)
    """Samples by measure, role and model, three at most."""
    ballots: Counter[str] = field(default_factory=Counter)
    """The panel's votes on every judged row, by `LabelScheme.ballot`."""
    odd: dict[str, list[DoubtSample]] = field(default_factory=dict)
    """By seat, samples of rows on which it stood alone; `all`: of rows on which the panel differed."""
    lanes: dict[str, Written] = field(default_factory=dict)
    """By lane, what its writers have given."""
    call: str = ""
    """The writer call whose queries are coming in."""
    writer: Who = ("", "")
    """Who writes that call."""
    again: str = ""
    """A query of that call that came twice in it."""
    texts: Counter[str] = field(default_factory=Counter)
    """The queries of that call, by a hash of their normalised text."""
    judged: int = 0
    """Rows with votes that were counted so far."""
    said: dict[str, dict[str, dict[str, Counter[str]]]] = field(default_factory=dict)
    """How many analyses, by role, model, label and the bucket of their hash."""

    def count(self, measure: str, who: Who, hit: bool, place: str = "", text: str = "") -> None:
        """Counts one more case of a role under a measure, and keeps a sample of what is a `hit`."""
        share = self.shares.setdefault(measure, {}).setdefault(who[0], {}).setdefault(who[1], Share())
        share.n += 1
        if hit:
            share.count += 1
            keep_lowest(self.samples.setdefault(measure, {}).setdefault(who[0], {}).setdefault(who[1], []), place, text)

    def share(self, measure: str, who: Who) -> Share:
        """What was counted of a role under a measure."""
        return self.shares.get(measure, {}).get(who[0], {}).get(who[1], Share())

    def count_analysis(self, who: Who, label: str, analysis: str) -> None:
        """Counts a normalised analysis that a judge gave with a label."""
        bucket = int(short_hash(analysis), 16) % BUCKETS
        self.said.setdefault(who[0], {}).setdefault(who[1], {}).setdefault(label, Counter())[str(bucket)] += 1

    def commonest_analysis(self, who: Who) -> Share:
        """How many of a judge's analyses are the one it gives most often with their label: some 1 in 512 of the others are counted
        with it."""
        by_label = self.said.get(who[0], {}).get(who[1], {}).values()
        return Share(sum(max(found.values()) for found in by_label), sum(found.total() for found in by_label))

    def samples_of(self, measure: str, who: Who) -> list[dict[str, str]]:
        """The samples of a role under a measure: place and text."""
        return facts_of(self.samples.get(measure, {}).get(who[0], {}).get(who[1], []))

    def who(self, measure: str) -> list[Who]:
        """The roles that something was counted of under a measure."""
        return sorted((role, model) for role, models in self.shares.get(measure, {}).items() for model in models)

    def state(self) -> dict[str, Any]:
        """The evidence as JSON has it, for a checkpoint."""
        found: dict[str, Any] = _EVIDENCE.dump_python(self, mode="json")
        return found


def keep_lowest(samples: list[DoubtSample], place: str, text: str) -> None:
    """Puts a sample among those of a doubt, of which the three of lowest rank stay."""
    rank = short_hash(place, text)
    if len(samples) == SAMPLES and samples[-1].rank < rank:
        return
    found = DoubtSample(rank, place, shortened(text, SHOWN))
    if found not in samples:
        samples.append(found)
        samples.sort()
        del samples[SAMPLES:]


def facts_of(samples: list[DoubtSample]) -> list[dict[str, str]]:
    """Samples as run.json has them."""
    return [{"place": shown.place, "text": shown.text} for shown in samples]


def restored(state: Mapping[str, Any]) -> Evidence:
    """The evidence that a checkpoint holds. Raises pydantic's ValidationError for what is none."""
    return _EVIDENCE.validate_python(state)


_EVIDENCE = TypeAdapter(Evidence)
