"""The lanes of a recipe, each with all that its prompts may speak of; and the elements of each writer call, or of each of its slots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final

from synth.errors import ConfigError, did_you_mean
from synth.hashing import shuffled
from synth.recipe.labels import BINARY, LabelScheme
from synth.recipe.schema import Recipe
from synth.recipe.sheet import DIRECTNESS, FORM, LENGTH, Sheet
from synth.recipe.taxonomy import Scenario, Subcategory, Taxonomy
from synth.types import Element, Label, Lane, QueryType, Stance

BEHAVIOUR = "behaviour"
UNASKED: Final[Stance] = "natural"
"""The stance under which the yields of queries are counted that no answer is asked for."""


@dataclass(frozen=True)
class LaneSpec:
    """A lane with everything its prompts may say of it: scenario, subcategory, banks of elements, and stances by
    label."""

    lane: Lane
    scenario: Mapping[str, Any]
    subcategory: Mapping[str, Any]
    rule_hash: str
    """The hash of the subcategory's rule for judges."""
    ordinary: bool
    """Whether it is a lane of ordinary conversation."""
    banks: Mapping[str, tuple[str, ...]]
    """The values of elements by axis, in the recipe's order of axes; those of `behaviour` are the subcategory's own."""
    cells: Mapping[Label, Mapping[Stance, float]]
    """The weight of every stance, by each label that is wanted of the lane."""
    operators: Mapping[str, float] = field(default_factory=dict)
    """The share of the lane's root queries, in [0, 1], that each augmentation is due to."""
    labels: LabelScheme = BINARY
    """The labels of the lane's recipe."""
    sheet: Sheet | None = None
    """The slot sheet by which each query of a writer call has elements of its own; None: a call's queries share them."""
    floors: Mapping[Label, Mapping[Stance, float]] = field(default_factory=dict)
    """The share of a lane's slots for a label that yield never takes from a stance, for each that has a floor."""
    assumed_yield: float | None = None
    """The share of its slots that the lane is taken to get the label of before it has any; None: one in two, and no pilot round."""

    @property
    def rule_text(self) -> str:
        """What the judges of a lane are told of its subcategory, as one text."""
        return "\n".join([str(self.subcategory["definition"]), *map(str, self.subcategory["rule"].values())])

    @property
    def variables(self) -> dict[str, Any]:
        """The variables that every prompt of a lane may use: `scenario` and `subcategory`."""
        return {"scenario": self.scenario, "subcategory": self.subcategory}


def lanes(recipe: Recipe, taxonomy: Taxonomy, ordinary: Taxonomy | None) -> list[LaneSpec]:
    """Every lane the recipe makes of these taxonomies, in their order; harmful before benign. Raises ConfigError for a taxonomy
    without scenarios, and for an axis without a bank."""
    if not taxonomy.scenarios:
        raise ConfigError(f"taxonomy {taxonomy.name!r} has no scenarios; name one that has, or add `extends: libra`")
    return [
        spec
        for source in (taxonomy, *([ordinary] if ordinary else []))
        for scenario in source.scenarios
        for subcategory in scenario.subcategories
        for spec in _lanes_of(recipe, source, scenario, subcategory)
    ]


def selected(specs: Sequence[LaneSpec], globs: Sequence[str]) -> list[LaneSpec]:
    """The lanes whose scenario, subcategory or lane id matches one of `globs`; all of them if there is none. Raises
    ConfigError for a glob that matches nothing."""
    if not globs:
        return list(specs)
    for glob in globs:
        if not any(_matches(spec, glob) for spec in specs):
            known = {spec.lane.scenario for spec in specs} | {spec.lane.subcategory for spec in specs}
            raise ConfigError(f"--only {glob!r} matches no scenario or subcategory; {did_you_mean(glob, known)}")
    return [spec for spec in specs if any(_matches(spec, glob) for glob in globs)]


def told_of(taxonomy: Taxonomy, subcategory: str, labels: LabelScheme) -> LaneSpec:
    """The lane of a taxonomy's subcategory as far as prompts for judges speak of it: harmful queries of which nothing is
    wanted. ConfigError for an id that the taxonomy does not have."""
    scenario, found = taxonomy.subcategory(subcategory)
    lane, told = Lane(scenario.id, found.id, "harmful", found.refuse_only), _variables(scenario, found)
    return LaneSpec(
        lane,
        told["scenario"],
        told["subcategory"],
        found.rule.hash,
        ordinary=scenario.benign,
        banks={},
        cells={},
        labels=labels,
    )


def _variables(scenario: Scenario, subcategory: Subcategory) -> dict[str, dict[str, Any]]:
    """What prompts are told of a subcategory, and of the scenario that it stands in."""
    return {
        "scenario": scenario.model_dump(exclude={"subcategories"}),
        "subcategory": subcategory.model_dump(exclude={"behaviours"}) | {"refuse_only": subcategory.refuse_only},
    }


