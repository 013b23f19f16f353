"""Near-duplicates by meaning side by side: synth's exact index in eight bits, faiss's exact one in floats, a matrix product of numpy's.

    python benchmarks/meaning.py --vectors 20000 --size 1024        # faiss is left out where it is not installed: pip install faiss-cpu

Vectors as sentence models give them: all lean one way, so that strangers have a cosine of some 0.4; one in eight is near to an earlier
one. Each is checked and, if it is near to none, kept, in turn. Seconds are of CPU, the median of --rounds; every tool runs in turn.
"""

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable

import numpy as np

from synth.dedup.vectors import Vectors
from synth.vector import Numbers, rounded

THRESHOLD = 0.9
PAGE = 512


def vectors(count: int, size: int) -> Numbers:
    chance = np.random.default_rng(1)
    found = chance.normal(size=(count, size)) + 0.8 * chance.normal(size=size)
    for at in np.flatnonzero(chance.random(count) < 1 / 8).tolist()[1:]:
        # The cosine to the other is about 0.77 to 1.
        found[at] = found[chance.integers(at)] + chance.uniform(0, 1.0) * chance.normal(size=size)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def one_by_one(given: Numbers) -> list[bool]:
    index = Vectors(threshold=THRESHOLD)
    return [index.admit(vector, str(at)) is None for at, vector in enumerate(rounded(given))]


def in_pages(given: Numbers) -> list[bool]:
    index = Vectors(threshold=THRESHOLD)
    pages = (given[at : at + PAGE] for at in range(0, len(given), PAGE))
    return [near is None for page in pages for near in index.admit_all(page)]


def product(given: Numbers) -> list[bool]:
    """Float products with all kept, one at a time: the least that a plain program does."""
    kept, count, found = np.empty_like(given), 0, []
    for vector in given:
        found.append(not count or float((kept[:count] @ vector).max()) < THRESHOLD)
        if found[-1]:
            kept[count] = vector
            count += 1
    return found


def faiss_flat(given: Numbers) -> list[bool]:
    import faiss

    index, found = faiss.IndexFlatIP(given.shape[1]), []
    for vector in given:
        found.append(not index.ntotal or float(index.search(vector[None], 1)[0][0, 0]) < THRESHOLD)
        if found[-1]:
            index.add(vector[None])
    return found


def rounding(given: Numbers) -> tuple[float, float]:
    """How far the cosine of two rounded vectors is off, mean and largest, over a sample of pairs."""
    some = given[:2000]
    whole = rounded(some).astype(np.float64)
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    off = np.abs(whole @ whole.T - some.astype(np.float64) @ some.T.astype(np.float64))
    return float(off.mean()), float(off.max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args()
    given = vectors(told.vectors, told.size)
    tools: dict[str, Callable[[Numbers], list[bool]]] = {
        "synth, one by one": one_by_one, "synth, in pages": in_pages, "numpy, one by one": product
    }  # fmt: skip
    if importlib.util.find_spec("faiss"):
        tools["faiss flat, one by one"] = faiss_flat
    one_by_one(given[:10])
    taken: dict[str, list[float]] = {name: [] for name in tools}
    answers = {}
    for _ in range(told.rounds):
        for name, tool in tools.items():
            start = time.process_time()
            answers[name] = tool(given)
            taken[name].append(time.process_time() - start)
    ours = statistics.median(taken["synth, one by one"])
    plain = answers["numpy, one by one"]
    for name, rounds in taken.items():
        seconds = statistics.median(rounds)
        alike = sum(a == b for a, b in zip(answers[name], plain, strict=True)) / len(plain)
        print(f"{name:<24}{seconds:8.2f} s  {ours / seconds:5.2f} of synth's speed  {alike:.2%} decided as in floats")
    print(
        f"kept {sum(plain):,} of {len(plain):,}; rounding moves a cosine by {'{:.5f}, {:.5f} at most'.format(*rounding(given))}"
    )


if __name__ == "__main__":
    main()
