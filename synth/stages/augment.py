"""The augment stage: one operator (a prompt under `augment/`) makes another query of a root query."""

from collections.abc import Iterable
from dataclasses import replace

from synth import prompt
from synth.errors import ConfigError, ParseError
from synth.plan.chance import unit
from synth.plan.lanes import Brief
from synth.prompt import Prompt
from synth.stages.calling import Caller, object_schema
from synth.stages.ledger import Place
from synth.stages.query import query_id
from synth.stages.reading import ask_until_read, read_string
from synth.types import Ask, Drop, Element, Request, Sample

OFFERED = frozenset({"scenario", "subcategory", "elements", "query"})
RED_TEAM = "red_team"
"""The operator that draws a tactic."""
TACTIC = "tactic"


class Augmenter:
    """Applies operators to root queries; `tactics` is the bank red-teaming draws from."""

    def __init__(self, caller: Caller, operators: Iterable[str], *, tactics: tuple[str, ...], seed: int) -> None:
        self._caller, self._tactics, self._seed = caller, tactics, seed
        self._prompts = {operator: prompt.load(f"augment/{operator}", OFFERED) for operator in operators}
        self._schema = object_schema("query", query={"type": "string"})
        if RED_TEAM in self._prompts and not tactics:
            raise ConfigError(
                f"augment.operators: {RED_TEAM} draws from a bank {TACTIC!r}; add one, or `extends: elements`"
            )

    def prompts(self) -> list[Prompt]:
        return list(self._prompts.values())

    async def apply(self, brief: Brief, root: Sample, operator: str, ask: Ask) -> Sample | Drop:
        """The new query, with its root as parent."""
        drawn = root.elements + self._tactic(root) if operator == RED_TEAM else root.elements
        place = f"{root.provenance.draw}+{operator}"
        try:
            text = await ask_until_read(
                ask,
                self._caller,
                Place("augment", f"augment/{operator}", brief.lane.subcategory),
                self._request(brief, root, operator, drawn),
                lambda reply: read_string(reply, "query"),
            )
        except ParseError as error:
            return Drop("augment", error.reason, brief.lane, place, root.query)
        return replace(
            root,
            query=text,
            query_id=query_id(brief, text),
            parent_id=root.query_id,
            attack=operator,
            elements=drawn,
            generator=self._caller.model,
            provenance=replace(root.provenance, draw=place, augment_prompt=self._prompts[operator].hash),
        )

    def _request(self, brief: Brief, root: Sample, operator: str, drawn: tuple[Element, ...]) -> Request:
        told = brief.variables | {"elements": drawn, "query": root.query}
        messages = self._prompts[operator].render(told)
        return self._caller.request(messages, self._schema, ("augment", self._seed, root.query_id, operator))

    def _tactic(self, root: Sample) -> tuple[Element, ...]:
        number = int(unit(self._seed, root.query_id, TACTIC) * len(self._tactics))
        return (Element(TACTIC, self._tactics[number]),)
