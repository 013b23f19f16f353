"""The provider matrix: twelve servers by behaviour in eight situations that befall 15 % of requests, each a whole run of the demo recipe.

Every cell but "money" must end as a calm run does, with at most 1.3 times its calls and each refusal told once; that one must stop at the
first such refusal with the server's words, and the same command must end as a calm run once money is there. The servers are those of
provider_servers.py (by behaviour, no recordings), the words the stand-in's.

python benchmarks/providers.py [PROVIDER ...]      # all twelve unless named; about five seconds a cell
"""

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.provider_servers import PROVIDERS, SITUATIONS, Answer, Situation
from synth.recipe import load
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.run.options import RunOptions
from synth.serve.listen import listening

ONLY, ROWS, WIDTH = ("crime.gambling", "bias.*"), 60, 16
MOST = 1.3


@dataclass(frozen=True)
class Outcome:
    """What one run came to: exit status, cells met and all, calls that arrived at the server, lines said."""

    status: int
    met: int
    cells: int
    calls: int
    said: tuple[str, ...]
    message: str


def run(situation: Situation, url: str, folder: Path) -> Outcome:
    """One run of the demo recipe against a server."""
    before, said = situation.counts["calls"], []
    recipe = load.with_models(
        load.load("demo", overrides={"concurrency": WIDTH}), backend=None, model=None, base_url=url
    )
    result = execute.run(compile_recipe(recipe), RunOptions(folder, ROWS, ONLY, say=said.append))
    met = sum(cell["status"] == "met" for cell in result.cells)
    calls = situation.counts["calls"] - before
    return Outcome(result.status, met, len(result.cells), calls, (*said, *result.notes), result.message or "")


def cell(provider: str, name: str, calm: int) -> str:
    """What became of one provider in one situation: `good` with the ratio of calls, or what is wrong."""
    situation = Situation(provider, name)
    with listening(situation.application) as url, tempfile.TemporaryDirectory() as folder:
        made = run(situation, url, Path(folder))
        if name != "money":
            return _judged(made, calm, told=_words(provider, name))
        words = _message(PROVIDERS[provider].money)
        refused = situation.counts["money"]
        if made.status not in (1, 3) or words[:12] not in made.message or refused > WIDTH + 1:
            return f"BAD {made.status}, {refused} refusals, {made.message[:80]!r}"
        situation.paid_until = None
        again = run(situation, url, Path(folder))
        return _judged(again, calm, before=made.calls)


def _judged(made: Outcome, calm: int, *, before: int = 0, told: str = "") -> str:
    ratio = (made.calls + before) / calm
    if made.status != 0 or made.met < made.cells:
        return f"BAD exit {made.status}, {made.met}/{made.cells} met, {made.message[:80]!r}"
    times = sum(told[:24] in line for line in made.said) if told else 1
    if times != 1:
        return f"BAD told {times} times ({ratio:.2f})"
    return f"{'good' if ratio <= MOST else 'MANY'} {ratio:.2f}"


def _words(provider: str, name: str) -> str:
    of = PROVIDERS[provider]
    answer = {
        "filter on input": of.filter_in,
        "filter on output": of.filter_out,
        "too long": of.too_long,
        "rate": of.rate,
        "no schema": of.no_schema,
    }.get(name)
    return _message(answer) if isinstance(answer, Answer) else ""


def _message(answer: Answer) -> str:
    body = answer.body
    error = body.get("error", body)
    return str(error.get("message") or body.get("detail") or body.get("base_resp", {}).get("status_msg"))


def main(names: list[str]) -> int:
    """Prints the matrix; gives how many cells are not good."""
    os.environ.setdefault("OPENAI_API_KEY", "none is needed")
    bad = 0
    print(
        f"demo, {ROWS} rows of {' '.join(ONLY)}, {WIDTH} at once; calls as a multiple of the calm run's; the stand-in's words"
    )
    for provider in names or PROVIDERS:
        situation = Situation(provider, "calm")
        with listening(situation.application) as url, tempfile.TemporaryDirectory() as folder:
            calm = run(situation, url, Path(folder))
        print(f"{provider}: calm: exit {calm.status}, {calm.calls} calls", flush=True)
        for name in SITUATIONS:
            found = cell(provider, name, calm.calls)
            bad += not found.startswith("good")
            print(f"  {name:<18}{found}", flush=True)
    print(f"{bad} cells are not good")
    return bad


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))
