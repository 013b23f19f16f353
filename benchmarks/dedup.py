"""Near-duplicate search side by side: synth's index, the libraries that do the like, and the floor, on one corpus in one run.

    python benchmarks/dedup.py --texts 100000 --from DIR     # DIR: JSON lines with `query` and `response`, for its clauses

Every tool runs in a process of its own and is told the same threshold over the same character n-grams, in turn with the others, as
often as --rounds says; the median counts. Recall and precision are those of a sample of rows, each compared with every other row.
The others are given normalised text; synth normalises by itself. A tool that is not installed is left out:
pip install rensa datasketch gaoya SetSimilaritySearch scipy
"""

import argparse
import importlib.util
import json
import random
import re
import statistics
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from synth.dedup.ngrams import Index
from synth.dedup.normalise import normalise_all, shingles
from synth.dedup.passages import Finder

TOP = Path(__file__).parents[1]
PART = 4_096
SAMPLE = 1_000
Found = list[int | None]
"""For each text the number of the earlier one that it is near to, -1 if the tool only says that there is one, or None."""


def clauses(folder: Path | None) -> list[str]:
    """Clauses of the text in a folder of JSON lines; without one, of synth's own taxonomies, prompts and frames."""
    if folder:
        rows = (json.loads(line) for path in folder.rglob("*.jsonl") for line in path.open(encoding="utf-8"))
        texts = (row.get(name) or "" for row in rows for name in ("query", "response"))
    else:
        paths = [path for name in ("taxonomies", "prompts", "synth") for path in (TOP / name).rglob("*.*")]
        texts = (path.read_text(encoding="utf-8") for path in paths if path.suffix in (".yaml", ".j2"))
    found = {clause for text in texts for clause in re.findall(r"[\u4e00-\u9fff]{4,40}", text)}
    return sorted(found)


def corpus(count: int, source: list[str]) -> list[str]:
    """Texts of 20 to 60 characters: clauses strung together; one in eight is an earlier text with 0 to 12 % of it changed."""
    chance = random.Random(1)
    texts: list[str] = []
    while len(texts) < count:
        if texts and chance.random() < 1 / 8:
            share = chance.choice([0.0, 0.02, 0.05, 0.08, 0.12])
            old = chance.choice(texts)
            texts.append("".join(chr(chance.randrange(0x4E00, 0x9000)) if chance.random() < share else c for c in old))
            continue
        text, length = "", chance.randint(20, 60)
        while len(text) < length:
            text += ("，" if text else "") + chance.choice(source)
        texts.append(text[:length])
    return texts


def synth_batch(texts: list[str], ngram: int, threshold: float) -> Found:
    return in_batches(texts, Index(ngram=ngram, threshold=threshold))


def synth_passages(texts: list[str], ngram: int, threshold: float) -> Found:
    """With passages that many rows share found first, and short texts by their gist, as `synth dedup` does."""
    finder = Finder()
    for at in range(0, len(texts), PART):
        finder.add(texts[at : at + PART])
    return in_batches(texts, Index(ngram=ngram, threshold=threshold, short=20, passages=finder.found()))


def in_batches(texts: list[str], index: Index) -> Found:
    kept, found = [], []
    for at in range(0, len(texts), PART):
        for number, near in enumerate(index.admit_all(texts[at : at + PART]), start=at):
            if near is None:
                kept.append(number)
            found.append(None if near is None else kept[near.row])
    return found


def synth_online(texts: list[str], ngram: int, threshold: float) -> Found:
    index, kept, found = Index(ngram=ngram, threshold=threshold), [], []
    for number, text in enumerate(texts):
        near = index.admit(text, str(number))
        if near is None:
            kept.append(number)
        found.append(None if near is None else kept[near.row])
    return found


def floor(texts: list[str], ngram: int, _: float) -> Found:
    """Normalises, and hashes every shingle once."""
    from numba import njit

    @njit
    def hashed(codes, ngram):
        total = np.uint64(0)
        for at in range(len(codes) - ngram + 1):
            value = np.uint64(0)
            for code in codes[at : at + ngram]:
                value = (value ^ np.uint64(code)) * np.uint64(0x9E3779B97F4A7C15)
            total ^= value
        return total

    hashed(np.zeros(3, np.uint32), ngram)
    yield_ready()
    for at in range(0, len(texts), PART):
        hashed(normalise_all(texts[at : at + PART])[0], ngram)
    return []


