"""What each filter finds and what it wrongly drops, and how well the class of an answer is told; writes docs/filters.md and synth/filters/measured.json.

    python benchmarks/filters.py DIR [--peer] [--classifier] [--only NAME]...     # DIR: benign/, queries/ and labelled/ of JSON lines

False drops are counted on real text as it stands, none read and forgiven; defects are planted, seeded, in text that passes
(benchmarks/defects.py). `--peer` needs datatrove and spacy beside synth, `--classifier` scikit-learn.
"""

import argparse
import json
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import defects
import gopher_peer
import response_classes

from synth.filters import bind
from synth.pipelines import load
from synth.recipe import FilterUse

TOP = Path(__file__).parents[1]
TABLE, FIGURES = TOP / "docs" / "filters.md", TOP / "synth" / "filters" / "measured.json"
PLANTED = 600
ONE_IN = 10
"""Precision is told where one text in so many has the defect."""
EXTRA = {"query": ("bare_answer", "cut_anywhere"), "response": ()}
"""Planted too, and harder than what is promised: which filter should find it stands in `AGAINST`."""
AGAINST = {"bare_answer": "answer", "cut_anywhere": "dangling"}


def texts(folder: Path) -> dict[str, list[str]]:
    """Queries of benign/ and queries/, answers of benign/, in order of file."""
    found: dict[str, list[str]] = {"query": [], "response": []}
    for path in sorted((*folder.glob("benign/*.jsonl"), *folder.glob("queries/*.jsonl"))):
        for line in path.open(encoding="utf-8"):
            row = json.loads(line)
            for place, kept in found.items():
                if row.get(place) and (place == "query" or path.parent.name == "benign"):
                    kept.append(row[place])
    return found


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if not of:
        return 0.0, 1.0
    z, p = 1.96, hits / of
    middle, half = p + z * z / (2 * of), z * ((p * (1 - p) + z * z / (4 * of)) / of) ** 0.5
    return max(0.0, (middle - half) / (1 + z * z / of)), min(1.0, (middle + half) / (1 + z * z / of))


def planted(name: str, clean: Sequence[str], pool: Sequence[str]) -> list[str]:
    """`PLANTED` texts with that defect."""
    chance, found = random.Random(name), []
    while name in defects.PLANTERS and len(found) < PLANTED:
        if text := defects.PLANTERS[name](chance, chance.choice(clean), pool):
            found.append(text)
    return found


def seconds(work: Callable[[str], Any], some: Sequence[str], rounds: int = 5) -> float:
    """Of CPU for one pass, the median."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        for text in some:
            work(text)
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def measure(place: str, uses: Sequence[FilterUse], found: dict[str, list[str]]) -> tuple[list[dict[str, Any]], int]:
    rules = dict(bind("text", uses, place))
    benign = found[place]
    against = {name: [text for text in benign if rule(text)] for name, rule in rules.items()}
    faulty = {text for dropped in against.values() for text in dropped}
    clean = [text for text in benign if text not in faulty and 12 <= len(text) <= 1_200]
    pool = [text for text in found["response"] if 40 <= len(text) <= 400 and re.match(r"[\u4e00-\u9fff]", text)]
    some = random.Random(1).sample(benign, 2_000)
    floor = seconds(re.compile(r"[\u4e00-\u9fff]").findall, some)
    rows = []
    for name in (*rules, *(name for name in EXTRA[place] if AGAINST[name] in rules)):
        rule = rules[AGAINST.get(name, name)]
        hard = planted(name, clean, pool)
        rows.append(
            {
                "name": name,
                "place": place,
                "false": 0 if name in AGAINST else len(against[name]),
                "of": len(benign),
                "found": sum(bool(rule(text)) for text in hard),
                "planted": len(hard),
                "speed": 0 if name in AGAINST else len(some) / seconds(rule, some),
                "floor": len(some) / floor,
            }
        )
        missed = [text for text in hard if not rule(text)]
        print(f"{place}.{name}: {rows[-1]}", *(f"    {text[-70:]!r}" for text in missed[:12]), sep="\n", flush=True)
    return rows, sum(text in faulty for text in benign)


def precision(row: dict[str, Any]) -> float | None:
    if not row["planted"]:
        return None
    hits = row["found"] / row["planted"] / ONE_IN
    return hits / (hits + row["false"] / row["of"] * (1 - 1 / ONE_IN)) if hits else 0.0


def _share(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{hits / of:.2%} ({low:.2%} to {high:.2%})"


def table(rows: Iterable[dict[str, Any]]) -> str:
    lines = [
        "| filter | on | drops of ordinary text | finds of planted | precision at 1 in 10 | texts/s of CPU | of the floor |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row["name"] in AGAINST:
            continue
        exact = precision(row)
        lines.append(
            f"| `{row['name']}` | {row['place']} | {_share(row['false'], row['of'])} | "
            f"{_share(row['found'], row['planted']) if row['planted'] else '—'} | {'—' if exact is None else f'{exact:.3f}'} | "
            f"{row['speed']:,.0f} | {row['speed'] / row['floor']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--classifier", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    given = parser.parse_args()
    found, uses = texts(given.folder), load("libra").filters
    rows, together = [], {}
    for place in ("query", "response"):
        chosen = [use for use in getattr(uses, place) if not given.only or use.name in given.only]
        more, faulty = measure(place, chosen, found) if chosen else ([], 0)
        rows += more
        together[place] = (faulty, len(found[place]))
    if given.only:
        return
    classes = response_classes.report(given.folder, classifier=given.classifier)
    peer = gopher_peer.beside(found["response"], planted, seconds) if given.peer else ""
    hard = {row["name"]: _share(row["found"], row["planted"]) for row in rows if row["name"] in AGAINST}
    words = (TOP / "benchmarks" / "filters.md.in").read_text(encoding="utf-8")
    TABLE.write_text(
        words.format(
            table=table(rows),
            together=", ".join(
                f"{_share(*counts)} of {counts[1]:,} {'queries' if place == 'query' else 'answers'}"
                for place, counts in together.items()
            ),
            classes=classes,
            peer=peer or "| (not run) | | | |",
            **hard,
        ),
        encoding="utf-8",
    )
    figures = [
        {key: row[key] for key in ("name", "place", "false", "of", "found", "planted")}
        | {"precision": None if (exact := precision(row)) is None else round(exact, 4)}
        for row in rows
        if row["name"] not in AGAINST
    ]
    FIGURES.write_text("[\n" + ",\n".join(f" {json.dumps(row)}" for row in figures) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
