"""A recipe tried out before anything is asked: all of it bound and rendered, and the smallest run there can be."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.plan.targets import least
from synth.recipe import load
from synth.recipe.role import OFFLINE
from synth.recipe.schema import Recipe
from synth.run.compile import CompiledRecipe, compile_recipe, rendered
from synth.run.execute import run
from synth.run.lint import advice
from synth.run.options import RunOptions
from synth.run.resolve import wanted


@dataclass(frozen=True)
class CheckedRecipe:
    """What a check of a recipe found: it is good, or there would have been a ConfigError."""

    name: str
    lanes: int
    """How many subcategories and kinds of query rows are planned for."""
    prompts: int
    """How many prompts were rendered."""
    rows: int
    """How many rows its smallest run made, on stand-ins for its models."""
    notes: tuple[str, ...]
    """What speaks against the recipe though nothing forbids it, a line each."""


def check(recipe: Recipe) -> CheckedRecipe:
    """Checks a recipe on stand-ins, without a call to its models. ConfigError for the first thing wrong."""
    compiled = compile_recipe(recipe)
    prompts = sum(1 for _ in rendered(compiled, compiled.specs))
    rows = _offline_rows(compiled)
    return CheckedRecipe(recipe.name, len(compiled.specs), prompts, rows, tuple(advice(compiled)))


def trial_rows(recipe: Recipe, only: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The rows of the smallest run of a recipe that there can be. An offline one leaves nothing; one that costs keeps its
    journal, under runs/."""
    compiled = compile_recipe(recipe)
    n = least(recipe, wanted(compiled, None, only)[0])[0] if not recipe.from_file else None
    costs = any(not role.answering.STAND_IN for role in recipe.models.values())
    with contextlib.ExitStack() as stack:
        kept = Path("runs") / f"{recipe.name}.preview"
        folder = kept if costs else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        result = run(compiled, RunOptions(folder, n, only))
        if result.message:
            raise ConfigError(result.message)
        made = Dataset(folder)
        for split in made.splits():
            yield from made.rows(split)


def _offline_rows(compiled: CompiledRecipe) -> int:
    if compiled.flow.source.missing:
        return 0
    offline = load.with_models(compiled.recipe, backend=OFFLINE, model=None, base_url=None)
    return sum(1 for _ in trial_rows(offline, ()))
