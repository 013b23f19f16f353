"""How many rows a second `synth filter` reads, start apart, beside a floor that reads the same rows and writes them with nothing found.

    python benchmarks/filter_speed.py DIR [--rows 20000] [--of written]    # DIR: JSON lines with `query` and `response`

Rows are DIR's chats; once those are used up, the same chats with their sentences in another order, so that no text comes twice.
"""

import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from synth.tables.filter import filter_table
from synth.tables.io import batches, written
from synth.tables.json_rows import json_line

_SENTENCE = re.compile(r"(?<=[。！？!?；;\n])")
_FEW, _ROUNDS = 20, 3


def chats(folder: Path) -> Iterator[dict[str, str]]:
    """The folder's chats without end, those of a second time and later in another order of their sentences."""
    lines = (line for path in sorted(folder.glob("*.jsonl")) for line in path.open(encoding="utf-8"))
    kept = [(row["query"], row["response"]) for row in map(json.loads, lines) if row["query"] and row["response"]]
    chance = random.Random(1)
    for turn in count():
        for query, response in kept:
            yield {
                "query": _mixed(chance, query) if turn else query,
                "response": _mixed(chance, response) if turn else response,
            }


def _mixed(chance: random.Random, text: str) -> str:
    parts = _SENTENCE.split(text)
    if len(parts) < 3:
        at = chance.randrange(len(text))
        return text[at:] + text[:at]
    return "".join(chance.sample(parts, len(parts)))


def floor(path: Path, out: Path) -> None:
    """Reads the rows and writes them as `synth filter` does, with no reason and no class."""
    with written(out) as stream:
        for batch in batches(path):
            for row in batch.rows:
                stream.write(json_line(row | {"reasons": [], "response_class": None}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--of", choices=("brought", "written"), default="brought")
    given = parser.parse_args()
    found = chats(given.folder)
    with tempfile.TemporaryDirectory() as held:
        few, some, out = (Path(held, name) for name in ("few.jsonl", "rows.jsonl", "out.jsonl"))
        size = _put(few, islice(found, _FEW))
        command = [sys.executable, "-m", "synth", "filter", str(few), "-o", str(out), "--of", given.of]
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        print(f"start, with {_FEW} rows: {time.perf_counter() - began:.1f} s")
        filter_table(few, out, of=given.of)
        taken: dict[str, list[float]] = {"floor": [], "filter": []}
        for _ in range(_ROUNDS):  # each on rows of its own: what was read once is remembered
            size = _put(some, islice(found, given.rows))
            for name, work in (("floor", floor), ("filter", lambda path, out: filter_table(path, out, of=given.of))):
                began = time.process_time()
                work(some, out)
                taken[name].append(time.process_time() - began)
                out.unlink()
    print(f"{given.rows:,} chats, answers of {size:.0f} characters, rules on texts that are {given.of}")
    rates = {name: given.rows / statistics.median(seconds) for name, seconds in taken.items()}
    for name, rate in rates.items():
        print(
            f"{name}: {rate:,.0f} rows/s of CPU, {1e6 / rate:,.0f} µs a row, {rate / rates['floor']:.3f} of the floor"
        )


def _put(path: Path, rows: Iterator[dict[str, str]]) -> float:
    """Writes rows as JSON lines. Gives the mean length of their answers."""
    kept = list(rows)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept), encoding="utf-8")
    return statistics.mean(len(row["response"]) for row in kept)


if __name__ == "__main__":
    main()
