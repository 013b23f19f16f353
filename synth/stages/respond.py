"""The respond stage: an answerer answers a query in a stance."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from synth import prompt
from synth.errors import ParseError
from synth.filters.response_class import response_class
from synth.plan.chance import pick, unit
from synth.plan.lanes import Brief
from synth.prompt import Prompt
from synth.stages.calling import Caller
from synth.stages.ledger import OK, Place
from synth.stages.reading import ask_until_read, read_text
from synth.types import Ask, Drop, Label, Sample, Stance, Want

OFFERED = frozenset({"query"})
REFUSAL = "refusal"


class Responder:
    """Draws stance and answerer for each slot of a query, and asks."""

    def __init__(self, callers: Sequence[Caller], *, seed: int) -> None:
        self._callers, self._seed = callers, seed
        self._prompts = {stance: prompt.load(f"respond/{stance}", OFFERED) for stance in get_args(Stance)}

    def prompts(self) -> list[Prompt]:
        return list(self._prompts.values())

    async def respond(self, brief: Brief, sample: Sample, label: Label, want: Want, ask: Ask) -> Sample | Drop:
        """The query with an answer that was asked for in the hope of `label`."""
        stance = pick(want.stances, self._seed, sample.query_id, label, "stance")
        if brief.lane.refuse_only:
            stance = "refuse"  # whatever an earlier plan recorded
        caller = self._callers[int(unit(self._seed, sample.query_id, label, "answerer") * len(self._callers))]
        template = self._prompts[stance]
        request = caller.request(template.render({"query": sample.query}), None, ("respond", self._seed, stance, label))
        asked = replace(
            sample,
            wanted=label,
            stance=stance,
            responder=caller.model,
            provenance=replace(sample.provenance, respond_prompt=template.hash),
        )
        declining = stance in ("refuse", "safe_complete")
        try:
            text = await ask_until_read(
                ask,
                caller,
                Place("respond", f"respond/{stance}", brief.lane.subcategory),
                request,
                read_text,
                as_what=lambda text: REFUSAL if not declining and response_class(text) == REFUSAL else OK,
            )
        except ParseError as error:
            return asked.dropped("respond", error.reason, error.text)
        return replace(asked, response=text, response_class=response_class(text))
