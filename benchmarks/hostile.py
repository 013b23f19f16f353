"""Hostile strings through every filter, the class of an answer and the near-duplicate index: that nothing raises, and the slowest of them.

python benchmarks/hostile.py --count 1000000        python benchmarks/hostile.py --bombs 100000
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from synth.dedup.index import Index
from synth.filters import known
from synth.filters.refusal import is_refusal
from synth.filters.response_class import response_class
from tests.hostile import BOMBS, strings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=0, help="random strings of up to 200 pieces")
    parser.add_argument("--bombs", type=int, default=0, help="characters of one piece repeated")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    index = Index(ngram=2, threshold=0.7)
    rules = {name: factory() for name, factory in known("text").items()}
    rules |= {"response_class": response_class, "is_refusal": is_refusal, "index": lambda text: index.admit(text, text)}
    slowest = dict.fromkeys(rules, (0.0, ""))
    texts = (
        strings(given.seed, given.count) if given.count else (piece * (given.bombs // len(piece)) for piece in BOMBS)
    )
    done = 0
    for text in texts:
        done += 1
        for name, rule in rules.items():
            start = time.perf_counter()
            rule(text)
            slowest[name] = max(slowest[name], (time.perf_counter() - start, text[:20]))
    print(f"{done:,} strings, nothing raised")
    for name, (taken, text) in sorted(slowest.items(), key=lambda item: -item[1][0]):
        print(f"{name:<20} {taken * 1000:9.2f} ms at most, for {text!r}")


if __name__ == "__main__":
    main()
