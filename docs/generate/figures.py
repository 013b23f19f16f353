"""The figures of README and docs/models.md: what N rows are estimated to cost, by `synth run --dry-run`, and the memory of the models
that recipes name, out of models.yaml."""

from collections.abc import Iterable
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

import yaml

from synth.backends import _providers
from synth.recipe.files import names
from synth.recipe.load import load, with_models
from synth.recipe.role import OFFLINE
from synth.recipe.schema import Recipe
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.estimate import estimate
from synth.run.resolve import wanted

from .blocks import table

FACTS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("models.yaml").read_text(encoding="utf-8"))
BYTES = {"as published": 2.0, "in four bits": 0.5}
FREE = 0.8
"""The share of a GPU's memory that weights may fill: the rest is for caches and what a server needs besides."""
CARDS = (24, 80)
"""Gigabytes of the GPUs that are counted."""
SERVER = 2_000
"""Tokens a second that the table of costs takes all servers together to write; README says so."""
RUNS = (("demo", 20, "crime.traffic"), ("libra", 100, None), ("libra", 1_000, None))
PRICED = (("dashscope", "qwen-plus"), ("deepseek", "deepseek-v4-flash"))


Ranges = dict[str, tuple[float, float]]


@cache
def compiled(recipe: str) -> CompiledRecipe:
    """A recipe that ships, compiled once, with a model in every role: judges that are none are not examined."""
    return compile_recipe(with_models(load(recipe), backend=None, model="m", base_url="http://127.0.0.1:8000/v1"))


@cache
def asked(recipe: str, n: int, only: str | None) -> Ranges:
    """What a run is estimated to take, as `synth run --dry-run` says it: calls, tokens in and out, each from the least to the most."""
    chosen, targets = wanted(compiled(recipe), n, (only,) if only else ())
    stages = estimate(compiled(recipe), chosen, targets).stages

    def whole(name: str) -> tuple[float, float]:
        ranges = [getattr(stage, name) for stage in stages]
        return sum(low for low, _ in ranges), sum(high for _, high in ranges)

    return {name: whole(name) for name in ("calls", "tokens_in", "tokens_out")}


def costs(told: Ranges, provider: str, model: str) -> tuple[float, float]:
    """What so many tokens cost in yuan, by a provider's published prices."""
    into, out = _providers.find(provider).prices[model]
    low, high = ((told["tokens_in"][end] * into + told["tokens_out"][end] * out) / 1e6 for end in (0, 1))
    return low, high


def rows_in_all(recipe: str, n: int, only: str | None) -> int:
    """How many rows N comes to, over all scenarios."""
    targets = wanted(compiled(recipe), n, (only,) if only else ())[1]
    return sum(target or 0 for lane in targets.values() for target in lane.values())


def rounded(pair: tuple[float, float], unit: float = 1.0) -> str:
    """A range with two digits that count."""

    def short(value: float) -> str:
        value /= unit
        if value < 0.05:
            return "<0.1"
        digits = 0 if value >= 10 else 1
        return f"{float(f'{value:.2g}'):,.{digits}f}"

    low, high = map(short, pair)
    return low if low == high else f"{low}–{high}"


def cost(heads: list[str]) -> str:
    """The table of what N rows cost and take, with these heads."""
    rows: list[list[object]] = []
    for recipe, n, only in RUNS:
        first = asked(recipe, n, only)
        hours = tuple(value / SERVER / 3600 for value in first["tokens_out"])
        rows.append(
            [
                f"`{recipe} -n {n}{f' --only {only}' if only else ''}`",
                f"{rows_in_all(recipe, n, only):,}",
                rounded(first["calls"], 1e3),
                rounded(first["tokens_in"], 1e6),
                rounded(first["tokens_out"], 1e6),
                *(rounded(costs(first, *priced)) for priced in PRICED),
                rounded((hours[0], hours[1])),
            ]
        )
    return table(heads, rows)


def gpus(weights: float) -> str:
    """The least GPUs that hold so many gigabytes of weights: one of 24, else of 80; twice as many each time, as servers split models."""
    if weights <= CARDS[0] * FREE:
        return f"1 × {CARDS[0]}"
    count = ceil(weights / (CARDS[1] * FREE))
    return f"{1 << (count - 1).bit_length()} × {CARDS[1]}"


def roles_of(recipe: Recipe) -> dict[str, list[str]]:
    """The models that a recipe names, each with its roles."""
    found: dict[str, list[str]] = {}
    for name, role in recipe.models.items():
        if role.backend != OFFLINE:
            found.setdefault(role.model, []).append(name)
    return found


def memory(heads: list[str], recipes: Iterable[str]) -> str:
    """The table of the GPU memory of the models that these recipes name, with these heads."""
    roles: dict[str, list[str]] = {}
    for recipe in recipes:
        for model, found in roles_of(load(recipe)).items():
            roles[model] = [*dict.fromkeys([*roles.get(model, []), *found])]
    rows: list[list[object]] = []
    for model, found in roles.items():
        size = FACTS[model]["parameters"]
        weights = [size * each for each in BYTES.values()]
        rows.append(
            [
                f"`{model}`",
                ", ".join(found),
                f"{size:g} B",
                f"{weights[0]:.0f} GB",
                gpus(weights[0]),
                f"{weights[1]:.0f} GB",
            ]
        )
    return table(heads, rows)


def shipped() -> list[str]:
    """The recipes that ship and name models, the reference first."""
    return ["libra", *(name for name in names("pipelines") if name != "libra" and roles_of(load(name)))]


def prices() -> str:
    """The published prices that the table of costs goes by, with source and date."""
    told = []
    for provider, model in PRICED:
        facts = _providers.find(provider)
        low, high = facts.prices[model]
        told.append(f"- `{model}`: {low:g} in, {high:g} out ({facts.date}, {facts.source})")
    return "\n".join(told)
