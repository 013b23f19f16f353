"""A value that a JSON schema allows, drawn by chance."""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Schema: TypeAlias = Mapping[str, Any]
WIDE = 10
"""How far numbers go, and two more than the least how many items a list has, where the schema says no more."""


def value_of(chance: random.Random, schema: Schema, text: str) -> Any:
    """A value that a JSON schema allows, drawn by chance; a string is `text`, as far as there is room for it."""
    options = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    if options:
        return chance.choice(options)
    if either := schema.get("anyOf") or schema.get("oneOf"):
        return value_of(chance, chance.choice(either), text)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return _KINDS[chance.choice(kind) if isinstance(kind, list) else kind](chance, schema, text)


def _object(chance: random.Random, schema: Schema, text: str) -> Any:
    return {name: value_of(chance, below, text) for name, below in schema.get("properties", {}).items()}


def _array(chance: random.Random, schema: Schema, text: str) -> Any:
    least = int(schema.get("minItems", 1))
    most = min(int(schema.get("maxItems", least + 2)), least + 2)
    return [value_of(chance, schema.get("items", {}), text) for _ in range(chance.randint(min(least, most), most))]


def _integer(chance: random.Random, schema: Schema, _text: str) -> Any:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    high = schema.get("maximum", schema.get("exclusiveMaximum", low + WIDE + 1) - 1)
    return chance.randint(int(low), max(int(low), int(high)))


def _number(chance: random.Random, schema: Schema, _text: str) -> Any:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0.0))
    high = schema.get("maximum", schema.get("exclusiveMaximum", low + 1.0))
    return low + (high - low) * (0.05 + 0.9 * chance.random())


def _string(_chance: random.Random, schema: Schema, text: str) -> Any:
    long = text * (1 + int(schema.get("minLength", 0)) // max(1, len(text)))
    return long[: schema["maxLength"]] if "maxLength" in schema else long


_KINDS: Final[Mapping[str, Callable[[random.Random, Schema, str], Any]]] = {
    "object": _object,
    "array": _array,
    "integer": _integer,
    "number": _number,
    "string": _string,
    "boolean": lambda chance, _schema, _text: chance.random() < 0.5,
    "null": lambda _chance, _schema, _text: None,
}
