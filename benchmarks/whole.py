"""What a whole run costs a call, with filters, journal and data set, beside a bare client asking a server that answers at once.

    python benchmarks/whole.py [N [ROUNDS]]      # rows a scenario, 120; each run is a process of its own

A run is answered by the stand-in at no latency, which takes a core of its own. Calls are counted by the journal, processor time is
that of the run's process from its start to its end, imports and all. Last a run that must compile its kernels beside the next, which
finds them.
"""

import contextlib
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine import bare, instant_server, renderer, server, start

from synth.engine.loop import quick_loop
from synth.recipe import load
from synth.run.compile import compile_recipe

OLD = str(Path(__file__).parent / "recipes" / "libra-aeb25a7.yaml")
BARE = 8_000
CONCURRENCY = "256"


def whole(recipe: str, n: str, url: str, kernels: str | None = None) -> tuple[int, float, float]:
    """Runs a recipe. Gives its calls, the seconds on the clock and those of the processor."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "synth", "run", recipe, "-n", n, "-o", folder, "--base-url", url]
        env = {**os.environ, "OPENAI_API_KEY": "x", **({"NUMBA_CACHE_DIR": kernels} if kernels else {})}
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            [*command, "--concurrency", CONCURRENCY, "--on-doubt", "warn"],
            check=False,
            capture_output=True,
            text=True,
            env=env,
        )
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode not in (0, 3):
            raise SystemExit(f"{' '.join(command)}: {done.returncode}\n{done.stderr[-2000:]}")
        with contextlib.closing(sqlite3.connect(Path(folder, "journal.sqlite"))) as kept:
            ((calls,),) = kept.execute("SELECT count(*) FROM replies")
    return calls, wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def alone(url: str) -> tuple[int, float, float]:
    """The bare client's calls, on the clock and of the processor."""
    request = renderer(compile_recipe(load.load(str(Path(__file__).with_name("engine.yaml")))))
    with quick_loop() as runner:
        runner.run(bare(url, request, BARE))
    return BARE, *start.read()


def main() -> None:
    n, rounds = sys.argv[1] if len(sys.argv) > 1 else "120", int(sys.argv[2]) if len(sys.argv) > 2 else 3
    found: dict[str, list[tuple[int, float, float]]] = {}
    with server() as url, instant_server() as instant:
        for _ in range(rounds):
            found.setdefault("bare client", []).append(alone(instant))
            for name, recipe in (("libra as at aeb25a7", OLD), ("libra that ships", "libra")):
                found.setdefault(name, []).append(whole(recipe, n, url))
        with tempfile.TemporaryDirectory() as kernels:
            cold, warm = (whole(OLD, n, url, kernels) for _ in range(2))
    base = statistics.median(calls / wall for calls, wall, _ in found["bare client"])
    print(f"{'':<24}{'calls':>8}{'calls/s':>10}{'of bare':>9}{'CPU s/1,000':>13}")
    for name, runs in found.items():
        rate = statistics.median(calls / wall for calls, wall, _ in runs)
        cost = statistics.median(1000 * cpu / calls for calls, _, cpu in runs)
        print(f"{name:<24}{runs[-1][0]:>8,}{rate:>10,.0f}{rate / base:>9.2f}{cost:>13.3f}")
    print(f"first run, kernels to compile: {cold[1]:.1f} s and {cold[2]:.1f} s of CPU, {cold[1] / warm[1]:.2f} times")
    print(f"the next: {warm[1]:.1f} s and {warm[2]:.1f} s of CPU")


if __name__ == "__main__":
    main()
