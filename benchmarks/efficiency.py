"""How few calls a whole recipe makes and how busy it keeps its slots, on virtual time: the processor costs nothing, only waiting counts.

    python benchmarks/efficiency.py [RECIPE [N [CONCURRENCY]]] [--latency heavy] [--erring SHARE]      # a table of several, unless given

Replies are the offline backend's, of its first frames unless the recipe says otherwise; judges are not examined, and no model is on
probation for its first replies. *Of ideal*: calls x latency / (concurrency x seconds from the first call to the last reply). *Least*:
an answer and a verdict of each judge a row, queries at a full page a call, augmentations at their shares, each query of use for every
label of its lane, nothing dropped. `--erring` turns that share of verdicts round, as a stand-in does whose labels are drawn.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from synth.backends import offline
from synth.fold.acceptor import Acceptor
from synth.journal.store import Journal
from synth.plan.tally import Tally
from synth.recipe import load
from synth.run import execute
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.result import Result
from synth.types import Reply, Request, Targets
from tests.support.virtual import Distant, fixed, heavy_tailed, run_virtual

OLD = Path(__file__).parent / "recipes"
TABLE = [
    *((str(OLD / "demo-aeb25a7.yaml"), n, 16) for n in (300, 1000)),
    ("demo", 300, 16),
    *((str(OLD / "libra-aeb25a7.yaml"), n, c) for n in (120, 500) for c in (64, 256)),
    *(("libra", n, c) for n in (120, 500) for c in (64, 256)),
]
MEAN = 0.2
"""Seconds of latency."""


class Server(Distant):
    """The offline backend at a distance: notes when each call began and ended, and errs in its verdicts as often as told."""

    def __init__(self, law: str, erring: float, later: bool) -> None:
        super().__init__(offline.OfflineBackend(), {"fixed": fixed, "heavy": heavy_tailed}[law](MEAN))
        self.erring, self.later = erring, later
        self.spans: list[tuple[float, float]] = []

    async def complete(self, request: Request, key: str) -> Reply:
        began = asyncio.get_running_loop().time()
        told = request if self.later else replace(request, family=offline.FAMILY)
        reply = await super().complete(told, key)
        self.spans.append((began, asyncio.get_running_loop().time()))
        if (request.schema or {}).get("title") == "verdict" and random.Random(f"err {key}").random() < self.erring:
            turned = reply.text.replace("不安全", "\0").replace("安全", "不安全").replace("\0", "安全")
            reply = replace(reply, text=turned)
        return reply


@dataclass
class Rounds:
    """What the lanes' rounds came to."""

    gated: int = 0
    closed: Counter[str] = field(default_factory=Counter)

    def round_closed(self, lane: Acceptor, tally: Tally) -> None:
        self.gated += tally.queries
        self.closed[lane.id] += 1


def made(bound: CompiledRecipe, n: int, server: Server, rounds: Rounds) -> tuple[Result, Targets]:
    """One run of N rows a scenario."""
    with tempfile.TemporaryDirectory() as folder:
        wish = execute.RunOptions(Path(folder), n, on_doubt="warn", observer=rounds)
        chosen, targets = execute.wanted(bound, n, ())
        with contextlib.closing(Journal(wish.folder)) as journal:
            job = execute.resolve(bound, wish, journal, chosen, targets)
            job.enter(journal)
            connected = dict.fromkeys(bound.recipe.models, server)
            return run_virtual(execute.carry_out(job, journal, connected)), targets


def least(bound: CompiledRecipe, targets: Targets) -> float:
    """The calls a row that would do if each reply were of use."""
    calls = rows = 0.0
    for spec in bound.specs:
        wanted = [target or 0 for target in targets[spec.lane.id].values()]
        shares = sum(bound.flow.shares(spec).values())
        roots = max(wanted) / (1 + shares)
        calls += roots / bound.flow.source.size + roots * shares + sum(wanted) * (1 + len(bound.flow.panel.seats))
        rows += sum(wanted)
    return calls / rows


def compiled(name: str, concurrency: int) -> CompiledRecipe:
    recipe = load.load(
        name, overrides={"concurrency": concurrency}, settings=("judge.controls=false", "output.report=false")
    )
    return compile_recipe(recipe)


def by_stage(result: Result) -> Mapping[str, int]:
    found = Counter[str]()
    for entry in result.spent:
        found[entry["stage"]] += entry["calls"]
    return found


def line(name: str, n: int, concurrency: int, *, law: str, erring: float) -> str:
    bound, rounds = compiled(name, concurrency), Rounds()
    server = Server(law, erring, later=bound.recipe.options("query").sheet is not None)
    result, targets = made(bound, n, server, rounds)
    calls, rows, fewest = len(server.spans), result.counts["accepted"], least(bound, targets)
    wall = max(ended for _, ended in server.spans) - min(began for began, _ in server.spans)
    unanswered = result.counts["unanswered"]
    stages = " ".join(f"{stage} {count / rows:.2f}" for stage, count in by_stage(result).items())
    took = " ".join(f"{lanes}x{number}" for number, lanes in sorted(Counter(rounds.closed.values()).items()))
    return (
        f"{bound.recipe.name:<14} n {n:>5} at {concurrency:>4}  of ideal {calls * MEAN / (concurrency * wall):.3f}"
        f"  calls {calls:>6}, a row {calls / rows:.2f}, of least {calls / rows / fewest:.3f} ({stages})"
        f"  unanswered {unanswered / rounds.gated:.1%} of {rounds.gated}  lanes x rounds {took}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe", nargs="?")
    parser.add_argument("n", nargs="?", type=int, default=120)
    parser.add_argument("concurrency", nargs="?", type=int, default=64)
    parser.add_argument("--latency", choices=("fixed", "heavy"), default="fixed")
    parser.add_argument("--erring", type=float, default=0.0)
    given = parser.parse_args()
    execute.probation_of = lambda *_: None  # type: ignore[assignment]
    for name, n, concurrency in [(given.recipe, given.n, given.concurrency)] if given.recipe else TABLE:
        print(line(name, n, concurrency, law=given.latency, erring=given.erring), flush=True)


if __name__ == "__main__":
    main()
