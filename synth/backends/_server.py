"""What backends that ask a server take under a role: where it is reached."""

from typing import Any

from pydantic import Field

from synth.recipe import backend
from synth.recipe.role import Role

KEY = "OPENAI_API_KEY"
"""The variable that holds the key, unless the user names another."""


class Options(backend.Options):
    """A role's options of a backend that asks a server: where it is reached, and with what key."""

    base_url: str | None = None
    api_key_env: str | None = KEY
    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers of every request; `$NAME` is read from the environment, alone or amid other text (`Bearer $NAME`)."""


def share(role: Role, options: Options) -> tuple[Any, ...]:
    """What roles that share a client of a server have in common: its address and key."""
    del role
    return (options.base_url, options.api_key_env, *sorted(options.headers.items()))
