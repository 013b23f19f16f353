"""The judge stage: a panel reads query and answer, or the query alone, under the subcategory's rule; each writes an analysis, then a label."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from synth.errors import ParseError
from synth.filters.language.analysis import shown_in
from synth.plan.lanes import LaneSpec
from synth.recipe.labels import UNANIMOUS
from synth.recipe.routing import OUTAGE
from synth.stages import heads, seats, verdicts
from synth.stages.contract import Context, Frozen, Slot, Step
from synth.stages.fallback import Attempt, FallbackChain, ask_with_fallback
from synth.stages.heads import HEADS, Head
from synth.stages.parsing import SECOND_TRIES, ask_once
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import Requester
from synth.stages.rules import REFUSED_CATEGORY
from synth.stages.seats import PROMPT, Form, Order, Seat
from synth.stages.vote_reading import Reading, VoteReader
from synth.types import HARD, Aside, Ask, Judged, Note, Reply, Request, Sample, Vote

MOST_ROWS: Final = 32
"""The most rows that a judge's call may hold."""
FULL: Final = 1.5
"""Of calls that hold several rows so many times as many, where rows drop before their judge or are asked about alone."""


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
    rows_per_call: Annotated[PositiveInt, Field(le=MOST_ROWS)] = 1
    """How many rows of a subcategory a judge's call holds, at most; a row on which its reply leaves a doubt is asked about again, alone."""
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
        if self.rows_per_call == 1:
            del data["rows_per_call"]
        if self.heads is None:
            del data["heads"]
        else:
            data["heads"] = [head for head in HEADS if head in self.heads]
        return data


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
        self._reader = VoteReader(self._heads, options.checks)
        self._form = seats.form(options.prompt, options.order, self._heads, context)
        self._schema = self._form.schema
        self.rows_per_call = most = options.rows_per_call
        self._several = (
            seats.form(options.prompt, options.order, self._heads, context, rows=most) if most > 1 else self._form
        )

    def calls(self, low: float, high: float) -> tuple[float, float]:
        """Fewest and most judge calls for so many rows: one for each seat of the panel and row, or for as many rows as a call holds, whose
        calls are not all full."""
        each = len(self.seats) / self.rows_per_call
        return low * each, high * each * (FULL if self.rows_per_call > 1 else 1)

    async def run(self, spec: LaneSpec, sample: Sample, slot: Slot | None, ask: Ask) -> Judged:
        """The row with its judges' votes, and with the label and analysis that the verdict rule makes of them; with the
        query's judged intent where all who gave a verdict read the same. A row to which the rule gives no label is set
        aside as `hard`."""
        del slot
        readings = self._readings(spec, sample, self._form)
        seated = enumerate(self._form.seats)
        votes = await asyncio.gather(*(self._vote(spec, sample, at, ask, readings[seat]) for at, seat in seated))
        return self._judged(spec, sample, votes, readings[self._form.seats[0]], self._form)

    async def run_together(self, spec: LaneSpec, samples: Sequence[Sample], ask: Ask) -> list[Judged]:
        """What `run` gives for each of these rows of one lane, a panel being asked about as many of them in a call as the recipe has it
        asked. Which rows stand in a call together hangs on their order alone."""
        calls = [samples[at : at + self.rows_per_call] for at in range(0, len(samples), self.rows_per_call)]
        found = await asyncio.gather(*(self._call(spec, call, ask) for call in calls))
        return [judged for call in found for judged in call]

    async def _call(self, spec: LaneSpec, rows: Sequence[Sample], ask: Ask) -> list[Judged]:
        if len(rows) == 1:
            return [await self.run(spec, rows[0], None, ask)]
        readings = [self._readings(spec, row, self._several, rows) for row in rows]
        seated = enumerate(self._several.seats)
        votes = await asyncio.gather(
            *(self._votes(spec, rows, at, ask, [of[seat] for of in readings]) for at, seat in seated)
        )
        first = self._several.seats[0]
        return [
            self._judged(spec, row, given, reading[first], self._several)
            for row, given, reading in zip(rows, zip(*votes, strict=True), readings, strict=True)
        ]

    def _judged(self, spec: LaneSpec, sample: Sample, votes: Sequence[Vote], reading: Reading, form: Form) -> Judged:
        judged = replace(
            sample,
            votes=tuple(votes),
            notes=(*sample.notes, *self._fell(votes), *self._heads.notes(votes)),
            provenance=replace(sample.provenance, judge_prompt=form.hash),
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
        messages = self._form.messages(spec, self._seat_of(role), self._texts(sample))
        return caller.request(messages, self._schema, (*draw, "judge"))

    async def vote(self, spec: LaneSpec, sample: Sample, role: str, draw: tuple[str | int, ...], ask: Ask) -> Vote:
        """What the model of a role, no mixture and no chain, says of a pair, asked as this judge stage asks about a row but
        under a draw of its own. Where there is no verdict, the reason stands in place of the analysis."""
        request = self.request(spec, sample, role, draw)
        reading = self._reading(spec, [sample], self._form, self._seat_of(role))
        return await self._voted(spec, self._router(role)(), lambda _: request, ask, reading)

    def _seat_of(self, role: str) -> Seat:
        """The first seat that a role has; the first of all where it only sits among others."""
        return next(
            (seat for seat, (name, _) in zip(self._form.seats, self.seats, strict=True) if name == role),
            self._form.seats[0],
        )

    def _texts(self, sample: Sample) -> tuple[str, str]:
        return self._as_data(sample.query), self._as_data(sample.response or "")

    def _readings(self, spec: LaneSpec, sample: Sample, form: Form, rows: Sequence[Sample] = ()) -> dict[Seat, Reading]:
        """What the votes of each seat are read against; what they say is noted in one place."""
        found, first = dict[Seat, Reading](), None
        for seat in dict.fromkeys(form.seats):
            reading = self._reading(spec, rows or [sample], form, seat)
            found[seat] = replace(reading, labels=first.labels, named=first.named) if first else reading
            first = first or reading
        return found

    def _reading(self, spec: LaneSpec, rows: Sequence[Sample], form: Form, seat: Seat) -> Reading:
        if not self.checks:
            return Reading((), frozenset())
        told = form.instructions(spec, seat)
        known = (*(text for row in rows for text in self._texts(row)), told, *SECOND_TRIES)
        return Reading(known, shown_in([told]))

    def _fell(self, votes: Sequence[Vote]) -> Iterator[Note]:
        """The seats without a verdict, each with the reason."""
        for (role, _), vote in zip(self.seats, votes, strict=True):
            if vote.label is None:
                yield Note("judge", "fell", f"{role}: {vote.analysis or 'no verdict'}")

    def _asking(
        self, spec: LaneSpec, at: int, form: Form, rows: Sequence[Sample]
    ) -> tuple[FallbackChain, Callable[[Requester], Request]]:
        """Whom a seat asks about these rows, and by which request; the first row stands for the others where a seat is a mixture."""
        first = rows[0]
        place = (first.provenance.seed, first.query_id, first.wanted or "", "judge")
        *before, line = [judges(*place, seat) for seat, judges in enumerate(self._seats[: at + 1])]
        messages = form.messages(spec, form.seats[at], *map(self._texts, rows))

        def request_of(caller: Requester) -> Request:
            # Two seats of one model are two draws; the first keeps the key it has alone. No seed: recipes share verdicts.
            twin = sum(any(other.model == caller.model for other in earlier.callers) for earlier in before)
            return caller.request(messages, form.schema, ("judge", twin) if twin else ("judge",))

        return line, request_of

    async def _vote(self, spec: LaneSpec, sample: Sample, at: int, ask: Ask, reading: Reading) -> Vote:
        """That of a seat. Every label in a reply is noted, whether the vote stands or not."""
        line, request_of = self._asking(spec, at, self._form, [sample])
        return await self._voted(spec, line, request_of, ask, reading)

    async def _votes(
        self, spec: LaneSpec, rows: Sequence[Sample], at: int, ask: Ask, readings: Sequence[Reading]
    ) -> list[Vote]:
        """Those of a seat on rows that stand in one call; where its reply leaves a doubt of a row, that on the row alone."""
        line, request_of = self._asking(spec, at, self._several, rows)
        caller = line.callers[0]
        request = request_of(caller)
        room = {"max_tokens": request.params["max_tokens"] * len(rows)} if "max_tokens" in request.params else {}
        found = await ask_once(
            ask,
            caller,
            PromptUse("judge", self._several.prompt.name, spec.lane.subcategory, judging=True),
            replace(request, params={**request.params, **room}),
            partial(self._reader.several, readings, caller.model),
            spare=OUTAGE in line.on and len(line.callers) > 1,
        )
        told = found or {}
        seat = self._form.seats[at]

        async def one(place: int) -> Vote:
            if place in told:
                return told[place]
            alone = self._reading(spec, rows[place : place + 1], self._form, seat)
            noted = replace(alone, labels=readings[place].labels, named=readings[place].named)
            return await self._vote(spec, rows[place], at, ask, noted)

        return list(await asyncio.gather(*map(one, range(len(rows)))))

    async def _voted(
        self,
        spec: LaneSpec,
        line: FallbackChain,
        request_of: Callable[[Requester], Request],
        ask: Ask,
        reading: Reading,
    ) -> Vote:
        def read(turn: Attempt, reply: Reply) -> Vote:
            return self._reader.one(reading, turn.caller.model, reply)

        place = PromptUse("judge", self._form.prompt.name, spec.lane.subcategory, judging=True)
        try:
            return (await ask_with_fallback(ask, line, place, request_of, read))[1]
        except ParseError as error:
            return Vote(error.model, None, error.reason)


def bind(options: Options, context: Context) -> Panel:
    """The judge stage of a recipe, a panel, from its options under `judge`."""
    return Panel(options, context)
