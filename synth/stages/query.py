"""The query stage: one writer call asks for several queries, on one tuple of elements or, by a slot sheet, each on its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from synth.errors import ParseError
from synth.hashing import pick, short_hash, unit
from synth.plan.lanes import LaneSpec, elements
from synth.plan.rounds import BANKS, TEMPERATURE, WIDEST
from synth.plan.sheet import Slot, room_in, sheet, tokens_for, unreached
from synth.recipe.sections import Weight
from synth.recipe.sheet import Band, Sheet
from synth.sanitize import plain
from synth.stages.contract import Context, Frozen, Source, Written
from synth.stages.expand import Expander
from synth.stages.fallback import ask_with_fallback
from synth.stages.parsing import read_strings
from synth.stages.reply_stats import OK, PromptUse
from synth.stages.requester import Requester, object_schema
from synth.stages.slots import UNNUMBERED, Filled, read_slots
from synth.types import Ask, Drop, Message, Provenance, Reply, Request, Sample

OFFERED = frozenset({"scenario", "subcategory", "elements", "n"})
ON_A_SHEET = frozenset({"scenario", "subcategory", "slots", "samples", "n"})
"""The variables that a writer's prompt may use where a slot sheet is asked for."""

PAGES_HIGH = 2.0
"""The most writer calls, as a multiple of those of a first round."""
HOTTER = 0.3
"""How much is added to the writer's temperature in a lane that repeats itself; it does not rise beyond `HOTTEST`."""
HOTTEST = 1.5


def _weights(value: Any) -> Any:
    """A single name stands for one of weight 1."""
    return {value: 1.0} if isinstance(value, str) else value


Weights = Annotated[dict[str, Weight], BeforeValidator(_weights), Field(min_length=1)]


class QueryPrompts(Frozen):
    """The weights of writer prompts under `query.prompts`, by prompt name, for harmful, benign and ordinary lanes."""

    harmful: Weights = Field(default={"query/harmful": 1.0})
    """Prompts of harmful queries."""
    benign: Weights = Field(default={"query/benign": 1.0, "query/lookalike": 1.0})
    """Prompts of benign queries and look-alikes."""
    ordinary: Weights = Field(default={"query/ordinary": 1.0})
    """Prompts of ordinary conversation."""


SHEET_PROMPTS = {
    "harmful": {"sheet/harmful": 1.0},
    "benign": {"sheet/benign": 1.0, "sheet/lookalike": 1.0},
    "ordinary": {"sheet/ordinary": 1.0},
}
"""The writer prompts of a recipe with a slot sheet that names none."""


