"""Rules as steps: one on answers, one on judged rows. A drop stands under the step before it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from synth.dedup.decontaminate import Avoided
from synth.filters import Rules, first_reason
from synth.filters.language.latest import latest
from synth.plan.lanes import LaneSpec
from synth.recipe.taxonomy import FORBIDDEN_SUBJECT, REFUSE_ONLY
from synth.stages.contract import Slot, Step
from synth.types import Ask, Judged, Sample

SUBJECT = "refuse_only_subject"
"""The drop reason of a text whose subject may only be refused, in a harmful lane where more than refusals are
written."""

REFUSED_CATEGORY = "refuse_only_category"
"""The drop reason of a row of which a judge names a category that may only be refused, and that is not its own."""


@dataclass(frozen=True)
class FlowRules:
    """All rules of a recipe, bound: on queries by who made them, on answers by who gave them, on judged rows."""

    source: Rules = ()
    """On queries that the source gives."""
    operators: Mapping[str, Rules] = field(default_factory=dict)
    """On queries that an augmentation operator makes, by its name, where it has limits of its own."""
    made: Rules = ()
    """On queries that any other augmentation makes."""
    given: Rules = ()
    """On answers that the source gives."""
    response: Rules = ()
    """On answers that models write."""
    row: Rules = ()
    _reason: Callable[[str, str | None], str | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_reason", latest(room=512_000)(self._first_reason))

    def on(self, attack: str | None) -> Rules:
        """The rules for a query: those of the operator that made it, its `attack`, or of the source."""
        return self.source if attack is None else self.operators.get(attack, self.made)

    def objection(self, sample: Sample) -> str | None:
        """The reason against a sample's query; None if there is none. Remembered: what is begun early asks, and later the gate."""
        return self._reason(sample.query, sample.attack)

    def _first_reason(self, query: str, attack: str | None) -> str | None:
        return first_reason(self.on(attack), query)


@dataclass(frozen=True)
class ResponseRules(Step):
    """The step after an answer: drops one that a response filter objects to, or that has been released before."""

    rules: Rules
    avoided: Avoided | None
    books: str
    """The name of the step under which drops of response rules are counted."""

    async def run(self, spec: LaneSpec, sample: Sample, slot: Slot | None, ask: Ask) -> Judged:
        """The row as it is, or dropped by the rules on answers: a response filter or an avoided text objects to its
        answer."""
        del spec, slot, ask
        if (response := sample.response) is None:  # set aside before anybody answered
            return sample
        reason = first_reason(self.rules, response, sample.query)
        if reason is None and self.avoided and (way := self.avoided.response(response)):
            reason = f"avoided.{way}"
        return sample.dropped(self.books, reason, response) if reason else sample


@dataclass(frozen=True)
class RowRules(Step):
    """The step after judging: drops a row that a row filter objects to, whether it has a label or not."""

    rules: Rules
    books: str
    """The name of the step under which drops of row rules are counted."""

    async def run(self, spec: LaneSpec, sample: Sample, slot: Slot | None, ask: Ask) -> Judged:
        """The row as it is, or dropped by the rules on judged rows: a row filter objects to it."""
        del spec, slot, ask
        reason = first_reason(self.rules, sample)
        return sample.dropped(self.books, reason, sample.analysis or "") if reason else sample


def forbidden_subject(sample: Sample) -> str | None:
    """The drop reason of a row that speaks, in any of its texts, of what may only be refused, where its lane is harmful and more
    than refusals are written there; None for any other."""
    if sample.lane.query_type != "harmful" or sample.lane.refuse_only:
        return None
    return SUBJECT if any(map(FORBIDDEN_SUBJECT.search, (sample.query, *carried_texts(sample)))) else None


def refused_category(sample: Sample) -> bool:
    """Whether a row, or a vote on it, names a category that may only be refused under any recipe, and is not its own."""
    named = {id for of in (sample.categories or (), *(vote.categories for vote in sample.votes)) for id in of}
    return bool((named & REFUSE_ONLY) - {sample.lane.subcategory})


def carried_texts(sample: Sample) -> tuple[str, ...]:
    """The texts that a row carries besides its query, which a step may have changed: answer, context and notes."""
    carried = (*(turn.content for turn in sample.context), *(note.value for note in sample.notes))
    return (sample.response or "", *carried)
