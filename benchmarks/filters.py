"""What each filter finds and what it wrongly drops, and how well the class of an answer is told; writes docs/filters.md and synth/filters/measured.json.

    python benchmarks/filters.py DIR [--peer] [--classifier] [--only NAME]...     # DIR: benign/, queries/ and labelled/ of JSON lines

False drops are counted on real text as it stands, none read and forgiven; defects are planted, seeded, in text that passes
(benchmarks/defects.py), for the row rules in rows put together from that text (benchmarks/rows.py). `--peer` needs
datatrove[processing], spacy and jieba beside synth, `--classifier` scikit-learn.
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
import rows as judged
from figures import BEGIN, END, standing
from shares import wilson

from synth.filters import Rules, bind
from synth.recipe.load import load
from synth.recipe.sections import FilterUse
from synth.stages.parsing import SECOND_TRIES

TOP = Path(__file__).parents[1]
TABLE, FIGURES = TOP / "docs" / "filters.md", TOP / "synth" / "filters" / "measured.json"
PLANTED = 3000
PLANTERS = defects.PLANTERS | judged.PLANTERS
SUBJECTS = {"query": "queries", "response": "answers", "row": "rows"}
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


def pairs(folder: Path) -> list[tuple[str, str]]:
    """Queries of benign/ with their answers."""
    lines = (line for path in sorted(folder.glob("benign/*.jsonl")) for line in path.open(encoding="utf-8"))
    return [(row["query"], row["response"]) for row in map(json.loads, lines) if row["query"] and row["response"]]


def planted(name: str, clean: Sequence[Any], pool: Sequence[str]) -> list[Any]:
    """`PLANTED` texts or rows with that defect."""
    chance, found = random.Random(name), []
    plant = PLANTERS.get(name)
    while plant and len(found) < PLANTED:
        if hard := plant(chance, chance.choice(clean), pool):
            found.append(hard)
    return found


def seconds(work: Callable[[Any], Any], some: Sequence[Any], rounds: int = 5) -> float:
    """Of CPU for one pass, the median."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        for text in some:
            work(text)
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def measure(
    place: str, rules: Rules, benign: Sequence[Any], pool: Sequence[str]
) -> tuple[list[dict[str, Any]], tuple[int, int]]:
    """Of each rule: what it says of ordinary texts or rows and of planted ones. And how many any of them drops, of how many."""
    against = {name: [one for one in benign if rule(one)] for name, rule in rules}
    faulty = {one for dropped in against.values() for one in dropped}
    clean = [one for one in benign if one not in faulty and 12 <= len(_text(one)) <= 1_200]
    some = random.Random(1).sample(benign, 2_000)
    floor = seconds(lambda one: _CHINESE.findall(_text(one)), some)
    found, bound = [], dict(rules)
    for name in (*bound, *(name for name in EXTRA.get(place, ()) if AGAINST[name] in bound)):
        rule = bound[AGAINST.get(name, name)]
        hard = planted(name, clean, pool)
        missed = [one for one in hard if not rule(one)]
        found.append(
            {
                "name": name,
                "place": place,
                "false": 0 if name in AGAINST else len(against[name]),
                "of": sum(name not in judged.UNSAFE_ONLY or one.label == "unsafe" for one in benign),
                "found": len(hard) - len(missed),
                "planted": len(hard),
                "speed": 0 if name in AGAINST else len(some) / seconds(rule, some),
                "floor": len(some) / floor,
            }
        )
        told = (f"    {_text(one)[-70:]!r} {getattr(one, 'analysis', '')}" for one in missed[:12])
        print(f"{place}.{name}: {found[-1]}", *told, sep="\n", flush=True)
    return found, (sum(one in faulty for one in benign), len(benign))


_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _text(one: Any) -> str:
    """Of a row its answer."""
    return str(getattr(one, "response", one))


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


def _peers(before: str) -> str:
    """What stands of the peer's figures, where it is not run again."""
    return "\n".join(re.findall(r"^\| (?:synth `repetition`|datatrove,).*$", before, re.MULTILINE))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--classifier", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    given = parser.parse_args()
    found, uses = texts(given.folder), load("libra").filters
    pool = [text for text in found["response"] if 40 <= len(text) <= 400 and re.match(_CHINESE, text)]
    classed = [*response_classes.given(given.folder), *response_classes.own(held_out=True)]
    private = FilterUse(name="personal")
    places: dict[str, tuple[Rules, Sequence[Any], Sequence[str]]] = {
        "query": (bind("text", [*uses.query, private], "query", sent=SECOND_TRIES), found["query"], pool),
        "response": (bind("text", [*uses.response, private], "response", sent=SECOND_TRIES), found["response"], pool),
        "row": (
            bind("row", uses.row, "row", judged.RULES),
            list(judged.ordinary(pairs(given.folder))),
            [text for text, name in classed if name == "refusal"],
        ),
    }
    rows, together = [], {}
    for place, (rules, benign, some) in places.items():
        chosen = [(name, rule) for name, rule in rules if not given.only or name in given.only]
        more, together[place] = measure(place, chosen, benign, some) if chosen else ([], (0, 0))
        rows += more
    if given.only:
        return
    classes = response_classes.report(given.folder, classifier=given.classifier)
    before = TABLE.read_text(encoding="utf-8")
    peer = gopher_peer.beside(found["response"], planted, seconds) if given.peer else _peers(before)
    hard = {row["name"]: _share(row["found"], row["planted"]) for row in rows if row["name"] in AGAINST}
    words = (TOP / "benchmarks" / "filters.md.in").read_text(encoding="utf-8")
    TABLE.write_text(
        words.format(
            table=table(rows),
            together=", ".join(
                f"{_share(*counts)} of {counts[1]:,} {SUBJECTS[place]}" for place, counts in together.items()
            ),
            classes=classes,
            peer=peer or "| (not run) | | | |",
            evidence=f"{BEGIN}\n\n{standing(TABLE)}\n\n{END}",
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
