"""What a recipe names and gives options: a function whose keyword arguments are the options, and what it returns."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError, validate_call

from synth.errors import ConfigError, did_you_mean
from synth.recipe import plugins
from synth.recipe.yaml import complaint


def options(factory: Callable[..., Any], injected: Mapping[str, Any]) -> list[inspect.Parameter]:
    """The parameters of a factory that a recipe may set: all but those that synth itself gives it."""
    return [one for one in inspect.signature(factory).parameters.values() if one.name not in injected]


def made(factory: Callable[..., Any], chosen: Mapping[str, Any], place: str, injected: Mapping[str, Any]) -> Any:
    """What a factory returns with the options chosen in a recipe, and those of `injected` that its signature asks for.
    ConfigError, naming `place`, for an option that it has not or cannot take."""
    parameters = [one.name for one in options(factory, injected)]
    for option in chosen:
        if option not in parameters:
            raise ConfigError(f"{place}: unknown option {option!r}; {did_you_mean(option, parameters)}")
    given = {name: value for name, value in injected.items() if name in inspect.signature(factory).parameters}
    with plugins.blamed(place, factory):
        try:
            found = validate_call(factory)(**given, **chosen)
        except ValidationError as error:
            wrong = error.errors()[0]
            option = ".".join(map(str, wrong["loc"]))
            raise ConfigError(f"{place}: {option}: {complaint(wrong)}") from error
        except ValueError as error:
            raise ConfigError(f"{place}: {error}") from error
    if not callable(found):
        raise ConfigError(f"{place}: makes a {type(found).__name__}, which is no rule; mend it, or leave it out")
    return found
