"""What is done with one query: rules, slots, answers, verdicts. Functions of the query and of replies; no order, no counts."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from synth.dedup.decontaminate import Avoided
from synth.filters import Rules, first_reason
from synth.hashing import unit
from synth.plan.lanes import LaneSpec
from synth.recipe.prompt import Prompt
from synth.recipe.taxonomy import FORBIDDEN_SUBJECT
from synth.stages.augment import Augmenter
from synth.stages.embed import Embedder
from synth.stages.judge import Panel
from synth.stages.query import Written, query_id
from synth.stages.reply_stats import ReplyStats
from synth.stages.respond import Responder
from synth.types import Aside, Ask, Drop, Judged, Label, Request, Round, Sample, Want


class Source(Protocol):
    """Where a lane's queries come from, page by page: a writer model, or the user's file."""

    size: int
    widest: int
    """How far its lanes can be widened."""

    def prompts(self) -> list[Prompt]: ...
    def asks(self, spec: LaneSpec, name: str) -> bool: ...
    def available(self, spec: LaneSpec) -> int | None: ...
    def request(self, spec: LaneSpec, call: int) -> Request | None: ...
    async def page(self, spec: LaneSpec, call: int, ask: Ask, widening: int) -> Written: ...


@dataclass(frozen=True)
class Flow:
    """A recipe's stages and rules, bound."""

    source: Source
    panel: Panel
    augmenter: Augmenter | None = None
    embedder: Embedder | None = None
    responder: Responder | None = None
    query_rules: Rules = ()
    response_rules: Rules = ()
    row_rules: Rules = ()
    tidy: Callable[[str], str] | None = None
    """What every text goes through before anything else is done with it."""
    avoided: Avoided | None = None
    plain: Sequence[Prompt] = ()
    """What makes plain text of conversations, for models that know none."""
    seed: int = 0
    ledger: ReplyStats = field(default_factory=ReplyStats)
    """What became of the replies that were read."""

    def prompts(self) -> list[Prompt]:
        """Every prompt in use."""
        parts = (self.source, self.augmenter, self.responder, self.panel)
        return [*(template for part in parts if part is not None for template in part.prompts()), *self.plain]

    async def page(self, spec: LaneSpec, call: int, ask: Ask, widening: int) -> Written:
        """The source's queries of one call, tidied."""
        page = await self.source.page(spec, call, ask, widening)
        return page if self.tidy is None else [(coordinate, self._tidied(spec, entry)) for coordinate, entry in page]

    async def augmented(self, spec: LaneSpec, root: Sample, operator: str, ask: Ask) -> Sample | Drop:
        """The new query that an operator makes of a root, tidied. It is compared by its root's request only where it is known to
        hold it: a model that writes one paraphrase for all roots would pass every time otherwise."""
        assert self.augmenter is not None
        grown = self._tidied(spec, await self.augmenter.apply(spec, root, operator, ask))
        if isinstance(grown, Drop) or operator not in self.augmenter.same_request:
            return grown
        return replace(grown, request=root.compared)

    @property
    def compares_requests(self) -> bool:
        """Whether queries may enter the index by their root's request, so that their own words must be remembered beside it."""
        return self.augmenter is not None and bool(self.augmenter.same_request)

    def _tidied(self, spec: LaneSpec, entry: Sample | Drop) -> Sample | Drop:
        if self.tidy is None:
            return entry
        if isinstance(entry, Drop):
            return replace(entry, text=self.tidy(entry.text))
        context = tuple(replace(turn, content=self.tidy(turn.content)) for turn in entry.context)
        query, response = self.tidy(entry.query), entry.response and self.tidy(entry.response)
        if (context, query, response) == (entry.context, entry.query, entry.response):
            return entry
        id = query_id(spec, query, context)
        family, root_id = (id if known == entry.query_id else known for known in (entry.family, entry.root_id))
        return replace(
            entry, context=context, query=query, query_id=id, root_id=root_id, family=family, response=response
        )

    def objection(self, sample: Sample) -> str | None:
        """Why a query may not enter the index at all."""
        if (
            sample.lane.query_type == "harmful"
            and not sample.lane.refuse_only
            and FORBIDDEN_SUBJECT.search(sample.query)
        ):
            return "refuse_only_subject"
        if reason := first_reason(self.query_rules, sample.query):
            return reason
        if self.avoided is None:
            return None
        ways = map(self.avoided.query, dict.fromkeys((sample.query, sample.compared)))
        return next((f"avoided.{way}" for way in ways if way), None)

    def operators(self, spec: LaneSpec, plan: Round, root: Sample) -> list[str]:
        """The augmentations due to a root query: those its plan recorded and its lane still allows."""
        if self.augmenter is None:
            return []
        return [
            operator
            for operator, share in plan.operators.items()
            if operator in spec.operators
            and unit(self.seed, root.lane.id, root.coordinate, "augment", operator) < share
        ]

    def slots(self, plan: Round, sample: Sample) -> list[tuple[Label, Want]]:
        """The wanted labels for which the query is answered; the label that lacks most is always among them."""
        return [
            (label, want)
            for label, want in plan.wants.items()
            if unit(self.seed, sample.lane.id, sample.coordinate, sample.attack or "", "slot", label) < want.share
        ]

    async def outcome(self, spec: LaneSpec, plan: Round, sample: Sample, ask: Ask) -> list[Judged]:
        """One row, aside or drop a slot, in the order of slots. A pair of the user's own has one slot and keeps its answer."""
        if sample.response is not None:
            return [await self._judged(spec, sample, ask)]
        slots = self.slots(plan, sample)
        return list(await asyncio.gather(*(self._answered(spec, sample, label, want, ask) for label, want in slots)))

    async def _answered(self, spec: LaneSpec, sample: Sample, label: Label, want: Want, ask: Ask) -> Judged:
        assert self.responder is not None
        answered = await self.responder.respond(spec, sample, label, want, ask)
        tidied = self._tidied(spec, answered)
        return tidied if isinstance(tidied, Drop) else await self._judged(spec, tidied, ask)

    async def _judged(self, spec: LaneSpec, sample: Sample, ask: Ask) -> Judged:
        response = sample.response or ""
        if reason := _out_of_place(sample, response) or first_reason(self.response_rules, response):
            return sample.dropped("respond", reason, response)
        if self.avoided and (way := self.avoided.response(response)):
            return sample.dropped("respond", f"avoided.{way}", response)
        judged = await self.panel.judge(spec, sample, ask)
        if isinstance(judged, Drop):
            return judged
        row = judged.sample if isinstance(judged, Aside) else judged
        if reason := first_reason(self.row_rules, row):
            return row.dropped("judge", reason, row.analysis or "")
        return judged


def _out_of_place(sample: Sample, text: str) -> str | None:
    """A subject that may only be refused, in a harmful lane where more than refusals are written."""
    open_lane = sample.lane.query_type == "harmful" and not sample.lane.refuse_only
    return "refuse_only_subject" if open_lane and FORBIDDEN_SUBJECT.search(text) else None
