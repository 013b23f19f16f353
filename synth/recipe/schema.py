"""What we make: a recipe as one frozen model; unknown keys refused, every name it uses checked against what it defines."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    Field,
    PositiveInt,
    PrivateAttr,
    StringConstraints,
    create_model,
    model_validator,
)

from synth.recipe import checks, routing, stages, steps
from synth.recipe.backend import Frozen
from synth.recipe.checks import SEMANTIC
from synth.recipe.labels import BINARY, Labels, LabelScheme, scheme_of
from synth.recipe.role import Role
from synth.recipe.routing import Chain, Mix
from synth.recipe.sections import Accept, Cell, CellName, Dedup, Filters, Mixture, Output
from synth.recipe.stages import FoundStage

_SAID_UNUSED = frozenset({"augment", "judge", "pairs", "queries", "query", "respond"})
"""The stages that stand in a recipe's identity as None where it does not use them: those there were when the first journals were made."""
MOST = 1_000_000
"""The most rows of a scenario that a recipe may ask for."""


class Recipe(Frozen):
    """A recipe, read and checked: the keys every recipe has. What a stage takes is a field too, under the stage's
    name: see `shaped`."""

    name: Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*$")]
    """The recipe's name, which is that of its default run folder too and so no path."""
    about: str = ""
    """One line on what the recipe makes, for `synth list`."""
    taxonomies: Annotated[tuple[str, ...], Field(min_length=1)]
    """The taxonomies that the recipe makes rows for."""
    ordinary: Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False)] = 1.0
    """How many rows of ordinary conversation the recipe makes, as a multiple of N."""
    n: Annotated[int, Field(gt=0, le=MOST)] | None = None
    """N, the accepted rows per scenario; None takes all there is of the user's own queries or pairs."""
    seed: int = 0
    """The seed of every draw: with the same replies, the same data set."""
    concurrency: PositiveInt = 32
    """How many calls of the run may be in flight at once."""
    labels: Labels = Field(default_factory=dict)
    """The labels that the recipe counts, most severe first; by default unsafe and safe."""
    cells: dict[CellName, Cell]
    """The share and stances of every cell (query type and label)."""
    mixture: Mixture = Mixture()
    models: Annotated[dict[str, Role], Field(min_length=1)]
    composed: dict[str, Mix | Chain] = Field(default_factory=dict)
    """The recipe's roles that are made of others, by name. In a recipe file they stand under `models` too."""
    steps: tuple[str, ...] | None = None
    """The stages a row goes through after the near-duplicate check, in order; None: `respond` and what redacts, unless
    rows have their answer, and `judge`."""
    dedup: Dedup = Dedup()
    accept: Accept = Accept()
    assumed_yield: Annotated[float, Field(gt=0, le=1)] | None = None
    """The share of slots, in (0, 1], that a lane is taken to get the label of before it has any: it asks for half its need at that, then
    for the rest at its own yields; and a query answered naturally for the unsafe label gets no safe answer beside it. None: for all of its
    need at one in two, each label of a query by itself."""
    avoid: tuple[str, ...] = ()
    """Files and data sets (earlier releases, benchmarks) whose queries and answers the recipe must not make again."""
    filters: Filters = Filters()
    output: Output = Output()
    clean_replies: bool = False
    """Whether replies are read without thoughts, end-of-turn tokens and invisible marks; see `stages.cleaning`."""
    plain_turns: bool = False
    """Whether a text that is put into a prompt can open or close no turn of it: marks of any chat template stand in full width."""
    _files: tuple[Path, ...] = PrivateAttr(default=())
    """The recipe files that this recipe was read from, itself first."""

    @model_validator(mode="wrap")
    @classmethod
    def _as_shaped(cls, data: Any, handler: Any) -> Any:
        return handler(data) if cls is not Recipe or isinstance(data, Recipe) else cls.shaped(data).model_validate(data)

    @model_validator(mode="before")
    @classmethod
    def _composed_apart(cls, data: Any) -> Any:
        return routing.composed_apart(data)

    @model_validator(mode="after")
    def _holds_together(self) -> "Recipe":
        checks.check(self)
        return self

    @classmethod
    def shaped(cls, data: Any) -> "type[Recipe]":
        """The recipe's schema with a field for every stage of synth's, and for those of other packages that `data`
        names."""
        own = {stage.name for stage in stages.ours()} | Recipe.model_fields.keys()
        others = dict.fromkeys(name for name in data if name not in own) if isinstance(data, dict) else ()
        return _with(tuple(name for name in others if name in stages.names()))

    def options(self, stage: str) -> Any:
        """A stage's options, as the recipe's schema has read them; None if the recipe does not use the stage."""
        return getattr(self, stage, None)

    def blocks(self) -> dict[str, tuple[FoundStage, Any]]:
        """The stages that the recipe uses, each with its options, by name: the source, branches, then steps in their
        order."""
        said = {name: stage for name, stage in self.known().items() if self.options(name) is not None}
        ahead = [name for kind in ("source", "branch") for name, stage in said.items() if stage.kind == kind]
        return {name: (said[name], self.options(name)) for name in (*ahead, *self.order) if name in said}

    @classmethod
    def known(cls) -> dict[str, FoundStage]:
        """The stages for which the recipe's schema has a field, by name."""
        return _known(cls)

    @property
    def order(self) -> tuple[str, ...]:
        """The names of the recipe's steps, in order."""
        return steps.usual(self) if self.steps is None else self.steps

    @property
    def answers(self) -> bool:
        """Whether the recipe's rows have answers. Where they have none, queries are what is labelled."""
        return any(stage.says("answered") or stage.says("responds") for stage, _ in self.blocks().values())

    @property
    def from_file(self) -> bool:
        """Whether the recipe's queries are rows of a user's file, all of which may be taken."""
        return any(stage.says("from_file") for stage, _ in self.blocks().values())

    @property
    def from_run(self) -> bool:
        """Whether the recipe's queries and answers are rows of another run."""
        return any(stage.says("from_run") for stage, _ in self.blocks().values())

    @property
    def scheme(self) -> LabelScheme:
        """The recipe's labels, what each is called, and the cells they make."""
        found = scheme_of(self.labels)
        return found if self.answers else replace(found, of="prompt")

    def shares(self, scenario: str, subcategory: str) -> Mapping[CellName, float]:
        """The share of each cell among the rows of a subcategory, as the recipe or its mixture sets it."""
        for id in (subcategory, scenario):
            if id in self.mixture.cells:
                return self.mixture.cells[id]
        return {name: cell.share for name, cell in self.cells.items()}

    def role_uses(self) -> list[tuple[str, str]]:
        """Every place in the recipe's schema that asks a model, with its role; for one made of others, each of them."""
        return [(place, leaf) for place, role in self.roles_named() for leaf in routing.leaves(role, self.composed)]

    def spared(self) -> frozenset[str]:
        """The recipe's model roles that a run can do without, as a chain has another model for an outage wherever
        one stands."""
        return routing.spared((role for _, role in self.roles_named()), self.composed)

    def roles_named(self) -> list[tuple[str, str]]:
        """Every place in the recipe's schema that names a role, with that name."""
        found = [
            (stage.kind == "step", place, role)
            for name, (stage, options) in self.blocks().items()
            for place, role in stages.roles(name, options)
        ]
        embedding = [(SEMANTIC, self.dedup.semantic.model)] if self.dedup.semantic else []
        ahead, after = ([(place, role) for step, place, role in found if step is which] for which in (False, True))
        return [*ahead, *embedding, *after]

    def identity(self) -> dict[str, Any]:
        """What in the recipe's schema changes the data, without what changes only how fast or from where it comes."""
        data = self.model_dump(mode="json", exclude={"n", "concurrency", "about", "avoid"})
        data["models"] = {name: role.identity() for name, role in self.models.items()}
        data["models"] |= data.pop("composed")
        _leave_out_unsaid(data)
        for name in self.known():
            used = self.blocks().get(name)
            data[name] = _identity(used[1]) if used else None
            if not used and name not in _SAID_UNUSED:
                del data[name]
        if self.steps in (None, steps.usual(self)):
            del data["steps"]
        del data["labels"]
        if scheme_of(self.labels) != BINARY:  # their order counts, which keys lose
            data["labels"] = [[name, *self.scheme.words[name]] for name in self.scheme.names]
        return data


