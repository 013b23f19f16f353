"""The backends a role may name, and what each declares of itself: the options it takes, what it gives, whether a model answers at all.

They are found by name, those of synth and those of other packages (entry points `synth.backends`), when a role first names one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, create_model

from synth.errors import ConfigError, did_you_mean
from synth.recipe import plugins

GROUP = "synth.backends"
ADDRESS = "base_url"
"""The name of the option of backends that are asked at an address."""
PROVIDER = "provider"
"""The name of the option that says whose server a backend asks."""
WORDS, VECTORS, CONTINUES, SCORES = "words", "vectors", "continues", "scores"
"""What backends' models give; one that `continues` goes on with a text begun for it (`prefill`, `completion`), one that gives
`scores` tells how likely the tokens of its answer were (`logprobs`)."""


class Frozen(BaseModel):
    """A pydantic model of a recipe's keys: immutable, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Options(Frozen):
    """What a backend takes under a role, beside what every role has. A field is marked `Annotated[..., Bears()]` where it bears on
    answers; whatever is not says how and where it is asked."""

    @classmethod
    def reading(cls, given: Mapping[str, Any]) -> "type[Options]":
        """The class that reads the options of a recipe's backend; for a wrapping one, with the wrapped one's fields
        too."""
        del given
        return cls

    @classmethod
    def turned(cls) -> Mapping[str, Any]:
        """The options that a recipe's role takes on where the command line names this backend for it."""
        return {}

    @property
    def bearing(self) -> dict[str, Any]:
        """Of a recipe's backend options, those that change what a model answers, as JSON; none that is left at its
        default."""
        marks = {name: mark for name, mark in _marks(type(self)) if getattr(self, name) != _default(type(self), name)}
        data = self.model_dump(mode="json", include=set(marks))
        found = {name: mark.of(data[name]) for name, mark in marks.items()}
        return {name: value for name, value in found.items() if value != {}}

    @property
    def family(self) -> str | None:
        """What a request's key says of who answers, where a recipe's backend options decide that; None: what the backend says."""
        return None

    def objection(self, prompts: Iterable[str]) -> str | None:
        """Which of a recipe's prompts a backend with these options cannot answer, as a line for the user; None if it can answer all."""
        del prompts
        return None

    @property
    def added(self) -> dict[str, Any]:
        """The fields that a recipe's backend options add to every request's body, and so to its key; what stands under
        `extra` holds in place of them. ValueError for options that do not go together."""
        return {}

    def published(self, model: str) -> tuple[float, float] | None:
        """What a million tokens of a model cost, in and out, as far as a recipe's backend options tell; None if they do
        not."""
        del model
        return None


class Wrapping(Options):
    """Options of a backend that has another one answer: `of` names it, and its options stand beside the wrapper's own. What is read is both
    classes in one, so that the wrapped backend's `share` and `connect` take it as it is."""

    of: str
    """The name of the backend that answers for a wrapping one."""

    @classmethod
    def reading(cls, given: Mapping[str, Any]) -> type[Options]:
        """In a recipe, the options class of a wrapping backend joined with that of the backend it wraps. ConfigError if
        that one wraps another itself."""
        if (name := _of(cls, given)) is None:
            return cls
        if wraps(name):
            raise ConfigError(f"of: backend {name} has another one answer itself; name that one")
        return _both(cls, module(name).Options.reading(given))


def _of(kind: type[Options], given: Mapping[str, Any]) -> str | None:
    """The name of the backend that a wrapping one's options name, or that it wraps unless told; None if there is none."""
    name = given.get("of", kind.model_fields["of"].default)
    return name if isinstance(name, str) else None


@cache
def _both(outer: type[Options], inner: type[Options]) -> type[Options]:
    return create_model(outer.__name__, __base__=(outer, inner))


@dataclass(frozen=True)
class Bears:
    """The mark of a backend option that changes what a model answers, and so bears identity; of a mapping with
    `names`, only those keys do."""

    names: frozenset[str] | None = None

    def of(self, value: Any) -> Any:
        """The part of the value of a recipe's marked backend option that bears identity."""
        return value if self.names is None else {name: one for name, one in value.items() if name in self.names}


class Declared(Protocol):
    """What a recipe knows of a backend: what its module declares of its answers and options."""

    FAMILY: str
    """What a request's key says of who answers: `model` where nothing but the model changes the answer."""
    GIVES: frozenset[str]
    """What a backend's models give: `words`, `vectors`, and whether they go on with a text begun for them
    (`continues`)."""
    STAND_IN: bool
    """Whether a backend's answers come from no model: they cost nothing, and their texts are for trying out."""
    Options: type[Options]
    """The class of the options that a role of this backend takes."""


