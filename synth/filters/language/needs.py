"""What a regular expression cannot match without, read off the expression itself; so that of many patterns only those are run that
the text at hand gives a chance.

A pattern is alternatives, an alternative is a row of parts, and of most parts it is known which few strings they are. One of these
must stand in whatever the pattern matches. Strings are told by up to three characters; what may be left out, is a class of many
characters or looks back says nothing. So a pattern may be run for nothing, and is never left out wrongly.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib import import_module
from itertools import product
from typing import Any, Final, TypeAlias

parsed, parser, compiler = (import_module(f"re._{name}") for name in ("constants", "parser", "compiler"))
"""The standard library's own reader of regular expressions: what a pattern needs is read where it is read to be run."""

Strings: TypeAlias = frozenset[str]
"""Of which one must stand in a match."""
Part: TypeAlias = tuple[Strings | None, list[Strings]]
"""All strings that a part of a pattern may be, if they are few, and what must stand in the text besides."""

_MOST, _LONGEST = 400, 12
"""Strings that are told apart at most, and their characters."""
GRAM: Final = 3
_EMPTY: Final[Strings] = frozenset({""})
_SAYS_NOTHING: Final[Part] = (None, [])
_COST: Final = {1: 64, 2: 4, 3: 1}
"""How often a string of so many characters stands in a text by chance, more or less."""


def _all(part: Part) -> list[Strings]:
    """Every set of a part of a pattern, that of its own strings among them."""
    strings, besides = part
    return besides if strings is None or "" in strings else [*besides, _shortened(strings)]


def _shortened(strings: Strings) -> Strings:
    """By up to `GRAM` characters each, without those that others are a part of."""
    grams = {one[:GRAM] for one in strings}
    return frozenset(one for one in grams if not any(other in one for other in grams if other != one))


def _sequence(tokens: Iterable[tuple[Any, Any]], flags: int) -> Part:
    strings, besides, whole = _EMPTY, list[Strings](), True
    for kind, given in tokens:
        found, more = _part(kind, given, flags)
        besides += more
        if found is not None and _fits(strings, found):
            strings = frozenset(map("".join, product(strings, found)))
            continue
        besides += _all((strings, []))
        strings, whole = _EMPTY if found is None else found, False
    return (strings, besides) if whole else (None, _all((strings, besides)))


def _fits(strings: Strings, more: Strings) -> bool:
    longest = max(map(len, strings)) + max(map(len, more))
    return len(strings) * len(more) <= _MOST and longest <= _LONGEST


def _part(kind: Any, given: Any, flags: int) -> Part:
    reader = _READERS.get(kind)
    return _SAYS_NOTHING if reader is None else reader(given, flags)


def _literal(code: int, flags: int) -> Part:
    return _spelt(chr(code), flags), []


def _spelt(character: str, flags: int) -> Strings | None:
    """The characters that stand for this one; None where cases have rules of their own."""
    if not flags & re.IGNORECASE or character.lower() == character.upper():
        return frozenset({character})
    if not character.isascii():
        return None
    return frozenset({character.lower(), character.upper(), *_LIKE.get(character.lower(), "")})


_LIKE: Final = {"s": "ſ", "k": "\u212a", "i": "İı"}
"""What else these are where case is ignored."""


def _one_of(members: Sequence[tuple[Any, Any]], flags: int) -> Part:
    found: set[str] = set()
    for kind, given in members:
        if kind is parsed.LITERAL:
            codes: Iterable[int] = (given,)
        elif kind is parsed.RANGE and given[1] - given[0] < _MOST:
            codes = range(given[0], given[1] + 1)
        elif kind is parsed.CATEGORY and given is parsed.CATEGORY_DIGIT and not flags & re.ASCII:
            found |= _digits()
            continue
        else:
            return _SAYS_NOTHING
        for code in codes:
            if (spelt := _spelt(chr(code), flags)) is None:
                return _SAYS_NOTHING
            found |= spelt
    return frozenset(found), []


@cache
def _digits() -> Strings:
    """What `\\d` stands for."""
    return frozenset(re.findall(r"\d", "".join(map(chr, range(0x20000)))))


def _branch(given: tuple[Any, Sequence[Any]], flags: int) -> Part:
    parts = [_sequence(one, flags) for one in given[1]]
    if all(strings is not None for strings, _ in parts):
        together = frozenset[str]().union(*(strings for strings, _ in parts if strings is not None))
        if len(together) <= _MOST:
            return together, []
    ranked = [sorted(dict.fromkeys(_all(part)), key=_cost) for part in parts]
    return None, [_shortened(frozenset[str]().union(*some)) for some in zip(*ranked, strict=False)]


def _cost(strings: Strings) -> int:
    return sum(_COST[len(one[:GRAM])] for one in strings)


def _group(given: tuple[Any, int, int, Any], flags: int) -> Part:
    _, more, less, tokens = given
    return _sequence(tokens, (flags | more) & ~less)


def _repeat(given: tuple[int, int, Any], flags: int) -> Part:
    least, most, tokens = given
    strings, besides = _sequence(tokens, flags)
    if least == 0:
        return (strings | _EMPTY, []) if strings is not None and most == 1 else _SAYS_NOTHING
    if least == most == 1:
        return strings, besides
    return None, _all((strings, besides))


def _looks(given: tuple[int, Any], flags: int) -> Part:
    return _EMPTY, _all(_sequence(given[1], flags))


def _is_no_width(given: Any, flags: int) -> Part:
    del given, flags
    return _EMPTY, []


_READERS: Final[Mapping[Any, Callable[[Any, int], Part]]] = {
    parsed.LITERAL: _literal,
    parsed.IN: _one_of,
    parsed.BRANCH: _branch,
    parsed.SUBPATTERN: _group,
    parsed.MAX_REPEAT: _repeat,
    parsed.MIN_REPEAT: _repeat,
    parsed.ASSERT: _looks,
    parsed.ASSERT_NOT: _is_no_width,
    parsed.AT: _is_no_width,
}


def alternatives_of(source: str, flags: int) -> list[tuple[Sequence[Strings], Any, int]]:
    """Of each alternative of a pattern what it needs, its parsed form and its flags."""
    tree = parser.parse(source, flags)
    flags = tree.state.flags
    several = len(tree) == 1 and tree[0][0] is parsed.BRANCH
    return [(_all(_sequence(one, flags)), one, flags) for one in (tree[0][1][1] if several else [tree])]


def compiled_of(tree: Any, flags: int) -> re.Pattern[str]:
    """A pattern, or an alternative of one, from its parsed form."""
    compiled: re.Pattern[str] = compiler.compile(tree, flags)
    return compiled
