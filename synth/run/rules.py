"""The rules of a recipe, bound: each text is asked the filters of whoever made it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from synth import filters
from synth.errors import ConfigError, did_you_mean
from synth.filters.personal import personal
from synth.plan.lanes import LaneSpec
from synth.recipe import files
from synth.recipe.library import Library
from synth.recipe.schema import Recipe
from synth.recipe.sections import Filters, FilterUse, RuleSet
from synth.stages.parsing import SECOND_TRIES
from synth.stages.rules import FlowRules

AUGMENT = "augment/"


def bound_rules(recipe: Recipe, texts: Filters, specs: Sequence[LaneSpec], library: Library) -> FlowRules:
    """The rules of a recipe, checked: `texts` are what it says of queries. Where its filters are of what a user brings,
    that is asked of what its source gives; models write in any recipe."""
    private = [("personal", personal())] if texts.personal == "drop" else []
    of = recipe.filters.of

    def text(uses: Sequence[FilterUse], place: str, of: RuleSet = "written") -> filters.Rules:
        return [*private, *filters.bind("text", uses, place, of=of, prompts=library.shown, sent=SECOND_TRIES)]

    made, response = text(texts.query, "query"), text(recipe.filters.response, "response")
    return FlowRules(
        source=made if of == "written" else text(texts.query, "query", of),
        operators={
            name: text(filters.replaced(texts.query, told, f"filters.attacked.{name}"), "query")
            for name, told in _attacked(recipe, texts).items()
        },
        made=made,
        given=response if of == "written" else text(recipe.filters.response, "response", of),
        response=response,
        row=filters.bind(
            "row", recipe.filters.row, "row", _rule_texts(specs), recipe.scheme, of=of, redaction=_levels(specs)
        ),
    )


def _attacked(recipe: Recipe, texts: Filters) -> Mapping[str, Mapping[str, Mapping[str, Any] | Literal[False]]]:
    """What a recipe says of operators; they are prompts under `augment/`."""
    known = {name.removeprefix(AUGMENT) for name in files.names("prompts") if name.startswith(AUGMENT)}
    known |= getattr(recipe.options("augment"), "operators", {}).keys()
    if wrong := texts.attacked.keys() - known:
        raise ConfigError(f"filters.attacked: no operator {min(wrong)!r}; {did_you_mean(min(wrong), known)}")
    return texts.attacked


def _rule_texts(specs: Sequence[LaneSpec]) -> dict[str, str]:
    """By subcategory what its judges are told of it."""
    return {spec.lane.subcategory: spec.rule_text for spec in specs}


def _levels(specs: Sequence[LaneSpec]) -> dict[str, str]:
    """By subcategory what its unsafe answers leave out, where its taxonomy says so."""
    return {spec.lane.subcategory: str(level) for spec in specs if (level := spec.subcategory["redaction"]) is not None}
