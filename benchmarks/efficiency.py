"""How busy a whole recipe keeps its slots under latency, on virtual time: the processor costs nothing, only waiting counts.

    python benchmarks/efficiency.py [N]      # accepted rows a scenario, 500 unless given

For each latency law and concurrency: the share of slots busy between the first 5 % and the last 10 % of the calls, the tail after
the last tenth began in mean latencies, and the calls as a multiple of those of concurrency 1.
"""

import contextlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from synth.backends import offline
from synth.journal.store import Journal
from synth.recipe import load
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.types import Reply, Request
from tests.support.virtual import Distant, fixed, heavy_tailed, run_virtual


class CountingSink(Distant):
    """Notes when each call began and ended."""

    async def complete(self, request: Request, key: str) -> Reply:
        import asyncio

        loop = asyncio.get_running_loop()
        began = loop.time()
        reply = await super().complete(request, key)
        self.spans.append((began, loop.time()))
        return reply

    spans: list[tuple[float, float]]


def calls(law: Callable, n: int, concurrency: int) -> list[tuple[float, float]]:
    """The spans of every call of one run."""
    bound = compile_recipe(load.load("demo", overrides={"concurrency": concurrency}))
    server = CountingSink(offline.OfflineBackend(), law)
    server.spans = []
    with tempfile.TemporaryDirectory() as folder:
        wish = execute.RunOptions(Path(folder), n)
        chosen, targets = execute.wanted(bound, n, ())
        with contextlib.closing(Journal(wish.folder)) as journal:
            job = execute.resolve(bound, wish, journal, chosen, targets)
            job.enter(journal)
            result = run_virtual(execute.carry_out(job, journal, dict.fromkeys(bound.recipe.models, server)))
    assert result.status == 0, result.message
    return server.spans


def busy(spans: list[tuple[float, float]], concurrency: int) -> tuple[float, float]:
    """The share of slots busy in the middle of a run, and the seconds from the last tenth's first start to the end."""
    starts = sorted(began for began, _ in spans)
    first, last = starts[len(starts) // 20], starts[len(starts) * 9 // 10]
    held = sum(max(0.0, min(ended, last) - max(began, first)) for began, ended in spans)
    return held / ((last - first) * concurrency), max(ended for _, ended in spans) - last


def main(n: int) -> None:
    fewest = len(calls(fixed(0.2), n, 1))
    print(f"n = {n}: {fewest} calls at concurrency 1")
    for name, law, mean in (("200 ms", fixed(0.2), 0.2), ("lognormal 1 s", heavy_tailed(1.0), 1.0)):
        for concurrency in (64, 256):
            spans = calls(law, n, concurrency)
            share, tail = busy(spans, concurrency)
            print(
                f"{name:<14}{concurrency:>5}  busy {share:.3f}  tail {tail / mean:5.1f} means"
                f"  calls {len(spans) / fewest:.3f} of concurrency 1"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 500)
