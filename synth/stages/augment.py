"""The augment stage: one operator (a prompt under `augment/`) makes another query of a root query."""

from collections.abc import Mapping
from dataclasses import replace

from synth.errors import ConfigError, ParseError
from synth.hashing import unit
from synth.plan.lanes import LaneSpec
from synth.recipe.sections import Share
from synth.stages.contract import Branch, Context, Frozen
from synth.stages.fallback import ask_with_fallback
from synth.stages.parsing import read_string
from synth.stages.query import query_id
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import object_schema
from synth.types import Ask, Drop, Element, Message, Sample

OFFERED = frozenset({"scenario", "subcategory", "elements", "query"})
RED_TEAM = "red_team"
"""The name of the augmentation operator that draws a tactic."""
TACTIC = "tactic"


PLAIN = frozenset({"rewrite", "paraphrase"})
"""The augmentation operators that may be applied in refuse-only lanes: no red-teaming, whatever it is called."""
CALLS_LOW, CALLS_HIGH = 0.5, 2.0
"""Fewest and most calls of the augment stage, as a multiple of the queries that a first round would have of it."""


class Options(Frozen):
    """What a recipe says under `augment`: the model that rewrites queries, and which operators it applies how often."""

    model: str
    """The role that rewrites queries."""
    operators: dict[str, Share]
    """For each prompt under `augment/` the share of harmful queries it is applied to."""


class Augmenter(Branch):
    """The augment stage: makes new queries of root queries of harmful lanes by its operators (prompts under
    `augment/`)."""

    plain = PLAIN

    def __init__(self, options: Options, context: Context) -> None:
        self._lines, self._seed, self._shares = context.router(options.model), context.seed, options.operators
        self._as_turn = context.as_turn
        self._tactics = tactics = context.taxonomy.banks.get(TACTIC, ())
        offered = dict.fromkeys(OFFERED) | {"elements": (Element(TACTIC, "……"),)}
        self._prompts = {name: context.prompt(f"augment/{name}", offered) for name in options.operators}
        self._schema = object_schema("query", query={"type": "string"})
        if RED_TEAM in self._prompts and not tactics:
            raise ConfigError(
                f"augment.operators: {RED_TEAM} draws from a bank {TACTIC!r}; add one, or `extends: elements`"
            )

    def shares(self, spec: LaneSpec) -> Mapping[str, float]:
        """The share of root queries that each augmentation operator is applied to; none in lanes of benign queries."""
        return self._shares if spec.lane.query_type == "harmful" else {}

    def uses(self, spec: LaneSpec, prompt: str) -> bool:
        """Whether a lane applies the augmentation operator that an `augment/` prompt stands for."""
        return prompt.partition("/")[2] in spec.operators

    def calls(self, low: float, high: float) -> tuple[float, float]:
        """Fewest and most calls for so many augmented queries: half of them where most roots are dropped, twice
        where lanes are widened."""
        return low * CALLS_LOW, high * CALLS_HIGH

    async def apply(self, spec: LaneSpec, root: Sample, name: str, ask: Ask) -> Sample | Drop:
        """The augmented query that an operator makes of a root query, which becomes its parent; or a drop with the
        reason."""
        drawn = root.elements + self._tactic(root) if name == RED_TEAM else root.elements
        place = f"{root.provenance.draw}+{name}"
        messages = self._messages(spec, root, name, drawn)
        draw = ("augment", self._seed, root.query_id, name)
        try:
            caller, text = await ask_with_fallback(
                ask,
                self._lines(*draw),
                PromptUse("augment", f"augment/{name}", spec.lane.subcategory),
                lambda caller: caller.request(messages, self._schema, draw),
                lambda _, reply: read_string(reply, "query"),
            )
        except ParseError as error:
            return Drop("augment", error.reason, spec.lane, place, root.query)
        return replace(
            root,
            query=text,
            query_id=query_id(spec, text, root.context),
            parent_id=root.query_id,
            request=None,
            attack=name,
            elements=drawn,
            generator=caller.model,
            provenance=replace(root.provenance, draw=place, augment_prompt=self._prompts[name].hash),
        )

    def _messages(self, spec: LaneSpec, root: Sample, operator: str, drawn: tuple[Element, ...]) -> tuple[Message, ...]:
        return self._prompts[operator].render(spec.variables | {"elements": drawn, "query": self._as_turn(root.query)})

    def _tactic(self, root: Sample) -> tuple[Element, ...]:
        number = int(unit(self._seed, root.query_id, TACTIC) * len(self._tactics))
        return (Element(TACTIC, self._tactics[number]),)


def bind(options: Options, context: Context) -> Augmenter:
    """The augment stage of a recipe, from its options under `augment`. ConfigError where an operator lacks its bank
    of tactics."""
    return Augmenter(options, context)
