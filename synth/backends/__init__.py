"""Who answers: one file a backend, each with `connect(role) -> Backend`."""

import contextlib
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Any

from synth.errors import ConfigError
from synth.files import hint
from synth.role import Role
from synth.types import Backend


def known() -> list[str]:
    """Names of the backends, those of other packages (entry points `synth.backends`) included."""
    return sorted(
        {module.name for module in iter_modules(__path__)}
        | {point.name for point in entry_points(group="synth.backends")}
    )


def connect(roles: Mapping[str, Role]) -> dict[str, Backend]:
    """A backend for every role; roles with the same address share one. One that runs its models itself (`take`) is told of every
    role it is shared by."""
    shared: dict[tuple[Any, ...], Backend] = {}
    first: dict[tuple[Any, ...], Role] = {}
    found = {}
    for name, role in roles.items():
        place = (role.backend, *getattr(_module(role.backend), "place", _address)(role))
        if place not in shared:
            shared[place] = _connect(name, role)
        if role.batch != first.setdefault(place, role).batch:
            raise ConfigError(
                f"models.{name}: `batch` differs from another model's at the same address; give both the same"
            )
        found[name] = shared[place]
        with _blamed(name):
            getattr(found[name], "take", _ignore)(role)
    return found


def family(role: Role) -> str:
    """The family of a role's backend, without opening it."""
    return str(getattr(_module(role.backend), "FAMILY", "model"))


def gives(role: Role, what: str) -> bool:
    """Whether a role's backend answers in `words`, or in `vectors`."""
    return what in getattr(_module(role.backend), "GIVES", {"words"})


def _address(role: Role) -> tuple[Any, ...]:
    return (role.base_url, role.api_key_env, *sorted(role.headers.items()))


def _ignore(role: Role) -> None:
    del role


def _connect(name: str, role: Role) -> Backend:
    with _blamed(name):
        backend: Backend = _module(role.backend).connect(role)
    return backend


@contextlib.contextmanager
def _blamed(name: str) -> Iterator[None]:
    """The role that is wrong is named."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"models.{name}: {error}") from error


def _module(name: str) -> Any:
    if name not in known():
        raise ConfigError(f"no backend {name!r}; {hint(name, known())}")
    for point in entry_points(group="synth.backends"):
        if point.name == name:
            return point.load()
    return import_module(f"synth.backends.{name}")
