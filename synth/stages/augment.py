"""The augment stage: one operator (a prompt under `augment/`) makes another query of a root query."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from synth.errors import ConfigError, ParseError
from synth.hashing import unit
from synth.plan.lanes import LaneSpec
from synth.recipe import prompt
from synth.recipe.prompt import Load, Prompt
from synth.stages.fallback import Router, ask_with_fallback
from synth.stages.parsing import read_string
from synth.stages.query import query_id
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import object_schema
from synth.types import Ask, Drop, Element, Message, Sample

OFFERED = frozenset({"scenario", "subcategory", "elements", "query"})
RED_TEAM = "red_team"
"""The operator that draws a tactic."""
TACTIC = "tactic"


class Augmenter:
    """Applies operators to root queries; `tactics` is the bank red-teaming draws from."""

    same_request: Collection[str] = ()
    """The operators whose queries are known to ask for what their root asks for. Nothing checks that of a model's."""

    def __init__(
        self, lines: Router, operators: Iterable[str], *, tactics: tuple[str, ...], seed: int, load: Load = prompt.load
    ) -> None:
        self._lines, self._tactics, self._seed = lines, tactics, seed
        self._prompts = {operator: load(f"augment/{operator}", OFFERED) for operator in operators}
        self._schema = object_schema("query", query={"type": "string"})
        if RED_TEAM in self._prompts and not tactics:
            raise ConfigError(
                f"augment.operators: {RED_TEAM} draws from a bank {TACTIC!r}; add one, or `extends: elements`"
            )

    def prompts(self) -> list[Prompt]:
        return list(self._prompts.values())

    async def apply(self, spec: LaneSpec, root: Sample, operator: str, ask: Ask) -> Sample | Drop:
        """The new query, with its root as parent."""
        drawn = root.elements + self._tactic(root) if operator == RED_TEAM else root.elements
        place = f"{root.provenance.draw}+{operator}"
        messages = self._messages(spec, root, operator, drawn)
        draw = ("augment", self._seed, root.query_id, operator)
        try:
            caller, text = await ask_with_fallback(
                ask,
                self._lines(*draw),
                PromptUse("augment", f"augment/{operator}", spec.lane.subcategory),
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
            attack=operator,
            elements=drawn,
            generator=caller.model,
            provenance=replace(root.provenance, draw=place, augment_prompt=self._prompts[operator].hash),
        )

    def _messages(self, spec: LaneSpec, root: Sample, operator: str, drawn: tuple[Element, ...]) -> tuple[Message, ...]:
        return self._prompts[operator].render(spec.variables | {"elements": drawn, "query": root.query})

    def _tactic(self, root: Sample) -> tuple[Element, ...]:
        number = int(unit(self._seed, root.query_id, TACTIC) * len(self._tactics))
        return (Element(TACTIC, self._tactics[number]),)
