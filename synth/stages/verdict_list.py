"""Which verdict in a judge's reply is whose, where one call held several rows: by the row's number alone. What leaves room for doubt is
nobody's verdict; its row is asked about again, alone."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from synth.errors import ParseError
from synth.stages.lenient_json import field
from synth.stages.parsing import checked, shape, why_not
from synth.stages.requester import object_schema
from synth.stages.slots import NUMBER, number_of
from synth.types import Reply

FIELD, TITLE = "verdicts", "verdicts"
"""The field of a reply that holds the verdicts, and the title of its schema."""
LOOKED_AT: Final = 50
"""How many values behind its verdicts a reply may hold."""

_BEGINS: Final = re.compile(r'\{\s*"|\[\s*\{')
_LIST: Final = re.compile(r'(?:\{\s*"[^"\n]{1,20}"\s*:\s*)?\[\s*')
_BETWEEN: Final = re.compile(r"[\s,，;；]*")
_REPEATED: Final = object()


def schema_of(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The JSON schema of a reply about several rows: of each its number, then these fields."""
    item = object_schema("verdict", n={"type": "integer"}, **fields)
    return object_schema(TITLE, **{FIELD: {"type": "array", "items": item}})


def example_of(fields: Mapping[str, Any]) -> str:
    """The JSON that a prompt about several rows shows, of what it shows for each field."""
    return json.dumps({FIELD: [{"n": 1, **fields}, {"n": 2, **fields}]}, ensure_ascii=False)


def read_verdicts(reply: Reply, rows: int) -> dict[int, list[Mapping[str, Any]]]:
    """What a reply about so many rows says of each, by the row's place from 0: one verdict, or several where a number was given twice.

    Only objects that stand whole in the reply count, one after the other, none in the middle of prose. A number that no row has puts all
    others in doubt, since they may be off by one: then the reply says nothing. Raises ParseError where it says nothing of any row.
    """
    text = checked(reply)
    found: dict[int, list[Mapping[str, Any]]] = {}
    for item in _items(text):
        number = _numbered(item)
        if number is None:
            continue
        if not 1 <= number <= rows:
            raise ParseError("shape")
        found.setdefault(number - 1, []).append(item)
    if not found:
        raise ParseError(shape(reply) if _BEGINS.search(text) else why_not(text, reply))
    return found


def _items(text: str) -> Iterator[Mapping[str, Any]]:
    """The objects that a reply consists of, or begins with where it was cut short."""
    begins = _BEGINS.search(text)
    if begins is None:
        return
    at, values = begins.start(), list[Any]()
    while (one := _whole(text, at)) is not None:
        values.append(one[0])
        at = _past(text, one[1])
    if not values:
        cut = _LIST.match(text, at)
        at = cut.end() if cut else len(text)
        while (one := _whole(text, at)) is not None:
            values.append(one[0])
            at = _past(text, one[1])
    elif _goes_on(text, at):
        return  # verdicts in the middle of prose: one may be quoted
    for value in values:
        yield from _held(value)


def _past(text: str, end: int) -> int:
    """Where the next value would begin."""
    return found.end() if (found := _BETWEEN.match(text, end)) else end


def _goes_on(text: str, at: int) -> bool:
    """Whether verdicts, or more than can be looked at, stand further on."""
    for _ in range(LOOKED_AT):
        begins = _BEGINS.search(text, at)
        if begins is None:
            return False
        one = _whole(text, begins.start())
        at = one[1] if one else begins.end()
        if one and any(_numbered(item) is not None for item in _held(one[0])):
            return True
    return True


def _whole(text: str, at: int) -> tuple[Any, int] | None:
    """The JSON value that begins there, and where it ends; None where none does, or one that is cut short or broken."""
    if text[at : at + 1] not in ("{", "["):
        return None
    try:
        return json.JSONDecoder(strict=False, object_pairs_hook=_object).raw_decode(text, at)
    except (ValueError, RecursionError):
        return None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[Any, Any]:
    """An object; marked where it gives a name twice: it may be two objects run together."""
    found: dict[Any, Any] = dict(pairs)
    if len(found) < len(pairs):
        found[_REPEATED] = True
    return found


def _held(value: Any) -> Iterator[Mapping[str, Any]]:
    """The verdicts that a value of JSON holds: a list of them, one, or by number."""
    if isinstance(value, Mapping) and _numbered(value) is None:
        value = value if (held := field(value, FIELD)) is None else held
    if isinstance(value, Mapping):
        told = [(key, one) for key, one in value.items() if isinstance(one, Mapping)]
        by_number = [{**one, "n": key} for key, one in told if _numbered(one) in (None, number_of(key))]
        yield from [value] if _numbered(value) is not None else by_number
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, Mapping))


def _numbered(item: Mapping[str, Any]) -> int | None:
    """The number that an object gives, where it is an object of one row's."""
    if _REPEATED in item:
        return None
    names = {str(key).strip().lower(): value for key, value in item.items()}
    return next((number for name in NUMBER if (number := number_of(names.get(name))) is not None), None)
