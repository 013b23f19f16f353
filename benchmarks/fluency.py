"""How much of what is no language the rule `fluent` finds, and how much of what is it wrongly drops, by kind of text.

    python benchmarks/fluency.py DATA PACKAGES [--samples FILE] [--demo RUN] [--calibrate]

DATA: benign/ and queries/ of JSON lines; PACKAGES: the folder of fluency_table.py; --samples: JSON lines whose field `t` a small model
wrote; --demo: the folder of a run of the recipe demo, of which nothing may be dropped
(what it dropped as not fluent is set against it too). Each text goes by its hash to one of two halves: `--calibrate` prints the bounds that the first half asks for, the figures are of
the second. What is missing is skipped with a line.
"""

import argparse
import hashlib
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import fluency_sources as sources
import numpy as np
import pyarrow.parquet as pq
import salad
from filters import texts as given_texts
from filters import wilson

from synth.filters.language import fluency, fluency_table
from synth.filters.text import fluent
from synth.recipe.prompt import texts as prompts

HERE = Path(__file__).parent / "texts"
HAN = sources.HAN
FALSE = {"queries": 0.0012, "answers": 0.0012}
REST = 0.008
"""The share of the first half, of ordinary text and of every other kind, that may fall below the bound of each kind of salad; lowered
together until what the rule drops of it in all is within `ALLOWED`."""
ALLOWED = {"queries": 0.0030, "answers": 0.0038}
SPECIAL = 0.014
SPARE = 3
"""How far below the lowest of the demo's texts a bound lies."""
MOST = 1_500
WIDTHS = (8, 16, 32, 64, 128, 256)


def reported(text: str) -> bool:
    """Whether a text is of the half that figures rest on; the other is for tuning."""
    return bool(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=1).digest()[0] & 1)


def good(data: Path, packages: Path, demo: Path | None) -> dict[str, tuple[str, list[str]]]:
    """Language by kind: whose text it is, and the texts."""
    found: dict[str, tuple[str, list[str]]] = {}
    if any(data.glob("benign/*.jsonl")):
        ordinary = given_texts(data)
        found["queries"] = ("benign/ and queries/", ordinary["query"])
        found["answers"] = ("benign/", ordinary["response"])
        chance = random.Random(4)
        found["homophones"] = (
            "queries/, two to four characters of each disguised by program",
            [salad.disguised(text, chance) for text in ordinary["query"][-2_000:] if len(HAN.findall(text)) >= 8],
        )
    else:
        print(f"skipped: {data}/benign is not there: queries, answers, homophones")
    try:
        for name, some in sources.held_back(packages).items():
            found[name] = ("packages, not counted", random.Random(name).sample(some, min(len(some), 2_000)))
        found["code"] = ("packages: Python with Chinese comments", list(sources.code(packages)))
    except FileNotFoundError as error:
        print(f"skipped: {error}")
    if demo:
        rows = [row for path in sorted(demo.rglob("*.parquet")) for row in pq.read_table(path).to_pylist()]
        offline = [row[column] for row in rows for column in ("query", "response") if row.get(column)]
        dropped = [
            json.loads(line) for path in sorted(demo.glob("drops/*.fluent.*")) for line in path.open(encoding="utf-8")
        ]
        offline += [row["text"] for row in dropped if row.get("text")]
        found["demo"] = ("the offline backend's frames", list(dict.fromkeys(offline)))
    for path in sorted(HERE.glob("*.txt")):
        found[path.stem] = ("written for this benchmark", path.read_text(encoding="utf-8").splitlines())
    return found


def bad(found: dict[str, tuple[str, list[str]]], samples: Path | None) -> dict[str, tuple[str, list[str]]]:
    """What is no language, by kind: what it is made of, and the texts."""
    made: dict[str, tuple[str, list[str]]] = {}
    chance = random.Random(5)
    for name in ("queries", "answers"):
        texts = [text[:400] for text in found.get(name, ("", []))[1] if len(HAN.findall(text)) >= 12]
        if texts:
            some = chance.sample(texts, min(600, len(texts)))
            made |= {f"{kind} of {name}": (name, one) for kind, one in salad.of(some, chance).items()}
            made[f"loops of {name}"] = (name, [salad.loop(text, chance) for text in some])
            half = [text for text in some if len(text) >= 150]
            made[f"half {name}"] = (name, [text[:150] + salad.shuffled(text[:150], chance) for text in half])
    made["stitched prompts"] = ("prompts/", salad.stitched(prompts(), chance, 400))
    if samples and samples.exists():
        wrote = [json.loads(line)["t"] for line in samples.open(encoding="utf-8")]
        wrote = [text for text in wrote if len(HAN.findall(text)) >= 12 and 3 * len(HAN.findall(text)) > len(text)]
        chained = salad.chain(wrote)
        made["small model"] = ("SmolLM2-135M", wrote)
        made["chain of small model"] = (
            "SmolLM2-135M",
            [chained(chance, chance.choice((30, 60, 150))) for _ in range(300)],
        )
    else:
        print("skipped: no --samples: what a small model writes")
    return made


