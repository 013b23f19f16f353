"""A model that refuses most of what it is asked, alone and with another behind it: calls, drops, and cells that are met.

python benchmarks/chains.py [N]      # accepted rows a scenario, 60 unless given
"""

import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from synth.recipe import load
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.serve.listen import serving

REFUSALS = 0.9
WAYS = {"alone": ["answerer_a"], "chain": ["both"], "other": ["answerer_b"]}
"""The one that refuses; it, then the other; the other alone."""


def answered(url: str, way: str, n: int) -> None:
    """One run, its answers written in that way; prints what it took."""
    chained = {"models.both.chain": "[answerer_a, answerer_b]", "models.both.on": "[refusal]"}
    told = {"respond.models": str(WAYS[way]), "concurrency": "64"} | (chained if way == "chain" else {})
    loaded = load.load("demo", settings=[f"{key}={value}" for key, value in told.items()])
    served = load.with_models(loaded, backend="openai", model=None, base_url=url)
    with tempfile.TemporaryDirectory() as folder:
        result = execute.run(compile_recipe(served), execute.RunOptions(Path(folder), n))
    statuses = Counter(cell["status"] for cell in result.cells)
    dropped = sum(result.dropped.values())
    print(
        f"{way:<8}{result.calls:>8,} calls, {result.counts['accepted']:>5,} rows, {dropped:>5,} dropped, {dict(statuses)}"
    )


def main(n: int) -> None:
    os.environ["OPENAI_API_KEY"] = "none is needed"
    with serving(faults={"refusal@offline-a": REFUSALS}) as server:
        for way in WAYS:
            answered(server.url, way, n)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 60)
