"""Of many patterns those alone are run on a text that it gives a chance: which has what they cannot match without (`needs`)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from synth.filters.language.needs import Strings, alternatives_of, compiled_of

_BITS: Final = 16
_SPREAD: Final = 0x9E3779B1


class Lists(NamedTuple):
    """What the kernel reads of a screen: by the hash of a gram its number; and lists of numbers in one array: of each gram the needs
    that it meets, of each need the alternatives to look at, of each alternative its needs, its pattern. Need 0 is always met. The
    first four numbers tell where each begins, the fifth how many needs there are; lists of lists begin with where each of these does."""

    found: "np.ndarray[Any, np.dtype[np.uint16]]"
    numbers: "np.ndarray[Any, np.dtype[np.int64]]"


Word: TypeAlias = "tuple[int, int, Mapping[int, Alternative]]"
"""The place of a word of chances, which of its bits are of a pattern, and by its bit each alternative."""


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

        ends = np.array([*accumulate(map(len, texts))], np.int64)
        codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        out = np.zeros((len(texts), self._words), np.uint64)
        screen(codes, ends, *self._lists, out)
        return Chances(self, texts, out)

    @cached_property
    def _words(self) -> int:
        """Words of 64 bits that tell of a text what it may show: one of the patterns, the rest of their alternatives."""
        return 1 + (sum(len(every) for *_, every in self.known.values()) + 63) // 64

    def whole(self, name: str) -> re.Pattern[str]:
        """A pattern by its name, as one."""
        return _compiled(self._sources[name], self._flags)

    @cached_property
    def known(self) -> Mapping[str, tuple[int, Sequence[Word], Sequence["Alternative"]]]:
        """By name of pattern its bit, the words in which the chances of its alternatives stand, and all of these."""
        found, at = dict[str, tuple[int, Sequence[Word], Sequence[Alternative]]](), 0
        for name, source in self._sources.items():
            every = [Alternative(*one) for one in alternatives_of(source, self._flags)]
            words: dict[int, dict[int, Alternative]] = {}
            for place, one in enumerate(every, start=at):
                words.setdefault(1 + place // 64, {})[1 << place % 64] = one
            found[name] = (self._bits[name], [(word, sum(some), some) for word, some in words.items()], every)
            at += len(every)
        return found

    @cached_property
    def _lists(self) -> Lists:
        needs: dict[Strings, int] = {frozenset(): 0}
        wanted, owners = list[list[int]](), list[int]()
        for owner, (*_, alternatives) in enumerate(self.known.values()):
            for one in alternatives:
                wanted.append(sorted({needs.setdefault(strings, len(needs)) for strings in one.needs}))
                owners.append(owner)
        looked_at = [list[int]() for _ in needs]
        for alternative, due in enumerate(wanted):
            looked_at[due[0] if due else 0].append(alternative)
        met: dict[int, list[int]] = {}
        for strings, need in needs.items():
            for at in {slot(gram) for gram in strings}:
                met.setdefault(at, []).append(need)
        found = np.zeros(1 << _BITS, np.uint16)
        found[[*met]] = np.arange(1, len(met) + 1)
        return Lists(found, _together([[[], *met.values()], looked_at, wanted], owners, len(needs)))


def _together(lists: Sequence[Sequence[Sequence[int]]], owners: Sequence[int], needs: int) -> "np.ndarray[Any, Any]":
    """Lists of lists, and the owners after them, in one array: see `Lists`."""
    numbers, begins = [0, 0, 0, 0, needs], list[int]()
    for several in lists:
        begins.append(len(numbers))
        first = len(numbers) + len(several) + 1
        numbers += [first + size for size in accumulate(map(len, several), initial=0)]
        numbers += [number for some in several for number in some]
    numbers[:4] = [*begins, len(numbers)]
    return np.array([*numbers, *owners], np.int64)


class Chances:
    """Texts, and which patterns of a screen may match them."""

    __slots__ = ("_known", "_rows", "_screen", "may", "texts")

    def __init__(self, screen: Screen, texts: Sequence[str], out: "np.ndarray[Any, np.dtype[np.uint64]]") -> None:
        self._screen, self.texts = screen, texts
        self._known, self._rows = screen.known, out.tolist()
        self.may: Sequence[int] = [row[0] for row in self._rows]
        """For each text the patterns that may match it, as bits; no other does."""

    def finds(self, at: int, name: str) -> bool:
        """Whether a pattern matches anywhere in the text at that place."""
        row, (bit, words, _) = self._rows[at], self._known[name]
        if not row[0] & bit:
            return False
        for word, every, alternatives in words:
            left = row[word] & every
            while left:
                bit = left & -left
                if alternatives[bit].search(self.texts[at]):
                    return True
                left ^= bit
        return False

    def first(self, at: int, name: str) -> re.Match[str] | None:
        """The first match of a pattern in the text at that place."""
        if not self.may[at] & self._known[name][0]:
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
