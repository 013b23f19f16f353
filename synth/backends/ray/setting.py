"""What the driver tells an actor of Ray before it asks: roles of the wrapped backend, and the keys those need."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from synth.backends.ray.actor import Setup
from synth.backends.ray.options import Options
from synth.recipe.credentials import variables
from synth.recipe.files import own_hash
from synth.recipe.role import Role


def setup_of(roles: Sequence[Role], options: Options, known: Mapping[str, Mapping[str, str]]) -> Setup:
    """What a Ray actor is told. Keys go there in the message alone: Ray writes down an actor's environment, and none of its calls."""
    named = {name: os.environ[name] for role in roles for name in _variables(role) if name in os.environ}
    told = {str(number): _wrapped(role, options) for number, role in enumerate(roles)}
    return Setup(told, named, {model: dict(facts) for model, facts in known.items()}, own_hash())


def _wrapped(role: Role, options: Options) -> Role:
    """The role as the wrapped backend has it; an engine of several GPUs is told by what it is spread over them."""
    own: dict[str, Any] = {name: value for name, value in role.options.items() if name not in ("of", "ray")}
    if options.of == "vllm":
        own.pop("data_parallel", None)  # how many engines there are, `actors` says
    if options.of == "vllm" and options.executor:
        own["engine"] = {"distributed_executor_backend": options.executor, **own.get("engine", {})}
    return role.model_copy(update={"backend": options.of, "options": own})


def _variables(role: Role) -> Iterator[str]:
    settings = role.settings
    if name := getattr(settings, "api_key_env", None):
        yield name
    for value in getattr(settings, "headers", {}).values():
        yield from variables(value)
