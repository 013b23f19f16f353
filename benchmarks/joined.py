"""Near-duplicates by what is asked: pairs that people labelled, and wrappers that many rows of a file share."""

import json
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from figures import Figure, at_least, at_most
from shares import wilson

from synth.cli.main import commands

Sources = Mapping[str, Mapping[str, str]]
Show = Callable[[str, dict[str, Any]], None]
SHORT = (8, 20)
"""Characters of both texts of a short pair."""
OWN, SHARED = 25, 8
"""Requests that a wrapper has to itself, and that the next wrapper has too."""


def _read(folder: Path, kind: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for path in sorted((folder / kind).glob("*.jsonl")):
        yield path.stem, [json.loads(line) for line in path.open(encoding="utf-8") if line.strip()]


def deduplicated(texts: list[str]) -> dict[int, int]:
    """What `synth dedup` makes of a file of these queries: of each row that is joined, the row it is joined to."""
    with tempfile.TemporaryDirectory() as made:
        given, out = Path(made) / "given.jsonl", Path(made) / "out.jsonl"
        given.write_text("".join(f"{json.dumps({'query': text})}\n" for text in texts), encoding="utf-8")
        done = CliRunner().invoke(commands, ["dedup", str(given), "-o", str(out)], catch_exceptions=False)
        if done.exit_code:
            raise SystemExit(done.output)
        lines = map(json.loads, (Path(made) / "out.joined.jsonl").open(encoding="utf-8"))
        return {line["row"] - 1: line["kept"] - 1 for line in lines}


def pairs(folder: Path, sources: Sources, show: Show) -> Iterator[Figure]:
    """Of short pairs that are joined how many mean the same, and how many of those that mean the same are joined."""
    for source, rows in _read(folder, "pairs"):
        some = [row for row in rows if all(SHORT[0] <= len(row[name]) <= SHORT[1] for name in "ab")]
        told = [bool(deduplicated([row["a"], row["b"]])) for row in some]
        for row, said in zip(some, told, strict=True):
            if said and not row["same"]:
                show(source, row)
        right, whole = sum(said and row["same"] for row, said in zip(some, told, strict=True)), sum(told)
        same = sum(bool(row["same"]) for row in some)
        text, name = sources[source], f"of {SHORT[0]} to {SHORT[1]} characters: {source}"
        yield at_least(f"share of joined pairs that mean the same, {name}", 0.95, (right, whole), text)
        joined = f"share of pairs of one meaning joined, {name}"
        yield Figure(
            joined, None, right / max(1, same), wilson(right, same), same, text, "asked of LCQMC and OPPO, not opened"
        )


def wrappers(folder: Path, sources: Sources, show: Show) -> Iterator[Figure]:
    """Files in which wrappers go round requests of ordinary rows."""
    for source, rows in _read(folder, "wrappers"):
        texts, asked = _wrapped([row["text"] for row in rows], _requests(folder, sources))
        to = deduplicated(texts)
        different = [at for at, other in to.items() if asked[at] != asked[other]]
        for at in different:
            show(source, {"text": texts[at], "to": texts[to[at]]})
        again = [at for at, request in enumerate(asked) if request in asked[:at]]
        alone = len(asked) - len(again)
        held = sum(at in to and asked[at] == asked[to[at]] for at in again)
        bad, text = len(different), sources[source]
        yield at_most(f"share of requests joined to another in wrappers: {source}", 0.01, (bad, alone), text)
        counts = held, len(again)
        yield at_least(f"share of one request in two wrappers joined: {source}", 0.90, counts, text)


def _requests(folder: Path, sources: Sources) -> list[str]:
    """Short queries of ordinary rows, none near another, and none put together by program: those share a wrapper of their own."""
    people = [rows for source, rows in _read(folder, "ordinary") if "made by program" not in sources[source]["text"]]
    every = [row["query"] for rows in people for row in rows]
    short = sorted({text for text in every if 10 <= len(text) <= 50 and "\n" not in text})
    near = deduplicated(short)
    kept = [text for at, text in enumerate(short) if at not in near]
    random.Random(1).shuffle(kept)
    return kept


def _wrapped(templates: list[str], requests: list[str]) -> tuple[list[str], list[int]]:
    """Texts, and of each the number of its request: `OWN` a wrapper, and `SHARED` that the next wrapper has again."""
    texts, asked, at = [], [], 0
    for number, template in enumerate(templates):
        mine = list(range(at, at + OWN + SHARED))
        again = list(range(at - SHARED, at)) if number else []
        at += OWN + SHARED
        for request in (*mine, *again):
            texts.append(template.replace("{q}", requests[request]))
            asked.append(request)
    return texts, asked
