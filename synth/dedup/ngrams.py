"""An exact near-duplicate index, one text at a time or many at once: the true Jaccard of shingles decides, nothing else.

The loops stand in `kernel`; this holds their arrays and makes room in them. A text of 40 characters takes about 0.5 KiB.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from synth.dedup.gist import gists
from synth.dedup.normalise import Numbers, normalise, normalise_all
from synth.dedup.passages import Passages

_STEP = 4
"""Ranks follow frequency. They are dealt anew whenever the index has grown by this factor, which costs about a tenth of the time
and makes prefixes rarer by half than ranks by first sight alone."""
_FIRST = 1_000


@dataclass(frozen=True, slots=True)
class Near:
    """What a near-duplicate is nearly the same as: the earliest kept text at or over the threshold, by number, and how like
    it is (0 to 1)."""

    row: int
    similarity: float
    by: Literal["ngrams", "meaning"] = "ngrams"


class Index:
    """An exact near-duplicate index of texts by character n-grams (true Jaccard). A text may be of a family, which is
    exempt from itself only. Texts of at most `short` characters are near to those of the same gist alone, and `passages`
    that many rows share are left out of what is compared."""

    def __init__(self, *, ngram: int, threshold: float, short: int = 0, passages: Passages | None = None) -> None:
        from synth.dedup import lists_kernel, ngrams_kernel, search_kernel

        self.ngram, self.threshold = ngram, threshold
        self._short, self._passages = short, passages
        self._kernel, self._search = ngrams_kernel, search_kernel
        self._families: dict[str, int] = {}
        self._reorder_at = _FIRST
        self._store = search_kernel.Store(
            table=np.zeros(1 << 12, np.int64),
            lists=lists_kernel.Lists(np.zeros(1 << 11, np.int32), np.zeros(1 << 13, np.int64), np.zeros(64, np.int64)),
            starts=np.zeros(1 << 8, np.int64),
            tokens=np.zeros(1 << 12, np.int32),
            sketches=np.zeros(1 << 8, np.int64),
            families=np.zeros(1 << 8, np.int32),
            used=np.zeros(6, np.int64),
            ranks=np.zeros(1 << 8, np.int64),
            picked=np.zeros(4 * search_kernel.BLOCK, np.int64),
        )

    def __len__(self) -> int:
        return int(self._store.used[self._search.ROWS])

    def find(self, text: str, family: str | None = None) -> Near | None:
        """The earliest kept text that this one nearly repeats in n-grams, those of `family` left out; None if there is
        none. The text is not kept."""
        number = -1 if family is None else self._families.get(family, -1)
        return self._run(*_one(text), [number], look=True, keep=self._kernel.NEVER)[0]

    def admit(self, text: str, family: str) -> Near | None:
        """The earliest kept text that this one nearly repeats in n-grams; a text that repeats none is kept, and None
        given."""
        number = self._families.setdefault(family, len(self._families))
        return self._run(*_one(text), [number], look=True, keep=self._kernel.IF_UNHEARD)[0]

    def add(self, text: str, family: str) -> None:
        """Keeps a text in the near-duplicate index of n-grams, whatever it is near to."""
        number = self._families.setdefault(family, len(self._families))
        self._run(*_one(text), [number], look=False, keep=self._kernel.ALWAYS)

    def admit_all(self, texts: Sequence[str], families: Sequence[str | None] | None = None) -> list[Near | None]:
        """For each text in turn the earliest kept one that it nearly repeats in n-grams, as `admit` gives it;
        `families` are the family of each, or None."""
        known = self._families
        numbers = [-1 if family is None else known.setdefault(family, len(known)) for family in families or ()]
        return self._run(*normalise_all(texts), numbers or [-1] * len(texts), look=True, keep=self._kernel.IF_NEW)

    def add_all(self, texts: Sequence[str]) -> None:
        """Keeps all of the texts in the near-duplicate index of n-grams, whatever they are near to."""
        self._run(*normalise_all(texts), [-1] * len(texts), look=False, keep=self._kernel.ALWAYS)

    def grow(self, characters: int) -> None:
        """Makes room in the n-gram index for a text of so many characters more, and deals its ranks anew: it does so itself where it
        must."""
        self._make_room(characters)
        self._reorder()

    def _run(self, codes: Numbers, ends: Numbers, families: list[int], *, look: bool, keep: int) -> list[Near | None]:
        kernel, done = self._kernel, 0
        codes, ends, lone = self._compared(codes, ends)
        texts = kernel.Texts(codes, ends, np.array(families, np.int32), lone)
        out = np.full((len(ends), 3), -1, np.int64)
        while True:
            task = kernel.Task(done, look, keep, self.ngram, self.threshold)
            done = int(kernel.run(self._store, texts, task, out))
            if done == len(ends):
                break
            self._make_room(int(ends[done]) - (int(ends[done - 1]) if done else 0))
        return [Near(row, shared / union) if row >= 0 else None for row, shared, union in out.tolist()]

    def _compared(self, codes: Numbers, ends: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Of normalised texts what is compared, and which of them are near to their equals alone."""
        lone = np.zeros(len(ends), np.bool_)
        if self._passages is not None:
            codes, ends, lone = self._passages.rest(codes, ends)
        if self._short:
            codes, ends, said = gists(codes, ends, lone, self._short)
            lone = lone | said
        return codes, ends, lone

    def _make_room(self, length: int) -> None:
        """For one more text of that length at least."""
        if len(self) >= self._reorder_at:
            self._reorder_at *= _STEP
            self._reorder()
        store = self._store
        grams, parts, rows, tokens, wanted, _ = store.used.tolist()
        grams, table = grams + parts + max(1, self.ngram - 2) * length + 1, store.table
        lists = store.lists
        if 4 * grams >= len(table):
            table = np.zeros(1 << (4 * grams).bit_length(), np.int64)
            self._kernel.rehash(store.table, table)
        self._store = store._replace(
            table=table,
            lists=lists._replace(
                heads=_enlarged(lists.heads, 2 * grams), cells=_enlarged(lists.cells, int(lists.spare[-1]) + wanted)
            ),
            starts=_enlarged(store.starts, rows + 2),
            tokens=_enlarged(store.tokens, tokens + length),
            sketches=_enlarged(store.sketches, rows + 1),
            families=_enlarged(store.families, rows + 1),
            ranks=_enlarged(store.ranks, length),
        )

    def _reorder(self) -> None:
        store = self._store
        grams, _, rows, tokens, _, _ = store.used.tolist()
        order = np.empty(grams, np.int64)
        order[np.argsort(-np.bincount(store.tokens[:tokens], minlength=grams), kind="stable")] = np.arange(grams)
        sizes = np.diff(store.starts[: rows + 1])
        postings = int(np.sum(sizes - np.ceil(self.threshold * sizes * self._search.SLACK) + 1))
        # A place is at most half larger than its list.
        if len(store.lists.cells) < 3 * postings // 2 + grams:
            self._store = store = store._replace(lists=store.lists._replace(cells=np.empty(0, np.int64)))
            cells = np.zeros(3 * postings // 2 + grams, np.int64)
            self._store = store._replace(lists=store.lists._replace(cells=cells))
        self._kernel.reorder(self._store, order, self.ngram, self.threshold)


def _one(text: str) -> tuple[Numbers, Numbers]:
    # An array of our own: numba would compile everything a second time for one that is read-only.
    codes = np.frombuffer(bytearray(normalise(text).encode("utf-32-le")), np.uint32)
    return codes, np.array([len(codes)])


def _enlarged(array: Numbers, least: int) -> Numbers:
    """The array with room for more than `least`: half as much again, so that copying stays rare."""
    if least < len(array):
        return array
    larger = np.zeros(max(least + 1, len(array) * 3 // 2), array.dtype)
    larger[: len(array)] = array
    return larger
