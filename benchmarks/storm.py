"""A whole recipe through every fault at 2 % each and two storms of 429: what is paid for, as a multiple of a calm run.

python benchmarks/storm.py [N]      # accepted rows a scenario, 200 unless given
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from synth.recipe import load
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.run.result import Result
from synth.serve.faults import CONTENT, WEATHER
from synth.serve.listen import serving

STORMS = ["429"] * 30 + ["ok"] * 500 + ["429-bare"] * 60


def through(n: int, timeout: float, **habits: Any) -> tuple[Result, dict[str, Any], float]:
    """The result, the server's counts and the seconds of one run."""
    base = load.load("demo")
    settings = [f"models.{role}.timeout={timeout}" for role in base.models]
    told = load.load("demo", settings=settings, overrides={"concurrency": 64})
    with serving(**habits) as server, tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        served = load.with_models(told, backend=None, model=None, base_url=server.url)
        return (
            execute.run(compile_recipe(served), execute.RunOptions(Path(folder), n)),
            server.stats(),
            time.perf_counter() - began,
        )


def main(n: int) -> None:
    os.environ["OPENAI_API_KEY"] = "none is needed"
    _, calm, _ = through(n, 60)
    faults = dict.fromkeys(WEATHER + CONTENT, 0.02)
    result, stormy, seconds = through(n, 3, faults=faults, retry_after=0.2, script=STORMS)
    met = sum(cell["status"] == "met" for cell in result.cells)
    print(f"calm: {calm['completed']} answers; storm: {stormy['arrived']} arrivals, {stormy['completed']} answers")
    print(f"{stormy['completed'] / calm['completed']:.3f} of the calm run's answers, in {seconds:.0f} s")
    print(
        f"{met} of {len(result.cells)} cells met, counts {result.counts}, {stormy['repeated']} answers paid for twice"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 200)
