"""Figures on text that nobody here wrote, and beside them those on text that was: each says whose text it is and who labelled it.

    python benchmarks/evidence.py DIR [--write] [--only KIND]... [--show KIND]

DIR holds JSON lines by kind, one file a source, and `sources.json`: of each file its `text` (whose it is), its `labels` (whose) and
its `origin`: `real`, `here` (written for synth) or `planted` (faults put in by program).

    ordinary/ query, response                 attack/ query                     classes/ query, text, class, second (another reader's)
    unsafe/ query, response                   leaks/ query, response, leak      personal/ text, personal
    pairs/ a, b, same                         wrappers/ text with {q}           second/ first, second (classes by two readers)

Rows go through `synth filter` and `synth dedup` as a user's do. `--write` puts the table into docs/filters.md; `--show` prints the rows
that missed.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import joined
import unseen
from figures import Figure, at_least, at_most, put_into, rendered
from shares import kappa, macro, scores, spread, wilson

from synth.recipe.sections import RuleSet
from synth.tables.filter import filter_table

TOP = Path(__file__).parents[1]
TABLE = TOP / "docs" / "filters.md"
CLASSES = ("refusal", "rebuttal", "partial", "incapable", "compliance")
Rows = list[dict[str, Any]]
Sources = Mapping[str, Mapping[str, str]]
Show = Callable[[str, dict[str, Any]], None]


def read(folder: Path, kind: str) -> dict[str, Rows]:
    """Rows by source."""
    paths = sorted((folder / kind).glob("*.jsonl"))
    return {path.stem: [json.loads(line) for line in path.open(encoding="utf-8") if line.strip()] for path in paths}


def filtered(rows: Rows, only: tuple[str, ...] = (), of: RuleSet = "brought") -> Rows:
    """The same rows as `synth filter` gives them back, with `reasons` and `response_class`."""
    with tempfile.TemporaryDirectory() as made:
        given, out = Path(made) / "given.jsonl", Path(made) / "out.jsonl"
        given.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        filter_table(given, out, only, of=of)
        return [json.loads(line) for line in out.open(encoding="utf-8")]


def ordinary(folder: Path, sources: Sources, show: Show) -> Iterator[Figure]:
    """Ordinary pairs with a reason against them, by both rule sets."""
    yield from _dropped(folder, "ordinary", "brought", (sources, show))
    yield from _dropped(folder, "ordinary", "written", (sources, show))


def attack(folder: Path, sources: Sources, show: Show) -> Iterator[Figure]:
    """Attack queries with a reason against them, by the rules for text that is brought."""
    yield from _dropped(folder, "attack", "brought", (sources, show))


def _dropped(folder: Path, kind: str, of: RuleSet, how: tuple[Sources, Show]) -> Iterator[Figure]:
    """Shares of rows with a reason against them, by source and over all of real text."""
    (sources, show), together = how, Counter[str]()
    each, title = (0.04, "pairs") if kind == "ordinary" else (0.02, "queries")
    for source, rows in read(folder, kind).items():
        asked = ("query",) if kind == "attack" else ("query", "response")
        found = filtered([{key: row[key] for key in asked} for row in rows], of=of)
        bad = [row for row in found if row["reasons"]]
        for row in bad:
            show(f"{source} ({of})", row)
        if sources[source]["origin"] == "real":
            together += Counter(bad=len(bad), of=len(rows))
        reasons = Counter(reason for row in bad for reason in row["reasons"]).most_common(4)
        said = ", ".join(f"{reason} {count}" for reason, count in reasons)
        name = f"{kind} {title} with a reason, {of}: {source}"
        yield at_most(name, each, (len(bad), len(rows)), sources[source], said)
    whole = {"text": "all of the above", "labels": "none read and forgiven", "origin": "real"}
    if together["of"]:
        counts = together["bad"], together["of"]
        yield at_most(f"**{kind} {title} with a reason, {of}: over all**", 0.02, counts, whole)


def classes(folder: Path, sources: Sources, show: Show) -> Iterator[Figure]:
    """Refusals and five classes, against the first reader, and how well the second reader does."""
    for source, rows in read(folder, "classes").items():
        found = filtered([{"query": row.get("query") or "", "response": row["text"]} for row in rows])
        pairs = [(row["class"], told["response_class"]) for row, told in zip(rows, found, strict=True)]
        for row, (true, told) in zip(rows, pairs, strict=True):
            if true != told:
                show(source, row | {"told": told})
        yield from _refusals(source, pairs, sources[source])
        of, text = len(pairs), sources[source]
        others = [(row["class"], row["second"]) for row in rows if row.get("second")]
        limit = macro(others) - 0.05 if others else None
        second = f"second reader {macro(others):.2f} on {len(others)}, kappa {kappa(others):.2f}" if others else ""
        yield Figure(f"macro-F1: {source}", limit, macro(pairs), spread(macro, pairs), of, text, second)
        for name in CLASSES:
            if count := sum(true == name for true, _ in pairs):
                f1 = lambda some, name=name: scores(some, (name,))[2]  # noqa: E731
                asked = 0.70 if name in ("partial", "rebuttal") else None
                yield Figure(f"F1 of {name}: {source}", asked, f1(pairs), spread(f1, pairs), count, text)


def _refusals(source: str, pairs: list[tuple[str, str]], text: Mapping[str, str]) -> Iterator[Figure]:
    right = sum(true == told == "refusal" for true, told in pairs)
    for name, side in (("precision", 1), ("recall", 0)):
        of = sum(pair[side] == "refusal" for pair in pairs)
        low, high = wilson(right, of)
        yield Figure(
            f"refusal, {name}: {source}", 0.90, right / max(1, of), (low, high), of, text, "lower bound counts", low
        )


def unsafe(folder: Path, sources: Sources, show: Show) -> Iterator[Figure]:
    """Unsafe answers that a rule on rows drops."""
    for source, rows in read(folder, "unsafe").items():
        found = filtered([{"query": row["query"], "response": row["response"], "label": "unsafe"} for row in rows])
        bad = [row for row in found if any(reason.startswith("row.") for reason in row["reasons"])]
        for row in bad:
            show(source, row)
        yield at_most(
            f"unsafe answers dropped by a row rule: {source}",
            0.005,
            (len(bad), len(rows)),
            sources[source],
        )


def leaks(folder: Path, sources: Sources, show: Show) -> Iterator[Figure]:
    """Verdicts and byte-level BPE that leaked into answers, and answers that only look like it."""
    for source, rows in read(folder, "leaks").items():
        found = filtered([{"query": row["query"], "response": row["response"]} for row in rows], ("verdict", "garbled"))
        yield from _found(
            ("leaks", 0.90), source, rows, [bool(row["reasons"]) for row in found], ("leak", sources, show)
        )


def personal(folder: Path, sources: Sources, show: Show) -> Iterator[Figure]:
    """Personal data found, and what only looks like it."""
    for source, rows in read(folder, "personal").items():
        found = filtered([{"text": row["text"]} for row in rows], ("personal",))
        told = [bool(row["reasons"]) for row in found]
        yield from _found(("personal data", 0.95), source, rows, told, ("personal", sources, show))


def _found(
    asked: tuple[str, float], source: str, rows: Rows, told: list[bool], how: tuple[str, Sources, Show]
) -> Iterator[Figure]:
    (name, limit), (key, sources, show) = asked, how
    for wanted, title in ((True, f"{name} found"), (False, f"{name} wrongly found")):
        those = [(row, said) for row, said in zip(rows, told, strict=True) if bool(row[key]) is wanted]
        for row, said in those:
            if said is not wanted:
                show(source, row)
        counts = sum(said for _, said in those), len(those)
        if those:
            make, most = (at_least, limit) if wanted else (at_most, 0.01)
            yield make(f"{title}: {source}", most, counts, sources[source])


def readers(folder: Path, sources: Sources, _: Show) -> Iterator[Figure]:
    """How far two readers agree."""
    for source, rows in read(folder, "second").items():
        pairs = [(str(row["first"]), str(row["second"])) for row in rows]
        yield Figure(
            f"two readers, kappa: {source}", None, kappa(pairs), spread(kappa, pairs), len(pairs), sources[source]
        )


PARTS: dict[str, Callable[[Path, Sources, Show], Iterator[Figure]]] = {
    "ordinary": ordinary,
    "attack": attack,
    "classes": classes,
    "unsafe": unsafe,
    "pairs": joined.pairs,
    "wrappers": joined.wrappers,
    "leaks": leaks,
    "personal": personal,
    "second": readers,
    "planted": unseen.planted,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--show", action="append", default=[], choices=PARTS)
    given = parser.parse_args()
    sources = json.loads((given.folder / "sources.json").read_text(encoding="utf-8"))
    found: list[Figure] = []
    for kind, part in PARTS.items():
        if given.only and kind not in given.only:
            continue

        def show(source: str, row: dict[str, Any], kind: str = kind) -> None:
            if kind in given.show:
                print(f"{source}: {json.dumps(row, ensure_ascii=False)[:600]}")

        for figure in part(given.folder, sources, show):
            print(figure.line(), flush=True)
            found.append(figure)
    if given.write:
        put_into(TABLE, rendered(found))


if __name__ == "__main__":
    main()
