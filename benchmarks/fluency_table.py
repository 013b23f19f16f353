"""Counts characters, pairs and triples of openly licensed Chinese and writes synth/filters/language/fluency.bin.

    python benchmarks/fluency_table.py DIR [--fetch]     # DIR: the packages of fluency_sources.py; --fetch gets them

What a surprising pair or triple speaks for is fitted on sources that the counts in use have not seen: each in turn is left out,
and its text set against salad made from it. No text and no count of the data that figures are measured on goes in.
"""

import argparse
import json
import lzma
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import opencc
import salad
from fluency_sources import HAN, SOURCES, TEXTS, digest, fetch, lines, package, words
from sklearn.linear_model import LogisticRegression

from synth.filters.language import fluency
from synth.filters.language import fluency_table as stored

PAIR_LEAST, TRIPLE_LEAST, MODERN_LEAST = 3, 5, 2
"""What was seen less often is left out; but a triple stays that modern prose has `MODERN_LEAST` times."""
MODERN = ("news", "reviews", "laws", "help", "mixed")
LEFT_OUT = ("reviews", "news", "mixed")
USED, KNOWN = 10, 3
"""A word that is used so often counts as seen three times more."""
OLDER = {"cantonese": 300, "tang": 30, "classics": 50}
"""How many of their texts take part in the fit, beside `SAMPLE` of each that is left out in turn; a tenth of each is held out."""
KINDS = ("chain", "shuffled", "words", "pieces", "loose")
SAMPLE = 1_500


def alphabet() -> np.ndarray:
    """By code unit: 0 a mark, 1 a letter or digit, else the simplified form of the character."""
    simple = opencc.OpenCC("t2s")
    table = np.array([int(chr(unit).isalnum()) for unit in range(1 << 16)], np.int64)
    han = [chr(unit) for unit in range(0x3400, 0xA000)]
    for one, other in zip(han, simple.convert("\n".join(han)).split("\n"), strict=True):
        table[ord(one)] = ord(other) if len(other) == 1 and ord(other) < 1 << 16 else ord(one)
    return table


Counts = dict[str, tuple[np.ndarray, np.ndarray]]


def counted(found: np.ndarray) -> Counts:
    """How often each symbol, pair and triple stands in a text."""
    keys = (found, found[:-1] << 16 | found[1:], found[:-2] << 32 | found[1:-1] << 16 | found[2:])
    return {
        name: np.unique(some, return_counts=True) for name, some in zip(("logs", "pairs", "triples"), keys, strict=True)
    }


def by_words(used: dict[str, int], table: np.ndarray) -> Counts:
    """The same within words, so often as makes them known: what stands around them was counted in other text."""
    rows: dict[str, dict[int, int]] = {"logs": {}, "pairs": {}, "triples": {}}
    for word in (word for word, count in used.items() if count >= USED):
        some = [int(one) for one in fluency.symbols(word, table)[1:-1]]
        for name, width in (("pairs", 2), ("triples", 3)):
            for at in range(len(some) - width + 1):
                key = sum(one << 16 * (width - 1 - n) for n, one in enumerate(some[at : at + width]))
                rows[name][key] = rows[name].get(key, 0) + KNOWN
    return {name: (np.array(list(row), np.int64), np.array(list(row.values()), np.int64)) for name, row in rows.items()}


def merged(some: Sequence[Counts]) -> Counts:
    found = {}
    for name in ("logs", "pairs", "triples"):
        keys, at = np.unique(np.concatenate([one[name][0] for one in some]), return_inverse=True)
        found[name] = (keys, np.bincount(at, np.concatenate([one[name][1] for one in some])).astype(np.int64))
    return found


def _level(often: np.ndarray) -> np.ndarray:
    return np.clip(np.round(np.log2(often)), 1, 15)


