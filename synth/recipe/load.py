"""Recipe files, found by name and read, with what the command line changes in them."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from synth.credentials import check_address, hidden
from synth.errors import ConfigError
from synth.recipe import extends
from synth.recipe.extends import Layers
from synth.recipe.files import find
from synth.recipe.role import OFFLINE
from synth.recipe.schema import Recipe
from synth.recipe.yaml import validate

HERE = (OFFLINE, "vllm")
"""Backends that are not asked at an address."""


def load(name: str, *, settings: Sequence[str] = (), overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of that name or path, laid over what it extends. `settings` are `key.path=value` with YAML values; `overrides` are
    top-level keys."""
    layers = extends.read(find("pipelines", name))
    for setting in settings:
        _set(layers, setting)
    recipe = validate(Recipe, {**layers.data, **(overrides or {})}, layers.source, also=("extends",))
    recipe._files = tuple(layers.files)  # noqa: SLF001 (nobody else reads one)
    return recipe


def with_models(recipe: Recipe, *, backend: str | None, model: str | None, base_url: str | None) -> Recipe:
    """The recipe with every role's backend, model or address replaced; an address alone turns `offline` into `openai`."""
    change: dict[str, Any] = {}
    if model:
        change |= {"model": model, "revision": None}
    if base_url is not None:
        change["base_url"] = base_url
    if backend or base_url:
        change["backend"] = backend or "openai"
    if base_url is not None and not base_url.strip():
        raise ConfigError("--base-url is empty; write it like http://127.0.0.1:8000/v1")
    if base_url is not None:
        check_address(base_url, "--base-url")
    if change.get("backend") in HERE and base_url:
        raise ConfigError(f"--base-url goes with a server; leave out --backend {backend}, or the address")
    if backend in HERE:
        change["base_url"] = None
    models = {name: role.model_copy(update=_changed(recipe, name, change)) for name, role in recipe.models.items()}
    return recipe.model_copy(update={"models": models})


def _changed(recipe: Recipe, name: str, change: dict[str, Any]) -> dict[str, Any]:
    offline, semantic = change.get("backend") == OFFLINE, recipe.dedup.semantic
    if offline and "model" not in change:
        # What frames wrote must not stand under a model's name.
        written = recipe.models[name].backend == OFFLINE
        return {} if written else {"backend": OFFLINE, "model": f"offline-{name.replace('_', '-')}"}
    # What answers in words gives no vectors.
    return {} if semantic and semantic.model == name and not offline else change


def _set(layers: Layers, setting: str) -> None:
    key, separator, text = setting.partition("=")
    if not separator or not key:
        raise ConfigError(f"--set {hidden(setting)!r}: must be KEY=VALUE, e.g. dedup.threshold=0.8")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {key}: the value is not YAML") from error
    data, (*parents, last) = layers.data, key.split(".")
    if [*parents, last] == ["extends"]:
        raise ConfigError(f"--set {key}: `extends` stands in a file; name that recipe, or write one that extends it")
    for parent in parents:
        data = data.setdefault(parent, {})
        if not isinstance(data, dict):
            raise ConfigError(f"--set {key}: {parent!r} holds a single value, no keys")
    data[last] = value
    layers.put((*parents, last), value, f"--set {key}")