PIECES = ("FAMILY", "GIVES", "STAND_IN", "Options", "share", "connect")
OF_ANSWERER = ("FAMILY", "GIVES", "STAND_IN")
"""The pieces that a wrapping backend takes from the one it wraps."""


@cache
def shipped() -> tuple[str, ...]:
    """Of the backends a recipe may name, those that synth ships."""
    folder = Path(__file__).parents[1] / "backends"
    return tuple(sorted(module.name for module in iter_modules([str(folder)]) if not module.name.startswith("_")))


def known() -> list[str]:
    """The names of all backends a recipe may name, those of other installed packages included."""
    return plugins.names(GROUP, shipped())


def module(name: str) -> Any:
    """The module of the backend that a recipe names. No other package's may take the name of one of synth's.
    ConfigError for one that is not there, cannot be loaded, or lacks a piece."""
    if name not in known():
        raise ConfigError(f"no backend {name!r}; {did_you_mean(name, known())}")
    if name in shipped():
        return plugins.load(GROUP, name, partial(import_module, f"{GROUP}.{name}"))
    module = plugins.load(GROUP, name, needs="__name__")
    whose = f"backend {name} of package {plugins.package(GROUP, name)}"
    kind = getattr(module, "Options", None)
    if kind is not None and not (isinstance(kind, type) and issubclass(kind, Options)):
        raise ConfigError(f"{whose}: `Options` is no subclass of synth.backends.Options; make it one")
    spared = OF_ANSWERER if kind is not None and issubclass(kind, Wrapping) else ()
    if missing := [piece for piece in PIECES if piece not in spared and not hasattr(module, piece)]:
        raise ConfigError(f"{whose} lacks {', '.join(missing)}; synth.backends.BackendModule says what each is")
    return module


def reading(name: str, given: Mapping[str, Any]) -> type[Options]:
    """The class that reads a recipe's options for the backend `name`. ConfigError for a backend that is not there."""
    kind: type[Options] = module(name).Options.reading(given)
    return kind


def answering(name: str, given: Mapping[str, Any]) -> Declared:
    """What the backend that a recipe names declares of itself: for one that wraps another, what the wrapped one
    does."""
    found: Declared = module(answerer(name, given))
    return found


def answerer(name: str, given: Mapping[str, Any]) -> str:
    """The name of the backend that answers where a recipe names one: of one that wraps another, the wrapped one's."""
    if not wraps(name):
        return name
    if (inner := _of(module(name).Options, given)) is None:
        raise ConfigError(f"backend {name} has another one answer; name it (options: {{of: openai}})")
    return inner


def wraps(name: str) -> bool:
    """Whether a recipe's backend has another one answer."""
    return issubclass(module(name).Options, Wrapping)


def addressed(name: str, given: Mapping[str, Any]) -> bool:
    """Whether a recipe's backend is asked at an address, and so takes the option `base_url`."""
    return ADDRESS in reading(name, given).model_fields


def owner(option: str, *, models: bool = False) -> type[Options] | None:
    """The options class of the backend of synth's that takes a recipe's option of that name; None if none does. With
    `models` only of backends whose answers come from models."""
    found = (module(name) for name in shipped())
    kinds: Iterator[type[Options]] = (one.Options for one in found if not (models and one.STAND_IN))
    return next((kind for kind in kinds if option in kind.model_fields), None)


def options() -> frozenset[str]:
    """The names of all backend options that a recipe may set, for the backends of synth's."""
    return frozenset(option for name in shipped() for option in module(name).Options.model_fields)


def giving(what: str) -> str:
    """For a recipe's error message: the names of synth's backends whose models give `what`, joined by commas and
    `or`."""
    found = [name for name in shipped() if what in module(name).GIVES and not module(name).STAND_IN]
    return " or ".join(filter(None, (", ".join(found[:-1]), found[-1])))


def _marks(kind: type[Options]) -> Iterator[tuple[str, Bears]]:
    for name, field in kind.model_fields.items():
        yield from ((name, mark) for mark in field.metadata if isinstance(mark, Bears))


def _default(kind: type[Options], name: str) -> Any:
    return kind.model_fields[name].get_default(call_default_factory=True)


def written(kind: type[Options], given: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's backend options that say more than their defaults do, as a recipe writes them. Raises pydantic's
    ValidationError for a wrong one."""
    read = kind.model_validate(dict(given))
    return {name: _plain(value) for name, value in given.items() if getattr(read, name) != _default(kind, name)}


def _plain(value: Any) -> Any:
    return value.model_dump(exclude_unset=True) if isinstance(value, BaseModel) else value
