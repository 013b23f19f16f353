"""What we make: a recipe as one frozen model; unknown keys refused, every name it uses checked against what it defines."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt, PrivateAttr, StringConstraints, model_validator

from synth.errors import ConfigError, did_you_mean
from synth.recipe import routing
from synth.recipe.role import HOW, OFFLINE, Frozen, Role
from synth.recipe.routing import Chain, Mix
from synth.recipe.yaml import validate
from synth.types import Stance

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)]
CellName = Literal["harmful/unsafe", "harmful/safe", "benign/safe"]
MOST = 1_000_000
"""Rows of a scenario that may be asked for."""
SEMANTIC = "dedup.semantic.model"


class Cell(Frozen):
    """A cell's share of its subcategory's rows, and the stances (by weight) an answerer is asked in when that label is wanted."""

    share: Share
    stances: Annotated[dict[Stance, Weight], Field(min_length=1)]


def _weights(value: Any) -> Any:
    """A single name stands for one of weight 1."""
    return {value: 1.0} if isinstance(value, str) else value


Weights = Annotated[dict[str, Weight], BeforeValidator(_weights), Field(min_length=1)]


class QueryPrompts(Frozen):
    harmful: Weights = Field(default={"query/harmful": 1.0})
    benign: Weights = Field(default={"query/benign": 1.0, "query/lookalike": 1.0})
    ordinary: Weights = Field(default={"query/ordinary": 1.0})


class Query(Frozen):
    model: str
    per_call: Annotated[int, Field(ge=1, le=50)] = 10
    elements: Annotated[tuple[str, ...], Field(min_length=1)] = ("behaviour", "task", "region", "event")
    prompts: QueryPrompts = QueryPrompts()


class Augment(Frozen):
    model: str
    operators: dict[str, Share]
    """For each prompt under `augment/` the share of harmful queries it is applied to."""


class Semantic(Frozen):
    model: str
    """A role that gives vectors."""
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.9
    """The cosine from which on two queries mean the same."""


class Dedup(Frozen):
    ngram: Annotated[int, Field(ge=1, le=8)] = 2
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.7
    semantic: Semantic | None = None
    """How queries are compared that n-grams keep apart."""


class Respond(Frozen):
    models: Annotated[tuple[str, ...], Field(min_length=1)]


class Judge(Frozen):
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    prompt: str = "judge/verdict"


def _filter_use(value: Any) -> Any:
    """`name` or `name: {option: value}`."""
    if isinstance(value, str):
        return {"name": value, "options": {}}
    if isinstance(value, dict) and len(value) == 1 and "name" not in value:
        name, options = next(iter(value.items()))
        return {"name": name, "options": options or {}}
    return value


class FilterUse(Frozen):
    name: str
    options: dict[str, Any] = Field(default_factory=dict)


FilterUses = tuple[Annotated[FilterUse, BeforeValidator(_filter_use)], ...]


class Filters(Frozen):
    personal: Literal["keep", "replace", "drop"] = "keep"
    """What becomes of personal data in queries and answers: replaced by invalid look-alikes before anything else is done with
    the text, or the row dropped."""
    query: FilterUses = ()
    response: FilterUses = ()
    row: FilterUses = ()


class Mixture(Frozen):
    """Where a dataset is to be uneven on purpose. All is by id; what is not named keeps weight 1 and the recipe's shares."""

    scenarios: dict[str, Weight] = Field(default_factory=dict)
    """Rows of a scenario, as a multiple of N."""
    subcategories: dict[str, Weight] = Field(default_factory=dict)
    """Weight of a subcategory among those of its scenario."""
    cells: dict[str, dict[CellName, Share]] = Field(default_factory=dict)
    """Shares of a scenario or subcategory, in place of those under the recipe's `cells`."""
    at_least: dict[str, PositiveInt] = Field(default_factory=dict)
    """For an axis the rows that each of its values gets in every cell of harmful queries."""

    @model_validator(mode="after")
    def _shares_add_up(self) -> "Mixture":
        for id, shares in self.cells.items():
            if abs(sum(shares.values()) - 1) > 1e-9:
                raise ValueError(f"cells.{id}: shares must add up to 1 (they give {sum(shares.values()):g})")
        return self


