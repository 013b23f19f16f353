"""What is known of providers of models: addresses, keys, switches, prices, out of `providers.yaml`, each with its source and date."""

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field

from synth.errors import ConfigError, did_you_mean
from synth.recipe.backend import Frozen
from synth.recipe.yaml import read_yaml, validate


class Provider(Frozen):
    """What is known of one provider of models, as its documentation says it."""

    name: str = ""
    base_url: str | None = None
    """Its address; None where every user has one of their own."""
    key: str | None = None
    """The variable that by custom holds its key; None where none is asked for."""
    key_header: str | None = None
    """The header that bears the key, where it is not `Authorization`."""
    thinking: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """The fields of a request's body that have a model think (`enabled`) or not (`disabled`)."""
    takes: dict[str, str] = Field(default_factory=dict)
    """Fields that it is known not to take as they are, and what is done about each."""
    prices: dict[str, tuple[float, float]] = Field(default_factory=dict)
    """By model, yuan for a million tokens in and out, the lowest step where they come in steps."""
    note: str = ""
    source: str = ""
    date: dt.date | None = None
    """When the source was read."""


@cache
def _all() -> dict[str, Provider]:
    file = Path(__file__).with_name("providers.yaml")
    return {name: validate(Provider, facts, f"{file.name}: {name}") for name, facts in read_yaml(file).items()}


def known() -> list[str]:
    """The names of the providers that a role may name."""
    return sorted(_all())


def find(name: str) -> Provider:
    """What is known of a provider. ConfigError for one of whom nothing is."""
    if name not in _all():
        raise ConfigError(f"no provider {name!r}; {did_you_mean(name, known())}")
    return _all()[name]
