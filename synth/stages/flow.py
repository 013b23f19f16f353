"""What is done with one query: rules, slots, the recipe's steps. Functions of the query and of replies; no order, no counts.

The promises that every recipe gives are kept here, whatever a stage does: what a step may change, what refuse-only lanes are spared,
which subjects no text may have.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

from synth.dedup.decontaminate import Avoided
from synth.errors import ConfigError
from synth.filters import Rules, first_reason
from synth.filters.language.response_class import response_class
from synth.hashing import unit
from synth.plan.lanes import LaneSpec
from synth.recipe.labels import BINARY, LabelScheme
from synth.recipe.prompt import Prompt
from synth.recipe.taxonomy import FORBIDDEN_SUBJECT
from synth.stages.contract import PromptOf, Slot, Source, Step, Written
from synth.stages.embed import NAME as EMBED
from synth.stages.embed import Embedder
from synth.stages.query import query_id
from synth.stages.reply_stats import ReplyStats
from synth.stages.rules import ResponseRules, RowRules
from synth.types import Aside, Ask, Drop, Judged, Label, Round, Sample, Want

SUBJECT = "refuse_only_subject"
"""Why a text is dropped that has a subject which may only be refused, in a harmful lane where more than refusals are written."""


@dataclass(frozen=True)
class Bound:
    """A stage that is ready to work, by its name in the recipe, and the prompts it has asked for."""

    name: str
    stage: Any
    prompts: Sequence[PromptOf] = ()


@dataclass(frozen=True)
class Flow:
    """A recipe's stages and rules, bound."""

    source: Source
    stages: Sequence[Bound]
    """The source, the branches, then the steps in their order."""
    embedder: Embedder | None = None
    query_rules: Rules = ()
    response_rules: Rules = ()
    row_rules: Rules = ()
    tidy: Callable[[str], str] | None = None
    """What every text goes through before anything else is done with it."""
    avoided: Avoided | None = None
    plain: Sequence[Prompt] = ()
    """What makes plain text of conversations, for models that know none."""
    labels: LabelScheme = BINARY
    answers: bool = True
    """Whether rows have answers; where they have none, queries are labelled."""
    seed: int = 0
    ledger: ReplyStats = field(default_factory=ReplyStats)
    """What became of the replies that were read."""
    steps: Sequence[tuple[str, Step]] = field(init=False)
    """What a row goes through, rules among it, each with the name of the stage that its drops stand under."""
    panel: Step = field(init=False)
    """Who gives rows their label: the last that judges, whose votes a row then has."""

    def __post_init__(self) -> None:
        steps = [bound for bound in self.stages if bound.stage.kind == "step"]
        object.__setattr__(self, "steps", tuple(self._with_rules(steps)))
        object.__setattr__(self, "panel", [bound.stage for bound in steps if bound.stage.judges][-1])

    def _with_rules(self, steps: Sequence[Bound]) -> Iterator[tuple[str, Step]]:
        """Rules on answers stand where an answer comes to be, rules on rows where a label does."""
        if self.source.answered:
            yield "respond", ResponseRules(self.response_rules, self.avoided, "respond")
        for bound in steps:
            yield bound.name, bound.stage
            if bound.stage.responds or bound.stage.rewrites:
                yield bound.name, ResponseRules(self.response_rules, self.avoided, bound.name)
            if bound.stage.judges:
                yield bound.name, RowRules(self.row_rules, bound.name)

    @property
    def begins(self) -> str:
        """The stage under which drops and calls of the source stand."""
        return self.source.books or self.stages[0].name

    @property
    def order(self) -> tuple[str, ...]:
        """The stages that ask, the latest in a row's life first: so they are served, that what was begun is finished."""
        of = {kind: [bound.name for bound in self.stages if bound.stage.kind == kind] for kind in ("branch", "step")}
        return (*reversed(of["step"]), *([EMBED] if self.embedder else []), *of["branch"], self.begins)

    def prompts(self, stage: str | None = None) -> list[Prompt]:
        """Every prompt in use, or those of one stage."""
        found = [entry.prompt for bound in self.stages if stage in (None, bound.name) for entry in bound.prompts]
        return found if stage else [*found, *self.plain]

    async def page(self, spec: LaneSpec, call: int, ask: Ask, widening: int) -> Written:
        """The source's queries of one call, tidied."""
        page = await self.source.page(spec, call, ask, widening)
        return page if self.tidy is None else [(coordinate, self._tidied(spec, entry)) for coordinate, entry in page]

    # --- before the gate ---

    def shares(self, spec: LaneSpec) -> dict[str, float]:
        """By name the queries that may be made of a lane's root queries, and the share of them each is made of."""
        return {name: share for name, (_, share) in self._branches(spec).items()}

    def _branches(self, spec: LaneSpec) -> dict[str, tuple[Bound, float]]:
        """The same, each with the branch that makes it. In refuse-only lanes they are what branches declare plain; none where no
        answers are asked for."""
        found: dict[str, tuple[Bound, float]] = {}
        for bound in self.stages if self.answers or not spec.lane.refuse_only else ():
            for name, share in bound.stage.shares(spec).items() if bound.stage.kind == "branch" else ():
                if name in found:
                    raise ConfigError(f"{bound.name}: {found[name][0].name} makes {name!r} too; rename one")
                if not spec.lane.refuse_only or name in bound.stage.plain:
                    found[name] = (bound, share)
        return found

    def branch_of(self, spec: LaneSpec, name: str) -> str | None:
        """The branch that makes the query of that name in a lane; None if none does."""
        found = self._branches(spec).get(name)
        return found and found[0].name

    def operators(self, spec: LaneSpec, plan: Round, root: Sample) -> dict[str, str]:
        """What is due to a root query, of what its plan recorded and its lane still allows: names, each with its branch's."""
        found = self._branches(spec) if plan.operators else {}
        return {
            name: found[name][0].name
            for name, share in plan.operators.items()
            if name in found and unit(self.seed, root.lane.id, root.coordinate, found[name][0].name, name) < share
        }

    async def augmented(self, spec: LaneSpec, root: Sample, name: str, ask: Ask) -> Sample | Drop:
        """The new query of that name that a branch makes of a root, tidied. It is compared by its root's request only where it is
        known to hold it: a model that writes one paraphrase for all roots would pass every time otherwise."""
        bound, _ = self._branches(spec)[name]
        found: Sample | Drop = await bound.stage.apply(spec, root, name, ask)
        grown = self._tidied(spec, found)
        if isinstance(grown, Drop):
            return grown
        if _root(grown) != _root(root):
            raise ConfigError(f"stage {bound.name!r} gave a query that is not of its root's family; mend the stage")
        grown = replace(grown, parent_id=root.query_id)
        return replace(grown, request=root.compared) if name in bound.stage.same_request else grown

    @property
    def compares_requests(self) -> bool:
        """Whether queries may enter the index by their root's request, so that their own words must be remembered beside it."""
        return any(bound.stage.kind == "branch" and bound.stage.same_request for bound in self.stages)

    def objection(self, sample: Sample) -> str | None:
        """Why a query may not enter the index at all."""
        if reason := _subject(sample) or first_reason(self.query_rules, sample.query):
            return reason
        if self.avoided is None:
            return None
        ways = map(self.avoided.query, dict.fromkeys((sample.query, sample.compared)))
        return next((f"avoided.{way}" for way in ways if way), None)

    # --- after the gate ---

    def slots(self, plan: Round, sample: Sample) -> list[tuple[Label, Want]]:
        """The wanted labels for which the query is answered; the label that lacks most is always among them."""
        return [
            (label, want)
            for label, want in plan.wants.items()
            if unit(self.seed, sample.lane.id, sample.coordinate, sample.attack or "", "slot", label) < want.share
        ]

    async def outcome(self, spec: LaneSpec, plan: Round, sample: Sample, ask: Ask) -> list[Judged]:
        """One row, aside or drop a slot, in the order of slots. A pair of the user's own has one slot and keeps its answer; where no
        answers are asked for a query has one, for its lane's label."""
        if sample.response is not None:
            reason = _subject(sample)
            return [
                sample.dropped("respond", reason, sample.response)
                if reason
                else await self._row(spec, sample, None, ask)
            ]
        if not self.answers:
            label = next(iter(spec.cells))
            return [await self._row(spec, replace(sample, wanted=label), Slot(label, {}), ask)]
        slots = [
            Slot(label, {"refuse": 1.0} if spec.lane.refuse_only else want.stances)  # whatever an earlier plan recorded
            for label, want in self.slots(plan, sample)
        ]
        return list(await asyncio.gather(*(self._row(spec, sample, slot, ask) for slot in slots)))

    async def _row(self, spec: LaneSpec, row: Sample, slot: Slot | None, ask: Ask) -> Judged:
        """What comes of a slot: a query, or a pair, after all steps."""
        aside: str | None = None
        for name, step in self.steps:
            if (aside and not isinstance(step, ResponseRules | RowRules)) or (spec.lane.refuse_only and step.rewrites):
                continue
            found = await step.run(spec, row, slot, ask)
            if isinstance(found, Drop):
                return self._tidied(spec, found)
            if isinstance(found, Aside):
                aside, found = found.split, found.sample
            if found is row:
                continue
            before, row = row, self._checked(Bound(name, step), spec, row, found)
            if (row.response, row.context) != (before.response, before.context) and (reason := _subject(row)):
                return row.dropped(name, reason, row.response or "")
        if (
            spec.lane.refuse_only
            and self.answers
            and any(vote.label and spec.labels.unsafe(vote.label) for vote in row.votes)
        ):
            return row.dropped("judge", "refuse_only", row.response or "")
        if aside:
            return Aside(aside, row)
        if row.label is None:
            raise ConfigError(
                "no step has given a row its label; a step that judges gives one, drops the row or sets it aside"
            )
        return row

    def _checked(self, bound: Bound, spec: LaneSpec, before: Sample, after: Sample) -> Sample:
        """The row that a step has made of one, tidied; ConfigError for what no step may do."""
        step, told = bound.stage, f"stage {bound.name!r} of the recipe"
        if _query(after) != _query(before):
            raise ConfigError(f"{told} changes the query, which no step may; leave it out, or make a branch of it")
        if (after.response, after.context) == (before.response, before.context):
            return after
        if not (step.responds or step.rewrites):
            raise ConfigError(
                f"{told} changes the answer, and does not say that it `rewrites`; leave it out, or mend it"
            )
        if step.responds and spec.lane.refuse_only and after.stance != "refuse":
            raise ConfigError(
                f"{told} answers by another stance than `refuse` in {spec.lane.id}; leave it out, or mend it"
            )
        after = self._tidied(spec, after)
        if step.rewrites:
            known = after.response_class and response_class(after.response or "")
            after = replace(after, label=None, votes=(), analysis=None, query_label=None, response_class=known)
        return after

    @overload
    def _tidied(self, spec: LaneSpec, entry: Sample) -> Sample: ...
    @overload
    def _tidied(self, spec: LaneSpec, entry: Drop) -> Drop: ...
    @overload
    def _tidied(self, spec: LaneSpec, entry: Sample | Drop) -> Sample | Drop: ...

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


def _root(sample: Sample) -> tuple[Any, ...]:
    """What a query has of its root."""
    return sample.lane, sample.coordinate, sample.root_id, sample.family


def _query(sample: Sample) -> tuple[Any, ...]:
    """What a row has of its query: what is compared, and what hangs on it."""
    said = [turn.content for turn in sample.context if turn.role == "user"]
    return *_root(sample), sample.query, sample.query_id, sample.request, sample.parent_id, said


def _subject(sample: Sample) -> str | None:
    """A subject that may only be refused, in any text of a harmful lane where more than refusals are written."""
    if sample.lane.query_type != "harmful" or sample.lane.refuse_only:
        return None
    texts = (sample.query, sample.response or "", *(turn.content for turn in sample.context))
    return SUBJECT if any(map(FORBIDDEN_SUBJECT.search, texts)) else None