def _leave_out_unsaid(data: dict[str, Any]) -> None:
    """Takes out of an identity what recipes of before had not, where a recipe does not say it either."""
    for name in ("semantic", "unmarked", "short", "passages"):
        if not data["dedup"][name]:
            del data["dedup"][name]
    _leave_out_rule_sets(data["filters"])
    for name in ("mark", "licence", "report"):  # of what goes out; rows, ids and order are of the text as judged
        del data["output"][name]
    data["accept"] = {name: most for name, most in data["accept"].items() if most is not None}
    if not data["accept"]:
        del data["accept"]
    for name in ("clean_replies", "plain_turns", "assumed_yield"):
        if not data[name]:
            del data[name]
    for cell in data["cells"].values():
        if cell["stances"] is None:
            del cell["stances"]


def _leave_out_rule_sets(told: dict[str, Any]) -> None:
    if told["of"] == "written":
        del told["of"]
    if not told["attacked"]:
        del told["attacked"]


def _identity(options: Any) -> Any:
    """What of a stage's options changes the data: all of them, unless they say otherwise."""
    return options.identity() if hasattr(options, "identity") else options.model_dump(mode="json")


@cache
def _known(shaped: type[Recipe]) -> dict[str, FoundStage]:
    found = {name: stages.find(name) for name in shaped.model_fields if name not in Recipe.model_fields}
    return {name: stage for name, stage in found.items() if stage is not None}


@cache
def _with(others: tuple[str, ...]) -> type[Recipe]:
    """A recipe that has a field for each stage of synth's and for these."""
    found = [*stages.ours(), *(stage for name in others if (stage := stages.find(name)))]
    fields: dict[str, Any] = {stage.name: (stage.options | None, None) for stage in found}
    return create_model("Recipe", __base__=Recipe, __module__=__name__, **fields)


def fingerprint(*parts: Any) -> str:
    """A hash of these values as JSON, 16 hex digits: as a rule, of what in a recipe's schema changes the data."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]
