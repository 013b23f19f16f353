"""A run beside a finished one, in which its panel judges the rows of a file."""

import json
from collections.abc import Callable

from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.journal.usage import Prices
from synth.quality.labelled import Labelled
from synth.recipe.schema import Recipe
from synth.recipe.yaml import validate
from synth.run.asking import asked, unasked
from synth.run.compile import compile_recipe
from synth.run.execute import run
from synth.run.options import RunOptions, Watch
from synth.tables import io


def judged(
    made: Dataset,
    file: Labelled,
    watch: Callable[[Prices], Watch] | None = None,
    *,
    base_url: str | None = None,
    own: Recipe | None = None,
) -> Dataset:
    """Judges the rows of a file by a finished run's panel, in a run folder beside it; goes on where it stopped. `watch`
    makes a progress display of the models' prices. The user says by `base_url` or a recipe where the panel is asked:
    ConfigError otherwise, unless it is offline."""
    for row in file.rows:
        if not (row.query or "").strip() or not (row.response or "").strip():
            raise ConfigError(f"{row.place}: no text under 'query' or 'response', so there is nothing to judge")
    folder = made.folder / "audit" / io.hash_of([one for path in file.paths for one in io.files_of(path)])
    folder.mkdir(parents=True, exist_ok=True)
    pairs = folder / "pairs.jsonl"
    with io.aside(pairs) as new, new.open("w", encoding="utf-8") as stream:
        for row in file.rows:
            line = {"query": row.query, "response": row.response, "subcategory": row.subcategory}
            stream.write(json.dumps(line) + "\n")
    labels, told = made.labels.names, made.facts().get("recipe") or {}
    if not isinstance(told.get("models"), dict) or not all(isinstance(role, dict) for role in told["models"].values()):
        raise ConfigError(f"{made.folder / 'run.json'}: tells no recipe; run the same command again to write it anew")
    recipe = {key: value for key, value in told.items() if key in Recipe.model_fields or key == "judge"} | {
        "models": {name: unasked(role) for name, role in told["models"].items()},
        **dict.fromkeys(("n", "steps")),
        "pairs": str(pairs),
        "avoid": [],
        "mixture": {},
        "filters": {},
        "dedup": {"threshold": 1.0},
        "output": {},
        "cells": {f"harmful/{label}": {"share": 1 / len(labels), "stances": {"natural": 1}} for label in labels},
    }
    source = f"{made.folder / 'run.json'}: recipe"
    used = {role for _, role in validate(Recipe, recipe, source).role_uses()}
    recipe["models"] = asked(told["models"], used, source, base_url, own)
    compiled = compile_recipe(validate(Recipe, recipe, source))
    result = run(compiled, RunOptions(folder, watch=watch(compiled.prices) if watch else None))
    if result.message:
        raise ConfigError(f"{result.message} ({folder}: the same command goes on from there)", status=result.status)
    return Dataset(folder)
