"""What must hold of a recipe as a whole, once its every key has been read."""

from typing import TYPE_CHECKING

from synth.errors import did_you_mean
from synth.recipe import routing, stages, steps
from synth.recipe.backend import CONTINUES, giving
from synth.recipe.labels import check_labels
from synth.recipe.role import Role

if TYPE_CHECKING:
    from synth.recipe.schema import Recipe

SEMANTIC = "dedup.semantic.model"


def check(recipe: "Recipe") -> None:
    """Checks what must hold of a recipe as a whole, once every key is read. Raises ValueError for the first thing
    wrong."""
    _labels_make_cells(recipe)
    _shares_add_up(recipe)
    _mixture_has_stances(recipe)
    steps.check(recipe)
    _roles_exist(recipe)
    _vectors_are_of_one_model(recipe)
    _passages_are_of_a_file(recipe)
    _only_answers_are_begun(recipe)


def _labels_make_cells(recipe: "Recipe") -> None:
    named = {f"mixture.cells.{id}": shares for id, shares in recipe.mixture.cells.items()}
    check_labels(recipe.labels, {"cells": recipe.cells, **named})


def _shares_add_up(recipe: "Recipe") -> None:
    total = sum(cell.share for cell in recipe.cells.values())
    if abs(total - 1) > 1e-9:
        raise ValueError(f"cells: shares must add up to 1 (they give {total:g})")


def _mixture_has_stances(recipe: "Recipe") -> None:
    for id, shares in recipe.mixture.cells.items():
        if missing := shares.keys() - recipe.cells.keys():
            raise ValueError(
                f"mixture.cells.{id}: no stances for {min(missing)}; add it under `cells`, its share may be 0"
            )


def _roles_exist(recipe: "Recipe") -> None:
    routing.check(recipe.composed, recipe.models)
    known = {*recipe.models, *recipe.composed}
    for place, role in recipe.roles_named():
        if role not in known:
            raise ValueError(f"{place}: no model role {role!r}; {did_you_mean(role, known)}")


def _vectors_are_of_one_model(recipe: "Recipe") -> None:
    name = recipe.dedup.semantic.model if recipe.dedup.semantic else None
    if name in recipe.composed:
        raise ValueError(f"{SEMANTIC}: {name!r} is made of others, whose vectors do not compare")
    if others := [place for place, role in recipe.role_uses() if role == name and place != SEMANTIC]:
        raise ValueError(f"{SEMANTIC}: {name!r} writes too ({others[0]}); give vectors a role of their own")


def _passages_are_of_a_file(recipe: "Recipe") -> None:
    if recipe.dedup.passages and (recipe.from_run or not recipe.from_file):
        raise ValueError("dedup.passages: are found in a file of your own (`queries` or `pairs`), and there is none")


def _only_answers_are_begun(recipe: "Recipe") -> None:
    for place, role in recipe.role_uses():
        stage = stages.find(place.partition(".")[0])
        for option in ("prefill", "completion"):
            if not (stage and stage.says("responds")) and getattr(recipe.models[role], option):
                raise ValueError(
                    f"models.{role}.{option}: is for answerers, and {place} is none; give that a role of its own"
                )
        check_begun(role, recipe.models[role])


def check_begun(name: str, role: Role) -> None:
    """Checks, of a whole recipe, that no answerer has `prefill` or `completion` whose backend cannot go on with a text.
    Raises ValueError."""
    option = next((option for option in ("prefill", "completion") if getattr(role, option)), None)
    if option and role.declared is not None and CONTINUES not in role.declared.GIVES:
        raise ValueError(
            f"models.{name}.{option}: no {role.backend} goes on with a text; use backend {giving(CONTINUES)}"
        )
