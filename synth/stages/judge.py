"""The judge stage: a panel reads query and answer under the subcategory's rule; each writes an analysis, then a label."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from synth.errors import ParseError
from synth.plan.lanes import LaneSpec
from synth.recipe import prompt
from synth.recipe.prompt import Load, Prompt
from synth.sanitize import as_data, plain
from synth.stages.fallback import Attempt, FallbackChain, Router, ask_with_fallback
from synth.stages.lenient_json import field
from synth.stages.parsing import read_object
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import Requester, object_schema
from synth.types import Ask, Drop, Label, Message, QueryType, Reply, Request, Sample, Vote

OFFERED = frozenset({"scenario", "subcategory", "query", "response"})

_LABELS: Final[dict[str, Label]] = {"安全": "safe", "不安全": "unsafe", "safe": "safe", "unsafe": "unsafe"}
_INTENTS: Final[dict[str, QueryType]] = {"有害": "harmful", "无害": "benign", "harmful": "harmful", "benign": "benign"}


class Panel:
    """The judges. All agree: their label. They differ: no label, the hard pile. One gives no verdict: a drop."""

    def __init__(
        self, seats: Sequence[Router], judges: Sequence[tuple[str, str]], prompt_name: str, load: Load = prompt.load
    ) -> None:
        self._seats, self.judges = seats, judges
        """`judges` are the role of each seat, and the model or models that it is."""
        self._prompt = load(prompt_name, OFFERED)
        self._schema = object_schema(
            "verdict",
            analysis={"type": "string"},
            intent={"type": "string", "enum": ["有害", "无害"]},
            label={"type": "string", "enum": ["安全", "不安全"]},
        )

    def prompts(self) -> list[Prompt]:
        return [self._prompt]

    async def judge(self, spec: LaneSpec, sample: Sample, ask: Ask) -> Sample | Drop:
        """The row with its votes, and with label, analysis and the query's judged intent where the panel agrees."""
        place = (sample.provenance.seed, sample.query_id, sample.wanted or "", "judge")
        lines = [judges(*place, seat) for seat, judges in enumerate(self._seats)]
        told = spec.variables | {"query": as_data(sample.query), "response": as_data(sample.response or "")}
        messages = self._prompt.render(told)
        votes = tuple(
            await asyncio.gather(*(self._vote(spec, messages, lines[: seat + 1], ask) for seat in range(len(lines))))
        )
        judged = replace(sample, votes=votes, provenance=replace(sample.provenance, judge_prompt=self._prompt.hash))
        labels = {vote.label for vote in votes}
        if spec.lane.refuse_only and "unsafe" in labels:
            return judged.dropped("judge", "refuse_only", judged.response or "")
        if None in labels:
            return judged.dropped("judge", "no_verdict", judged.response or "")
        intents = {vote.query_label for vote in votes}
        intent = intents.pop() if len(intents) == 1 else None
        if len(labels) > 1:
            return replace(judged, query_label=intent)
        return replace(judged, label=votes[0].label, analysis=votes[0].analysis, query_label=intent)

    async def _vote(
        self, spec: LaneSpec, messages: tuple[Message, ...], lines: Sequence[FallbackChain], ask: Ask
    ) -> Vote:
        """That of the last of these seats."""
        *before, line = lines

        def request_of(caller: Requester) -> Request:
            # Two seats of one model are two draws; the first keeps the key it has alone. No seed: recipes share verdicts.
            twin = sum(any(other.model == caller.model for other in earlier.callers) for earlier in before)
            return caller.request(messages, self._schema, ("judge", twin) if twin else ("judge",))

        place = PromptUse("judge", self._prompt.name, spec.lane.subcategory)
        try:
            return (await ask_with_fallback(ask, line, place, request_of, _read_vote))[1]
        except ParseError as error:
            return Vote(error.model, None, error.reason)


def _read_vote(turn: Attempt, reply: Reply) -> Vote:
    found = read_object(reply)
    label = _LABELS.get(_word(field(found, "label")))
    analysis = field(found, "analysis")
    if label is None or not isinstance(analysis, str) or not analysis.strip():
        raise ParseError("truncated" if reply.finish == "length" else "shape")
    return Vote(turn.caller.model, label, plain(analysis).strip(), _INTENTS.get(_word(field(found, "intent"))))


def _word(value: Any) -> str:
    """A label as it is written in the tables, whatever stands around it."""
    return str(value or "").strip(" \n。.，,!！\"'“”【】[]").lower()
