"""A recipe as a journal has it recorded: what was read when it was made, or else what run.json and the files outside say, if they agree."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synth.errors import BROKEN, ConfigError
from synth.journal import decisions
from synth.journal.inputs import recorded, written
from synth.journal.merge import History
from synth.recipe.library import Inputs
from synth.recipe.schema import Recipe
from synth.recipe.yaml import validate
from synth.run.compile import CompiledRecipe, compile_recipe


def facts_of(folder: Path) -> dict[str, Any] | None:
    """What run.json tells of the run whose journal was recorded there; None where there is none yet. ConfigError for a broken one."""
    path = (folder if folder.is_dir() else folder.parent) / "run.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None  # killed before it could write any
    except BROKEN as error:
        raise ConfigError(f"{path}: is broken; run the same command there again to write it anew") from error
    if not isinstance(found, dict) or not isinstance(found.get("recipe"), dict | None):
        raise ConfigError(f"{path}: is broken; run the same command there again to write it anew")
    return found


def as_made(
    folders: Sequence[Path], told: Sequence[dict[str, Any]], identity: dict[str, str], kept: Inputs | None
) -> CompiledRecipe:
    """The recipe of that identity compiled as it was when these journals were recorded: from what they `kept`, else from run.json
    and the files outside. ConfigError where these differ."""
    if kept is not None:
        compiled, version = compile_recipe(validate(Recipe, dict(kept.recipe), str(folders[0])), kept), kept.synth
    elif told:
        # What does not bear identity (addresses, prices) may differ: which is taken must not hang on the order of the folders.
        first = min(told, key=lambda facts: json.dumps(facts["recipe"], sort_keys=True))
        compiled = compile_recipe(validate(Recipe, first["recipe"], "run.json"))
        version = first.get("versions", {}).get("synth", "")
    else:
        raise ConfigError(f"{folders[0]}: holds no run.json, which tells the recipe; run the same command there again")
    if compiled.identity == identity:
        return compiled
    way_out = (
        "put the user's own files back as they were"
        if kept is not None
        else "its journal does not hold what it was made with; run merge where its taxonomies and prompts are"
    )
    raise ConfigError(
        f"{folders[0]}: was not made with what is found from here; these differ: "
        f"{decisions.differences(identity, compiled.identity)}; {way_out}, or with synth {version}"
    )


def kept_in(folders: Sequence[Path], histories: Sequence[History], identity: dict[str, str]) -> Inputs | None:
    """What the runs of these journals read, as one of them has recorded it: the same whatever their order; None if none has."""
    found: list[Inputs] = []
    for folder, entries in zip(folders, histories, strict=True):
        try:
            one = recorded(entries, identity)
        except ConfigError as error:
            raise ConfigError(f"{folder}: {error}") from error
        found += [one] if one else []
    return min(found, key=lambda one: json.dumps(written(one, identity), sort_keys=True), default=None)
