"""Rules as steps: one on answers, one on judged rows. A drop stands under the step before it."""

from dataclasses import dataclass

from synth.dedup.decontaminate import Avoided
from synth.filters import Rules, first_reason
from synth.plan.lanes import LaneSpec
from synth.stages.contract import Slot, Step
from synth.types import Ask, Judged, Sample


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
        response = sample.response or ""
        reason = first_reason(self.rules, response)
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
