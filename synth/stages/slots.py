"""Reading a slot sheet: which text of a writer's reply is of which slot. Order in the reply means nothing where texts have numbers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from synth.errors import ParseError
from synth.filters.language.refusal import is_refusal
from synth.sanitize import plain
from synth.stages.lenient_json import field as field_of
from synth.stages.lenient_json import is_whole, json_in, numbered, objects_in
from synth.stages.parsing import DECLINED, checked, shape, why_not
from synth.types import Reply

NUMBER: Final = ("n", "no", "num", "number", "id", "index", "slot", "序号", "编号", "题号", "号")
"""The names under which models give the number of a slot."""
UNNUMBERED = "unnumbered"
"""The class of a reply that could be read, but not which text is of which slot."""

_DIGITS = re.compile(r"\D{0,3}(\d{1,3})\D{0,3}")
_LED = re.compile(r"\s*[(（]?(\d{1,3})\s*[.、．:：)）](?!\d)\s*(\S.*)", re.DOTALL)
_LINE = re.compile(r"^[^\S\n]*[(（]?(\d{1,3})[^\S\n]*[.、．:：)）](?!\d)[^\S\n]*(\S.*?)[^\S\n]*$", re.MULTILINE)

_Item = tuple[int | None, str]


@dataclass(frozen=True)
class Filled:
    """What a writer's reply holds of a slot sheet, by slot, counted from 0."""

    texts: Mapping[int, str]
    """The text of every slot that has one, by slot, ascending."""
    unnumbered: frozenset[int] = frozenset()
    """The slots whose text came without a number: it may be another slot's."""
    extra: Sequence[str] = field(default=())
    """Texts of no slot: the second of one, and those with a number that no slot has."""


def read_slots(reply: Reply, size: int) -> Filled:
    """A reply parsed as the texts of a sheet of `size` slots, by their numbers; without these in order where there are as many
    as slots. Raises ParseError as `read_strings` does."""
    text = checked(reply)
    items, closed = _items(text, size)
    if items is None:
        raise ParseError(why_not(text, reply))
    cut = reply.finish == "length" if closed is None else not closed
    if items and cut and (closed is None or not is_whole(items[-1][1], text)):
        items.pop()
    if items and all(is_refusal(item) for _, item in islice(items, DECLINED)):
        raise ParseError("refusal")
    whole = [(number, stripped) for number, item in items if (stripped := plain(item).strip())]
    if not whole:
        raise ParseError(shape(reply) if closed else "truncated")
    return filled(whole, size)


def filled(items: Sequence[tuple[int | None, str]], size: int) -> Filled:
    """Texts put into the slots of a sheet by their numbers, counted from 1 (or from 0, where one says 0). Those without a number
    stand in order where there are as many as slots, and none has one; else they take the first slots that are left."""
    numbers = {number for number, _ in items if number is not None}
    first = 0 if 0 in numbers and size not in numbers else 1
    if not numbers and len(items) == size:
        return Filled(dict(enumerate(text for _, text in items)))
    found: dict[int, str] = {}
    unnumbered: set[int] = set()
    extra: list[str] = []
    for number, text in items:
        if number is not None:
            slot = number - first
            if 0 <= slot < size and slot not in found:
                found[slot] = text
            else:
                extra.append(text)
    left = iter(slot for slot in range(size) if slot not in found)
    for text in (text for number, text in items if number is None):
        if (free := next(left, None)) is None:
            extra.append(text)
        else:
            found[free] = text
            unnumbered.add(free)
    return Filled(dict(sorted(found.items())), frozenset(unnumbered), tuple(extra))


def _items(text: str, size: int) -> tuple[list[_Item] | None, bool | None]:
    """The texts of a reply with their numbers, None if it holds none; and whether its JSON is closed, None where it is
    no JSON."""
    found, closed = json_in(text)
    if found is None:
        items = _of_lines(text, size)
        return items or None, None
    if isinstance(found, Mapping) and _of_object(found) is not None:  # one a line, or a list cut short
        items = [item for one in objects_in(text) if (item := _of_object(one))]
        return items or [item for item in (_of_object(found),) if item], closed
    held = found
    if isinstance(found, Mapping):
        held = field_of(found, "queries")
        held = found if held is None and any(number_of(key) is not None for key in found) else held
    if isinstance(held, str):
        return _of_lines(held, size), closed
    if isinstance(held, Mapping):
        pairs = [(number_of(key), _text(value)) for key, value in held.items()]
        return [(number, text) for number, text in pairs if text], closed
    return list(_of_list(held, size)) if isinstance(held, list) else [], closed


def _of_list(held: Sequence[Any], size: int) -> Iterator[_Item]:
    texts = [item for item in held if isinstance(item, str)]
    if len(texts) == len(held):
        led = [match for text in texts if (match := _LED.fullmatch(text))]
        yield from _with_numbers([(int(match[1]), match[2]) for match in led], texts, size)
        return
    for item in held:
        if isinstance(item, Mapping):
            if found := _of_object(item):
                yield found
            elif len(item) == 1:  # {"3": "……"}
                ((key, value),) = item.items()
                if text := _text(value):
                    yield number_of(key), text
            elif text := _text(item):
                yield None, text
        elif text := _text(item):
            yield None, text


def _of_lines(text: str, size: int) -> list[_Item]:
    lines = [(int(match[1]), match[2].strip('"“”')) for match in _LINE.finditer(text)]
    return list(_with_numbers(lines, numbered(text), size))


def _with_numbers(led: Sequence[tuple[int, str]], texts: Sequence[str], size: int) -> Iterator[_Item]:
    """Texts that begin with numbers as `led` has them, if all do and each number is that of one slot; else as they are."""
    numbers = [number for number, _ in led]
    if len(led) == len(texts) == len(set(numbers)) and all(1 <= number <= size for number in numbers):
        yield from led
    else:
        yield from ((None, text) for text in texts)


def _of_object(item: Any) -> tuple[int, str] | None:
    """Number and text of an object that holds both."""
    if not isinstance(item, Mapping):
        return None
    names = {str(key).strip().lower(): value for key, value in item.items()}
    number = next((found for name in NUMBER if (found := number_of(names.get(name))) is not None), None)
    text = _text({key: value for key, value in item.items() if str(key).strip().lower() not in NUMBER})
    return None if number is None or text is None else (number, text)


def _text(item: Any) -> str | None:
    """The one text that an item is or holds."""
    if isinstance(item, Mapping):
        named = field_of(item, "query", ("content", "内容"))
        held = [value for value in item.values() if isinstance(value, str)]
        item = named if isinstance(named, str) else held[0] if len(held) == 1 else None
    return item if isinstance(item, str) and item.strip() else None


def number_of(value: Any) -> int | None:
    """The number that a model gave of a slot or row, in whatever way: 3, 3.0, "3", "第3条"; None where it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if isinstance(value, int) or value.is_integer() else None
    match = _DIGITS.fullmatch(value.strip()) if isinstance(value, str) else None
    return int(match[1]) if match else None
