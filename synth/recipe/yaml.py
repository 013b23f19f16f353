"""Strict YAML: doubled keys are refused, and whatever is wrong with a file is one line with place and way out."""

import os
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from synth.errors import ConfigError, did_you_mean
from synth.recipe import bounds
from synth.recipe.credentials import hidden
from synth.recipe.files import MAY_HOLD_KEYS

Model = TypeVar("Model", bound=BaseModel)

WRONG_OPTION = "wrong_option"
"""The type of an error in options that a class of their own has read; its context holds the `place` in them and what is to be `said`."""


class _StrictLoader(yaml.CSafeLoader):
    """Refuses a key given twice, which YAML would let the last one win."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:bool":  # YAML 1.1 reads the key `on` as true
            key_node.tag = "tag:yaml.org,2002:str"
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable):
            raise yaml.constructor.ConstructorError(None, None, "a key must be plain text", key_node.start_mark)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
        seen.add(key)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping a YAML file holds; ConfigError with line and column for anything else."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            text = "" if size > bounds.LARGEST else file.read().decode()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    if size > bounds.LARGEST:
        raise ConfigError(
            f"{path}: is over {bounds.LARGEST // 2**20} MB; a recipe or taxonomy is a text that people write"
        )
    data = parsed(text, str(path))
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: the file must hold keys and values, not {type(data).__name__}")
    return data


def parsed(text: str, source: str) -> Any:
    """What a text of YAML holds, once it is counted. ConfigError, which begins with `source` and says line and column, for what is no
    YAML, gives a key twice, nests too deeply or multiplies by aliases."""
    try:
        bounds.check(text)
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a SafeLoader)
    except bounds.Unbounded as error:
        raise ConfigError(f"{source}: line {error.line}, column {error.column}: {error}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        way_out = "; indent with spaces" if "tab" in str(error.problem) or "\\t" in str(error.problem) else ""
        raise ConfigError(f"{source}: {place}: {error.problem}{way_out}") from error
    except RecursionError as error:
        raise ConfigError(f"{source}: nested too deeply") from error
    except (ValueError, OverflowError) as error:  # a date that is none, a number of thousands of digits
        raise ConfigError(
            f"{source}: not YAML: {' '.join(str(error).split())}; put it in quotes if it is a text"
        ) from error
    except yaml.YAMLError as error:  # a control character, say: no mark
        raise ConfigError(f"{source}: not YAML: {' '.join(str(error).split())}") from error


def validate(
    model: type[Model], data: Any, source: str | Callable[[Sequence[Any]], str], *, also: Sequence[str] = ()
) -> Model:
    """`data`, as a rule out of a YAML file, read as a pydantic `model`. Raises ConfigError for the first thing wrong,
    one line with its place and the way out. `source` is the file, or says of a place in `data` which file it is from;
    `also` are keys that may stand at the top of a file besides the model's."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        shaped = getattr(model, "shaped", None)  # a model that has other fields for other data
        known: type[BaseModel] = shaped(data) if shaped else model
        # A misspelt key is reported twice, as unknown and as missing; the first tells more.
        wrong = min(error.errors(), key=lambda entry: entry["type"] != "extra_forbidden")
        place = _place(data, wrong["loc"]) or "top level"
        if wrong["type"] == WRONG_OPTION:
            line = (
                ".".join(filter(None, (_place(data, wrong["loc"]), wrong["ctx"]["place"])))
                + f": {wrong['ctx']['said']}"
            )
        elif wrong["type"] == "extra_forbidden":
            line = f"{place}: {_unknown(known, wrong['loc'], also)}"
        else:
            line = f"{place}: {complaint(wrong)}"
        where = source if isinstance(source, str) else source([*wrong["loc"], *_inner_place(wrong)])
        raise ConfigError(f"{where}: {line}") from error


def several(value: Any) -> Any:
    """For a field of a model that YAML fills: a single word stands for a list of one. YAML reads `Yes` and `No` as truths, which
    no word is."""
    if isinstance(value, bool):
        raise ValueError("YAML takes this word for true or false; put it in quotes")  # noqa: TRY004 (pydantic's way to complain)
    return (value,) if isinstance(value, str) else value


def first_wrong(model: type[BaseModel], data: Any, error: ValidationError) -> tuple[str, str]:
    """The first thing wrong in options written in YAML that may hold an API key under any name: its place, and what is
    wrong; of values only numbers are shown."""
    wrong = min(error.errors(), key=lambda entry: entry["type"] != "extra_forbidden")
    if wrong["type"] == "extra_forbidden":
        return _place(data, wrong["loc"]), _unknown(model, wrong["loc"])
    said = complaint(wrong if isinstance(wrong["input"], int | float) else {**wrong, "type": "value_error"})
    return _place(data, wrong["loc"]), said


def _unknown(model: type[BaseModel], place: tuple[int | str, ...], also: Sequence[str] = ()) -> str:
    key = str(place[-1])
    known = [*_known_keys(model, place), *(also if len(place) == 1 else ())]
    return f"unknown key {key!r}; {did_you_mean(key, known)}"


def complaint(wrong: Any) -> str:
    """A message on a value in YAML, for one of pydantic's errors: what is wrong, and what was given."""
    message = wrong["msg"].removeprefix("Value error, ")
    secret = wrong["type"] in ("missing", "value_error") or not MAY_HOLD_KEYS.isdisjoint(map(str, wrong["loc"]))
    value = "" if secret else f" (got {_short(wrong['input'])})"
    return str(message[:1].lower() + message[1:] + value)


def _place(data: Any, location: tuple[int | str, ...]) -> str:
    """Where in `data`: an entry of a list is named by its id, if it has one."""
    parts = []
    for part in location:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            data = None
        named = isinstance(part, int) and isinstance(data, dict) and isinstance(data.get("id"), str)
        parts.append(data["id"] if named else str(part))
    return ".".join(parts)


def _inner_place(wrong: Any) -> list[str]:
    """What a validator of several keys says before its colon: the one it complains of."""
    place, colon, _ = complaint(wrong).partition(": ")
    return place.split(".") if colon and wrong["type"] == "value_error" else []


def _short(value: Any) -> str:
    text = hidden(" ".join(repr(value).split()))
    return text if len(text) <= 60 else text[:57] + "…"


def _known_keys(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """The keys allowed where an unknown one stood: follows the place through nested models."""
    current: type[BaseModel] = model
    for part in place[:-1]:
        if isinstance(part, str) and part in current.model_fields:
            inner = _inner_model(current.model_fields[part].annotation)
            current = inner or current
    return [info.alias or name for name, info in current.model_fields.items()]


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if found := _inner_model(argument):
            return found
    return None