def rensa(texts: list[str], ngram: int, threshold: float) -> Found:
    from rensa import RMinHash, RMinHashLSH

    lsh, found = RMinHashLSH(threshold, 128, 32), []
    for at in range(0, len(texts), PART):
        digests = RMinHash.digest_matrix_from_token_sets([grams(t, ngram) for t in texts[at : at + PART]], 128, 42)
        found += [-1 if near else None for near in lsh.insert_matrix_and_query_duplicate_flags(digests, at)]
    return found


def gaoya(texts: list[str], ngram: int, threshold: float) -> Found:
    from gaoya.minhash import MinHashStringIndex

    index = MinHashStringIndex(32, threshold, 32, 4, None, "char", False, (ngram, ngram))
    found = []
    for number, text in enumerate(texts):
        found.append(-1 if index.query(text) else None)
        index.insert_document(number, text)
    return found


def datasketch(texts: list[str], ngram: int, threshold: float) -> Found:
    from datasketch import MinHash, MinHashLSH

    lsh, found = MinHashLSH(threshold, num_perm=128), []
    for number, text in enumerate(texts):
        digest = MinHash(num_perm=128)
        digest.update_batch([gram.encode() for gram in set(grams(text, ngram))])
        found.append(-1 if lsh.query(digest) else None)
        lsh.insert(number, digest)
    return found


def setsimilaritysearch(texts: list[str], ngram: int, threshold: float) -> Found:
    from SetSimilaritySearch import all_pairs

    found: Found = [None] * len(texts)
    for one, other, _ in all_pairs([set(grams(t, ngram)) for t in texts], similarity_threshold=threshold):
        found[max(one, other)] = -1
    return found


def grams(text: str, ngram: int) -> list[str]:
    return [text[at : at + ngram] for at in range(len(text) - ngram + 1)]


TOOLS: dict[str, tuple[Callable[[list[str], int, float], Found], int]] = {
    "floor": (floor, 10**9),
    "synth_batch": (synth_batch, 10**9),
    "synth_passages": (synth_passages, 10**9),
    "synth_online": (synth_online, 10**9),
    "rensa": (rensa, 10**9),
    "gaoya": (gaoya, 200_000),
    "datasketch": (datasketch, 100_000),
    "setsimilaritysearch": (setsimilaritysearch, 100_000),
}
"""With the number of texts up to which one can wait for them."""
NEEDS = {"gaoya": "gaoya", "rensa": "rensa", "datasketch": "datasketch", "setsimilaritysearch": "SetSimilaritySearch"}


def yield_ready() -> None:
    """The clock starts: what came before was compiling."""
    STARTED[:] = [time.perf_counter(), time.process_time()]


STARTED: list[float] = []


