"""The query stage: one writer call asks for several queries on one tuple of elements."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from synth import prompt
from synth.errors import ParseError
from synth.keys import short_hash
from synth.plan.chance import pick
from synth.plan.lanes import Brief, elements
from synth.plan.rounds import BANKS, TEMPERATURE, WIDEST
from synth.prompt import Prompt
from synth.recipe import QueryPrompts
from synth.stages.calling import Caller, object_schema
from synth.stages.expand import Expander
from synth.stages.ledger import Place
from synth.stages.line import Lines, ask_along
from synth.stages.reading import read_strings
from synth.types import Ask, Drop, Element, Provenance, Request, Sample

OFFERED = frozenset({"scenario", "subcategory", "elements", "n"})

Written = list[tuple[int, Sample | Drop]]
"""What one page of a lane's queries holds, by coordinate, ascending; a coordinate may be missing."""


HOTTER = 0.3
"""What is added to the writer's temperature in a lane that repeats itself; it does not rise beyond `HOTTEST`."""
HOTTEST = 1.5


class Writer:
    """Gives a lane's queries page by page: page k is writer call k, coordinates k * size … k * size + size - 1."""

    widest = WIDEST

    def __init__(self, lines: Lines, prompts: QueryPrompts, *, per_call: int, seed: int) -> None:
        self.size = per_call
        self._lines, self._seed = lines, seed
        self._weights = {kind: getattr(prompts, kind) for kind in ("harmful", "benign", "ordinary")}
        self._prompts: dict[str, Prompt] = {
            name: prompt.load(name, OFFERED) for weights in self._weights.values() for name in weights
        }
        self._expander = Expander(lines, seed=seed)
        self._schema = object_schema(
            "queries",
            queries={"type": "array", "items": {"type": "string"}, "minItems": per_call, "maxItems": per_call},
        )

    def prompts(self) -> list[Prompt]:
        return [*self._prompts.values(), *self._expander.prompts()]

    def available(self, brief: Brief) -> int | None:
        """How many coordinates the lane has; None is no limit."""
        del brief
        return None

    def asks(self, brief: Brief, name: str) -> bool:
        """Whether calls of this lane may use the prompt of that name."""
        return name in self._weights[_kind(brief)]

    def request(self, brief: Brief, call: int, widening: int = 0) -> Request:
        """The request of a lane's `call`-th writer call, to the first who is asked: a function of seed, lane and call alone. In a
        widened lane `brief` has its banks expanded already."""
        return self._request(brief, call, widening, self._lines(self._seed, brief.lane.id, call).callers[0])

    def _request(self, brief: Brief, call: int, widening: int, caller: Caller) -> Request:
        if widening >= TEMPERATURE:
            caller = replace(caller, params={**caller.params, "temperature": _hotter(caller.params["temperature"])})
        name, drawn = self._drawn(brief, call)
        told: Mapping[str, Any] = brief.variables | {"elements": drawn, "n": self.size}
        messages = self._prompts[name].render(told)
        return caller.request(messages, self._schema, ("query", self._seed, brief.lane.id, call))

    async def page(self, brief: Brief, call: int, ask: Ask, widening: int) -> Written:
        """The queries of one call. A call that failed is one drop, at its first coordinate."""
        if widening >= BANKS:
            brief = await self._expander.expanded(brief, ask)
        drawn = self._drawn(brief, call)
        first, place = call * self.size, f"{brief.lane.id}#{call}"
        try:
            caller, texts = await ask_along(
                ask,
                self._lines(self._seed, brief.lane.id, call),
                Place("query", drawn[0], brief.lane.subcategory),
                lambda caller: self._request(brief, call, widening, caller),
                lambda _, reply: read_strings(reply, "queries"),
            )
        except ParseError as error:
            return [(first, Drop("query", error.reason, brief.lane, place))]
        made: Written = [
            (first + item, self._sample(brief, text, first + item, drawn, caller.model))
            for item, text in enumerate(texts[: self.size])
        ]
        last = first + self.size - 1
        return made + [(last, Drop("query", "extra", brief.lane, place, text)) for text in texts[self.size :]]

    def _sample(
        self, brief: Brief, text: str, coordinate: int, drawn: tuple[str, tuple[Element, ...]], generator: str
    ) -> Sample:
        (name, elements), (call, item) = drawn, divmod(coordinate, self.size)
        place = f"{brief.lane.id}#{call}.{item}"
        return Sample(
            lane=brief.lane,
            coordinate=coordinate,
            query=text,
            query_id=query_id(brief, text),
            elements=elements,
            generator=generator,
            family=place,
            provenance=Provenance(
                seed=self._seed,
                draw=place,
                query_prompt=self._prompts[name].hash,
                rule=brief.lane.subcategory,
                rule_hash=brief.rule_hash,
            ),
        )

    def _drawn(self, brief: Brief, call: int) -> tuple[str, tuple[Element, ...]]:
        return pick(self._weights[_kind(brief)], self._seed, brief.lane.id, call, "prompt"), elements(
            self._seed, brief, call
        )


def _hotter(temperature: float) -> float:
    return max(temperature, min(HOTTEST, temperature + HOTTER))


def _kind(brief: Brief) -> str:
    return "ordinary" if brief.ordinary else brief.lane.query_type


def query_id(brief: Brief, text: str) -> str:
    """A function of lane and text."""
    return short_hash(brief.lane.id, text)
