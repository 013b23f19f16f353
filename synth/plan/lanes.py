"""The lanes of a recipe, each with all that its prompts may speak of; and the elements of each writer call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from synth.errors import ConfigError
from synth.files import hint
from synth.plan.chance import shuffled
from synth.recipe import CellName, Recipe
from synth.taxonomy import Scenario, Subcategory, Taxonomy
from synth.types import Element, Label, Lane, QueryType, Stance

BEHAVIOUR = "behaviour"
PLAIN_OPERATORS = frozenset({"rewrite", "paraphrase"})
"""Augmentations that may be applied under refuse-only: no red-teaming, whatever it is called."""


@dataclass(frozen=True)
class Brief:
    """A lane and what is said of it in prompts."""

    lane: Lane
    scenario: Mapping[str, Any]
    subcategory: Mapping[str, Any]
    rule_hash: str
    ordinary: bool
    banks: Mapping[str, tuple[str, ...]]
    """Values by axis, in the recipe's order of axes; `behaviour` is the subcategory's own."""
    cells: Mapping[Label, Mapping[Stance, float]]
    """For each label that is wanted of this lane the stances, by weight."""
    operators: Mapping[str, float] = field(default_factory=dict)
    """For each augmentation that is due to its queries the share of them."""

    @property
    def variables(self) -> dict[str, Any]:
        return {"scenario": self.scenario, "subcategory": self.subcategory}


def lanes(recipe: Recipe, taxonomy: Taxonomy, ordinary: Taxonomy | None) -> list[Brief]:
    """Every lane the recipe makes of these taxonomies, in their order; harmful before benign."""
    if not taxonomy.scenarios:
        raise ConfigError(f"taxonomy {taxonomy.name!r} has no scenarios; name one that has, or add `extends: libra`")
    return [
        brief
        for source in (taxonomy, *([ordinary] if ordinary else []))
        for scenario in source.scenarios
        for subcategory in scenario.subcategories
        for brief in _lanes_of(recipe, source, scenario, subcategory)
    ]


def selected(briefs: Sequence[Brief], globs: Sequence[str]) -> list[Brief]:
    """The lanes whose scenario, subcategory or lane id matches one of `globs`; all of them if there is none."""
    if not globs:
        return list(briefs)
    for glob in globs:
        if not any(_matches(brief, glob) for brief in briefs):
            known = {brief.lane.scenario for brief in briefs} | {brief.lane.subcategory for brief in briefs}
            raise ConfigError(f"--only {glob!r} matches no scenario or subcategory; {hint(glob, known)}")
    return [brief for brief in briefs if any(_matches(brief, glob) for glob in globs)]


def _matches(brief: Brief, glob: str) -> bool:
    return any(fnmatchcase(id, glob) for id in (brief.lane.scenario, brief.lane.subcategory, brief.lane.id))


def check_mixture(recipe: Recipe, briefs: Sequence[Brief]) -> None:
    """ConfigError for an id or axis under `mixture` or `held_out` that the lanes do not have."""
    scenarios = {brief.lane.scenario for brief in briefs}
    subcategories = {brief.lane.subcategory for brief in briefs}
    axes = {axis for brief in briefs for axis in brief.banks}
    for place, named, known in (
        ("mixture.scenarios", recipe.mixture.scenarios, scenarios),
        ("mixture.subcategories", recipe.mixture.subcategories, subcategories),
        ("mixture.cells", recipe.mixture.cells, scenarios | subcategories),
        ("mixture.at_least", recipe.mixture.at_least, axes),
    ):
        for id in named:
            if id not in known:
                raise ConfigError(f"{place}: there is no {id!r}; {hint(id, known)}")
    for glob in recipe.output.held_out:
        if not any(_matches(brief, glob) for brief in briefs):
            raise ConfigError(f"output.held_out: {glob!r} matches nothing; {hint(glob, scenarios | subcategories)}")


def _lanes_of(recipe: Recipe, taxonomy: Taxonomy, scenario: Scenario, subcategory: Subcategory) -> list[Brief]:
    kinds: tuple[QueryType, ...] = ("benign",) if scenario.benign else ("harmful", "benign")
    if subcategory.refuse_only:
        kinds = ("harmful",)  # no twins
    axes = recipe.query.elements if recipe.query else ()
    return [
        Brief(
            lane=Lane(scenario.id, subcategory.id, kind, subcategory.refuse_only),
            scenario=scenario.model_dump(exclude={"subcategories"}),
            subcategory=subcategory.model_dump(exclude={"behaviours"}) | {"refuse_only": subcategory.refuse_only},
            rule_hash=subcategory.rule.hash,
            ordinary=scenario.benign,
            banks={axis: _bank(axis, taxonomy, subcategory) for axis in axes},
            cells=cells,
            operators=_operators(recipe, subcategory, kind),
        )
        for kind in kinds
        if (cells := _cells(recipe, scenario, subcategory, kind))
    ]


def _operators(recipe: Recipe, subcategory: Subcategory, kind: QueryType) -> dict[str, float]:
    if recipe.augment is None or kind == "benign":
        return {}
    shares = recipe.augment.operators
    return {name: shares[name] for name in shares if not subcategory.refuse_only or name in PLAIN_OPERATORS}


def _cells(
    recipe: Recipe, scenario: Scenario, subcategory: Subcategory, kind: QueryType
) -> dict[Label, dict[Stance, float]]:
    if subcategory.refuse_only:
        return {"safe": {"refuse": 1.0}}
    shares = recipe.shares(scenario.id, subcategory.id)
    wanted: dict[CellName, Label] = {"harmful/unsafe": "unsafe", "harmful/safe": "safe", "benign/safe": "safe"}
    return {
        label: dict(recipe.cells[name].stances)
        for name, label in wanted.items()
        if name in recipe.cells and name.startswith(kind) and (shares.get(name, 0) > 0 or scenario.benign)
    }


def _bank(axis: str, taxonomy: Taxonomy, subcategory: Subcategory) -> tuple[str, ...]:
    if axis == BEHAVIOUR:
        return subcategory.behaviours
    if axis not in taxonomy.banks:
        way_out = hint(axis, taxonomy.banks) if taxonomy.banks else "add `extends: elements`"
        raise ConfigError(f"query.elements: taxonomy {taxonomy.name!r} has no bank {axis!r}; {way_out}")
    return taxonomy.banks[axis]


def elements(seed: int, brief: Brief, call: int) -> tuple[Element, ...]:
    """The elements of a lane's `call`-th writer call. On each axis the bank is gone through in a new order every time round,
    so over the calls asked so far the most and the least used value differ by one at most."""
    return tuple(
        Element(axis, bank[_order(len(bank), f"{seed}/{brief.lane.id}/{axis}/{call // len(bank)}")[call % len(bank)]])
        for axis, bank in brief.banks.items()
    )


@lru_cache(maxsize=4096)
def _order(size: int, name: str) -> tuple[int, ...]:
    return tuple(shuffled(size, name))
