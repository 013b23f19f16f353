"""The model role of a guard that is measured, as the command line says."""

from collections.abc import Sequence
from typing import Any

from synth.errors import ConfigError
from synth.recipe.backend import ADDRESS, PROVIDER, answering, reading
from synth.recipe.load import check_reached
from synth.recipe.role import SERVER, Role
from synth.recipe.settings import put, setting
from synth.recipe.yaml import validate


def role_of(
    model: str | None,
    base_url: str | None = None,
    provider: str | None = None,
    backend: str | None = None,
    settings: Sequence[str] = (),
) -> Role:
    """The role by which a guard is asked, at temperature 0. `settings` are `key=value` of any key of a role. ConfigError for what
    does not go together."""
    name = backend or SERVER
    check_reached(backend, base_url, provider)
    stand_in = answering(name, {}).STAND_IN
    if model is None and not stand_in:
        raise ConfigError("--model: say what the guard is called at its server", status=2)
    told: dict[str, Any] = {
        "model": model or f"{name}-guard",
        "backend": name,
        "temperature": 0,
        **reading(name, {}).turned(),
    }
    told |= {ADDRESS: base_url} if base_url is not None else {}
    told |= {PROVIDER: provider} if provider is not None else {}
    return validate(Role, told | _settings(settings), "--set")


def _settings(given: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in given:
        put(found, *setting(one, example="max_tokens=256"))
    return found
