"""Where a recipe out of a folder is asked: the folder says who answers and how, and the user where and with which key."""

from collections.abc import Collection, Mapping
from typing import Any

from synth.credentials import check_address, shown
from synth.errors import ConfigError
from synth.recipe.role import HOW, KEY, OFFLINE
from synth.recipe.schema import Recipe
from synth.sanitize import for_terminal
from synth.types import named

_HARMLESS = ("price", "concurrency", "rpm", "tpm", "timeout")


def asked(
    models: Mapping[str, dict[str, Any]], used: Collection[str], source: str, base_url: str | None, own: Recipe | None
) -> dict[str, dict[str, Any]]:
    """The roles of a run.json, those in use to be asked at `base_url`, or as the roles of those names are in the user's own recipe. ConfigError that
    says what the folder would have asked, where it is left to that."""
    if base_url is not None:
        check_address(base_url, "--base-url")
    return {
        name: _asked(name, role, source, base_url, own) if name in used else unasked(role)
        for name, role in models.items()
    }


def unasked(role: Mapping[str, Any]) -> dict[str, Any]:
    """A role without where and how it is asked, but for how fast and at what price."""
    kept = {key: value for key, value in role.items() if key not in HOW or key in _HARMLESS}
    return kept | {"backend": OFFLINE if role.get("backend") == OFFLINE else "openai"}


def _asked(name: str, role: Mapping[str, Any], source: str, base_url: str | None, own: Recipe | None) -> dict[str, Any]:
    if role.get("backend") == OFFLINE:
        return unasked(role)
    how: dict[str, Any] = {}
    if own is not None:
        how = _of_recipe(name, role, source, own)
    if base_url is not None:
        named = how.get("api_key_env", KEY if role.get("api_key_env", KEY) else None)
        how |= {"backend": "openai", "base_url": base_url, "api_key_env": named}
    if not how:
        place = "in vLLM" if role.get("backend") == "vllm" else f"at {shown(str(role.get('base_url') or 'OpenAI'))}"
        raise ConfigError(
            for_terminal(
                f"{source}: {name} is asked {place} (key: {role.get('api_key_env') or 'none'}), says the folder; say so yourself with "
                f"--base-url (the key is that in {KEY}), or with --recipe, the recipe of the run"
            )
        )
    return unasked(role) | how


def _of_recipe(name: str, role: Mapping[str, Any], source: str, own: Recipe) -> dict[str, Any]:
    found = own.models.get(name)
    theirs = named(str(role.get("model")), role.get("revision"))
    if found is None or found.named != theirs:
        raise ConfigError(
            for_terminal(
                f"{source}: {name} is model {theirs!r}, and in recipe {own.name} "
                f"{'there is none' if found is None else repr(found.named)}; give the recipe of the run, or --base-url"
            )
        )
    return {key: getattr(found, key) for key in (*HOW, "backend")}
