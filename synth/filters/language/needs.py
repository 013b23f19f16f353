"""What a regular expression cannot match without, read off the expression itself; so that of many patterns only those are run that
the text at hand gives a chance.

A pattern is alternatives, an alternative is a row of parts, and of most parts it is known which few strings they are. One of these
must stand in whatever the pattern matches. Strings are told by up to three characters; what may be left out, is a class of many
characters or looks back says nothing. So a pattern may be run for nothing, and is never left out wrongly.
"""

import re
import re._constants as parsed
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate, product
from re import _compiler as compiler
from re import _parser as parser
from typing import Any, Final, TypeAlias

import numpy as np

Strings: TypeAlias = frozenset[str]
"""Of which one must stand in a match."""
Part: TypeAlias = tuple[Strings | None, list[Strings]]
"""All strings that a part of a pattern may be, if they are few, and what must stand in the text besides."""

_MOST, _LONGEST = 400, 12
"""Strings that are told apart at most, and their characters."""
GRAM: Final = 3
_BITS: Final = 16
_SPREAD: Final = 0x9E3779B1
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
    best = [min(_all(part), key=_cost, default=_EMPTY) for part in parts]
    return None, [] if _EMPTY in best else [_shortened(frozenset[str]().union(*best))]


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


class Screen:
    """Patterns by name, up to 64, and for texts at hand which alternatives of which of them may match: only these are run."""

    def __init__(self, patterns: Mapping[str, str], flags: int = 0) -> None:
        self._sources, self._flags = patterns, flags
        self._bits = {name: 1 << at for at, name in enumerate(patterns)}

    def bits(self, *names: str) -> int:
        """The bits of these patterns together: see `Chances.may`."""
        return sum(self._bits[name] for name in names)

    def chances(self, texts: Sequence[str]) -> "Chances":
        """Which patterns may match which of these texts."""
        from synth.filters.language.needs_kernel import screen

        tables = self._tables
        ends = np.fromiter(accumulate(map(len, texts)), np.int64, len(texts))
        codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        out = np.zeros((len(texts), 1 + (len(tables[3]) + 62) // 64), np.uint64)
        screen(codes, ends, *tables, out)
        return Chances(self, texts, out)

    def whole(self, name: str) -> re.Pattern[str]:
        """A pattern by its name, as one."""
        return _compiled(self._sources[name], self._flags)

    @cached_property
    def known(self) -> Mapping[str, tuple[int, int, int, int, Mapping[int, "Alternative"]]]:
        """By name of pattern its bit, the bytes in which the chances of its alternatives stand, their bits in these, and each by its bit."""
        found, at = {}, 0
        for name, source in self._sources.items():
            first = at % 8
            some = {
                1 << first + after: Alternative(*one)
                for after, one in enumerate(_alternatives(source, self._flags))
            }
            found[name] = (self._bits[name], 8 + at // 8, 8 + (at + len(some) + 7) // 8, sum(some), some)
            at += len(some)
        return found

    @cached_property
    def _tables(self) -> tuple["np.ndarray[Any, np.dtype[Any]]", ...]:
        """What the kernel reads: a row of bits by the hash of a gram, the bits that each alternative needs, and whose it is."""
        bits: dict[Strings, int] = {}
        wanted, firsts, owners = list[int](), [0], list[int]()
        for owner, (*_, alternatives) in enumerate(self.known.values()):
            for one in alternatives.values():
                wanted += sorted({bits.setdefault(strings, len(bits)) for strings in one.needs})
                firsts.append(len(wanted))
                owners.append(owner)
        rows: dict[int, int] = {}
        for strings, bit in bits.items():
            for gram in strings:
                rows[slot(gram)] = rows.get(slot(gram), 0) | 1 << bit
        words = -(-len(bits) // 64) or 1
        found, masks = np.zeros(1 << _BITS, np.uint16), np.zeros((len(rows) + 1, words), np.uint64)
        for row, (at, mask) in enumerate(rows.items(), start=1):
            found[at] = row
            masks[row] = [mask >> 64 * word & 0xFFFFFFFFFFFFFFFF for word in range(words)]
        return found, masks, np.array(firsts, np.int64), np.array(owners, np.int64), np.array(wanted, np.int64)


class Chances:
    """Texts, and which patterns of a screen may match them."""

    __slots__ = ("_raw", "_screen", "_size", "may", "texts")

    def __init__(self, screen: Screen, texts: Sequence[str], out: "np.ndarray[Any, np.dtype[np.uint64]]") -> None:
        self._screen, self.texts = screen, texts
        self.may: Sequence[int] = out[:, 0].tolist()
        """For each text the patterns that may match it, as bits; no other does."""
        self._raw, self._size = out.tobytes(), 8 * out.shape[1]

    def finds(self, at: int, name: str) -> bool:
        """Whether a pattern matches anywhere in the text at that place."""
        bit, begin, end, every, alternatives = self._screen.known[name]
        if not self.may[at] & bit:
            return False
        size, text = self._size, self.texts[at]
        left = int.from_bytes(self._raw[at * size + begin : at * size + end], "little") & every
        while left:
            bit = left & -left
            if alternatives[bit].search(text):
                return True
            left ^= bit
        return False

    def first(self, at: int, name: str) -> re.Match[str] | None:
        """The first match of a pattern in the text at that place."""
        if not self.may[at] & self._screen.known[name][0]:
            return None
        return self._screen.whole(name).search(self.texts[at])


@dataclass
class Alternative:
    """One alternative of a pattern: what it needs, and how it is looked for where a text has that."""

    needs: Sequence[Strings]
    tree: Any
    flags: int

    @cached_property
    def search(self) -> Callable[[str], Any]:
        """Looks for it alone; compiled for the first text that has all it needs."""
        return compiler.compile(self.tree, self.flags).search


@cache
def _compiled(source: str, flags: int) -> re.Pattern[str]:
    return re.compile(source, flags)


def _alternatives(source: str, flags: int) -> list[tuple[Sequence[Strings], Any, int]]:
    """Of each alternative of a pattern what it needs, its parsed form and its flags."""
    tree = parser.parse(source, flags)
    flags = tree.state.flags
    several = len(tree) == 1 and tree[0][0] is parsed.BRANCH
    return [(_all(_sequence(one, flags)), one, flags) for one in (tree[0][1][1] if several else [tree])]


def slot(gram: str) -> int:
    """Where a gram of up to three characters is found: its hash of so many bits."""
    key = 0
    for character in gram:
        key = (key * _SPREAD + ord(character) + 1) & 0xFFFFFFFF
    return (key * _SPREAD & 0xFFFFFFFF) >> (32 - _BITS)
