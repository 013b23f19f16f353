"""Recipe files, found by name and read, with what the command line changes in them."""

from collections.abc import Mapping, Sequence
from typing import Any

from synth.errors import ConfigError
from synth.recipe import extends, stages
from synth.recipe.backend import ADDRESS, PROVIDER, VECTORS, addressed, answerer, answering, module, reading, wraps
from synth.recipe.credentials import check_address
from synth.recipe.extends import Layers
from synth.recipe.files import find
from synth.recipe.role import SERVER, Role
from synth.recipe.schema import Recipe
from synth.recipe.settings import put, setting
from synth.recipe.yaml import validate


def load(name: str, *, settings: Sequence[str] = (), overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Loads the recipe of that name or path, laid over what it extends. `settings` are `key.path=value` with YAML
    values; `overrides` are top-level keys."""
    layers = extends.read(find("pipelines", name))
    for given in settings:
        _set(layers, given)
    recipe = validate(Recipe, {**layers.data, **(overrides or {})}, layers.source, also=("extends", *stages.names()))
    recipe._files = tuple(layers.files)  # noqa: SLF001 (nobody else reads one)
    return recipe


def with_models(
    recipe: Recipe, *, backend: str | None, model: str | None, base_url: str | None, provider: str | None = None
) -> Recipe:
    """A loaded recipe with every role's backend, model, address or provider as the command line says; an address or a
    provider alone turns roles that have none (`offline`) into `openai`."""
    check_reached(backend, base_url, provider)
    models = {
        name: role.changed(name, **_changes(recipe, name, backend, model, _reached(role, backend, provider, base_url)))
        for name, role in recipe.models.items()
    }
    told = (
        {} if _stood_in(models) == _stood_in(recipe.models) else {"about": ""}
    )  # what the file says of who writes no longer holds
    return recipe.model_copy(update={"models": models, **told})


def _stood_in(models: Mapping[str, Role]) -> dict[str, bool]:
    return {name: role.answering.STAND_IN for name, role in models.items()}


def check_reached(backend: str | None, base_url: str | None, provider: str | None) -> None:
    """Checks backend, address and provider as a command names them. ConfigError for one that is none, and for what does not go
    together."""
    if backend is not None:
        module(backend)
    if provider is not None and backend is not None and PROVIDER not in reading(backend, {}).model_fields:
        raise ConfigError(f"--provider goes with a server; leave out --backend {backend}, or the provider")
    if base_url is not None and not base_url.strip():
        raise ConfigError("--base-url is empty; write it like http://127.0.0.1:8000/v1")
    if base_url is not None:
        check_address(base_url, "--base-url")
    if backend and base_url and not addressed(backend, {}):
        raise ConfigError(f"--base-url goes with a server; leave out --backend {backend}, or the address")


def _changes(
    recipe: Recipe, name: str, backend: str | None, model: str | None, reached: dict[str, Any]
) -> dict[str, Any]:
    role, semantic = recipe.models[name], recipe.dedup.semantic
    if backend is not None and wraps(backend):
        # Each role is answered by the backend it has.
        named = {"model": model, "revision": None} if model else {}
        return named | {
            "backend": backend,
            "of": answerer(_asked_at(role), role.options) if reached else role.answerer,
            **reached,
        }
    turned = {} if backend is None else reading(backend, role.options).turned()
    stand_in = backend is not None and answering(backend, role.options).STAND_IN
    if (
        semantic
        and semantic.model == name
        and not (stand_in and VECTORS in answering(backend or "", role.options).GIVES)
    ):
        return {}  # what answers in words gives no vectors
    if stand_in and model is None:
        # What frames wrote must not stand under a model's name.
        new = {"backend": backend, "model": f"{backend}-{name.replace('_', '-')}", **turned}
        return {} if role.backend == backend else new
    change: dict[str, Any] = {"model": model, "revision": None} if model else {}
    if reached:
        change |= {"backend": backend or _asked_at(role), **reached}
    elif backend is not None:
        change |= {"backend": backend, **turned} | ({} if addressed(backend, role.options) else {ADDRESS: None})
    return change


def _reached(role: Role, backend: str | None, provider: str | None, base_url: str | None) -> dict[str, Any]:
    """Where the command line has a role asked: at an address, and of a provider what is its own, whatever the role said."""
    address = {} if base_url is None else {ADDRESS: base_url}
    if provider is None:
        return address
    known = reading(backend or _asked_at(role), {PROVIDER: provider}).model_fields
    own = {name: known[name].default for name in (ADDRESS, "api_key_env")}
    return {PROVIDER: provider, **own, **address}


def _asked_at(role: Role) -> str:
    """The backend a role has once it is told an address."""
    return role.backend if role.declared and addressed(role.backend, role.options) else SERVER


def _set(layers: Layers, given: str) -> None:
    key, value = setting(given, example="dedup.threshold=0.8", status=1)
    if key == "extends":
        raise ConfigError(f"--set {key}: `extends` stands in a file; name that recipe, or write one that extends it")
    layers.put(tuple(put(layers.data, key, value, status=1)), value, f"--set {key}")
