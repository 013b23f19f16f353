"""Of many patterns those alone are run on a text that it gives a chance: which has what they cannot match without (`needs`)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate
from typing import Any, Final, NamedTuple

import numpy as np

from synth.filters.language.needs import Strings, alternatives_of, compiled_of

_BITS: Final = 16
_SPREAD: Final = 0x9E3779B1


class Tables(NamedTuple):
    """What the kernel reads of a screen: the row of `masks` of each gram, by its hash; for each alternative the bits in a row that
    it needs, `wanted` from its number in `firsts` on, and the number of the pattern whose it is."""

    found: "np.ndarray[Any, np.dtype[np.uint16]]"
    masks: "np.ndarray[Any, np.dtype[np.uint64]]"
    firsts: "np.ndarray[Any, np.dtype[np.int64]]"
    owners: "np.ndarray[Any, np.dtype[np.int64]]"
    wanted: "np.ndarray[Any, np.dtype[np.int64]]"


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
        from synth.filters.language.screen_kernel import screen

        ends = np.fromiter(accumulate(map(len, texts)), np.int64, len(texts))
        codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        out = np.zeros((len(texts), 1 + (len(self._tables.owners) + 63) // 64), np.uint64)
        screen(codes, ends, self._tables, out)
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
                1 << first + after: Alternative(*one) for after, one in enumerate(alternatives_of(source, self._flags))
            }
            found[name] = (self._bits[name], 8 + at // 8, 8 + (at + len(some) + 7) // 8, sum(some), some)
            at += len(some)
        return found

    @cached_property
    def _tables(self) -> Tables:
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
        return Tables(found, masks, *(np.array(one, np.int64) for one in (firsts, owners, wanted)))


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
        search: Callable[[str], Any] = compiled_of(self.tree, self.flags).search
        return search


@cache
def _compiled(source: str, flags: int) -> re.Pattern[str]:
    return re.compile(source, flags)


def slot(gram: str) -> int:
    """Where a gram of up to three characters is found: its hash of so many bits."""
    key = 0
    for character in gram:
        key = (key * _SPREAD + ord(character) + 1) & 0xFFFFFFFF
    return (key * _SPREAD & 0xFFFFFFFF) >> (32 - _BITS)
