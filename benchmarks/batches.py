"""How many waits for a batch a recipe is made of: one lane kind of every scenario of the demo, over `openai` and over `batch`."""

import argparse
import hashlib
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from synth.backends.batch.options import BatchOptions
from synth.recipe import load, taxonomy
from synth.run import execute
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.serve.listen import serving


def compiled(backend: str, address: str, concurrency: int) -> CompiledRecipe:
    recipe = load.load("demo", overrides={"concurrency": concurrency})
    recipe = load.with_models(recipe, backend=backend, model=None, base_url=address)
    models = {
        name: role.changed(name, model=name, batch=BatchOptions(quiet=0.5, poll=0.5))
        for name, role in recipe.models.items()
    }
    return compile_recipe(recipe.model_copy(update={"models": models}))


def once(backend: str, told: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], float, str]:
    only = tuple(scenario.subcategories[0].id for scenario in taxonomy.load("libra").scenarios)
    roles = frozenset(load.load("demo").models)
    with serving(batch_latency=str(told.seconds), listed=roles) as server:
        folder.mkdir()
        start = time.monotonic()
        result = execute.run(compiled(backend, server.url, told.concurrency), execute.RunOptions(folder, told.n, only))
        wall = time.monotonic() - start
        assert result.status == 0, result.message
        digest = hashlib.sha256()
        for path in sorted((folder / "dataset" / "data").glob("*.parquet")):
            digest.update(path.read_bytes())
        return server.stats(), wall, digest.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=20)
    parser.add_argument("--concurrency", type=int, default=4096)
    parser.add_argument("--seconds", type=float, default=5.0, help="that a batch takes")
    told = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "x")
    with tempfile.TemporaryDirectory() as place:
        once("openai", told, Path(place) / "warm")
        direct, wall, rows = once("openai", told, Path(place) / "openai")
        stats, slow, same = once("batch", told, Path(place) / "batch")
    print(f"n {told.n}, {told.concurrency} in flight, a batch takes {told.seconds:g} s; same bytes: {rows == same}")
    print(f"openai: {direct['completed']} answers in {wall:.1f} s")
    print(
        f"batch:  {stats['completed']} answers in {slow:.1f} s, {stats['batches']} batches of "
        f"{stats['completed'] / stats['batches']:.0f} on average; {slow / told.seconds:.1f} times what one batch takes"
    )


if __name__ == "__main__":
    main()
