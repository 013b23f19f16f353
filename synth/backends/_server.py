"""What backends that ask a server take under a role: where it is reached, and what its provider is known for."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from pydantic import Field, create_model, field_validator

from synth.backends import _providers
from synth.backends._providers import Provider
from synth.errors import ConfigError, did_you_mean
from synth.recipe import backend
from synth.recipe.addresses import is_loopback
from synth.recipe.credentials import Secrets, check_address, filled, from_environment, names_key
from synth.recipe.role import Role

KEY = "OPENAI_API_KEY"
"""The variable that holds the key, unless the user names another."""


class Options(backend.Options):
    """A role's options of a backend that asks a server: where it is reached, and with what key."""

    provider: str | None = None
    """Whose server it is, of those in `providers.yaml`: gives what the role does not say, address, key, switches, prices."""
    base_url: str | None = None
    """The address of the server, `http://HOST:PORT/v1`; null: the provider's, else OpenAI's."""
    api_key_env: str | None = KEY
    """The variable of the environment that holds the key; null: no key is sent. A server on this machine needs none."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers of every request; `$NAME` is read from the environment, alone or amid other text (`Bearer $NAME`)."""
    thinking: bool | None = None
    """Whether the model is to think before it answers, in the provider's own fields; None leaves that to the model."""
    transport: Literal["lean", "openai"] = "lean"
    """How the server is asked: by the lean client of this package, or through the `openai` package."""

    @field_validator("provider")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        if name is not None and name not in _providers.known():
            raise ValueError(f"no provider {name!r}; {did_you_mean(name, _providers.known())}")
        return name

    @classmethod
    def reading(cls, given: Mapping[str, Any]) -> "type[Options]":
        """The class that reads these options: of a known provider, one whose defaults are that provider's."""
        name = given.get("provider")
        return _of(cls, name) if isinstance(name, str) and name in _providers.known() else cls

    @property
    def facts(self) -> Provider:
        """What is known of the role's provider; of none, nothing."""
        return _providers.find(self.provider) if self.provider else Provider()

    @property
    def added(self) -> dict[str, Any]:
        """The fields that the switch `thinking` adds to a request's body. ValueError where the provider is not known to
        have one."""
        if self.thinking is None:
            return {}
        switch = self.facts.thinking
        if found := switch.get("enabled" if self.thinking else "disabled"):
            return found
        whose = f"provider {self.provider} is not known to have such a switch" if self.provider else "needs `provider`"
        raise ValueError(f"thinking: {whose}; write the server's own field under `extra`")

    def published(self, model: str) -> tuple[float, float] | None:
        """What the role's provider takes for a million tokens of a model, in and out, where it is known."""
        return self.facts.prices.get(model)


@cache
def _of(kind: type[Options], name: str) -> type[Options]:
    facts = _providers.find(name)
    told: dict[str, Any] = {"base_url": (str | None, facts.base_url), "api_key_env": (str | None, facts.key)}
    return create_model(kind.__name__, __base__=kind, __doc__=kind.__doc__, **told)


def share(role: Role, options: Options) -> tuple[Any, ...]:
    """What roles that share a client of a server have in common: its address, key and way of asking."""
    del role
    named = (options.base_url, options.api_key_env, options.provider, options.transport)
    return (*named, *sorted(options.headers.items()))


def reached(options: Options, otherwise: str) -> tuple[str, str, dict[str, str], Secrets]:
    """How a role's server is reached: its address, the key to send as `Authorization`, further headers, and which of all that are
    secrets. ConfigError for what the user must mend."""
    url = _address(options, otherwise)
    headers, keys = filled(options.headers)
    key = _key(options, url)
    secrets = Secrets.sent(url, [*keys, key], options.headers.values())
    if key and options.facts.key_header:
        headers, key = {options.facts.key_header: key, **headers}, ""
    return url, key, headers, secrets


def _address(options: Options, otherwise: str) -> str:
    """The address at which a role's server is asked. ConfigError for one that is none, or that the user must give."""
    if options.base_url is None and options.provider and options.provider != "openai":
        raise ConfigError(f"provider {options.provider}: has an address of yours; give base_url ({options.facts.note})")
    if options.base_url is not None:
        check_address(options.base_url, "base_url")
    return options.base_url or otherwise


def _key(options: Options, address: str) -> str:
    """The key for a role's server out of the environment; empty where none is asked for. That a variable is not set which
    nobody named is no error on this machine, nor beside a header with a key."""
    name = options.api_key_env
    if name is None:
        return ""
    unnamed = name == type(options).model_fields["api_key_env"].default
    if (
        unnamed
        and (is_loopback(address) or any(map(names_key, options.headers)))
        and not os.environ.get(name, "").strip()
    ):
        return ""
    way_out = ", or set `api_key_env: null` for a server that asks for no key, or try --backend offline"
    return from_environment(name, "", way_out)
