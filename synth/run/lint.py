"""What speaks against a recipe though nothing forbids it."""

from collections.abc import Iterator

from synth.recipe import routing, stages
from synth.recipe.routing import Chain
from synth.recipe.schema import Recipe
from synth.run.compile import CompiledRecipe

FEW = 1000
"""The number of requests in flight below which batches are many and small."""


def advice(compiled: CompiledRecipe) -> Iterator[str]:
    """Lints a compiled recipe: a warning for each thing that speaks against it though nothing forbids it."""
    recipe = compiled.recipe
    for model in sorted(shared_judges(recipe)):
        yield f"warning: two judges are one model ({model}): their agreement means little"
    for name, model in sorted(idle_chains(recipe).items()):
        yield f"warning: chain {name!r} is one model ({model}) asked for the same: it has no other to ask"
    yield from _published(recipe)
    if recipe.concurrency < FEW and any(role.backend == "batch" for role in recipe.models.values()):
        yield (
            f"note: no batch can hold more requests than are in flight, which are {recipe.concurrency}; "
            "fewer and larger batches come of --concurrency 4096"
        )
    for (low, high), least in getattr(compiled.flow.source, "unreached", ()):
        yield (
            f"warning: query.sheet.lengths: no query of {low}-{high} is ever asked for, since a call's texts must fit the writer's "
            f"max_tokens; raise it to {least:,} or more, or take the band out"
        )
    if recipe.from_file and recipe.filters.of == "written" and (recipe.filters.query or recipe.filters.response):
        yield (
            "note: filters.of is written, so texts of your own file are asked for faults that a writer model makes (lists, labels, role marks …); "
            "if people wrote them, say filters.of=brought"
        )
    avoided = compiled.flow.avoided
    for line in (getattr(compiled.flow.source, "reads", ""), *(avoided.reads if avoided else ())):
        if line:
            yield f"note: {line}"
    if unsorted := getattr(compiled.flow.source, "unsorted", 0):
        yield f"note: {unsorted} rows name no subcategory of the taxonomy; they are judged by the general rule of own.unsorted"


def _published(recipe: Recipe) -> Iterator[str]:
    """Which models of a recipe are reckoned at their provider's published price."""
    found = {
        (facts.source, str(facts.date)): facts.name
        for role in recipe.models.values()
        if role.price is None and role.charged and (facts := getattr(role.settings, "facts", None))
    }
    for (source, date), name in sorted(found.items()):
        yield f"note: costs at {name} are in yuan, at its published prices of {date} ({source}); `price` under a role says otherwise"


def shared_judges(recipe: Recipe) -> set[str]:
    """The models that sit on a recipe's panel twice: their agreement means little."""
    judging = [(name, options) for name, (stage, options) in recipe.blocks().items() if stage.says("judges")]
    named = [role for name, options in judging for _, role in stages.roles(name, options)]
    seats = [routing.leaves(role, recipe.composed) for role in named]
    models = [model for seat in seats for model in {recipe.models[leaf].named for leaf in seat}]
    return {model for model in models if models.count(model) > 1}


def idle_chains(recipe: Recipe) -> dict[str, str]:
    """For a lint warning, the chains of a recipe whose roles all ask one model for the same, with that model: what it
    does not give, the next does not either."""
    found = {}
    for name, role in recipe.composed.items():
        asked = [recipe.models[leaf] for leaf in routing.leaves(name, recipe.composed)]
        alike = all((other.named, other.params) == (asked[0].named, asked[0].params) for other in asked)
        if isinstance(role, Chain) and set(role.on) != {routing.OUTAGE} and alike:
            found[name] = asked[0].named
    return found
