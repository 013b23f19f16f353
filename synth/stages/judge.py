"""The judge stage: a panel reads query and answer, or the query alone, under the subcategory's rule; each writes an analysis, then a label."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from synth.errors import ParseError
from synth.filters.language.analysis import fault, shown_in
from synth.filters.language.stated_label import contradicts
from synth.plan.lanes import LaneSpec
from synth.recipe.labels import UNANIMOUS
from synth.sanitize import plain
from synth.stages import heads, seats, verdicts
from synth.stages.contract import Context, Frozen, Slot, Step
from synth.stages.fallback import Attempt, FallbackChain, ask_with_fallback
from synth.stages.heads import HEADS, Head
from synth.stages.lenient_json import field
from synth.stages.parsing import SECOND_TRIES, read_object
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import Requester
from synth.stages.rules import REFUSED_CATEGORY
from synth.stages.seats import PROMPT, Order, Seat
from synth.types import HARD, Aside, Ask, Judged, Label, Message, Note, Reply, Request, Sample, Vote


def _rule(value: Any) -> Any:
    """A rule without options is its name."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value.values())) in (None, {}):
        return next(iter(value))
    return value


class Options(Frozen):
    """What a recipe says under `judge`: the panel's models, their prompt, the verdict rule and the quorum."""

    models: Annotated[tuple[str, ...], Field(min_length=1)]
    """The roles that judge, each every row."""
    prompt: str = PROMPT
    """The prompt that asks a judge for its verdict."""
    verdict: Annotated[str | Annotated[dict[str, Any], Field(min_length=1)], BeforeValidator(_rule)] = UNANIMOUS
    """The verdict rule that makes a row's label of the votes: its name, or its name with options
    (`stages.verdicts`)."""
    quorum: PositiveInt | None = None
    """How many judges must give a verdict; None: all."""
    controls: bool = True
    """Whether every judge is given pairs with known labels among its first questions, to see whether it can judge."""
    checks: bool = False
    """Whether a vote whose analysis says nothing, or contradicts its label, is asked for once more, and then falls."""
    order: Order | None = None
    """In which order judges read the rule: `alternate`, every second what is safe first; None: all what is unsafe first."""
    heads: Annotated[tuple[Head, ...], Field(min_length=1)] | None = None
    """What the panel gives a verdict on besides a label of the answer: the query, refusals, categories; None: as judges see the intent."""

    @model_validator(mode="after")
    def _quorum_can_be_met(self) -> "Options":
        if self.quorum and self.quorum > len(self.models):
            raise ValueError(f"quorum: {self.quorum} verdicts of {len(self.models)} judges; give a smaller one")
        return self

    def identity(self) -> dict[str, Any]:
        """The options of the judge stage that change the data; a key left at its default is not among them."""
        data = self.model_dump(mode="json", exclude={"controls"})
        if self.verdict == UNANIMOUS:
            del data["verdict"]
        if self.quorum in (None, len(self.models)):
            del data["quorum"]
        if not self.checks:
            del data["checks"]
        if self.order is None or len(self.models) == 1:
            del data["order"]
        if self.heads is None:
            del data["heads"]
        else:
            data["heads"] = [head for head in HEADS if head in self.heads]
        return data


@dataclass(frozen=True, slots=True)
class Reading:
    """What a row's votes are read against, and the labels and categories that were read for it."""

    sources: tuple[str, ...] = ()
    """The texts that an analysis may not be copied from: query, answer, rule, all else the judge was told."""
    placeholders: frozenset[str] = frozenset()
    """What the prompt shows in the place of an analysis."""
    labels: list[Label] = dataclass_field(default_factory=list)
    """Every label in a reply, whether its vote stands or not."""
    named: list[str] = dataclass_field(default_factory=list)
    """The id of every category that a reply names, likewise."""


