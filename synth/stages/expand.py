"""Expanding a lane's element banks by the writer: asked for only once the lane's queries have begun to repeat themselves."""

import asyncio
from dataclasses import replace

from synth.errors import ParseError
from synth.plan.lanes import BEHAVIOUR, LaneSpec
from synth.recipe.taxonomy import FORBIDDEN_SUBJECT
from synth.stages.contract import Context
from synth.stages.fallback import Router, ask_with_fallback
from synth.stages.parsing import read_strings
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import object_schema
from synth.types import Ask

NAME = "elements/expand"
OFFERED = {"scenario": None, "subcategory": None, "bank": BEHAVIOUR, "items": ("……",), "n": 10}
"""The variables that the prompt for new elements may use, with examples."""
MOST, LONGEST = 40, 40
"""The most new elements that one expansion asks for on an axis, and the most characters of one."""


class Expander:
    """Asks the writer for new elements of a lane's banks: as many on each axis as it has, and never more than
    `MOST`."""

    def __init__(self, lines: Router, context: Context) -> None:
        self._lines, self._seed, self._as_turn = lines, context.seed, context.as_turn
        self._prompt = context.prompt(NAME, OFFERED)

    async def expanded(self, spec: LaneSpec, ask: Ask) -> LaneSpec:
        """The lane with its element banks expanded; with a slot sheet they hold the new elements alone, since the old
        ones have just been gone through. An axis for which no usable reply comes stays as it is."""
        wider = await asyncio.gather(*(self._wider(spec, axis, bank, ask) for axis, bank in spec.banks.items()))
        return replace(spec, banks=dict(zip(spec.banks, wider, strict=True)))

    async def _wider(self, spec: LaneSpec, axis: str, bank: tuple[str, ...], ask: Ask) -> tuple[str, ...]:
        # All axes but the behaviours are shared by every lane: so is the reply.
        own = axis == BEHAVIOUR
        count = min(len(bank), MOST)
        told = {"scenario": None, "subcategory": None} | (dict(spec.variables) if own else {})
        messages = self._prompt.render(told | {"bank": axis, "items": bank, "n": count})
        schema = object_schema("items", items={"type": "array", "items": {"type": "string"}, "maxItems": count})
        draw = ("expand", self._seed, axis, spec.lane.subcategory if own else "")
        try:
            _, texts = await ask_with_fallback(
                ask,
                self._lines(*draw),
                PromptUse("query", NAME, spec.lane.subcategory),
                lambda caller: caller.request(messages, schema, draw),
                lambda _, reply: read_strings(reply, "items"),
            )
        except ParseError:
            return bank
        found = map(self._as_turn, texts[:count])
        fresh = (text for text in found if len(text) <= LONGEST and not FORBIDDEN_SUBJECT.search(text))
        wider = tuple(dict.fromkeys((*bank, *fresh)))
        return (wider[len(bank) :] or bank) if spec.sheet else wider