class Output(Frozen):
    validation: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of root queries whose rows go to `validation`."""
    shard_rows: PositiveInt = 20_000
    held_out: tuple[str, ...] = ()
    """Scenarios and subcategories (globs) whose rows go to `test`, so that a guard can be tried on harms it never saw."""


class Recipe(Frozen):
    name: Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*$")]
    """Names the default folder, so it is no path."""
    about: str = ""
    taxonomies: Annotated[tuple[str, ...], Field(min_length=1)]
    ordinary: Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False)] = 1.0
    """Rows of ordinary conversation, as a multiple of N."""
    n: Annotated[int, Field(gt=0, le=MOST)] | None = None
    """Accepted rows per scenario; None takes all there is of the user's own queries or pairs."""
    seed: int = 0
    concurrency: PositiveInt = 32
    cells: dict[CellName, Cell]
    mixture: Mixture = Mixture()
    models: Annotated[dict[str, Role], Field(min_length=1)]
    composed: dict[str, Mix | Chain] = Field(default_factory=dict)
    """The roles that are made of others. In a recipe they stand under `models` too."""
    queries: str | None = None
    """A file of the user's own queries, in place of `query`."""
    pairs: str | None = None
    """A file of the user's own queries with answers, in place of `query` and `respond`."""
    query: Query | None = None
    augment: Augment | None = None
    dedup: Dedup = Dedup()
    avoid: tuple[str, ...] = ()
    """Files and data sets (earlier releases, benchmarks) whose queries and answers must not come again."""
    respond: Respond | None = None
    judge: Judge
    filters: Filters = Filters()
    output: Output = Output()
    _files: tuple[Path, ...] = PrivateAttr(default=())
    """Those it was read from."""

    @model_validator(mode="before")
    @classmethod
    def _composed_apart(cls, data: Any) -> Any:
        """What stands under `models` and names roles in place of a model."""
        if not isinstance(data, dict) or not all(
            isinstance(data.get(name, {}), dict) for name in ("models", "composed")
        ):
            return data
        kinds: dict[str, type[Mix | Chain]] = {"mix": Mix, "chain": Chain}
        models, made = dict(data.get("models", {})), dict(data.get("composed", {}))
        for name, role in list(models.items()):
            kind = next((kinds[key] for key in kinds if isinstance(role, dict) and key in role), None)
            if kind is not None:
                try:
                    made[name] = validate(kind, models.pop(name), f"models.{name}")
                except ConfigError as error:
                    raise ValueError(str(error)) from error
        return data | {"models": models, "composed": made}

    @model_validator(mode="after")
    def _shares_add_up(self) -> "Recipe":
        total = sum(cell.share for cell in self.cells.values())
        if abs(total - 1) > 1e-9:
            raise ValueError(f"cells: shares must add up to 1 (they give {total:g})")
        return self

    @model_validator(mode="after")
    def _mixture_has_stances(self) -> "Recipe":
        for id, shares in self.mixture.cells.items():
            if missing := shares.keys() - self.cells.keys():
                raise ValueError(
                    f"mixture.cells.{id}: no stances for {min(missing)}; add it under `cells`, its share may be 0"
                )
        return self

    @model_validator(mode="after")
    def _one_source(self) -> "Recipe":
        sources = [name for name in ("query", "queries", "pairs") if getattr(self, name) is not None]
        if len(sources) != 1:
            raise ValueError(f"needs exactly one of query, queries, pairs (has {', '.join(sources) or 'none'})")
        if self.query and self.n is None:
            raise ValueError("needs `n`, the accepted rows per scenario")
        if self.query and self.ordinary and "benign/safe" not in self.cells:
            raise ValueError("ordinary rows are of the cell benign/safe; add it under `cells`, or set `ordinary: 0`")
        if self.pairs and (self.respond or self.augment):
            raise ValueError("`pairs` brings its own answers; remove `respond` and `augment`")
        if not self.pairs and not self.respond:
            raise ValueError("needs `respond`, unless it starts from `pairs`")
        return self

    @model_validator(mode="after")
    def _roles_exist(self) -> "Recipe":
        routing.check(self.composed, self.models)
        known = {*self.models, *self.composed}
        for place, role in self.roles_named():
            if role not in known:
                raise ValueError(f"{place}: no model role {role!r}; {did_you_mean(role, known)}")
        return self

    @model_validator(mode="after")
    def _vectors_are_of_one_model(self) -> "Recipe":
        name = self.dedup.semantic.model if self.dedup.semantic else None
        if name in self.composed:
            raise ValueError(f"{SEMANTIC}: {name!r} is made of others, whose vectors do not compare")
        if others := [place for place, role in self.role_uses() if role == name and place != SEMANTIC]:
            raise ValueError(f"{SEMANTIC}: {name!r} writes too ({others[0]}); give vectors a role of their own")
        return self

    @model_validator(mode="after")
    def _only_answers_are_begun(self) -> "Recipe":
        for place, role in self.role_uses():
            for option in ("prefill", "completion"):
                if place != "respond.models" and getattr(self.models[role], option):
                    raise ValueError(
                        f"models.{role}.{option}: is for answerers, and {place} is none; give that a role of its own"
                    )
                if self.models[role].backend == "batch" and getattr(self.models[role], option):
                    raise ValueError(
                        f"models.{role}.{option}: no batch goes on with a text; use backend openai or vllm"
                    )
        return self

    def shares(self, scenario: str, subcategory: str) -> Mapping[CellName, float]:
        """The share of each cell among the rows of a subcategory."""
        for id in (subcategory, scenario):
            if id in self.mixture.cells:
                return self.mixture.cells[id]
        return {name: cell.share for name, cell in self.cells.items()}

    def role_uses(self) -> list[tuple[str, str]]:
        """Every place that asks a model, with the role that names it; of a role made of others, each of them."""
        return [(place, leaf) for place, role in self.roles_named() for leaf in routing.leaves(role, self.composed)]

    def spared(self) -> frozenset[str]:
        """Roles a run can do without: a chain has another model for an outage wherever one of them stands."""
        return routing.spared((role for _, role in self.roles_named()), self.composed)

    def roles_named(self) -> list[tuple[str, str]]:
        """Every place that names a role, with the name."""
        uses = [("query.model", self.query.model)] if self.query else []
        uses += [("augment.model", self.augment.model)] if self.augment else []
        uses += [(SEMANTIC, self.dedup.semantic.model)] if self.dedup.semantic else []
        uses += [("respond.models", role) for role in self.respond.models] if self.respond else []
        return uses + [("judge.models", role) for role in self.judge.models]

    def identity(self) -> dict[str, Any]:
        """What changes the data, without what changes only how fast or from where it comes."""
        data = self.model_dump(mode="json", exclude={"n", "concurrency", "about", "avoid"})
        for role in data["models"].values():
            role["backend"] = OFFLINE if role["backend"] == OFFLINE else "model"
            for name in HOW:
                del role[name]
            for name in (
                "prefill",
                "completion",
                "revision",
            ):  # a role without is the role it was before there were any
                if not role[name]:
                    del role[name]
        for name, chosen in self.models.items():
            if chosen.bearing:
                data["models"][name]["engine"] = chosen.bearing
        data["models"] |= data.pop("composed")
        if self.dedup.semantic is None:  # likewise
            del data["dedup"]["semantic"]
        return data


def fingerprint(*parts: Any) -> str:
    """Hash of what bears identity, 16 hex digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]
