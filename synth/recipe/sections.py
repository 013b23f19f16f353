"""The blocks of a recipe that every recipe may have: cells, near-duplicates, filters, mixture, output."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    PositiveInt,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)

from synth.recipe.backend import Frozen
from synth.recipe.licences import Named
from synth.types import MarkMode, Stance

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)]
CellName: TypeAlias = str
"""A cell's name in a recipe: `kind/label`, as `harmful/unsafe`."""


class Stanced(Frozen):
    """What a recipe says of a stance that is to keep a share of its cell's slots, however seldom it gives the label."""

    weight: Weight
    """The weight of the stance among those of its cell."""
    floor: Annotated[float, Field(gt=0, le=1)]
    """The share of a round's slots for the cell's label, in (0, 1], under which yield never lowers the stance."""


def _is_stanced(value: Any) -> str:
    return "stanced" if isinstance(value, dict | Stanced) else "weight"


StanceWeight: TypeAlias = Annotated[
    Annotated[Weight, Tag("weight")] | Annotated[Stanced, Tag("stanced")], Discriminator(_is_stanced)
]
"""The weight of a stance; or its weight and its floor."""


class Cell(Frozen):
    """A cell's share of its subcategory's rows, and the stances (by weight) an answerer is asked in when that label is wanted."""

    share: Share
    """The share of the cell among the rows of its subcategory; those of a recipe add up to 1."""
    stances: Annotated[dict[Stance, StanceWeight], Field(min_length=1)] | None = None
    """The weight of each stance in which its answers are asked for, with a floor where one is set; None where no answers are."""

    @property
    def weights(self) -> dict[Stance, float]:
        """The weight of each stance of a cell; empty where no answers are asked for."""
        return {name: one.weight if isinstance(one, Stanced) else one for name, one in (self.stances or {}).items()}

    @property
    def floors(self) -> dict[Stance, float]:
        """The share of slots that yield never takes from a stance of a cell, for each that has one."""
        return {name: one.floor for name, one in (self.stances or {}).items() if isinstance(one, Stanced)}

    @model_validator(mode="after")
    def _floors_fit(self) -> "Cell":
        if (total := sum(self.floors.values())) > 1 + 1e-9:
            raise ValueError(f"stances: floors add up to 1 at most (they give {total:g})")
        return self


class Semantic(Frozen):
    """What a recipe says under `dedup.semantic`: near-duplicates by meaning, found by vectors."""

    model: str
    """The role that gives queries their vectors."""
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.9
    """The cosine, in (0, 1], from which on two queries count as meaning the same."""


class Dedup(Frozen):
    """What a recipe says under `dedup`: when two queries are near-duplicates."""

    ngram: Annotated[int, Field(ge=1, le=8)] = 2
    """How many characters on end are compared as one piece."""
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.7
    """The similarity of n-grams, in (0, 1], from which on two queries are near-duplicates."""
    semantic: Semantic | None = None
    """How queries that n-grams keep apart are compared by meaning; None does not."""
    unmarked: bool = False
    """Whether answers are compared (with what a run avoids, and with each other) with the mark 【略】 taken out."""
    short: Annotated[int, Field(ge=1, le=100)] | None = None
    """Queries of at most so many characters are near-duplicates only where no word that matters differs; None compares them
    as longer ones."""
    passages: bool = False
    """Whether passages that many rows of the user's own file share are left out of what is compared."""


RuleSet: TypeAlias = Literal["written", "brought"]
"""Whose texts filters are asked of: what a writer model made, or what a user brings."""


def _filter_use(value: Any) -> Any:
    """`name` or `name: {option: value}`, among the options maybe `of`."""
    if isinstance(value, str):
        return {"name": value, "options": {}}
    if isinstance(value, dict) and len(value) == 1 and "name" not in value:
        name, options = next(iter(value.items()))
        if not isinstance(options, dict) or "of" not in options:
            return {"name": name, "options": options or {}}
        return {"name": name, "of": options["of"], "options": {key: one for key, one in options.items() if key != "of"}}
    return value


class FilterUse(Frozen):
    """A filter that a recipe uses: its name, with options."""

    name: str
    """The name of the filter, as `synth list filters` has it."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Its options, by name."""
    of: RuleSet | None = None
    """The only rule set in which the filter is used; None: those it belongs to (`filters.rule_sets`)."""

    @model_serializer(mode="wrap")
    def _said(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = handler(self)
        return data if self.of is not None else {key: one for key, one in data.items() if key != "of"}


FilterUses = tuple[Annotated[FilterUse, BeforeValidator(_filter_use)], ...]


class Filters(Frozen):
    """What a recipe says under `filters`: the filters on queries, answers and judged rows."""

    of: RuleSet = "written"
    """The rule set for texts that the recipe's source gives: queries, and answers where it gives pairs. What models write in the run is
    `written` in either."""
    personal: Literal["keep", "replace", "drop"] = "keep"
    """What becomes of personal data: kept, replaced by invalid look-alikes first of all, or the row dropped."""
    query: FilterUses = ()
    """The filters on queries."""
    response: FilterUses = ()
    """The filters on answers."""
    row: FilterUses = ()
    """The filters on judged rows."""
    attacked: dict[str, dict[str, dict[str, Any] | Literal[False]]] = Field(default_factory=dict)
    """For an augmentation operator the limits of the queries it makes: by filter the options that stand in place of the recipe's; False:
    the filter is not asked."""


class Mixture(Frozen):
    """What a recipe says under `mixture`: where its dataset is to be uneven on purpose, by id."""

    scenarios: dict[str, Weight] = Field(default_factory=dict)
    """The rows of a scenario, as a multiple of N."""
    subcategories: dict[str, Weight] = Field(default_factory=dict)
    """The weight of a subcategory among those of its scenario."""
    cells: dict[str, dict[CellName, Share]] = Field(default_factory=dict)
    """The shares of cells in a scenario or subcategory, in place of those under the recipe's `cells`."""
    at_least: dict[str, PositiveInt | Annotated[dict[str, PositiveInt], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    """For an axis of elements, or for `attacked`, `stance` or `response_class`: the least rows that each of its values, or
    of those named, gets in every cell of harmful queries."""

    @model_validator(mode="after")
    def _shares_add_up(self) -> "Mixture":
        for id, shares in self.cells.items():
            if abs(sum(shares.values()) - 1) > 1e-9:
                raise ValueError(f"cells.{id}: shares must add up to 1 (they give {sum(shares.values()):g})")
        return self


class Accept(Frozen):
    """What a recipe says under `accept`: how much of one family, a root query with all that was made of it, there may be."""

    family: PositiveInt | None = None
    """The most rows of one family that a cell takes; None is no limit."""
    children: PositiveInt | None = None
    """The most queries that are made of one root, drawn by the shares of their operators; None is no limit."""


class Output(Frozen):
    """What a recipe says under `output`: splits and shards of the dataset that is written."""

    validation: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of root queries, in [0, 1), whose rows go to `validation`."""
    shard_rows: PositiveInt = 20_000
    """The most rows of one file of the dataset."""
    held_out: tuple[str, ...] = ()
    """Scenarios and subcategories (globs) whose rows go to `test`, so that a guard can be tried on harms it never saw."""
    mark: MarkMode = "delete"
    """How the mark 【略】 goes out in answers that were asked to leave detail out: deleted, in vague words, or kept."""
    licence: Named | None = None
    """The licence under which the data set is handed on: a name that Hugging Face knows, or `name` and `link`; None gives none."""
    report: bool = True
    """Whether a run leaves report.html in its folder when it ends; `synth report` writes it at any time."""
