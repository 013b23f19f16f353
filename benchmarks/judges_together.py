"""What several rows in one judge call, or shorter rules, do to verdicts: labelled answers judged one, four and eight a call under each
prompt. Prints right labels, agreement with one row a call, rows that were asked about again alone, calls and prompt tokens a row.

    python benchmarks/judges.py --together LABELLED.jsonl BASE_URL MODEL [ROWS] [PROMPT ...]
    python benchmarks/judges.py --together LABELLED.jsonl offline offline [ROWS]        # frames answer: the way there, no judge

LABELLED has `id`, `query`, `response` and `label` (safe, unsafe) a line. Of each label half the ROWS are drawn.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from judges import drawn, sample

from synth.backends.offline import reply_to
from synth.plan.lanes import LaneSpec, told_of
from synth.quality.metrics import scores
from synth.recipe.labels import BINARY
from synth.recipe.load import load
from synth.recipe.taxonomy import load_shipped
from synth.run.compile import compile_recipe
from synth.stages.own_file import UNSORTED
from synth.types import Judged, Reply, Request, Sample

PROMPTS = ("judge/apart", "judge/brief")
TOGETHER = (1, 4, 8)


@dataclass(eq=False)
class Server:
    """A model server, or the offline backend; counts what it was asked."""

    url: str
    session: aiohttp.ClientSession
    calls: Counter[str] = field(default_factory=Counter)

    async def __call__(self, stage: str, role: str, request: Request, *, spare: bool = False) -> Reply:
        del stage, role, spare
        alone = request.schema is not None and request.schema["title"] == "verdict"
        self.calls["alone" if alone else "together"] += 1
        reply = reply_to(request, 0) if self.url == "offline" else await self._sent(request)
        self.calls["tokens in"] += reply.prompt_tokens
        self.calls["tokens out"] += reply.completion_tokens
        return reply

    async def _sent(self, request: Request) -> Reply:
        body = {
            "model": request.model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "response_format": {"type": "json_schema", "json_schema": {"name": "verdict", "schema": request.schema}},
            "temperature": 0.0,
            "max_tokens": request.params["max_tokens"],
        }
        async with self.session.post(f"{self.url}/chat/completions", json=body) as answer:
            told = await answer.json()
        choice, usage = told["choices"][0], told["usage"]
        text, finish = choice["message"]["content"], choice["finish_reason"]
        return Reply(text, finish, usage["prompt_tokens"], usage["completion_tokens"])


def panel_of(model: str, prompt: str, rows: int, *, offline: bool) -> Any:
    """A panel of one judge that takes so many rows a call."""
    libra = load("libra").model_dump(mode="json")
    role: dict[str, Any] = {"model": model, "temperature": 0.0, "max_tokens": 300}
    role |= {"backend": "offline", "frames": 2} if offline else {}
    told = libra | {
        "models": dict.fromkeys(("writer", "judge"), role) | {"answerer": role},
        "judge": {"models": ["judge"], "prompt": prompt, "rows_per_call": rows},
    }
    told["respond"] |= {"models": ["answerer"]}
    return compile_recipe(type(load("libra")).model_validate(told)).flow.panel


def label_of(judged: Judged) -> str:
    """The one vote on a row; `none` where it fell."""
    row = judged if isinstance(judged, Sample) else judged.sample
    return (row.votes[0].label if row is not None and row.votes else None) or "none"


def figures(
    said: Mapping[str, Sequence[str]], asked: Mapping[str, Counter[str]], known: Sequence[str]
) -> Iterator[str]:
    """The table, a line for each way."""
    yield "| way | right | F1 of unsafe | none | as one a call | calls a row | alone | prompt tokens a row | answer tokens a row |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for way, labels in said.items():
        counts, rows = asked[way], len(labels)
        right = sum(a == b for a, b in zip(labels, known, strict=True))
        first = said[f"{way.partition(',')[0]}, 1 a call"]
        same = sum(a == b for a, b in zip(labels, first, strict=True))
        given = [(true, label) for true, label in zip(known, labels, strict=True) if label != "none"]
        found = scores(given, BINARY) if given else None
        unsafe = f"{found.f1_unsafe.value:.2f}" if found and found.f1_unsafe else "-"
        calls = counts["together"] + counts["alone"]
        yield (
            f"| {way} | {right} of {rows} | {unsafe} | {labels.count('none')} | {same} of {rows} | {calls / rows:.2f} "
            f"| {counts['alone']} | {counts['tokens in'] / rows:.0f} | {counts['tokens out'] / rows:.0f} |"
        )


async def judged(panel: Any, spec: LaneSpec, rows: Sequence[Mapping[str, Any]], server: Server) -> list[str]:
    """The labels that a panel gives these rows, as many in a call as it takes, one call after the other."""
    found = list[str]()
    for at in range(0, len(rows), panel.rows_per_call):
        call = [sample(spec, row) for row in rows[at : at + panel.rows_per_call]]
        found += map(label_of, await panel.run_together(spec, call, server))
    return found


async def main(path: Path, url: str, model: str, rows: int, prompts: Sequence[str]) -> None:
    """Judges the rows every way, and prints the table as it grows."""
    spec = told_of(load_shipped("own"), UNSORTED, BINARY)
    known = drawn(path, rows)
    random.Random(6).shuffle(known)
    said, asked = dict[str, list[str]](), dict[str, Counter[str]]()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1800)) as session:
        for prompt in prompts:
            for together in TOGETHER:
                server = Server(url, session)
                panel = panel_of(model, prompt, together, offline=url == "offline")
                way = f"{prompt}, {together} a call"
                said[way], asked[way] = await judged(panel, spec, known, server), server.calls
                print("", *figures(said, asked, [row["label"] for row in known]), sep="\n", flush=True)


def called(file: str, url: str, model: str, *more: str) -> None:
    """What stands behind `--together` on the command line."""
    asyncio.run(main(Path(file), url, model, int(more[0]) if more else 60, more[1:] or PROMPTS))
