"""The judge stage: a panel reads query and answer under the subcategory's rule; each writes an analysis, then a label."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from synth.errors import ConfigError, ParseError
from synth.labels import BINARY, MARKS
from synth.plan.lanes import LaneSpec
from synth.recipe import prompt
from synth.recipe.prompt import Load, Prompt
from synth.sanitize import as_data, plain
from synth.stages.fallback import Attempt, FallbackChain, Router, ask_with_fallback
from synth.stages.lenient_json import field
from synth.stages.parsing import read_object
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import Requester, object_schema
from synth.stages.verdicts import Verdict
from synth.types import HARD, Aside, Ask, Judged, Label, Message, Note, QueryType, Reply, Request, Sample, Vote

OFFERED = frozenset({"scenario", "subcategory", "query", "response", "labels"})
"""`labels` are the words for the labels a judge may give, the most severe first."""

_INTENTS: Final[dict[str, QueryType]] = {"有害": "harmful", "无害": "benign", "harmful": "harmful", "benign": "benign"}


class Panel:
    """The judges. Their votes make a label by the recipe's verdict rule, or none: the hard pile. Too few verdicts: a drop."""

    def __init__(
        self,
        seats: Sequence[Router],
        judges: Sequence[tuple[str, str]],
        prompt_name: str,
        load: Load = prompt.load,
        *,
        verdict: Verdict,
        quorum: int | None = None,
    ) -> None:
        self._seats, self.judges = seats, judges
        """`judges` are the role of each seat, and the model or models that it is."""
        self._verdict, self._quorum = verdict, quorum or len(seats)
        self.labels = verdict.scheme
        self.words = tuple(map(self.labels.word, verdict.said))
        """For the labels a judge may say, the most severe first."""
        self._prompt = load(prompt_name, OFFERED)
        if verdict.said != BINARY.names or self.words != tuple(map(BINARY.word, BINARY.names)):
            self._refuse_fixed_labels()
        self._schema = object_schema(
            "verdict",
            analysis={"type": "string"},
            intent={"type": "string", "enum": ["有害", "无害"]},
            label={"type": "string", "enum": list(reversed(self.words))},
        )

    def _refuse_fixed_labels(self) -> None:
        if "labels" not in self._prompt.uses:
            raise ConfigError(
                f"judge.prompt: {self._prompt.name} does not use `labels`, so it asks for 安全 or 不安全, and judges may say "
                f"{', '.join(self.words)}; set `prompt: judge/graded`, or write one that uses `labels`"
            )

    def prompts(self) -> list[Prompt]:
        return [self._prompt]

    async def judge(self, spec: LaneSpec, sample: Sample, ask: Ask) -> Judged:
        """The row with its votes, and with the label and analysis that the verdict rule makes of them; with the query's judged
        intent where all who gave a verdict read the same. A row to which the rule gives no label is set aside as `hard`."""
        place = (sample.provenance.seed, sample.query_id, sample.wanted or "", "judge")
        lines = [judges(*place, seat) for seat, judges in enumerate(self._seats)]
        told = spec.variables | {
            "query": as_data(sample.query),
            "response": as_data(sample.response or ""),
            "labels": self.words,
        }
        messages = self._prompt.render(told)
        read: list[Label] = []
        votes = tuple(
            await asyncio.gather(
                *(self._vote(spec, messages, lines[: seat + 1], ask, read) for seat in range(len(lines)))
            )
        )
        judged = replace(
            sample,
            votes=votes,
            notes=(*sample.notes, *self._fell(votes)),
            provenance=replace(sample.provenance, judge_prompt=self._prompt.hash),
        )
        # Before any rule, and of every reading, so that no rule, quorum or second try lifts it.
        if spec.lane.refuse_only and any(map(self.labels.unsafe, read)):
            return judged.dropped("judge", "refuse_only", judged.response or "")
        given = [vote for vote in votes if vote.label is not None]
        if len(given) < self._quorum:
            return judged.dropped("judge", "no_verdict", judged.response or "")
        intents = {vote.query_label for vote in given}
        label, analysis = self._verdict.of(votes)
        intent = intents.pop() if len(intents) == 1 else None
        read_by_all = replace(judged, label=label, analysis=analysis, query_label=intent)
        return Aside(HARD, read_by_all) if label is None else read_by_all

    def _fell(self, votes: Sequence[Vote]) -> Iterator[Note]:
        """The seats without a verdict, each with the reason."""
        for (role, _), vote in zip(self.judges, votes, strict=True):
            if vote.label is None:
                yield Note("judge", "fell", f"{role}: {vote.analysis or 'no verdict'}")

    async def _vote(
        self,
        spec: LaneSpec,
        messages: tuple[Message, ...],
        lines: Sequence[FallbackChain],
        ask: Ask,
        read: list[Label],
    ) -> Vote:
        """That of the last of these seats. Every label in a reply is added to `read`, whether the vote stands or not."""
        *before, line = lines

        def request_of(caller: Requester) -> Request:
            # Two seats of one model are two draws; the first keeps the key it has alone. No seed: recipes share verdicts.
            twin = sum(any(other.model == caller.model for other in earlier.callers) for earlier in before)
            return caller.request(messages, self._schema, ("judge", twin) if twin else ("judge",))

        place = PromptUse("judge", self._prompt.name, spec.lane.subcategory)
        try:
            return (await ask_with_fallback(ask, line, place, request_of, partial(self._read, read)))[1]
        except ParseError as error:
            return Vote(error.model, None, error.reason)

    def _read(self, read: list[Label], turn: Attempt, reply: Reply) -> Vote:
        found = read_object(reply)
        label = self.labels.said(field(found, "label"))
        read += [label] if label else []
        analysis = field(found, "analysis")
        if label not in self._verdict.said or not isinstance(analysis, str) or not analysis.strip():
            raise ParseError("truncated" if reply.finish == "length" else "shape")
        intent = _INTENTS.get(str(field(found, "intent") or "").strip(MARKS).lower())
        return Vote(turn.caller.model, label, plain(analysis).strip(), intent)
