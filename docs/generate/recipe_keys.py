"""docs/reference/recipe.md: every key of a recipe, from the models that read it and the words that stand at them."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from synth.recipe import backend, stages
from synth.recipe.role import Role
from synth.recipe.routing import Chain, Mix
from synth.recipe.schema import Recipe

from .blocks import NOTE, table

HEAD = f"""# Keys of a recipe

{NOTE}

A recipe is one YAML file in `pipelines/`; [recipes.md](../recipes.md) shows how one is written. Unknown keys are refused. Any key can be set
for one run: `--set dedup.threshold=0.8`. `extends: NAME` (not in the table) takes over another recipe, whose keys yours are laid over.
"""
STAGES = ", ".join(f"`{stage.name}`" for stage in stages.ours())
PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything", NoneType: "null"}
SIGNS = {"ge": "from {}", "gt": "above {}", "le": "to {}", "lt": "below {}"}
HIDDEN = {("Recipe", "composed"), ("Role", "options")}
"""Keys of the models that no recipe file has: what stands under `models` and beside a role's other keys, sorted apart."""


@cache
def words_of(model: type[BaseModel]) -> dict[str, str]:
    """The docstrings that stand under a model's fields, its bases' among them."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)) or kind.__module__.startswith("pydantic"):
            continue
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body  # type: ignore[attr-defined]
        except (OSError, TypeError):
            continue
        for at, node in enumerate(body[:-1]):
            told = body[at + 1]
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(told, ast.Expr):
                value = getattr(told.value, "value", None)
                found |= {node.target.id: " ".join(value.split())} if isinstance(value, str) else {}
    return found


def models_in(kind: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation names, however deep."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        if not isinstance(part, str | int | float):
            yield from models_in(part)


def told(kind: Any) -> str:
    """An annotation in words."""
    parts, origin = get_args(kind), get_origin(kind)
    if origin in SHAPES:
        return SHAPES[origin](parts)
    if kind in PLAIN:
        return PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "text" if "root" in kind.model_fields else "block"
    return getattr(kind, "__name__", str(kind))


def _one_of(parts: tuple[Any, ...]) -> str:
    return ", ".join(f"`{str(one).lower() if isinstance(one, bool) else one}`" for one in parts)


def _either(parts: tuple[Any, ...]) -> str:
    return " or ".join(dict.fromkeys(told(part) for part in parts))


def _several(parts: tuple[Any, ...]) -> str:
    return f"list of {told(parts[0])}" if len(parts) < 2 or parts[1] is Ellipsis else "two numbers"


SHAPES: dict[Any, Callable[[tuple[Any, ...]], str]] = {
    Annotated: lambda parts: " ".join(filter(None, (told(parts[0]), limits(parts[1:])))),
    Literal: _one_of,
    Union: _either,
    UnionType: _either,
    dict: lambda parts: f"mapping: {told(parts[0])} → {told(parts[1])}",
    tuple: _several,
    list: _several,
}
"""How annotations with parts are told, by their origin."""


def limits(marks: tuple[Any, ...]) -> str:
    """The bounds in an annotation's marks, in words."""
    found = []
    for mark in (one for given in marks for one in getattr(given, "metadata", [given])):
        found += [
            word.format(getattr(mark, name)) for name, word in SIGNS.items() if getattr(mark, name, None) is not None
        ]
    return " ".join(dict.fromkeys(found))


def default(field: Any) -> str:
    """A field's default as YAML has it; nothing for one that must be said."""
    if field.is_required():
        return "must be said"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or (isinstance(value, BaseModel | dict | tuple) and not value):
        return ""
    if isinstance(value, BaseModel):
        return "" if value == type(value)() else "as below"
    if isinstance(value, dict) or value == "":
        return ""
    if isinstance(value, tuple | list):
        return f"`[{', '.join(map(str, value))}]`"
    return "`null`" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def rows_of(model: type[BaseModel]) -> list[list[object]]:
    """A model's keys: name, what it may be, default, words."""
    hints, words = get_type_hints(model, include_extras=True), words_of(model)
    rows: list[list[object]] = []
    for name, field in model.model_fields.items():
        if (model.__name__, name) in HIDDEN:
            continue
        about = words.get(name) or " ".join(
            first_line(found) for found in dict.fromkeys(models_in(hints[name])) if found is not model
        )
        rows.append([f"`{field.alias or name}`", told(hints[name]), default(field), plain(about)])
    return rows


def plain(words: str) -> str:
    """Words of the code for people who write YAML."""
    words = re.sub(r"[;:] see `[\w.]+`|,? ?\(`(?:stages|filters)\.\w+`\)", "", words)
    return re.sub(r"\bNone\b", "null", words).replace("False:", "false:")


def first_line(model: type[BaseModel]) -> str:
    """A model's docstring up to its first full stop."""
    words = " ".join(inspect.cleandoc(model.__doc__ or "").split("\n\n")[0].split())
    return re.sub(
        r"^(?:A role's options of the backend `\w+`|What a recipe says under `[\w.]+`): (\w)",
        lambda found: found[1].upper(),
        words,
    )


def places() -> Iterator[tuple[str, type[BaseModel]]]:
    """Every block of a recipe with its place, each model once."""
    seen: set[type[BaseModel]] = set()
    waiting: list[tuple[str, type[BaseModel]]] = [("", Recipe)]
    waiting += [("models.NAME", Role), ("models.NAME (mixture)", Mix), ("models.NAME (chain)", Chain)]
    waiting += [(stage.name, stage.options) for stage in stages.ours()]
    while waiting:
        place, model = waiting.pop(0)
        if model in seen:
            continue
        seen.add(model)
        yield place, model
        hints = get_type_hints(model, include_extras=True)
        named = [name for name in model.model_fields if (model.__name__, name) not in HIDDEN]
        inner = [(_place(place, name, hints[name]), found) for name in named for found in models_in(hints[name])]
        waiting[:0] = [one for one in inner if one[1] is not Role]


def _place(place: str, name: str, kind: Any) -> str:
    """Where a block stands: under its key, or under names of the user's own."""
    inner = ".NAME" if "mapping: text → block" in told(kind) or "`natural`" in told(kind) else ""
    return f"{place}.{name}{inner}".lstrip(".")


def of_backends() -> Iterator[str]:
    """The options of each backend, which stand under a model beside the others."""
    for name in backend.shipped():
        kind = backend.module(name).Options
        if kind.model_fields:
            yield f"## models.NAME with `backend: {name}`"
            yield table(["key", "value", "default", "what it is"], rows_of(kind))
        for field, hint in get_type_hints(kind, include_extras=True).items():
            for inner in models_in(hint):
                yield f"## models.NAME.{field} with `backend: {name}`"
                yield table(["key", "value", "default", "what it is"], rows_of(inner))


def document() -> str:
    """The whole file."""
    parts = [
        HEAD.rstrip(),
        "## The recipe",
        f"Besides these keys one for each stage that it uses: {STAGES}; they stand below.",
    ]
    for place, model in places():
        if "root" in model.model_fields:
            parts += [f"## {place}", first_line(model)]
        elif model.model_fields:
            parts += [f"## {place}", plain(first_line(model))] if place else []
            parts.append(table(["key", "value", "default", "what it is"], rows_of(model)))
    return "\n\n".join([*parts, *of_backends()]) + "\n"
