"""Where a recipe out of a folder is asked: the folder says who answers and how, and the user where and with which key."""

from collections.abc import Collection, Mapping
from typing import Any

from synth.backends._server import KEY
from synth.errors import ConfigError
from synth.recipe.backend import ADDRESS, PROVIDER, reading
from synth.recipe.credentials import check_address, shown
from synth.recipe.role import LIMITS, OFFLINE, SERVER, Role
from synth.recipe.schema import Recipe
from synth.recipe.yaml import validate
from synth.sanitize import for_terminal
from synth.types import named


def asked(
    models: Mapping[str, dict[str, Any]], used: Collection[str], source: str, base_url: str | None, own: Recipe | None
) -> dict[str, dict[str, Any]]:
    """The roles of a run.json with where they are asked: those in use at `base_url`, or as the user's own recipe asks
    the roles of those names. ConfigError that says where the folder would have them asked, if the user says nothing."""
    if base_url is not None:
        check_address(base_url, "--base-url")
    return {
        name: _asked(name, role, source, base_url, own) if name in used else unasked(role)
        for name, role in models.items()
    }


def unasked(role: Mapping[str, Any]) -> dict[str, Any]:
    """A role of a run.json as one that is not asked: without its backend, address and other ways of asking, but with
    its limits and price."""
    kept = {key: value for key, value in role.items() if key in Role.model_fields and key != "options"}
    if switched := _switched(role):
        kept["extra"] = {**switched, **kept.get("extra", {})}
    return kept | {"backend": OFFLINE if role.get("backend") == OFFLINE else SERVER}


def _switched(role: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request's body that a switch of the role's provider stands for, written out: they hold wherever it is asked."""
    beneath = role.get("options")
    told = {**role, **(beneath if isinstance(beneath, dict) else {})}
    given = {name: told[name] for name in (PROVIDER, "thinking") if name in told}
    try:
        return validate(reading(SERVER, given), given, "run.json").added if "thinking" in given else {}
    except ValueError as error:
        raise ConfigError(f"run.json: {error}") from error


def _asked(name: str, role: Mapping[str, Any], source: str, base_url: str | None, own: Recipe | None) -> dict[str, Any]:
    if role.get("backend") == OFFLINE:
        return unasked(role)
    beneath = role.get("options")
    told = {**role, **(beneath if isinstance(beneath, dict) else {})}
    how: dict[str, Any] = {}
    if own is not None:
        how = _of_recipe(name, role, source, own, base_url)
    elif base_url is not None:
        how = {"backend": SERVER, ADDRESS: base_url, "api_key_env": KEY if told.get("api_key_env", KEY) else None}
    if not how:
        place = f"at {shown(str(told.get(ADDRESS) or 'OpenAI'))}"
        if not told.get(ADDRESS) and role.get("backend", SERVER) not in (SERVER, "batch"):
            place = "in vLLM" if role["backend"] == "vllm" else f"by backend {role['backend']!r}"
        raise ConfigError(
            for_terminal(
                f"{source}: {name} is asked {place} (key: {told.get('api_key_env', KEY) or 'none'}), says the folder; say so yourself with "
                f"--base-url (the key is that in {KEY}), or with --recipe, the recipe of the run"
            )
        )
    return unasked(role) | how


def _of_recipe(name: str, role: Mapping[str, Any], source: str, own: Recipe, base_url: str | None) -> dict[str, Any]:
    found = own.models.get(name)
    theirs = named(str(role.get("model")), role.get("revision"))
    if found is None or found.named != theirs:
        raise ConfigError(
            for_terminal(
                f"{source}: {name} is model {theirs!r}, and in recipe {own.name} "
                f"{'there is none' if found is None else repr(found.named)}; give the recipe of the run, or --base-url"
            )
        )
    if base_url is not None:
        found = found.changed(name, backend=SERVER, **{ADDRESS: base_url})
    return {key: getattr(found, key) for key in (*LIMITS, "backend")} | found.options