class Panel(Step):
    """The judge stage: its judges' votes make a row's label by the recipe's verdict rule, or none: the hard pile.
    With too few verdicts the row is dropped."""

    judges = True

    def __init__(self, options: Options, context: Context) -> None:
        self.controls, self._router = options.controls and context.answers, context.router
        self._as_data = context.as_data
        self._seats = [context.router(role) for role in options.models]
        self.seats = [(role, context.model_of(role)) for role in options.models]
        """The role of each seat, and the model or models that it is."""
        self._verdict = verdict = verdicts.bind(options.verdict, context.labels, options.models)
        self._quorum, self._answers = options.quorum or len(self.seats), context.answers
        self.checks = options.checks
        self.labels = verdict.scheme
        self.words = tuple(map(self.labels.word, verdict.said))
        """For the labels a judge may say, the most severe first."""
        self._heads = heads.bind(options.heads, verdict, context)
        self._form = seats.form(options.prompt, options.order, self._heads, context)
        self._schema = self._form.schema

    def calls(self, low: float, high: float) -> tuple[float, float]:
        """Fewest and most judge calls for so many rows: one for each seat of the panel."""
        return low * len(self.seats), high * len(self.seats)

    async def run(self, spec: LaneSpec, sample: Sample, slot: Slot | None, ask: Ask) -> Judged:
        """The row with its judges' votes, and with the label and analysis that the verdict rule makes of them; with the
        query's judged intent where all who gave a verdict read the same. A row to which the rule gives no label is set
        aside as `hard`."""
        del slot
        place = (sample.provenance.seed, sample.query_id, sample.wanted or "", "judge")
        lines = [judges(*place, seat) for seat, judges in enumerate(self._seats)]
        readings = self._readings(spec, sample)
        reading = readings[self._form.seats[0]]
        votes = tuple(
            await asyncio.gather(
                *(
                    self._vote(spec, sample, lines[: at + 1], ask, readings[seat])
                    for at, seat in enumerate(self._form.seats)
                )
            )
        )
        judged = replace(
            sample,
            votes=votes,
            notes=(*sample.notes, *self._fell(votes), *self._heads.notes(votes)),
            provenance=replace(sample.provenance, judge_prompt=self._form.hash),
        )
        # Before any rule, and of every reading, so that no rule, quorum or second try lifts it.
        if spec.lane.refuse_only and self._answers and any(map(self.labels.unsafe, reading.labels)):
            return judged.dropped("judge", "refuse_only", judged.response or "")
        if self._heads.forbidden(reading.named, spec.lane.subcategory):
            return judged.dropped("judge", REFUSED_CATEGORY, judged.response or "")
        return self._ruled(judged)

    def _ruled(self, judged: Sample) -> Judged:
        """The row with the verdict on each head."""
        votes = judged.votes
        if sum(vote.label is not None for vote in votes) < self._quorum:
            return judged.dropped("judge", "no_verdict", judged.response or "")
        label, analysis = self._verdict.of(votes)
        query_label, read_type = self._heads.query(votes, self._quorum)
        violated = self._heads.violated(votes, judged.lane.subcategory, label)
        ruled = replace(judged, label=label, analysis=analysis, query_label=query_label, read_type=read_type)
        ruled = replace(ruled, categories=violated)
        return Aside(HARD, ruled) if label is None else ruled

    def request(self, spec: LaneSpec, sample: Sample, role: str, draw: tuple[str | int, ...]) -> Request:
        """The request by which `vote` asks the judge of a role first."""
        (caller,) = self._router(role)().callers
        return caller.request(self._messages(spec, sample, self._seat_of(role)), self._schema, (*draw, "judge"))

    async def vote(self, spec: LaneSpec, sample: Sample, role: str, draw: tuple[str | int, ...], ask: Ask) -> Vote:
        """What the model of a role, no mixture and no chain, says of a pair, asked as this judge stage asks about a row but
        under a draw of its own. Where there is no verdict, the reason stands in place of the analysis."""
        request = self.request(spec, sample, role, draw)
        reading = self._reading(spec, sample, self._seat_of(role))
        return await self._voted(spec, self._router(role)(), lambda _: request, ask, reading)

    def _seat_of(self, role: str) -> Seat:
        """The first seat that a role has; the first of all where it only sits among others."""
        return next(
            (seat for seat, (name, _) in zip(self._form.seats, self.seats, strict=True) if name == role),
            self._form.seats[0],
        )

    def _messages(self, spec: LaneSpec, sample: Sample, seat: Seat) -> tuple[Message, ...]:
        return self._form.messages(spec, seat, *self._texts(sample))

    def _texts(self, sample: Sample) -> tuple[str, str]:
        return self._as_data(sample.query), self._as_data(sample.response or "")

    def _readings(self, spec: LaneSpec, sample: Sample) -> dict[Seat, Reading]:
        """What the votes of each seat are read against; what they say is noted in one place."""
        found, first = dict[Seat, Reading](), None
        for seat in dict.fromkeys(self._form.seats):
            reading = self._reading(spec, sample, seat)
            found[seat] = replace(reading, labels=first.labels, named=first.named) if first else reading
            first = first or reading
        return found

    def _reading(self, spec: LaneSpec, sample: Sample, seat: Seat) -> Reading:
        if not self.checks:
            return Reading((), frozenset())
        told = self._form.instructions(spec, seat)
        known = (*self._texts(sample), told, *SECOND_TRIES)
        return Reading(known, shown_in([told]))

    def _fell(self, votes: Sequence[Vote]) -> Iterator[Note]:
        """The seats without a verdict, each with the reason."""
        for (role, _), vote in zip(self.seats, votes, strict=True):
            if vote.label is None:
                yield Note("judge", "fell", f"{role}: {vote.analysis or 'no verdict'}")

    async def _vote(
        self,
        spec: LaneSpec,
        sample: Sample,
        lines: Sequence[FallbackChain],
        ask: Ask,
        reading: Reading,
    ) -> Vote:
        """That of the last of these seats. Every label in a reply is noted, whether the vote stands or not."""
        *before, line = lines
        messages = self._messages(spec, sample, self._form.seats[len(before)])

        def request_of(caller: Requester) -> Request:
            # Two seats of one model are two draws; the first keeps the key it has alone. No seed: recipes share verdicts.
            twin = sum(any(other.model == caller.model for other in earlier.callers) for earlier in before)
            return caller.request(messages, self._schema, ("judge", twin) if twin else ("judge",))

        return await self._voted(spec, line, request_of, ask, reading)

    async def _voted(
        self,
        spec: LaneSpec,
        line: FallbackChain,
        request_of: Callable[[Requester], Request],
        ask: Ask,
        reading: Reading,
    ) -> Vote:
        place = PromptUse("judge", self._form.prompt.name, spec.lane.subcategory, judging=True)
        try:
            return (await ask_with_fallback(ask, line, place, request_of, partial(self._read, reading)))[1]
        except ParseError as error:
            return Vote(error.model, None, error.reason)

    def _read(self, reading: Reading, turn: Attempt, reply: Reply) -> Vote:
        found = read_object(reply)
        label = self.labels.said(field(found, "label"))
        intent, refusal, categories = self._heads.read(found)
        reading.labels.extend([label] if label else [])
        reading.named.extend(categories)
        analysis = field(found, "analysis")
        if label not in self._verdict.said or not isinstance(analysis, str) or not analysis.strip():
            raise ParseError("truncated" if reply.finish == "length" else "shape")
        if self.checks:
            self._check(plain(analysis).strip(), label, reading)
        return Vote(turn.caller.model, label, plain(analysis).strip(), intent, refusal, categories)

    def _check(self, analysis: str, label: Label, reading: Reading) -> None:
        if reason := fault(analysis, reading.sources, reading.placeholders):
            raise ParseError(reason)
        if contradicts(analysis, label, self.labels):
            raise ParseError("contradicts")


def bind(options: Options, context: Context) -> Panel:
    """The judge stage of a recipe, a panel, from its options under `judge`."""
    return Panel(options, context)