def calibrate(found: dict[str, tuple[str, list[str]]]) -> None:
    """Prints `BOUNDS` of synth/filters/language/fluency.py."""
    table, tuning = fluency_table.model(), dict[str, list[tuple[int, np.ndarray, fluency_table.Numbers]]]()
    for name, (_, texts) in found.items():
        some = [text for text in texts if name == "demo" or not reported(text)]
        for text in random.Random(name).sample(some, min(len(some), 4_000 if name in FALSE or name == "demo" else 900)):
            symbols = fluency.symbols(text, table.symbol)
            tuning.setdefault(name, [])
            if not fluency.is_sparse(text, symbols):
                tuning[name].append((fluency.register(symbols), fluency.sums(symbols, table), symbols))
    strict = [1.0, 1.0]
    rests = {kind: _rests(tuning, kind) for kind in (0, 1)}
    while min(strict) > 0.02:
        fluency.BOUNDS = np.array([_bounds(rests[kind], strict[kind], few=bool(kind)) for kind in (0, 1)], np.int64)
        over = [False, False]
        for name, texts in tuning.items():
            dropped = [kind for kind, _, symbols in texts if fluency.is_salad(symbols, table)]
            if len(dropped) > max(2, ALLOWED.get(name, SPECIAL) * len(texts)):
                over[max((0, 1), key=dropped.count)] = True
            print(
                f"{name}: {len(dropped)} of {len(texts)}, by register {dropped.count(0)} {dropped.count(1)}", end="; "
            )
        print(strict)
        if not any(over):
            break
        strict = [one * (0.75 if high else 1) for one, high in zip(strict, over, strict=True)]
    print(fluency.BOUNDS.tolist())


def _rests(
    tuning: dict[str, list[tuple[int, np.ndarray, fluency_table.Numbers]]], register: int
) -> dict[tuple[str, int], np.ndarray]:
    """By kind of text and length, the sums over stretches of that length and up to twice it, over the root of their length."""
    found: dict[tuple[str, int], list[np.ndarray]] = {}
    for name, texts in tuning.items():
        for kind, grown, _ in texts:
            size = grown.shape[1] - 1
            for width in WIDTHS if kind == register else ():
                for at in range(0, size - width // 2, 2 * width):
                    end = min(size, at + 2 * width - 1)
                    if end - at >= width:
                        found.setdefault((name, width), []).append((grown[:, end] - grown[:, at]) / np.sqrt(end - at))
    return {key: np.array(some) for key, some in found.items() if len(some) >= 40}


def _bounds(rests: dict[tuple[str, int], np.ndarray], strict: float, *, few: bool) -> np.ndarray:
    """By kind of salad and length, what so small a share of each kind of text falls below; the lowest of them. Where there are
    `few` of the greatest length, their bound is no higher than of the one before."""
    rows: list[np.ndarray] = []
    for width in WIDTHS:
        lowest = [
            some.min(axis=0) - SPARE
            if name == "demo"
            else np.quantile(some, strict * max(FALSE.get(name, REST), 1.2 / len(some)), axis=0)
            for (name, wide), some in rests.items()
            if wide == width
        ]
        row = np.floor(np.min(lowest, axis=0)) if lowest else rows[-1]
        rows.append(np.minimum(row, rows[-1]) if width == WIDTHS[-1] and few else row)
    return np.array(rows).T


def share(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{hits:>5} of {of:>5}  {hits / of:7.2%}  ({low:.2%} to {high:.2%})" if of else "none"


def report(title: str, some: dict[str, tuple[str, list[str]]], most: int) -> None:
    rule, total, every = fluent(), 0, 0
    print(f"\n{title}")
    for name, (whose, texts) in some.items():
        kept = [text for text in texts if reported(text)][:most]
        reasons = [rule(text) for text in kept]
        counts = {reason: reasons.count(reason) for reason in sorted({one for one in reasons if one})}
        total, every = total + sum(map(bool, reasons)), every + len(kept)
        print(f"  {name:24} {share(sum(map(bool, reasons)), len(kept))}  {counts} [{whose}]", flush=True)
        if "of" in name or "model" in name:
            for low, high in ((12, 30), (30, 60), (60, 120), (120, 10_000)):
                hits = [
                    bool(one) for one, text in zip(reasons, kept, strict=True) if low <= len(HAN.findall(text)) < high
                ]
                if hits:
                    print(f"      {low:>4} to {high} characters: {share(sum(hits), len(hits))}")
    print(f"  {'together':24} {share(total, every)}")


def speed(texts: Sequence[str]) -> None:
    """Microseconds of CPU a thousand characters, of long texts and of all."""
    rule = fluent()
    for name, some in (("of 500 characters or more", [text for text in texts if len(text) >= 500]), ("all", texts)):
        start = time.process_time()
        for text in some:
            rule(text)
        spent, size = time.process_time() - start, sum(map(len, some))
        print(f"{name}: {1e9 * spent / size:.0f} µs a thousand characters, {1e6 * spent / len(some):.0f} µs a text")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("packages", type=Path)
    parser.add_argument("--samples", type=Path)
    parser.add_argument("--demo", type=Path)
    parser.add_argument("--calibrate", action="store_true")
    given = parser.parse_args(arguments)
    found = good(given.data, given.packages, given.demo)
    if given.calibrate:
        calibrate(found)
        return
    report("wrongly dropped of language", found, 5_000)
    report("found of what is none", bad(found, given.samples), MOST)
    if "answers" in found:
        speed(found["answers"][1][:2_000])


if __name__ == "__main__":
    main()
