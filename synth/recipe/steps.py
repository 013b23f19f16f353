"""What the stages of a recipe make together: one source, branches, and steps in an order that gives every row a label."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synth.errors import did_you_mean
from synth.recipe import stages

if TYPE_CHECKING:
    from synth.recipe.schema import Recipe


def usual(recipe: "Recipe") -> tuple[str, ...]:
    """The steps of a recipe that names none: `respond` and what it has that redacts, unless its source brings answers; and `judge`."""
    return ("judge",) if _answered(recipe) else ("respond", *_redacting(recipe), "judge")


def _redacting(recipe: "Recipe") -> list[str]:
    return [name for name, stage in _said(recipe, "step") if stage.says("redacts")]


def _answered(recipe: "Recipe") -> bool:
    return any(stage.says("answered") for _, stage in _said(recipe, "source"))


def check(recipe: "Recipe") -> None:
    """Checks how a recipe's stages go together. Raises ValueError unless they are one source, branches, and steps that
    give every row a label."""
    sources = list(_said(recipe, "source"))
    if len(sources) != 1:
        known = dict.fromkeys(("query", "queries", "pairs", "run", *(name for name, _ in sources)))
        given = ", ".join(name for name in known if recipe.options(name) is not None)
        raise ValueError(f"needs exactly one of {', '.join(known)} (has {given or 'none'})")
    _, source = sources[0]
    _check_rows(recipe, from_file=source.says("from_file"))
    if source.says("answered"):
        _check_answered(recipe, sources[0][0])
    elif recipe.steps is None and recipe.options("respond") is None:
        raise ValueError("needs `respond`, unless it starts from `pairs` or `steps` leave it out")
    _check_steps(recipe)
    _check_cells(recipe)


def _said(recipe: "Recipe", kind: str) -> Iterator[tuple[str, stages.FoundStage]]:
    """The stages of a kind that the recipe has keys of."""
    for name, stage in recipe.known().items():
        if stage.kind == kind and recipe.options(name) is not None:
            yield name, stage


def _check_rows(recipe: "Recipe", *, from_file: bool) -> None:
    if from_file:
        return
    if recipe.n is None:
        raise ValueError("needs `n`, the accepted rows per scenario")
    benign = f"benign/{recipe.scheme.safe}"
    if recipe.ordinary and benign not in recipe.cells:
        raise ValueError(f"ordinary rows are of the cell {benign}; add it under `cells`, or set `ordinary: 0`")


def _check_answered(recipe: "Recipe", source: str) -> None:
    responds = any(stage.says("responds") for stage, _ in recipe.blocks().values())
    given = recipe.steps is None and recipe.options("respond") is not None
    if responds or given or next(_said(recipe, "branch"), None):
        raise ValueError(f"`{source}` brings its own answers; remove `respond` and `augment`")


def _check_steps(recipe: "Recipe") -> None:
    blocks, order = recipe.blocks(), recipe.order
    for name in order:
        if order.count(name) > 1:
            raise ValueError(f"steps: names {name!r} twice")
        stage = stages.find(name)
        if stage is None or stage.kind != "step":
            steps = {one.name for one in stages.ours() if one.kind == "step"} | {
                name for name, _ in _said(recipe, "step")
            }
            raise ValueError(f"steps: {name!r} is no step; {did_you_mean(name, steps)}")
        if name not in blocks:
            raise ValueError(f"needs `{name}`, which is one of its steps; write what it takes under that key, or {{}}")
    spared = _redacting(recipe) if _answered(recipe) else ()  # what they would work on does not come to be
    if recipe.steps is None and (idle := [name for name, _ in _said(recipe, "step") if name not in {*order, *spared}]):
        raise ValueError(f"{idle[0]}: stands nowhere in the order; add `steps: [{', '.join((*order, idle[0]))}]`")
    _check_redact(blocks, order)
    void = None
    for name in order:
        stage = blocks[name][0]
        void = None if stage.says("judges") else name if stage.says("rewrites") or stage.says("responds") else void
    if void:
        raise ValueError(f"steps: {void} changes answers, and no judge comes after it; put one behind it")
    if not any(blocks[name][0].says("judges") for name in order):
        raise ValueError("steps: no judge is among them, so no row would get a label; add `judge`")


def _check_redact(blocks: Mapping[str, tuple[stages.FoundStage, Any]], order: Sequence[str]) -> None:
    """No judge comes between what gives answers and what redacts them."""
    for at, step in enumerate(order):
        if not blocks[step][0].says("redacts"):
            continue
        if not any(blocks[name][0].says("responds") for name in order[:at]):
            raise ValueError(f"steps: no answer comes to be before `{step}`; put it behind `respond`")
        if judge := next((name for name in order[:at] if blocks[name][0].says("judges")), None):
            raise ValueError(
                f"steps: {judge} would see answers before `{step}` has worked on them; put it behind `{step}`"
            )


def _check_cells(recipe: "Recipe") -> None:
    """Where answers are asked for a cell says how; where there are none, a lane's queries have one label."""
    usual = (f"harmful/{recipe.scheme.names[0]}", f"benign/{recipe.scheme.safe}")
    for name, cell in recipe.cells.items():
        if recipe.answers and cell.stances is None:
            raise ValueError(f"cells.{name}.stances: field required")
        if not recipe.answers and name not in usual:
            raise ValueError(f"cells.{name}: queries alone are labelled, as {' and '.join(usual)}; remove this cell")
