"""Hostile strings through every filter, the class of an answer, what personal data becomes, the near-duplicate index and what is avoided: that
nothing raises, what each costs, and the slowest of them.

python benchmarks/hostile.py --count 1000000 --longest 40        python benchmarks/hostile.py --bombs 1000000 --mixed 100
"""

import argparse
import gc
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from synth.dedup.ngrams import Index
from synth.filters import bind, factory, known
from synth.filters.language.refusal import is_refusal
from synth.filters.language.response_class import response_class
from synth.filters.personal import find, replaced
from synth.recipe.load import load
from synth.tables.avoid import avoided as avoided_in
from synth.types import Lane, Provenance, Sample, Vote
from tests.support.hostile import BOMBS, PIECES, strings

ROW = Sample(Lane("a", "a.b", "harmful"), 0, "", "q", (), "g", Provenance(1, ""), "k", stance="comply", label="unsafe")


def checks() -> dict[str, Callable[[str], Any]]:
    """By name: everything that reads a text someone else wrote. A row rule gets a row that is that text wherever a row has text."""
    index, some = Index(ngram=2, threshold=0.7), list(strings(0, 1_200, longest=40))
    for text in some:  # so that what numba compiles at first sight is no string's cost
        index.admit(text, text)
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps({"query": text, "response": text}) + "\n" for text in some[:500])
        file.flush()
        avoided = avoided_in([file.name], ngram=2, threshold=0.7)
    found: dict[str, Callable[[str], Any]] = {name: factory("text", name)() for name in known("text")}
    for name, rule in bind("row", load("libra").filters.row, "row", {"a.b": "".join(PIECES)}):
        found[name] = lambda text, rule=rule: rule(
            replace(ROW, query=text, response=text, analysis=text, votes=(Vote("j", "safe", text),))
        )
    return found | {
        "response_class": response_class,
        "is_refusal": is_refusal,
        "replaced": _replaced,
        "index": lambda text: index.admit(text, text),
        "avoided query": avoided.query,
        "avoided answer": avoided.response,
    }


def bombs(seed: int, size: int, mixed: int) -> Iterator[str]:
    """Each piece over and over until it has `size` characters; and so many of two to four of them, in turn or one after the other."""
    chance = random.Random(seed)
    for piece in BOMBS:
        yield piece * (size // len(piece))
    for number in range(mixed):
        few = chance.sample(BOMBS, chance.randint(2, 4))
        parts = few if number % 2 else ["".join(few)]
        yield "".join(part * (size // len(parts) // len(part)) for part in parts)


def _replaced(text: str) -> None:
    """Raises where something personal is left."""
    if left := find(replaced(text)):
        raise ValueError(f"still personal: {left}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=0, help="random strings")
    parser.add_argument("--longest", type=int, default=200, help="pieces in a random string at most")
    parser.add_argument("--bombs", type=int, default=0, help="characters of one piece repeated")
    parser.add_argument("--mixed", type=int, default=0, help="bombs of several pieces besides")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", default=[])
    given = parser.parse_args()
    found = {name: check for name, check in checks().items() if not given.only or name in given.only}
    for check in found.values():
        check("今天天气不错，打13912345678")
    gc.freeze()  # a collector's pass over all that was imported is no string's cost either
    began = time.monotonic()
    texts = chain(
        strings(given.seed, given.count, longest=given.longest),
        bombs(given.seed, given.bombs, given.mixed) if given.bombs else (),
    )
    spent, slowest, done = dict.fromkeys(found, 0.0), dict.fromkeys(found, (0.0, "")), 0
    for done, text in enumerate(texts, start=1):
        for name, check in found.items():
            taken = _timed(name, check, text)
            spent[name] += taken
            if taken > slowest[name][0]:  # timed again, for the machine has pauses of its own
                slowest[name] = max(slowest[name], (min(taken, _timed(name, check, text)), text[:20]))
        if done % 50_000 == 0:
            print(f"{done:,} in {time.monotonic() - began:,.0f} s", flush=True)
    each = sum(spent.values()) / done * 1e6
    print(
        f"{done:,} strings in {time.monotonic() - began:,.0f} s, nothing raised; of CPU, all together {each:,.0f} µs a string:"
    )
    for name, (taken, text) in sorted(slowest.items(), key=lambda item: -item[1][0]):
        print(f"{name:<16} {spent[name] / done * 1e6:9.1f} µs a string, {taken * 1000:9.2f} ms at most, for {text!r}")


def _timed(name: str, check: Callable[[str], Any], text: str) -> float:
    start = time.process_time()
    try:
        check(text)
    except Exception as error:
        error.add_note(f"{name} on {text[:400]!r}")
        raise
    return time.process_time() - start


if __name__ == "__main__":
    main()
