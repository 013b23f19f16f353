"""The respond stage: an answerer answers a query in a stance."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, get_args

from pydantic import Field

from synth.errors import ParseError
from synth.filters.language.response_class import by_rules
from synth.hashing import pick, unit
from synth.plan.lanes import LaneSpec
from synth.stages.contract import Context, Frozen, Slot, Step
from synth.stages.fallback import Attempt, ask_with_fallback
from synth.stages.parsing import read_text
from synth.stages.reply_stats import OK, REFUSAL, PromptUse
from synth.stages.shapes import Shapes
from synth.types import Ask, Drop, Label, Reply, Sample, Stance

OFFERED = frozenset({"query"})
SHAPED = {"scenario": None, "subcategory": None, "query": None, "form": "段落", "length": {"low": 60, "high": 120}}
"""What the prompts under `answer/` may use, with examples: those under `respond/` know the query alone."""


class Options(Frozen):
    """What a recipe says under `respond`: the models (answerers) that answer queries."""

    models: Annotated[tuple[str, ...], Field(min_length=1)]
    """The roles that answer; each slot draws one of them."""
    shapes: Shapes | None = None
    """The forms and lengths of answers, asked for by the prompts under `answer/`; None: those that the prompts under `respond/` name."""

    def identity(self) -> dict[str, Any]:
        """The options of the respond stage that change the data; shapes that are not said are not among them."""
        data = self.model_dump(mode="json")
        if self.shapes is None:
            del data["shapes"]
        return data


class Responder(Step):
    """The respond stage: draws stance and answerer for each slot of a query, and asks for the answer."""

    responds = True

    def __init__(self, options: Options, context: Context) -> None:
        self._answerers, self._seed = [context.router(role) for role in options.models], context.seed
        self._as_turn = context.as_turn
        self._shapes, self._folder = options.shapes, "respond" if options.shapes is None else "answer"
        offered = dict.fromkeys(OFFERED) if options.shapes is None else SHAPED
        self._prompts = {stance: context.prompt(f"{self._folder}/{stance}", offered) for stance in get_args(Stance)}

    def uses(self, spec: LaneSpec, prompt: str) -> bool:
        """Whether a lane has a cell whose answers the respond stage asks for in the stance of that prompt."""
        return any(prompt == f"{self._folder}/{stance}" for stances in spec.cells.values() for stance in stances)

    async def run(self, spec: LaneSpec, sample: Sample, slot: Slot | None, ask: Ask) -> Sample | Drop:
        """The query with an answer, asked for in a stance that may earn the slot's label; or a drop with the reason."""
        assert slot is not None, "a query without an answer has a slot"
        label = slot.label
        stance = stance_of(slot.stances, self._seed, sample, label)
        chosen = int(unit(self._seed, sample.query_id, label, "answerer") * len(self._answerers))
        line = self._answerers[chosen](self._seed, sample.query_id, label)
        template = self._prompts[stance]
        messages = template.render(self._told(spec, sample, label))
        asked = replace(
            sample,
            wanted=label,
            stance=stance,
            provenance=replace(sample.provenance, respond_prompt=template.hash),
        )
        declining = stance in ("refuse", "safe_complete")
        try:
            caller, text = await ask_with_fallback(
                ask,
                line,
                PromptUse("respond", template.name, spec.lane.subcategory),
                lambda caller: caller.request(messages, None, ("respond", self._seed, stance, label)),
                partial(_read_answer, unsafe=spec.labels.unsafe(label)),
                as_what=lambda text: REFUSAL if not declining and by_rules(text) == REFUSAL else OK,
            )
        except ParseError as error:
            return replace(asked, responder=error.model).dropped("respond", error.reason, error.text)
        return replace(asked, responder=caller.model, response=text, response_class=by_rules(text))

    def _told(self, spec: LaneSpec, sample: Sample, label: Label) -> dict[str, Any]:
        """What a prompt is told: the query, and where the recipe draws shapes the lane and the answer's shape."""
        if self._shapes is None:
            return {"query": self._as_turn(sample.query)}
        shape = self._shapes.drawn(self._seed, sample.query_id, label)
        length = {"low": shape.low, "high": shape.high}
        return spec.variables | {"query": self._as_turn(sample.query), "form": shape.form, "length": length}


def stance_of(stances: Mapping[Stance, float], seed: int, sample: Sample, label: Label) -> Stance:
    """The stance in which an answer to a query is asked for, drawn by weight: a function of recipe, query and wanted label."""
    return pick(stances, seed, sample.query_id, label, "stance")


def bind(options: Options, context: Context) -> Responder:
    """The respond stage of a recipe, from its options under `respond`."""
    return Responder(options, context)


def _read_answer(turn: Attempt, reply: Reply, *, unsafe: bool) -> str:
    """An answer. A refusal is one too, and fills a safe cell; where an unsafe answer is wanted it leads on along the chain."""
    text = read_text(reply)
    if unsafe and REFUSAL in turn.on and by_rules(text) == REFUSAL:
        raise ParseError(REFUSAL)
    return text