def _matches(spec: LaneSpec, glob: str) -> bool:
    return any(fnmatchcase(id, glob) for id in (spec.lane.scenario, spec.lane.subcategory, spec.lane.id))


def check_mixture(recipe: Recipe, specs: Sequence[LaneSpec]) -> None:
    """Raises ConfigError for an id or axis under a recipe's `mixture` or `held_out` that its lanes do not have."""
    scenarios = {spec.lane.scenario for spec in specs}
    subcategories = {spec.lane.subcategory for spec in specs}
    for place, named, known in (
        ("mixture.scenarios", recipe.mixture.scenarios, scenarios),
        ("mixture.subcategories", recipe.mixture.subcategories, subcategories),
        ("mixture.cells", recipe.mixture.cells, scenarios | subcategories),
    ):
        for id in named:
            if id not in known:
                raise ConfigError(f"{place}: there is no {id!r}; {did_you_mean(id, known)}")
    for glob in recipe.output.held_out:
        if not any(_matches(spec, glob) for spec in specs):
            raise ConfigError(
                f"output.held_out: {glob!r} matches nothing; {did_you_mean(glob, scenarios | subcategories)}"
            )


def _lanes_of(recipe: Recipe, taxonomy: Taxonomy, scenario: Scenario, subcategory: Subcategory) -> list[LaneSpec]:
    kinds: tuple[QueryType, ...] = ("benign",) if scenario.benign else ("harmful", "benign")
    if subcategory.refuse_only:
        kinds = ("harmful",)  # no twins
    axes = next((found for _, options in recipe.blocks().values() if (found := getattr(options, "elements", ()))), ())
    sheet = next(
        (
            found
            for _, options in recipe.blocks().values()
            if isinstance(found := getattr(options, "sheet", None), Sheet)
        ),
        None,
    )
    if sheet is not None and (taken := {FORM, LENGTH, DIRECTNESS} & {*axes}):
        raise ConfigError(f"query.elements: {min(taken)!r} is an axis of the slot sheet; give the bank another name")
    return [
        LaneSpec(
            lane=Lane(scenario.id, subcategory.id, kind, subcategory.refuse_only),
            **_variables(scenario, subcategory),
            rule_hash=subcategory.rule.hash,
            ordinary=scenario.benign,
            banks={axis: _bank(axis, taxonomy, subcategory) for axis in axes},
            cells=cells,
            labels=recipe.scheme,
            sheet=sheet,
            assumed_yield=recipe.assumed_yield,
            floors={label: floors for label in cells if (floors := _floors(recipe, subcategory, f"{kind}/{label}"))},
        )
        for kind in kinds
        if (cells := _cells(recipe, scenario, subcategory, kind))
    ]


def _cells(
    recipe: Recipe, scenario: Scenario, subcategory: Subcategory, kind: QueryType
) -> dict[Label, dict[Stance, float]]:
    if subcategory.refuse_only:  # a promise about answers: a query that asks for such a thing is as severe as any
        return {recipe.scheme.safe: {"refuse": 1.0}} if recipe.answers else {recipe.scheme.names[0]: {UNASKED: 1.0}}
    shares = recipe.shares(scenario.id, subcategory.id)
    return {
        label: recipe.cells[name].weights or {UNASKED: 1.0}
        for of, label in recipe.scheme.cells()
        if of == kind and (name := f"{of}/{label}") in recipe.cells and (shares.get(name, 0) > 0 or scenario.benign)
    }


def _floors(recipe: Recipe, subcategory: Subcategory, cell: str) -> dict[Stance, float]:
    return recipe.cells[cell].floors if not subcategory.refuse_only and cell in recipe.cells else {}


def _bank(axis: str, taxonomy: Taxonomy, subcategory: Subcategory) -> tuple[str, ...]:
    if axis == BEHAVIOUR:
        return subcategory.behaviours
    if axis not in taxonomy.banks:
        way_out = did_you_mean(axis, taxonomy.banks) if taxonomy.banks else "add `extends: elements`"
        raise ConfigError(f"query.elements: taxonomy {taxonomy.name!r} has no bank {axis!r}; {way_out}")
    return taxonomy.banks[axis]


def elements(seed: int, spec: LaneSpec, at: int) -> tuple[Element, ...]:
    """The elements of a lane drawn for its `at`-th writer call, or with a slot sheet for its `at`-th coordinate, one an
    axis. Every bank is gone through in a new order each time round, so over what was asked so far the most and the least
    used value differ by one at most."""
    return tuple(
        Element(axis, bank[_order(len(bank), f"{seed}/{spec.lane.id}/{axis}/{at // len(bank)}")[at % len(bank)]])
        for axis, bank in spec.banks.items()
    )


@lru_cache(maxsize=4096)
def _order(size: int, name: str) -> tuple[int, ...]:
    return tuple(shuffled(size, name))
