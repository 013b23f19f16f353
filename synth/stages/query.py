"""The query stage: one writer call asks for several queries on one tuple of elements."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from synth.errors import ParseError
from synth.hashing import pick, short_hash
from synth.plan.lanes import LaneSpec, elements
from synth.plan.rounds import BANKS, TEMPERATURE, WIDEST
from synth.recipe.sections import Weight
from synth.sanitize import plain
from synth.stages.contract import Context, Frozen, Source, Written
from synth.stages.expand import Expander
from synth.stages.fallback import ask_with_fallback
from synth.stages.parsing import read_strings
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import Requester, object_schema
from synth.types import Ask, Drop, Element, Message, Provenance, Request, Sample

OFFERED = frozenset({"scenario", "subcategory", "elements", "n"})

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
    benign: Weights = Field(default={"query/benign": 1.0, "query/lookalike": 1.0})
    ordinary: Weights = Field(default={"query/ordinary": 1.0})


class Options(Frozen):
    """What a recipe says under `query`: the writer's model, queries per call, axes of elements, and prompts."""

    model: str
    per_call: Annotated[int, Field(ge=1, le=50)] = 10
    """How many queries one writer call asks for."""
    elements: Annotated[tuple[str, ...], Field(min_length=1)] = ("behaviour", "task", "region", "event")
    """The axes of which every writer call draws one element each."""
    prompts: QueryPrompts = QueryPrompts()


class Writer(Source):
    """The query stage: a source whose page k is writer call k, with coordinates k * size … k * size + size - 1."""

    widest = WIDEST

    def __init__(self, options: Options, context: Context) -> None:
        self.size = per_call = options.per_call
        self._lines, self._seed = context.router(options.model), context.seed
        self._weights = {kind: getattr(options.prompts, kind) for kind in ("harmful", "benign", "ordinary")}
        names = dict.fromkeys(name for weights in self._weights.values() for name in weights)
        self._prompts = {name: context.prompt(name, OFFERED) for name in names}
        self._expander = Expander(self._lines, context)
        self._schema = object_schema(
            "queries",
            queries={"type": "array", "items": {"type": "string"}, "minItems": per_call, "maxItems": per_call},
        )

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
        name, drawn = self._drawn(spec, call)
        told: Mapping[str, Any] = spec.variables | {"elements": drawn, "n": self.size}
        messages = self._prompts[name].render(told)
        return caller.request(messages, self._schema, ("query", self._seed, spec.lane.id, call))

    async def page(self, spec: LaneSpec, call: int, ask: Ask, widening: int) -> Written:
        """The queries that one writer call gave the query stage. A call that failed is one drop, at its first
        coordinate."""
        if widening >= BANKS:
            spec = await self._expander.expanded(spec, ask)
        drawn = self._drawn(spec, call)
        first, place = call * self.size, f"{spec.lane.id}#{call}"
        try:
            caller, texts = await ask_with_fallback(
                ask,
                self._lines(self._seed, spec.lane.id, call),
                PromptUse("query", drawn[0], spec.lane.subcategory),
                lambda caller: self._request(spec, call, widening, caller),
                lambda _, reply: read_strings(reply, "queries"),
            )
        except ParseError as error:
            return [(first, Drop("query", error.reason, spec.lane, place, plain(error.text)))]
        made: Written = [
            (first + item, self._sample(spec, text, first + item, drawn, caller.model))
            for item, text in enumerate(texts[: self.size])
        ]
        last = first + self.size - 1
        return made + [(last, Drop("query", "extra", spec.lane, place, text)) for text in texts[self.size :]]

    def _sample(
        self, spec: LaneSpec, text: str, coordinate: int, drawn: tuple[str, tuple[Element, ...]], generator: str
    ) -> Sample:
        (name, elements), (call, item) = drawn, divmod(coordinate, self.size)
        place = f"{spec.lane.id}#{call}.{item}"
        return Sample(
            lane=spec.lane,
            coordinate=coordinate,
            query=text,
            query_id=(id := query_id(spec, text)),
            root_id=id,
            elements=elements,
            generator=generator,
            family=place,
            provenance=Provenance(
                seed=self._seed,
                draw=place,
                query_prompt=self._prompts[name].hash,
                rule=spec.lane.subcategory,
                rule_hash=spec.rule_hash,
            ),
        )

    def _drawn(self, spec: LaneSpec, call: int) -> tuple[str, tuple[Element, ...]]:
        return pick(self._weights[_kind(spec)], self._seed, spec.lane.id, call, "prompt"), elements(
            self._seed, spec, call
        )


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