def one_tool(name: str, folder: Path, ngram: int, threshold: float) -> None:
    """Runs a tool in this process; prints what it took."""
    kind = "raw" if name.startswith("synth") or name == "floor" else "normal"
    texts = (folder / f"{kind}.txt").read_text(encoding="utf-8").split("\n")[: TOOLS[name][1]]
    ahead = [3 * chr(0x4E00 + number) for number in range(2_000)]
    synth_batch(ahead, ngram, threshold)
    synth_passages([f"{one}{20 * ahead[0]}" for one in ahead], ngram, threshold)  # all is compiled
    before = held("VmRSS")
    yield_ready()
    found = TOOLS[name][0](texts, ngram, threshold)
    wall, cpu = time.perf_counter() - STARTED[0], time.process_time() - STARTED[1]
    memory = held("VmHWM") - before
    (folder / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    print(json.dumps({"texts": len(texts), "wall": len(texts) / wall, "cpu": len(texts) / cpu, "MiB": memory}))


def held(name: str) -> float:
    """MiB this process holds now (VmRSS) or held at most (VmHWM)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024


def neighbours(texts: list[str], ngram: int, threshold: float) -> Iterator[tuple[int, list[tuple[int, float]]]]:
    """For a sample of texts all earlier ones that are near, by comparing with every one."""
    from scipy.sparse import csr_matrix

    places: dict[str, int] = {}
    columns, ends = array("i"), [0]
    for text in texts:
        columns.extend(places.setdefault(gram, len(places)) for gram in shingles(text, ngram))
        ends.append(len(columns))
    held = csr_matrix((np.ones(len(columns), np.float32), columns, ends), (len(texts), len(places)))
    sizes, turned = np.diff(ends), held.T.tocsr()
    for number in sorted(random.Random(2).sample(range(len(texts)), min(SAMPLE, len(texts)))):
        shared = np.asarray((held[number] @ turned).todense())[0, :number]
        likeness = shared / np.maximum(sizes[:number] + sizes[number] - shared, 1)
        yield number, [(int(row), float(likeness[row])) for row in np.flatnonzero(likeness >= threshold - 1e-6)]


def quality(found: Found, truth: dict[int, list[tuple[int, float]]]) -> str:
    """Recall and precision over the sample. synth keeps the first of each cluster, so a row counts as near where a kept row is near;
    the others file every row. synth must also name the earliest."""
    hits = wanted = given = 0
    for number, near in truth.items():
        if number >= len(found):
            continue
        said = found[number]
        names = any(isinstance(row, int) and row >= 0 for row in found)
        rows = [row for row, _ in near if not names or found[row] is None]
        wanted, given = wanted + bool(rows), given + (said is not None)
        hits += bool(rows) and (said == rows[0] if names else said is not None)
    return f"{hits / max(wanted, 1):.4f} | {hits / max(given, 1):.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--from", dest="source", type=Path)
    parser.add_argument("--ngram", type=int, default=2)
    parser.add_argument("--threshold", type=float, default=0.7)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(TOOLS))
    parser.add_argument("--work", type=Path, default=Path("runs/bench.dedup"))
    parser.add_argument("--tool", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.tool:
        one_tool(given.tool, given.work, given.ngram, given.threshold)
        return
    given.work.mkdir(parents=True, exist_ok=True)
    texts = corpus(given.texts, clauses(given.source))
    (given.work / "raw.txt").write_text("\n".join(texts), encoding="utf-8")
    codes, ends = normalise_all(texts)
    whole = codes.astype("<u4").tobytes().decode("utf-32-le")
    plain = [whole[a:b] for a, b in zip([0, *ends.tolist()], ends.tolist(), strict=False)]
    (given.work / "normal.txt").write_text("\n".join(plain), encoding="utf-8")
    tools = [name for name in given.only if name not in NEEDS or importlib.util.find_spec(NEEDS[name])]
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in tools}
    for _ in range(given.rounds):
        for name in tools:
            command = [sys.executable, __file__, "--tool", name, "--work", str(given.work)]
            command += ["--ngram", str(given.ngram), "--threshold", str(given.threshold)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path.cwd())
            taken[name].append(json.loads(done.stdout))
    truth = dict(neighbours(plain, given.ngram, given.threshold)) if importlib.util.find_spec("scipy") else {}
    report(given, taken, truth)


def report(given: argparse.Namespace, taken: dict[str, list[dict[str, float]]], truth: dict) -> None:
    median = {
        name: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for name, runs in taken.items()
    }
    print(f"{given.texts:,} texts, {given.ngram}-grams, Jaccard {given.threshold}, {given.rounds} rounds\n")
    print("| tool | texts | texts/s | per CPU second | of synth_batch: clock | CPU | MiB | recall | precision |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, run in median.items():
        found = json.loads((given.work / f"{name}.json").read_text(encoding="utf-8"))
        clock, cpu = (run[key] / median.get("synth_batch", {}).get(key, float("nan")) for key in ("wall", "cpu"))
        good = quality(found, truth) if found and truth else " | "
        rates = f"{run['wall']:,.0f} | {run['cpu']:,.0f} | {clock:.2f} | {cpu:.2f}"
        print(f"| {name} | {run['texts']:,.0f} | {rates} | {run['MiB']:,.0f} | {good} |")


if __name__ == "__main__":
    main()
