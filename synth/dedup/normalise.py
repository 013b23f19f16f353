"""What two texts must share to count as the same: characters, with script, width, case, spaces and punctuation folded away."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from opencc import OpenCC

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

_MARK = "\ufffe"
"""Stands for a character whose folding hangs on its neighbours. Itself it folds to nothing, so no folded text holds it."""
_UNSEEN, _LONG = 0xFFFFFFFF, 0xFFFFFFFE
"""In the table by code point: not asked for yet; not one character."""


def normalise(text: str) -> str:
    """The text as near-duplicates are compared by: NFKC, case folded, traditional characters as simplified ones, letters
    and digits only."""
    folded = text.translate(_folds())
    return _fold(text) if _MARK in folded else folded


def shingles(text: str, n: int) -> set[str]:
    """A text normalised, then cut into the set of its character n-grams; a shorter text is one shingle, a text of
    nothing has none."""
    text = normalise(text)
    if len(text) < n:
        return {text} if text else set()
    return {text[i : i + n] for i in range(len(text) - n + 1)}


def jaccard(a: set[str], b: set[str]) -> float:
    """The Jaccard similarity of two normalised texts' sets of shingles, |a and b| / |a or b|; 0 for two empty sets."""
    return len(a & b) / len(a | b) if a or b else 0.0


def normalise_all(texts: Sequence[str]) -> tuple[Numbers, Numbers]:
    """Texts normalised, as one array of code points, and where each of them ends in it."""
    codes, ends = _codes(texts)
    folded = _folded(codes)
    long = np.unique(np.searchsorted(ends, np.flatnonzero(folded == _LONG), side="right"))
    if len(long):
        # Texts with a character that is not one character folded are normalised by themselves, then left as they are.
        texts = list(texts)
        for number in long.tolist():
            texts[number] = normalise(texts[number])
        codes, ends = _codes(texts)
        done = np.zeros(len(texts), bool)
        done[long] = True
        folded = np.where(np.repeat(done, np.diff(ends, prepend=0)), codes, _folded(codes))
    kept = folded != 0
    return folded[kept], np.concatenate([[0], np.cumsum(kept)])[ends]


def _codes(texts: Sequence[str]) -> tuple[Numbers, Numbers]:
    joined = "".join(texts).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(joined, np.uint32), np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))


def _folded(codes: Numbers) -> Numbers:
    """For each code point the one it folds to; 0 if to nothing, `_LONG` if not to one."""
    known, folds = _known(), _folds()
    folded = known[codes]
    unseen = codes[folded == _UNSEEN]
    if not len(unseen):
        return folded
    for code in set(unseen.tolist()):
        to = folds[code]
        known[code] = 0 if not to else ord(to) if len(to) == 1 and to != _MARK else _LONG
    return known[codes]


class _Folds(dict[int, str]):
    """What each code point folds to, found out as they come."""

    def __missing__(self, code: int) -> str:
        self[code] = _MARK if _joins(chr(code)) else _fold(chr(code))
        return self[code]


@cache
def _folds() -> _Folds:
    return _Folds()


@cache
def _known() -> Numbers:
    """`_Folds` as an array."""
    return np.full(0x110000, _UNSEEN, np.uint32)


def _joins(character: str) -> bool:
    """Whether NFKC may join it to a character before it, or move it: marks, and the vowels and finals of Hangul."""
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.category(first)[0] == "M" or "\u1160" <= first <= "\u11ff"


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(_simplified(c) for c in folded if unicodedata.category(c)[0] in "LN")


def _simplified(character: str) -> str:
    """By OpenCC's table of characters: a text is compared, not read, so its words do not matter."""
    return character if character < "\u2e80" else str(_opencc().convert(character))


@cache
def _opencc() -> "OpenCC":
    from opencc import OpenCC

    return OpenCC("t2s")
