"""Passages that many rows of one file share: wrappers, openings and closings that say nothing of what a row asks.

A passage is WIDE characters or more, normalised, that stand in LEAST rows and a hundredth of all rows. What is compared of a text is
what its passages leave. They are found once, in all of a file, so they do not move with how many of its rows are used.
"""

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import IO, Any

import numpy as np

from synth.dedup.normalise import Numbers, normalise_all

LEAST = 20
"""The fewest rows that share a passage, and a hundredth of the rows."""
LEFT = 8
"""Where fewer characters are left of a text, what is compared is the whole text."""
TOGETHER = 2
"""Where that few are left, and so many of them stand together, they are what a row asks: it must be the same to the character."""
FILLING = 4
"""So few characters that stand apart from the rest are what a wrapper was filled in with, a name or a number, and are no part of it."""
MOST = 3 / 4
"""Of a passage's rows: so many must ask something beside it, or it is a text that has copies. And where so many have them, fewer
characters at the edge of a text are of the wrapper too."""
SKETCH = 1 << 21
"""Counters, of eight bytes."""
AT_ONCE = 1_000
"""Texts that are taken up together."""
FIRST = 1 << 12
"""Windows that a table has room for at first."""
COUNTED = 1 << 20
"""Windows that are counted exactly at a time, 70 bytes each; where more might be shared, they are counted in parts."""
SHOWN = 40
"""Characters of a passage that are shown."""


@dataclass(frozen=True)
class Template:
    """A passage that many rows of a file share: how many, and its first characters as they are compared."""

    rows: int
    text: str


