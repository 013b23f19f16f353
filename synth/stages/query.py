"""The query stage: one writer call asks for several queries on one tuple of elements."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from synth.errors import ParseError
from synth.hashing import pick, short_hash
from synth.plan.lanes import LaneSpec, elements
from synth.plan.rounds import BANKS, TEMPERATURE, WIDEST
from synth.recipe import prompt
from synth.recipe.prompt import Load, Prompt
from synth.recipe.schema import QueryPrompts
from synth.stages.expand import Expander
from synth.stages.fallback import Router, ask_with_fallback
from synth.stages.parsing import read_strings
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import Requester, object_schema
from synth.types import Ask, Drop, Element, Message, Provenance, Request, Sample

OFFERED = frozenset({"scenario", "subcategory", "elements", "n"})

Written = list[tuple[int, Sample | Drop]]
"""What one page of a lane's queries holds, by coordinate, ascending; a coordinate may be missing."""


HOTTER = 0.3
"""What is added to the writer's temperature in a lane that repeats itself; it does not rise beyond `HOTTEST`."""
HOTTEST = 1.5


class Writer:
    """Gives a lane's queries page by page: page k is writer call k, coordinates k * size … k * size + size - 1."""

    widest = WIDEST

    def __init__(
        self, lines: Router, prompts: QueryPrompts, *, per_call: int, seed: int, load: Load = prompt.load
    ) -> None:
        self.size = per_call
        self._lines, self._seed = lines, seed
        self._weights = {kind: getattr(prompts, kind) for kind in ("harmful", "benign", "ordinary")}
        self._prompts: dict[str, Prompt] = {
            name: load(name, OFFERED) for weights in self._weights.values() for name in weights
        }
        self._expander = Expander(lines, seed=seed, load=load)
        self._schema = object_schema(
            "queries",
            queries={"type": "array", "items": {"type": "string"}, "minItems": per_call, "maxItems": per_call},
        )

    def prompts(self) -> list[Prompt]:
        return [*self._prompts.values(), *self._expander.prompts()]

    def available(self, spec: LaneSpec) -> int | None:
        """How many coordinates the lane has; None is no limit."""
        del spec
        return None

    def asks(self, spec: LaneSpec, name: str) -> bool:
        """Whether calls of this lane may use the prompt of that name."""
        return name in self._weights[_kind(spec)]

    def request(self, spec: LaneSpec, call: int, widening: int = 0) -> Request:
        """The request of a lane's `call`-th writer call, to the first who is asked: a function of seed, lane and call alone. In a
        widened lane `brief` has its banks expanded already."""
        return self._request(spec, call, widening, self._lines(self._seed, spec.lane.id, call).callers[0])

    def _request(self, spec: LaneSpec, call: int, widening: int, caller: Requester) -> Request:
        if widening >= TEMPERATURE:
            caller = replace(caller, params={**caller.params, "temperature": _hotter(caller.params["temperature"])})
        name, drawn = self._drawn(spec, call)
        told: Mapping[str, Any] = spec.variables | {"elements": drawn, "n": self.size}
        messages = self._prompts[name].render(told)
        return caller.request(messages, self._schema, ("query", self._seed, spec.lane.id, call))

    async def page(self, spec: LaneSpec, call: int, ask: Ask, widening: int) -> Written:
        """The queries of one call. A call that failed is one drop, at its first coordinate."""
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
            return [(first, Drop("query", error.reason, spec.lane, place))]
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


def _hotter(temperature: float) -> float:
    return max(temperature, min(HOTTEST, temperature + HOTTER))


def _kind(spec: LaneSpec) -> str:
    return "ordinary" if spec.ordinary else spec.lane.query_type


def query_id(spec: LaneSpec, text: str, context: Sequence[Message] = ()) -> str:
    """A function of lane and of what the user says: in the turns before, if there are any, and in this one."""
    return short_hash(spec.lane.id, *(turn.content for turn in context if turn.role == "user"), text)
