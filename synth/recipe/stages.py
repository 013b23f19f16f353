"""How a stage is found by its name: among the modules of `synth/stages/`, or those that other packages add (entry point `synth.stages`);
and what it is, by what its module binds to. Nothing of another package is imported before a recipe names its stage."""

import pkgutil
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, TypeAlias, cast

from pydantic import BaseModel

from synth.errors import ConfigError
from synth.recipe import plugins

GROUP = "synth.stages"
NAME = re.compile(r"[a-z][a-z0-9_]*")
"""The names that a stage may have: a stage's name begins names of files and stands in tables."""
RESERVED = ("accept", "dedup", "embed")
"""The names under which the fold counts drops and calls of its own, so that no stage may have one."""
Kind: TypeAlias = Literal["source", "branch", "step"]


@dataclass(frozen=True)
class FoundStage:
    """A stage's module as a recipe finds it: `name` is its key in a recipe, and its name in drops, costs and tables."""

    name: str
    options: type[BaseModel]
    """The class of what stands under the stage's key in a recipe."""
    bind: Callable[[Any, Any], Any]
    """Makes the stage's source, branch or step of its options and a `Context`."""
    makes: type
    """The class that `bind` returns, one of `stages.contract`'s: it says what the stage does."""
    own: bool
    """Whether the stage is one of synth's, not another package's."""

    @property
    def kind(self) -> Kind:
        """Whether a stage that a recipe names was found to be a source, a branch or a step."""
        return cast("Kind", self.makes.kind)  # type: ignore[attr-defined]

    def says(self, fact: str) -> bool:
        """Whether the class of a stage that a recipe names declares a fact as true: `answered`, `responds`, `judges`,
        `rewrites`, `redacts`."""
        return bool(getattr(self.makes, fact, False))


def names() -> list[str]:
    """The names of all stages that a recipe may use, synth's and other packages', sorted."""
    return plugins.names(GROUP, _ours())


def find(name: str) -> FoundStage | None:
    """The stage that a recipe names; None if there is none. ConfigError if another package's is broken."""
    own = _ours().get(name)
    if own is None and name not in plugins.names(GROUP):
        return None
    return _read(name, plugins.load(GROUP, name, (lambda: own) if own else None, needs="bind"), own=own is not None)


def ours() -> list[FoundStage]:
    """The stages a recipe may use that are synth's own."""
    return [_read(name, module, own=True) for name, module in _ours().items()]


def roles(name: str, options: BaseModel) -> list[tuple[str, str]]:
    """The model roles that a stage's options name, each with its place: all that stands under `model` or `models`."""
    found = [(f"{name}.model", getattr(options, "model", None))]
    found += [(f"{name}.models", role) for role in getattr(options, "models", ())]
    return [(place, role) for place, role in found if role is not None]


@cache
def _ours() -> Mapping[str, ModuleType]:
    """A module of synth's that has `Options` is a stage; the others help them."""
    folder = import_module("synth.stages")
    modules = {
        found.name: import_module(f"synth.stages.{found.name}") for found in pkgutil.iter_modules(folder.__path__)
    }
    return {name: module for name, module in modules.items() if hasattr(module, "Options") and hasattr(module, "bind")}


@cache
def _read(name: str, module: Any, *, own: bool) -> FoundStage:
    where = f"stage {name!r} ({getattr(module, '__name__', module)})"
    if not NAME.fullmatch(name) or name in RESERVED:
        raise ConfigError(
            f"{where}: cannot be called that; use small letters, digits and _, and not {', '.join(RESERVED)}"
        )
    options = getattr(module, "Options", None)
    if not (isinstance(options, type) and issubclass(options, BaseModel)):
        raise ConfigError(f"{where} has no `Options`; it needs a class of that name, with its keys as fields")
    try:
        makes = typing.get_type_hints(module.bind).get("return")
    except (NameError, TypeError) as error:
        raise ConfigError(
            f"{where}: what its `bind` returns cannot be found out ({error}); mend its annotation"
        ) from error
    if getattr(makes, "kind", None) not in typing.get_args(Kind):
        raise ConfigError(
            f"{where}: its `bind` must say that it returns a Source, Branch or Step, or a class of one of these"
        )
    return FoundStage(name, options, module.bind, cast("type", makes), own)