def _stored(keys: np.ndarray, levels: np.ndarray, bits: int) -> tuple[bytes, bytes]:
    """Gaps between taken cells and their levels, the higher where two meet."""
    cells = hashed(keys, bits)
    order = np.lexsort((levels, cells))
    cells, levels = cells[order], levels[order]
    last = np.append(cells[1:] != cells[:-1], True)
    gaps = np.diff(cells[last], prepend=-1)
    stored = np.full(int((gaps // 255 + 1).sum()), 255, np.uint8)
    stored[np.cumsum(gaps // 255 + 1) - 1] = gaps % 255
    return stored.tobytes(), levels[last].astype(np.uint8).tobytes()


def hashed(keys: stored.Numbers, bits: int) -> stored.Numbers:
    """The cells of these pairs or triples."""
    return ((keys.astype(np.uint64) * stored.SPREAD) >> np.uint64(64 - bits)).astype(np.int64)


def parts(every: dict[str, Counts], table: np.ndarray, weights: np.ndarray) -> tuple[dict[str, bytes], int]:
    """What is stored of these sources, and four times the logarithm of the number of symbols."""
    counts = merged(list(every.values()))
    modern, seen = merged([one for name, one in every.items() if name in MODERN])["triples"]
    modern = modern[seen >= MODERN_LEAST]
    single, times = counts["logs"]
    logs = np.zeros(1 << 16, np.int64)
    logs[single] = np.round(4 * np.log2(times + 1))
    pairs, often = (part[counts["pairs"][1] >= PAIR_LEAST] for part in counts["pairs"])
    found = dict(zip(("pair_gaps", "pair_levels"), _stored(pairs, _level(often), stored.PAIRS), strict=True))
    kept = (counts["triples"][1] >= TRIPLE_LEAST) | np.isin(counts["triples"][0], modern)
    triples, often = (part[kept] for part in counts["triples"])
    found |= dict(zip(("triple_gaps", "triple_levels"), _stored(triples, _level(often), stored.TRIPLES), strict=True))
    found |= {
        "symbols": table.astype("<u2").tobytes(),
        "logs": logs.astype(np.uint8).tobytes(),
        "weights": weights.astype(np.int8).tobytes(),
    }
    return found, round(4 * float(np.log2(times.sum())))


def grades(texts: Sequence[str], model: stored.Model) -> np.ndarray:
    """By text, how many places have each grade of surprise, of pairs and of triples, over the root of the number of places; that root last."""
    rows = []
    for text in texts:
        found = fluency.surprises(fluency.symbols(text, model.symbol), model)
        if len(found) >= 8:
            both = np.bincount(found, minlength=stored.STEPS**2).reshape(stored.STEPS, -1)
            root = len(found) ** 0.5
            rows.append([*both.sum(1) / root, *both.sum(0) / root, root])
    return np.array(rows)


def fitted(texts: dict[str, list[str]], counts: dict[str, Counts], table: np.ndarray) -> np.ndarray:
    """What each surprise speaks for, against each kind of salad: the coefficients of a logistic regression, as whole numbers."""
    none = np.zeros((len(KINDS), stored.STEPS**2))
    good: list[np.ndarray] = []
    bad: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
    for left_out in (*LEFT_OUT, None):
        rest = {name: one for name, one in counts.items() if name != left_out}
        model = stored.unpacked(*parts(rest, table, none))
        for name in [left_out] if left_out else OLDER:
            chance = random.Random(name)
            some = [text[: chance.choice((40, 80, 200))] for text in texts[name] if len(HAN.findall(text)) >= 12]
            some = chance.sample(some, min(OLDER.get(name, SAMPLE), len(some)))
            good.append(grades(some, model))
            made = salad.of(some, chance) if left_out else {}
            for kind, one in made.items():
                bad[kind].append(grades(one, model))
    return np.array([_coefficients(np.concatenate(good), np.concatenate(bad[kind])) for kind in KINDS])


def _coefficients(good: np.ndarray, bad: np.ndarray) -> np.ndarray:
    answers = np.repeat([1, 0], [len(good), len(bad)])
    model = LogisticRegression(C=0.3, max_iter=2_000, class_weight="balanced").fit(np.concatenate((good, bad)), answers)
    pair, triple = np.split(model.coef_[0][:-1], 2)
    both = (pair[:, None] + triple[None, :]).reshape(-1)
    return np.round(both * (100 / np.abs(both).max()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fetch", action="store_true")
    given = parser.parse_args()
    if given.fetch:
        fetch(given.folder)
    table = alphabet()
    held, sizes = {}, {}
    counts = {"words": by_words(words(given.folder), table)}
    for kind in TEXTS:
        some = lines(given.folder, kind)
        held[kind] = some[::10] if kind in OLDER else some
        seen = [text for n, text in enumerate(some) if n % 10 or kind not in OLDER]
        counts[kind] = counted(fluency.symbols("\n".join(seen), table))
        sizes[kind] = sum(len(HAN.findall(text)) for text in some)
        print(kind, len(some), sizes[kind], flush=True)
    weights = fitted(held, counts, table)
    stored, size = parts(counts, table, weights)
    write(given.folder, stored, size, sizes)


_LZMA: dict[str, Any] = {"preset": 9, "lc": 0, "lp": 0, "pb": 0}


def write(folder: Path, stored: dict[str, bytes], size: int, sizes: dict[str, int]) -> None:
    """The table: a line of JSON that says what it was made from, then the parts in the order it names."""
    packed = {
        name: lzma.compress(part, lzma.FORMAT_XZ, filters=[{"id": lzma.FILTER_LZMA2, **_LZMA}])
        for name, part in stored.items()
    }
    about = {
        "made_by": "benchmarks/fluency_table.py",
        "holds": "counts alone, on a scale of logarithms",
        "sources": [
            {
                "name": one.name,
                "index": one.index,
                "version": one.version or package(folder, one.name).name.split("_")[1],
                "licence": one.licence,
                "taken": one.taken,
                "file": package(folder, one.name).name,
                "sha256": digest(package(folder, one.name)),
            }
            for one in SOURCES
        ],
        "characters": sizes,
        "size": size,
        "parts": {name: len(part) for name, part in packed.items()},
    }
    with stored.TABLE.open("wb") as file:
        file.write(json.dumps(about, ensure_ascii=False).encode() + b"\n")
        for part in packed.values():
            file.write(part)
    print({name: len(part) for name, part in packed.items()}, stored.TABLE.stat().st_size)


if __name__ == "__main__":
    main()
