"""What is done with one query: rules, slots, the recipe's steps. Functions of the query and of replies; no order, no counts.

The promises that every recipe gives are kept here, whatever a stage does: what a step may change, what refuse-only lanes are spared,
which subjects no text may have.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, overload

from synth.dedup.decontaminate import Avoided
from synth.errors import ConfigError, did_you_mean
from synth.filters.language.response_class import by_rules
from synth.hashing import unit
from synth.plan.lanes import LaneSpec
from synth.recipe.labels import BINARY, LabelScheme
from synth.recipe.prompt import Prompt
from synth.stages.contract import PromptOf, Slot, Source, Step, Written
from synth.stages.embed import NAME as EMBED
from synth.stages.embed import Embedder
from synth.stages.family import query_of, root_of
from synth.stages.query import query_id
from synth.stages.reply_stats import ReplyStats
from synth.stages.rules import (
    REFUSED_CATEGORY,
    FlowRules,
    ResponseRules,
    RowRules,
    carried_texts,
    forbidden_subject,
    refused_category,
)
from synth.stages.together import Judge, all_together, begun, spared
from synth.stages.veil import veiled
from synth.types import Aside, Ask, Drop, Judged, Label, Round, Sample, Want


@dataclass(frozen=True)
class Bound:
    """A stage that is ready to work, by its name in the recipe, with the prompts it has asked for."""

    name: str
    stage: Any
    prompts: Sequence[PromptOf] = ()


@dataclass(frozen=True)
class Flow:
    """All stages and rules of a recipe, bound and ready: what is done with a query from page to labelled rows."""

    source: Source
    stages: Sequence[Bound]
    """The bound stages: the source, the branches, then the steps in their order."""
    embedder: Embedder | None = None
    rules: FlowRules = field(default_factory=FlowRules)
    tidy: Callable[[str], str] | None = None
    """What every generated text goes through first, such as the replacement of personal data."""
    avoided: Avoided | None = None
    plain: Sequence[Prompt] = ()
    """The prompts that turn conversations into plain text, for models without a chat template."""
    labels: LabelScheme = BINARY
    answers: bool = True
    """Whether rows have answers; where they have none, queries are labelled."""
    seed: int = 0
    sparing: bool = False
    """Whether a query that is answered naturally for an unsafe label is spared its slot for the safe one."""
    children: int | None = None
    """The most queries that are made of one root; None is no limit."""
    stats: ReplyStats = field(default_factory=ReplyStats)
    """Counts of what became of the replies that the flow has read."""
    steps: Sequence[tuple[str, Step]] = field(init=False)
    """The steps that a row goes through, rules among them, each with the stage name that its drops stand under."""
    panel: Step = field(init=False)
    """The step that gives rows the label they end with."""

    def __post_init__(self) -> None:
        steps = [bound for bound in self.stages if bound.stage.kind == "step"]
        object.__setattr__(self, "steps", tuple(self._with_rules(steps)))
        object.__setattr__(self, "panel", next(bound.stage for bound in reversed(steps) if bound.stage.judges))

    def _with_rules(self, steps: Sequence[Bound]) -> Iterator[tuple[str, Step]]:
        """Rules on answers stand where an answer comes to be, rules on rows where a label does."""
        if self.source.answered and not self.source.from_run:
            yield "respond", ResponseRules(self.rules.given, self.avoided, "respond")
        for bound in steps:
            yield bound.name, bound.stage
            if bound.stage.responds or bound.stage.rewrites:
                yield bound.name, ResponseRules(self.rules.response, self.avoided, bound.name)
            if bound.stage.judges:
                yield bound.name, RowRules(self.rules.row, bound.name)

    @property
    def begins(self) -> str:
        """The stage name under which drops and calls of the flow's source stand."""
        return self.source.books or self.stages[0].name

    @property
    def order(self) -> tuple[str, ...]:
        """The flow's stages that ask models, the latest in a row's life first: so served, begun rows get finished."""
        of = {kind: [bound.name for bound in self.stages if bound.stage.kind == kind] for kind in ("branch", "step")}
        return (*reversed(of["step"]), *([EMBED] if self.embedder else []), *of["branch"], self.begins)

    def prompts(self, stage: str | None = None) -> list[Prompt]:
        """Every prompt that the flow uses, or those of one stage."""
        found = [entry.prompt for bound in self.stages if stage in (None, bound.name) for entry in bound.prompts]
        return found if stage else [*found, *self.plain]

    async def page(self, spec: LaneSpec, call: int, ask: Ask, widening: int) -> Written:
        """The queries of one page of a lane's source, tidied."""
        page = await self.source.page(spec, call, ask, widening)
        return page if self.tidy is None else [(coordinate, self._tidied(spec, entry)) for coordinate, entry in page]

    def shares(self, spec: LaneSpec) -> dict[str, float]:
        """By kind of query that the flow's branches may make in a lane, the share of roots it is made of."""
        return {name: share for name, (_, share) in self._branches(spec).items()}

    def _branches(self, spec: LaneSpec) -> dict[str, tuple[Bound, float]]:
        """The same, with their branches; in refuse-only lanes those declared plain, and none without answers."""
        found: dict[str, tuple[Bound, float]] = {}
        for bound in self.stages if self.answers or not spec.lane.refuse_only else ():
            for name, share in bound.stage.shares(spec).items() if bound.stage.kind == "branch" else ():
                if name in found:
                    raise ConfigError(f"{bound.name}: {found[name][0].name} makes {name!r} too; rename one")
                if not spec.lane.refuse_only or name in bound.stage.plain:
                    found[name] = (bound, share)
        return found

    def branch_of(self, spec: LaneSpec, name: str) -> str | None:
        """The name of the branch in the flow that makes queries of that kind in a lane; None if none does."""
        found = self._branches(spec).get(name)
        return found and found[0].name

    def operators(self, spec: LaneSpec, planned: Mapping[str, float], coordinate: int) -> dict[str, str]:
        """The flow's augmentations due to the root at a coordinate, known before there is one: those planned that its lane allows,
        and their branches. Of more than a root's `children` may be, those drawn by their shares, whatever its plan makes of these."""
        found, at = self._branches(spec) if planned else {}, (self.seed, spec.lane.id, coordinate)
        due = {
            name: found[name][0].name
            for name, share in planned.items()
            if name in found and unit(*at, found[name][0].name, name) < share
        }
        if self.children is None or len(due) <= self.children:
            return due
        chance = {name: unit(*at, name, "child") ** (1 / found[name][1]) for name in due if found[name][1] > 0}
        drawn = sorted(chance, key=lambda name: (-chance[name], name))[: self.children]
        return {name: branch for name, branch in due.items() if name in drawn}

    async def augmented(self, spec: LaneSpec, root: Sample, name: str, ask: Ask) -> Sample | Drop:
        """The query that a branch makes of a root, tidied. It is compared by its root's request only where it is
        known to hold it: otherwise a model that writes one paraphrase for all roots would pass every time."""
        bound, _ = self._branches(spec)[name]
        found: Sample | Drop = await bound.stage.apply(spec, root, name, ask)
        grown = self._tidied(spec, found)
        if isinstance(grown, Drop):
            return grown
        if root_of(grown) != root_of(root):
            raise ConfigError(f"stage {bound.name!r} gave a query that is not of its root's family; mend the stage")
        grown = replace(grown, parent_id=root.query_id)
        return replace(grown, request=root.compared) if name in bound.stage.same_request else grown

    @property
    def compares_requests(self) -> bool:
        """Whether queries may enter the index by their root's request, so that their own words must be remembered beside it."""
        return any(bound.stage.kind == "branch" and bound.stage.same_request for bound in self.stages)

    def objection(self, sample: Sample) -> str | None:
        """Why a query may not enter the near-duplicate index: its subject, a filter's reason or avoided text; None
        if nothing does."""
        if reason := forbidden_subject(sample) or self.rules.objection(sample):
            return reason
        if self.avoided is None:
            return None
        ways = map(self.avoided.query, dict.fromkeys((sample.query, sample.compared)))
        return next((f"avoided.{way}" for way in ways if way), None)

    def slots(self, plan: Round, sample: Sample) -> list[tuple[Label, Want]]:
        """The slots (label, stances) a query is answered for; always among them the label that lacks most rows."""
        return [
            (label, want)
            for label, want in plan.wants.items()
            if unit(self.seed, sample.lane.id, sample.coordinate, sample.attack or "", "slot", label) < want.share
        ]

    async def outcome(self, spec: LaneSpec, plan: Round, sample: Sample, ask: Ask) -> list[Judged]:
        """What answering a query gives: a row, set-aside row or drop for each slot in order. A pair of the user's own
        has one slot and keeps its answer; where no answers are asked for, a query has one, for its lane's label."""
        return (await self.outcomes(spec, plan, [sample], ask))[0]

    async def outcomes(self, spec: LaneSpec, plan: Round, samples: Sequence[Sample], ask: Ask) -> list[list[Judged]]:
        """What `outcome` gives for each of these queries, of which a panel that takes several rows in a call is asked together."""
        needed = partial(spared, self, plan) if self.sparing else partial(self.slots, plan)
        all_begun = [begun(spec, one, needed if self.answers else None) for one in samples]
        rows = [partial(self._row, spec, row, slot, ask) for rows in all_begun for row, slot in rows]
        found = iter(await all_together(self.panel, spec, ask, rows))
        return [[next(found) for _ in rows] for rows in all_begun]

    async def _row(
        self, spec: LaneSpec, row: Sample, slot: Slot | None, ask: Ask, judge: Judge | None = None
    ) -> Judged:
        """What comes of a slot: a query, or a pair, after all steps. `judge` stands in for the panel, if given."""
        if slot is None and (reason := forbidden_subject(row)):
            return row.dropped("respond", reason, row.response or "")
        return await self._through(spec, row, slot, ask, judge)

    async def _through(self, spec: LaneSpec, row: Sample, slot: Slot | None, ask: Ask, judge: Judge | None) -> Judged:
        aside: str | None = None
        for at, (name, step) in enumerate(self.steps):
            if spec.lane.refuse_only and step.rewrites:
                continue
            if aside and not isinstance(step, ResponseRules | RowRules) and not step.withholds(spec, row):
                continue
            found = await (judge(row) if judge and step is self.panel else step.run(spec, row, slot, ask))
            if isinstance(found, Drop):
                return self._told(spec, found, at)
            before = row
            if isinstance(found, Aside):
                aside, found = found.split, found.sample
            if found is not row:
                row = self._checked(Bound(name, step), spec, before, found)
            if why := self._forbidden(name, spec, before, row, aside):
                return self._told(spec, row.dropped(*why, row.response or ""), at + 1)
        if aside:
            return Aside(aside, row)
        if row.label is None:
            raise ConfigError(
                "no step has given a row its label; one that judges gives one, drops the row or sets it aside"
            )
        return row

    def _told(self, spec: LaneSpec, drop: Drop, at: int) -> Drop:
        """A drop as it may be told where these steps, from `at` on, were still to come: tidied, or without a word of the answer."""
        sample = drop.sample
        withheld = sample is not None and any(step.withholds(spec, sample) for _, step in self.steps[at:])
        return veiled(drop) if withheld else self._tidied(spec, drop)

    def _forbidden(
        self, name: str, spec: LaneSpec, before: Sample, row: Sample, aside: str | None
    ) -> tuple[str, str] | None:
        """Stage and reason of the drop that a row becomes after a step, whatever comes of it later: the step may take votes away."""
        if carried_texts(row) != carried_texts(before) and (reason := forbidden_subject(row)):
            return name, reason
        said = {label for label in (row.label, *(vote.label for vote in row.votes)) if label is not None}
        if wrong := said - {*spec.labels.names}:
            way_out = did_you_mean(min(wrong), spec.labels.names)
            raise ConfigError(f"stage {name!r} of the recipe gives the label {min(wrong)!r}; {way_out}")
        if refused_category(row):
            return "judge", REFUSED_CATEGORY
        if not (spec.lane.refuse_only and self.answers):
            return None
        if any(map(spec.labels.unsafe, said)):
            return "judge", "refuse_only"
        return (name, "not_judged") if aside and not row.votes else None

    def _checked(self, bound: Bound, spec: LaneSpec, before: Sample, after: Sample) -> Sample:
        """The row that a step has made of one, tidied; ConfigError for what no step may do."""
        step, told = bound.stage, f"stage {bound.name!r} of the recipe"
        if query_of(after) != query_of(before):
            raise ConfigError(f"{told} changes the query, which no step may; leave it out, or make a branch of it")
        same = (after.response, after.context) == (before.response, before.context)
        if spec.lane.refuse_only and after.stance != "refuse" and not (same and after.stance == before.stance):
            raise ConfigError(
                f"{told} answers by another stance than `refuse` in {spec.lane.id}; leave it out, or mend it"
            )
        if same:
            return after
        if not (step.responds or step.rewrites):
            raise ConfigError(
                f"{told} changes the answer, and does not say that it `rewrites`; leave it out, or mend it"
            )
        after = self._tidied(spec, after)
        if step.rewrites:
            known = after.response_class and by_rules(after.response or "")
            after = replace(after, label=None, votes=(), analysis=None, query_label=None, response_class=known)
            after = replace(after, read_type=None, categories=None)
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
