"""What most stages ask: one prompt of one role, whose reply is read, or asked for once more and then given up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from synth.plan.lanes import LaneSpec
from synth.recipe.prompt import Prompt
from synth.stages.fallback import Router, ask_with_fallback
from synth.stages.parsing import read_object
from synth.stages.reply_stats import PromptUse
from synth.types import Ask, Sample

Read = TypeVar("Read")

OFFERED = ("scenario", "subcategory", "elements", "query", "response", "conversation")
"""The variables that a prompt asked about a row may use."""


@dataclass(frozen=True)
class Asker:
    """Asks one role about rows with one prompt; for the same row, role and stage it is always the same request."""

    stage: str
    router: Router
    prompt: Prompt
    schema: Mapping[str, Any]
    """The JSON schema of the object that a reply must hold."""
    seed: int
    as_data: Callable[[str], str]
    """How an untrusted text is written between the tags of the prompt."""

    async def __call__(
        self, spec: LaneSpec, sample: Sample, ask: Ask, read: Callable[[Mapping[str, Any]], Read], **more: Any
    ) -> tuple[str, Read]:
        """The model that answered, and what `read` makes of the JSON object in its reply. `more` is what this stage
        alone offers the prompt. Raises ParseError where neither a first nor a second reply can be used."""
        texts = {"query": self.as_data(sample.query), "response": self.as_data(sample.response or "")}
        turns = tuple(replace(turn, content=self.as_data(turn.content)) for turn in sample.conversation)
        told = spec.variables | texts | {"elements": sample.elements, "conversation": turns} | more
        messages = self.prompt.render(told)
        draw = (self.stage, self.seed)
        line = self.router(self.seed, sample.query_id, sample.wanted or "", self.stage)
        caller, found = await ask_with_fallback(
            ask,
            line,
            PromptUse(self.stage, self.prompt.name, spec.lane.subcategory, judging=True),
            lambda caller: caller.request(messages, self.schema, draw),
            lambda _, reply: read(read_object(reply)),
        )
        return caller.model, found
