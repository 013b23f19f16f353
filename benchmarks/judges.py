"""What a judge's prompt does to its verdicts: the same answers under two orders of the rule, with the intent asked for before the label
and after it. Prints right labels and how often the label turns.

    python benchmarks/judges.py LABELLED.jsonl BASE_URL MODEL [ROWS]
    python benchmarks/judges.py --together LABELLED.jsonl BASE_URL MODEL [ROWS] [PROMPT ...]     # one, four and eight rows a call

LABELLED has `query`, `response` and `label` (safe, unsafe) a line. Of each label half the ROWS are drawn.
"""

import asyncio
import json
import random
import sys
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import aiohttp

from synth.errors import ParseError
from synth.plan.lanes import LaneSpec, told_of
from synth.recipe.labels import BINARY
from synth.recipe.load import load
from synth.recipe.taxonomy import load_shipped
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.stages.lenient_json import field
from synth.stages.own_file import UNSORTED
from synth.stages.parsing import read_object
from synth.types import Provenance, Reply, Request, Sample

PROMPTS = {"intent first": "judge/verdict", "label first": "judge/apart"}
SEATS = {"unsafe first": "judge_a", "safe first": "judge_b"}
Ways = Mapping[str, tuple[CompiledRecipe, str]]


def ways(model: str) -> dict[str, tuple[CompiledRecipe, str]]:
    """A compiled recipe and the role of a seat for each way to ask."""
    found = {}
    libra = load("libra").model_dump(mode="json")
    for first, prompt in PROMPTS.items():
        role = {"model": model, "temperature": 0.0, "max_tokens": 300}
        told = {"judge_a": role, "judge_b": role, "writer": role, "answerer": role}
        recipe = libra | {
            "models": told,
            "judge": {"models": [*SEATS.values()], "prompt": prompt, "order": "alternate"},
        }
        recipe["respond"] |= {"models": ["answerer"]}
        compiled = compile_recipe(type(load("libra")).model_validate(recipe))
        found |= {f"{first}, {order}": (compiled, role) for order, role in SEATS.items()}
    return found


def drawn(path: Path, rows: int) -> list[dict[str, Any]]:
    """Half the rows of each label, the same at every call."""
    given = [json.loads(line) for line in path.open(encoding="utf-8")]
    chance, found = random.Random(5), []
    for label in ("safe", "unsafe"):
        found += chance.sample([row for row in given if row["label"] == label], rows // 2)
    return found


def sample(spec: LaneSpec, row: Mapping[str, Any]) -> Sample:
    """A row of the file as judges are asked about it."""
    place = Provenance(0, row["id"])
    return Sample(
        spec.lane, 0, row["query"], row["id"], row["id"], (), "file", place, row["id"], response=row["response"]
    )


async def asked(session: aiohttp.ClientSession, url: str, request: Request) -> str:
    """The label in the server's reply; `none` where it cannot be read."""
    body = {
        "model": request.model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "temperature": 0.0,
        "max_tokens": 300,
        "response_format": {"type": "json_schema", "json_schema": {"name": "verdict", "schema": request.schema}},
    }
    async with session.post(f"{url}/chat/completions", json=body) as answer:
        told = await answer.json()
    try:
        found = read_object(Reply(told["choices"][0]["message"]["content"]))
    except ParseError:
        return "none"
    return BINARY.said(field(found, "label")) or "none"


def figures(said: Mapping[str, list[str]], known: list[str]) -> Iterator[str]:
    """The tables, line by line."""
    yield "| way | right | unsafe found | safe found | none |"
    yield "|---|---|---|---|---|"
    for way, labels in said.items():
        pairs = list(zip(labels, known, strict=False))
        of = {label: [said == true for said, true in pairs if true == label] for label in ("unsafe", "safe")}
        shares = [f"{sum(right)} of {len(right)}" for right in of.values()]
        right = sum(said == true for said, true in pairs)
        yield f"| {way} | {right} of {len(pairs)} | {' | '.join(shares)} | {labels.count('none')} |"
    yield ""
    for one, other in combinations(said, 2):
        both = list(zip(said[one], said[other], strict=False))
        yield f"- {one} / {other}: {sum(a != b for a, b in both)} of {len(both)} turn"


async def main(path: Path, url: str, model: str, rows: int) -> None:
    """Asks every way about every row, one after the other, and prints the tables as they grow."""
    spec = told_of(load_shipped("own"), UNSORTED, BINARY)
    known = drawn(path, rows)
    random.Random(6).shuffle(known)
    said: dict[str, list[str]] = {}
    every = ways(model)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=900)) as session:
        for at, row in enumerate(known, start=1):
            for way, (compiled, role) in every.items():
                request = compiled.flow.panel.request(spec, sample(spec, row), role, ())
                said.setdefault(way, []).append(await asked(session, url, request))
            if at % 5 == 0 or at == len(known):
                print(f"\n{at} rows", *figures(said, [row["label"] for row in known]), sep="\n", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--together"]:
        from judges_together import called

        called(*sys.argv[2:])
    else:
        file, address, name, *more = sys.argv[1:]
        asyncio.run(main(Path(file), address, name, int(more[0]) if more else 60))