class Options(Frozen):
    """What a recipe says under `query`: the writer's model, queries per call, axes of elements, and prompts."""

    model: str
    """The role that writes queries."""
    per_call: Annotated[int, Field(ge=1, le=50)] = 10
    """How many queries one writer call asks for."""
    elements: Annotated[tuple[str, ...], Field(min_length=1)] = ("behaviour", "task", "region", "event")
    """The axes of which every writer call, or every slot of its sheet, draws one element each."""
    sheet: Sheet | None = None
    """In what the slots of a writer call differ besides their elements; None: one tuple of elements for all of a call."""
    prompts: QueryPrompts = QueryPrompts()

    @model_validator(mode="before")
    @classmethod
    def _prompts_for_a_sheet(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("sheet") is None:
            return data
        named = data.get("prompts") or {}
        return data | {"prompts": SHEET_PROMPTS | named if isinstance(named, dict) else named}

    @model_validator(mode="after")
    def _a_sheet_for_its_prompts(self) -> "Options":
        named = (*self.prompts.harmful, *self.prompts.benign, *self.prompts.ordinary)
        if self.sheet is None and (found := next((name for name in named if name.startswith("sheet/")), None)):
            raise ValueError(f"prompt {found} asks for a slot sheet; give `sheet`, or a prompt of query/ in its place")
        if self.sheet is not None and (found := next((name for name in named if name.startswith("query/")), None)):
            raise ValueError(f"prompt {found} knows no slot sheet; name one of sheet/, or say `sheet: null`")
        return self

    def identity(self) -> dict[str, Any]:
        """What the options of the query stage change of the data; a slot sheet only where there is one."""
        return self.model_dump(mode="json", exclude=None if self.sheet else {"sheet"})


class Writer(Source):
    """The query stage: a source whose page k is writer call k, with coordinates k * size … k * size + size - 1."""

    widest = WIDEST

    def __init__(self, options: Options, context: Context) -> None:
        self.size = per_call = options.per_call
        self._lines, self._seed = context.router(options.model), context.seed
        self._weights: dict[str, dict[str, float]] = {
            kind: getattr(options.prompts, kind) for kind in ("harmful", "benign", "ordinary")
        }
        self._sheet, self._room = options.sheet, room_in(context.max_tokens(options.model))
        offered = ON_A_SHEET if options.sheet else OFFERED
        names = dict.fromkeys(name for weights in self._weights.values() for name in weights)
        self._prompts = {name: context.prompt(name, offered) for name in names}
        self._expander = Expander(self._lines, context)
        self._schema = _schema(per_call, numbered=options.sheet is not None)

    @property
    def unreached(self) -> list[tuple[Band, int]]:
        """The length bands of the recipe's slot sheet that none of its calls ever has, each with the `max_tokens` from which
        on the writer would."""
        found = unreached(self._sheet, self.size, self._room) if self._sheet else []
        return [(band, tokens_for(characters)) for band, characters in found]

    def uses(self, spec: LaneSpec, prompt: str) -> bool:
        """Whether a lane's writer calls (the query stage) may use the prompt of that name."""
        return prompt not in self._prompts or prompt in self._weights[_kind(spec)]

    def calls(self, low: float, high: float) -> tuple[float, float]:
        """Fewest and most writer calls for so many pages: up to twice as many where a lane repeats itself or
        refuses."""
        return low, high * PAGES_HIGH

    def request(self, spec: LaneSpec, call: int, widening: int = 0) -> Request:
        """The request of a lane's `call`-th writer call, to the model asked first: a function of seed, lane and call
        alone. In a widened lane `spec` has its banks expanded already."""
        return self._request(spec, call, widening, self._lines(self._seed, spec.lane.id, call).callers[0])

    def _request(self, spec: LaneSpec, call: int, widening: int, caller: Requester) -> Request:
        if widening >= TEMPERATURE:
            hotter = {"temperature": _hotter(caller.params["temperature"])}
            caller = replace(caller, params={**caller.params, **hotter}, unasked=caller.unasked - hotter.keys())
        told = spec.variables | self.variables(spec, call)
        messages = self._prompts[self._prompt(spec, call)].render(told)
        return caller.request(messages, self._schema, ("query", self._seed, spec.lane.id, call))

    def variables(self, spec: LaneSpec, call: int) -> dict[str, Any]:
        """What the query stage tells its prompts in a lane's `call`-th writer call besides the lane itself."""
        if self._sheet is None:
            return {"elements": elements(self._seed, spec, call), "n": self.size}
        first = int(unit(self._seed, spec.lane.id, "samples") * 1_000) + call * self._sheet.samples
        samples = tuple(range(first, first + self._sheet.samples))
        return {"slots": self._slots(spec, call), "samples": samples, "n": self.size}

    async def page(self, spec: LaneSpec, call: int, ask: Ask, widening: int) -> Written:
        """The queries that one writer call gave the query stage. A call that failed is one drop, at its first
        coordinate."""
        if widening >= BANKS:
            spec = await self._expander.expanded(spec, ask)
        first, place = call * self.size, f"{spec.lane.id}#{call}"
        try:
            caller, read = await ask_with_fallback(
                ask,
                self._lines(self._seed, spec.lane.id, call),
                PromptUse("query", self._prompt(spec, call), spec.lane.subcategory),
                lambda caller: self._request(spec, call, widening, caller),
                lambda _, reply: self._read(reply),
                as_what=lambda read: UNNUMBERED if read.unnumbered else OK,
            )
        except ParseError as error:
            return [(first, Drop("query", error.reason, spec.lane, place, plain(error.text)))]
        slots = self._slots(spec, call)
        made: Written = []
        for item, drawn in enumerate(slots):
            if item in read.texts:
                known = () if item in read.unnumbered else drawn
                made.append((first + item, self._sample(spec, read.texts[item], first + item, known, caller.model)))
            elif self._sheet is not None:
                made.append((first + item, Drop("query", "missing", spec.lane, f"{place}.{item}", "")))
        last = first + self.size - 1
        return made + [(last, Drop("query", "extra", spec.lane, place, text)) for text in read.extra]

    def _read(self, reply: Reply) -> Filled:
        if self._sheet is not None:
            return read_slots(reply, self.size)
        texts = read_strings(reply, "queries")
        return Filled(dict(enumerate(texts[: self.size])), extra=texts[self.size :])

    def _sample(self, spec: LaneSpec, text: str, coordinate: int, drawn: Slot, generator: str) -> Sample:
        call, item = divmod(coordinate, self.size)
        place = f"{spec.lane.id}#{call}.{item}"
        return Sample(
            lane=spec.lane,
            coordinate=coordinate,
            query=text,
            query_id=(id := query_id(spec, text)),
            root_id=id,
            elements=drawn,
            generator=generator,
            family=place,
            provenance=Provenance(
                seed=self._seed,
                draw=place,
                query_prompt=self._prompts[self._prompt(spec, call)].hash,
                rule=spec.lane.subcategory,
                rule_hash=spec.rule_hash,
            ),
        )

    def _slots(self, spec: LaneSpec, call: int) -> list[Slot]:
        """For each query of a call what it is to be made of."""
        if self._sheet is None:
            return [elements(self._seed, spec, call)] * self.size
        return sheet(self._seed, spec, call, self.size, self._room)

    def _prompt(self, spec: LaneSpec, call: int) -> str:
        return pick(self._weights[_kind(spec)], self._seed, spec.lane.id, call, "prompt")


def _schema(size: int, *, numbered: bool) -> Mapping[str, Any]:
    """The JSON schema of a writer's reply: texts, or on a slot sheet texts with the numbers of their slots. A model that has run
    out of a slot's kind is not made to pad."""
    if not numbered:
        return object_schema(
            "queries", queries={"type": "array", "items": {"type": "string"}, "minItems": size, "maxItems": size}
        )
    item = object_schema("slot", n={"type": "integer"}, query={"type": "string"})
    del item["title"]
    return object_schema("queries", queries={"type": "array", "items": item, "minItems": 1, "maxItems": size})


def _hotter(temperature: float | None) -> float | None:
    if temperature is None:  # left out by the recipe (`extra`)
        return None
    return max(temperature, min(HOTTEST, temperature + HOTTER))


def _kind(spec: LaneSpec) -> str:
    return "ordinary" if spec.ordinary else spec.lane.query_type


def query_id(spec: LaneSpec, text: str, context: Sequence[Message] = ()) -> str:
    """The id of a query, whichever stage gives it: a function of its lane and of what the user says, in the turns
    before, if any, and in this one."""
    return short_hash(spec.lane.id, *(turn.content for turn in context if turn.role == "user"), text)


def bind(options: Options, context: Context) -> Writer:
    """The query stage of a recipe, its writer, from its options under `query`."""
    return Writer(options, context)
