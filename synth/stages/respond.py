"""The respond stage: an answerer answers a query in a stance."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import get_args

from synth.errors import ParseError
from synth.filters.language.response_class import response_class
from synth.hashing import pick, unit
from synth.plan.lanes import LaneSpec
from synth.recipe import prompt
from synth.recipe.prompt import Load, Prompt
from synth.stages.fallback import Attempt, Router, ask_with_fallback
from synth.stages.parsing import read_text
from synth.stages.reply_stats import OK, PromptUse
from synth.types import Ask, Drop, Label, Reply, Sample, Stance, Want

OFFERED = frozenset({"query"})
REFUSAL = "refusal"


class Responder:
    """Draws stance and answerer for each slot of a query, and asks."""

    def __init__(self, answerers: Sequence[Router], *, seed: int, load: Load = prompt.load) -> None:
        self._answerers, self._seed = answerers, seed
        self._prompts = {stance: load(f"respond/{stance}", OFFERED) for stance in get_args(Stance)}

    def prompts(self) -> list[Prompt]:
        return list(self._prompts.values())

    async def respond(self, spec: LaneSpec, sample: Sample, label: Label, want: Want, ask: Ask) -> Sample | Drop:
        """The query with an answer that was asked for in the hope of `label`."""
        stance = pick(want.stances, self._seed, sample.query_id, label, "stance")
        if spec.lane.refuse_only:
            stance = "refuse"  # whatever an earlier plan recorded
        chosen = int(unit(self._seed, sample.query_id, label, "answerer") * len(self._answerers))
        line = self._answerers[chosen](self._seed, sample.query_id, label)
        template = self._prompts[stance]
        messages = template.render({"query": sample.query})
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
                PromptUse("respond", f"respond/{stance}", spec.lane.subcategory),
                lambda caller: caller.request(messages, None, ("respond", self._seed, stance, label)),
                partial(_read_answer, unsafe=spec.labels.unsafe(label)),
                as_what=lambda text: REFUSAL if not declining and response_class(text) == REFUSAL else OK,
            )
        except ParseError as error:
            return replace(asked, responder=error.model).dropped("respond", error.reason, error.text)
        return replace(asked, responder=caller.model, response=text, response_class=response_class(text))


def _read_answer(turn: Attempt, reply: Reply, *, unsafe: bool) -> str:
    """An answer. A refusal is one too, and fills a safe cell; where an unsafe answer is wanted it leads on along the chain."""
    text = read_text(reply)
    if unsafe and REFUSAL in turn.on and response_class(text) == REFUSAL:
        raise ParseError(REFUSAL)
    return text
