"""What the live view costs: one look at every figure and one drawing, over the recipe `libra`, as a share of a second's CPU.

python benchmarks/view.py
"""

import io
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.live import Live

from synth.cli import live
from synth.engine.ask import Engine
from synth.engine.endpoints import Endpoints
from synth.engine.scheduler import Slots
from synth.fold.fold import Fold, FoldInputs
from synth.journal.store import Journal
from synth.journal.usage import Usage, UsageLog
from synth.recipe import load
from synth.recipe.role import Price
from synth.run.compile import compile_recipe
from synth.run.progress import Progress
from synth.run.resolve import wanted


class Nowhere:
    def gated(self, query):
        pass

    def keep(self, split, row):
        pass

    def surplus(self, row):
        pass

    def drop(self, drop):
        pass


def main() -> None:
    bound = compile_recipe(load.load("libra"))
    chosen, targets = wanted(bound, 1000, ())
    models = sorted({role.model for role in bound.recipe.models.values()})
    lines = [
        Usage(spec.lane.id, stage, model, 100, 90_000, 30_000)
        for spec in chosen
        for stage in ("query", "augment", "respond", "judge")
        for model in models
    ]
    with tempfile.TemporaryDirectory() as folder:
        connect = partial(Engine, Journal(Path(folder)), Endpoints({}, Slots(256)), usage=UsageLog(lines))
        fold = Fold(FoldInputs(bound.flow, chosen, targets, bound.recipe.dedup, 256), connect, Nowhere())
        for lane in fold.lanes.values():
            lane.counts.accepted["safe"] = 5
        progress = Progress(fold, fold.engine, {model: Price(input=1, output=2) for model in models})
        looks, drawings = [], []
        console = Console(file=io.StringIO(), force_terminal=True, width=160)
        with Live(console=console, auto_refresh=False, transient=True) as display:
            for _ in range(200):
                begin = time.process_time()
                state = progress.now()
                middle = time.process_time()
                display.update(live.table(state), refresh=True)
                looks.append(middle - begin)
                drawings.append(time.process_time() - middle)
    look, drawing = statistics.median(looks), statistics.median(drawings)
    print(
        f"{len(chosen)} lanes, {len(lines)} lines of books: look {look * 1e3:.2f} ms, drawing {drawing * 1e3:.2f} ms;"
    )
    print(f"once every {live.LIVE_EVERY:g} s: {(look + drawing) / live.LIVE_EVERY:.2%} of a CPU")


if __name__ == "__main__":
    main()