@dataclass(frozen=True)
class Passages:
    """The passages of a file, and what they leave of any text."""

    templates: Sequence[Template] = ()
    """Those that were found, of most rows first."""
    hash: str = ""
    """Of all windows that make them up."""
    _table: Any = field(default=None, repr=False)
    _edges: Any = field(default=None, repr=False)

    def rest(self, codes: Numbers, ends: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """What is compared of normalised texts: their characters and ends without passages, or whole where little is left;
        and for each whether it is near to its equals alone."""
        if self._table is None:
            return codes, ends, np.zeros(len(ends), np.bool_)
        from synth.dedup import edges_kernel
        from synth.dedup import passages_kernel as kernel

        covered = np.zeros(len(codes), np.int32)
        kernel.cover(self._table, codes, ends, covered)
        edges_kernel.trim(self._edges, codes, ends, covered)
        left, longest = np.zeros(len(ends), np.int64), np.zeros(len(ends), np.int64)
        kernel.pieces(covered, ends, left, longest)
        filled = (left > longest) & (left - longest <= FILLING) & (longest >= LEFT)
        kernel.empty(covered, ends, filled, longest)
        left[filled] = longest[filled]
        sizes = np.diff(ends, prepend=0)
        whole = left < LEFT
        kept = (covered == 0) | np.repeat(whole, sizes)
        strict = whole & (left < sizes) & (longest >= TOGETHER)
        return codes[kept], np.cumsum(np.where(whole, sizes, left)), strict

    def asked(self, texts: Sequence[str]) -> list[str]:
        """Texts without passages, normalised; one that has none, or of which little else is left, as it is."""
        codes, ends = normalise_all(texts)
        rests, after, *_ = self.rest(codes, ends)
        whole = rests.astype("<u4", copy=False).tobytes().decode("utf-32-le")
        found, start = [], 0
        for text, size, end in zip(texts, np.diff(ends, prepend=0).tolist(), after.tolist(), strict=True):
            found.append(text if end - start == size else whole[start:end])
            start = end
        return found


class Finder:
    """Finds the passages of a file whose texts it is given in order. What it has seen it keeps on disk, normalised; memory is
    bounded by a sketch."""

    def __init__(self) -> None:
        self._rows = 0
        self._counts = np.zeros((SKETCH, 2), np.uint32)
        self._spool: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the finder is gone)
        weakref.finalize(self, self._spool.close)
        self._ends: list[Numbers] = []
        self._texts: list[str] = []

    def add(self, texts: Sequence[str]) -> None:
        """Takes up the next rows' texts, among which passages are to be found."""
        self._texts += texts
        if len(self._texts) >= AT_ONCE:
            self._take()

    def _take(self) -> None:
        from synth.dedup import passages_kernel

        codes, ends = normalise_all(self._texts)
        passages_kernel.sketch(self._counts, passages_kernel.Rows(codes, ends, self._rows + 1))
        self._rows += len(ends)
        self._ends.append(ends)
        self._spool.write(codes.tobytes())
        self._texts = []

    def found(self) -> Passages:
        """The passages that enough of the rows share."""
        self._take()
        least = max(LEAST, -(-self._rows // 100))
        if not (self._counts[:, 0] >= least).any():
            return Passages()
        parts, table = 1, None
        while table is None:
            table = self._shared(least, parts)
            parts *= 2
        table = self._wrapping(table)
        if not table.used[0]:
            return Passages()
        templates, edges = self._templates(table, least)
        return Passages(templates, _hash_of(table), table, edges)

    def _shared(self, least: int, parts: int) -> Any:
        """The windows that enough of the rows share, counted exactly in so many parts; None if that takes too much memory."""
        from synth.dedup import passages_kernel as kernel

        shared = _table(kernel, FIRST)
        for part in range(parts):
            sieve, table, first = kernel.Sieve(self._counts, least, part, parts), _table(kernel, FIRST), 1
            for codes, ends in self._chunks():
                begin, rows = 0, kernel.Rows(codes, ends, first)
                while (begin := kernel.tally(table, sieve, rows, begin)) < len(ends):
                    if table.used[0] > COUNTED:
                        return None
                    room = int(ends[begin]) - (int(ends[begin - 1]) if begin else 0)
                    table = _united(kernel, (table, table.rows >= 0), room=2 * (len(table.rows) + room))
                first += len(ends)
            shared = _united(kernel, (shared, shared.rows >= least), (table, table.rows >= least))
        return shared

    def _chunks(self) -> Iterator[tuple[Numbers, Numbers]]:
        self._spool.seek(0)
        for ends in self._ends:
            size = 4 * int(ends[-1]) if len(ends) else 0
            yield np.frombuffer(bytearray(self._spool.read(size)), np.uint32), ends

    def _wrapping(self, table: Any) -> Any:
        """Of windows that rows share those that stand beside something else in most of these: the others are copies of one text."""
        from synth.dedup import passages_kernel as kernel

        asked, last, first = np.zeros(len(table.rows), np.int64), np.zeros(len(table.rows), np.int64), 1
        for codes, ends, covered in self._covered(table):
            left, longest = np.zeros(len(ends), np.int64), np.zeros(len(ends), np.int64)
            kernel.pieces(covered, ends, left, longest)
            kernel.ask(table, kernel.Rows(codes, ends, first), longest, asked, last)
            first += len(ends)
        return _united(kernel, (table, asked >= MOST * table.rows))

    def _templates(self, table: Any, least: int) -> tuple[list[Template], Any]:
        """What is told of the passages, and what stands at the edges of texts that have them."""
        from synth.dedup import edges_kernel
        from synth.dedup import passages_kernel as kernel

        seen, base = kernel.Seen(*(np.zeros(len(table.rows), np.int64) for _ in range(3))), 0
        for codes, ends, covered in self._covered(table):
            kernel.openings(covered, ends, seen, base)
            base += len(codes)
        shared = np.flatnonzero(seen.rows >= least)
        told = [
            Template(int(seen.rows[at]), self._text(int(seen.places[at]), int(seen.lengths[at])))
            for at in shared.tolist()
        ]
        numbers, size = np.full(len(table.rows), -1, np.int64), (2, len(shared), kernel.WIDE - 1)
        numbers[shared] = np.arange(len(shared))
        edges = edges_kernel.Edges(
            numbers, np.zeros((*size, size[2]), np.uint32), *(np.zeros(size[:n], np.int64) for n in (3, 2, 2))
        )
        for codes, ends, covered in self._covered(table):
            edges_kernel.vote(edges, codes, ends, covered)
        edges.votes[:] = 0
        for codes, ends, covered in self._covered(table):
            edges_kernel.poll(edges, codes, ends, covered)
        fixed = (edges.votes >= least) & (edges.votes >= MOST * edges.rows[:, :, None])
        edges.lengths[:] = np.max(fixed * np.arange(1, size[2] + 1), axis=2, initial=0)
        return sorted(told, key=lambda one: (-one.rows, one.text)), edges

    def _covered(self, table: Any) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
        from synth.dedup import passages_kernel

        for codes, ends in self._chunks():
            covered = np.zeros(len(codes), np.int32)
            passages_kernel.cover(table, codes, ends, covered)
            yield codes, ends, covered

    def _text(self, place: int, length: int) -> str:
        self._spool.seek(4 * place)
        text = self._spool.read(4 * min(length, SHOWN)).decode("utf-32-le")
        return f"{text}…" if length > SHOWN else text


def _table(kernel: Any, room: int) -> Any:
    """An empty table with room for so many windows."""
    slots = np.zeros(1 << (2 * room).bit_length(), np.int32)
    windows, rows = np.zeros((room + 1, kernel.WIDE), np.uint32), np.zeros(room + 1, np.int64)
    return kernel.Table(slots, windows, rows, rows.copy(), np.zeros(1, np.int64))


def _united(kernel: Any, *tables: tuple[Any, Numbers], room: int = 0) -> Any:
    """A table of the windows that are to be kept of others, with room for so many at least."""
    kept = [(table, np.flatnonzero(keep[1 : int(table.used[0]) + 1]) + 1) for table, keep in tables]
    used = sum(len(numbers) for _, numbers in kept)
    found, at = _table(kernel, max(room, used + 1)), 1
    for table, numbers in kept:
        for part, of in ((found.windows, table.windows), (found.rows, table.rows), (found.last, table.last)):
            part[at : at + len(numbers)] = of[numbers]
        at += len(numbers)
    found.used[0] = used
    kernel.refile(found)
    return found


def _hash_of(table: Any) -> str:
    """Of a table's windows and of how many rows hold each, whatever their order."""
    used = int(table.used[0])
    lines = sorted(
        window.tobytes() + rows.tobytes()
        for window, rows in zip(table.windows[1 : used + 1], table.rows[1:], strict=False)
    )
    return blake2b(b"".join(lines), digest_size=8).hexdigest()
