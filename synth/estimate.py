"""What a run will ask for, before anything is asked: calls, tokens and cost, as a range."""

from collections.abc import Mapping, Sequence

from synth.bind import Bound
from synth.plan.lanes import Brief, elements
from synth.plan.targets import Targets
from synth.recipe import Recipe
from synth.types import Element, Label, Message

CALLS_LOW, CALLS_HIGH = 1.15, 2.5
"""Slots asked for an accepted row: if nearly all hit, and if most miss."""
NEW_LOW, NEW_HIGH = 0.95, 0.5
"""Share of a writer's queries that are new."""
TOKENS_A_CHARACTER = 0.7
"""Chinese text, today's tokenizers."""
ANSWER_LOW, ANSWER_HIGH = 0.2, 0.7
"""Share of `max_tokens` that an answer takes."""

Stage = tuple[str, Sequence[str], float, float, float]
"""Name, roles, calls low, calls high, characters of a prompt."""


def estimate(bound: Bound, chosen: Sequence[Brief], targets: Targets) -> str:
    """A table of stages: calls and tokens in and out, low and high; the cost where the recipe gives prices."""
    recipe = bound.recipe
    lines = [f"{'stage':<10}{'roles':<34}{'calls':>20}{'tokens in':>24}{'tokens out':>24}"]
    low_cost = high_cost = 0.0
    for stage, roles, low, high, characters in _stages(bound, chosen, targets):
        tokens = characters * TOKENS_A_CHARACTER
        out = sum(recipe.models[role].max_tokens for role in roles) / len(roles)
        low_out, high_out = low * out * ANSWER_LOW, high * out * ANSWER_HIGH
        lines.append(
            f"{stage:<10}{', '.join(dict.fromkeys(roles)):<34}{_range(low, high):>20}{_range(low * tokens, high * tokens):>24}{_range(low_out, high_out):>24}"
        )
        low_cost += _cost(recipe, roles, low * tokens, low_out)
        high_cost += _cost(recipe, roles, high * tokens, high_out)
    priced = [role.price for role in recipe.models.values()]
    lines.append(
        f"cost: {low_cost:,.2f} to {high_cost:,.2f}"
        if any(priced)
        else "cost: unknown; give `price: {input: , output: }` per million tokens under `models`"
    )
    return "\n".join(lines)


def _stages(bound: Bound, chosen: Sequence[Brief], targets: Targets) -> list[Stage]:
    recipe, work = bound.recipe, bound.work
    rows = sum(_rows(bound, brief, targets[brief.lane.id]) for brief in chosen)
    queries = sum(
        max((count or _available(bound, brief) for count in targets[brief.lane.id].values()), default=0)
        for brief in chosen
    )
    operators = sum(bound.operators.values())
    low, high = rows * CALLS_LOW, rows * CALLS_HIGH
    lengths = _lengths(bound, chosen[0])
    found: list[Stage] = []
    if recipe.query:
        roots = queries / (1 + operators)
        low_calls, high_calls = (max(len(chosen), roots / share / work.source.size) for share in (NEW_LOW, NEW_HIGH))
        found.append(("query", [recipe.query.model], low_calls, high_calls, lengths["query"]))
    if recipe.augment:
        found.append(
            ("augment", [recipe.augment.model], queries * operators / 2, queries * operators * 1.5, lengths["augment"])
        )
    if recipe.respond:
        found.append(("respond", recipe.respond.models, low, high, lengths["respond"]))
    judges = recipe.judge.models
    found.append(("judge", judges, low * len(judges), high * len(judges), lengths["judge"]))
    return found


def _rows(bound: Bound, brief: Brief, wanted: Mapping[Label, int | None]) -> int:
    return sum(count if count is not None else _available(bound, brief) for count in wanted.values())


def _available(bound: Bound, brief: Brief) -> int:
    return bound.work.source.available(brief) or 0


def _lengths(bound: Bound, brief: Brief) -> dict[str, float]:
    """Characters of a rendered prompt, by stage, with a query of 40 and an answer of 200 characters."""
    told = brief.variables | {
        "elements": (*elements(bound.recipe.seed, brief, 0), Element("tactic", "……")),
        "n": 10,
        "query": "问" * 40,
        "response": "答" * 200,
    }
    found: dict[str, list[int]] = {}
    for template in bound.work.prompts():
        kind = template.name.partition("/")[0]
        found.setdefault(kind, []).append(_size(template.render(told)))
    return {kind: sum(sizes) / len(sizes) for kind, sizes in found.items()}


def _size(messages: Sequence[Message]) -> int:
    return sum(len(message.content) for message in messages)


def _cost(recipe: Recipe, roles: Sequence[str], tokens_in: float, tokens_out: float) -> float:
    shares = [recipe.models[role].price for role in roles]
    return sum((price.input * tokens_in + price.output * tokens_out) / 1e6 / len(roles) for price in shares if price)


def _range(low: float, high: float) -> str:
    return f"{low:,.0f} to {high:,.0f}"
