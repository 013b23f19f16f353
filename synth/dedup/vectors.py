"""A near-duplicate index over vectors, and one that asks n-grams first and vectors then.

The true cosine decides: exact, and bounded in memory by the kept vectors, a byte a number. Work grows with their number squared.
"""

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from synth.dedup.ngrams import Index, Near
from synth.errors import ConfigError
from synth.vector import Embed, Numbers, rounded

_SLACK = 1e-6
"""What rounding may take from a cosine: equal vectors are near at a threshold of 1."""


class Vectors:
    """A near-duplicate index of vectors in eight bits (true cosine), counted as rows in order. One may be of a family,
    which is exempt from itself only."""

    def __init__(self, *, threshold: float) -> None:
        from synth.dedup import vectors_kernel

        self._cosine = vectors_kernel
        self.threshold = threshold
        self._rows = 0
        self._kept: vectors_kernel.Rows | None = None
        self._known: dict[str, int] = {}

    def __len__(self) -> int:
        return self._rows

    def admit_all(self, vectors: Numbers, families: Sequence[str | None] | None = None) -> list[Near | None]:
        """For each of these vectors in turn the earliest kept one at or over the threshold of cosine; one that is near
        to none is kept. Vectors that are not of int8 are rounded to it. ConfigError if they have not as many numbers as
        those kept."""
        return self._run(self._task(vectors, families, looks=True))

    def fits(self, vector: Numbers) -> bool:
        """Whether a vector has as many numbers as those kept before it."""
        return self._kept is None or vector.shape[-1] == self._kept.vectors.shape[1]

    def find(self, vector: Numbers, family: str) -> Near | None:
        """The earliest kept vector that this one is near to, those of `family` left out; None if there is none. The vector
        is not kept."""
        if self._kept is None or not self.fits(vector):
            return None
        task = self._task(vector[None], [family], looks=True)
        self._cosine.look(self._kept, 0, self._rows, task, 0)
        return _found(task)[0]

    def admit(self, vector: Numbers, family: str) -> Near | None:
        """The earliest kept vector that this one is near to; a vector near to none is kept, and None given."""
        return self.admit_all(vector[None], [family])[0]

    def add(self, vector: Numbers, family: str) -> None:
        """Keeps a vector in the near-duplicate index, whatever it is near to."""
        self._run(self._task(vector[None], [family], looks=False))

    def _run(self, task: Any) -> list[Near | None]:
        self._rows = int(self._cosine.run(self._with_room(task.new), self._rows, task))
        return _found(task)

    def _task(self, vectors: Numbers, families: Sequence[str | None] | None, *, looks: bool) -> Any:
        new = self._rows_of(vectors if vectors.dtype == np.int8 else rounded(vectors), families)
        near, cosines = np.full(len(vectors), -1, np.int64), np.zeros(len(vectors))
        return self._cosine.Task(new, self.threshold - _SLACK, looks, near, cosines)

    def _rows_of(self, vectors: Numbers, families: Sequence[str | None] | None) -> Any:
        known = self._known
        of = [-1 if family is None else known.setdefault(family, len(known)) for family in families or ()]
        squares = vectors.astype(np.int64) ** 2
        return self._cosine.Rows(
            vectors,
            np.sqrt(squares.sum(axis=1)),
            np.sqrt(squares[:, vectors.shape[1] // 4 :].sum(axis=1)),
            np.array(of or [-1] * len(vectors), np.int32),
        )

    def _with_room(self, new: Any) -> Any:
        """The kept rows, with room for the new ones too."""
        if self._kept is None:
            self._kept = self._cosine.Rows(*(part[:0] for part in new))
        if not self.fits(new.vectors):
            sizes = (each.vectors.shape[1] for each in (new, self._kept))
            raise ConfigError("vectors of {} numbers after ones of {}; use one model".format(*sizes))
        if (wanted := self._rows + len(new.vectors)) > len(self._kept.vectors):
            size = max(wanted, 3 * len(self._kept.vectors) // 2)
            self._kept = self._cosine.Rows(*(_enlarged(part[: self._rows], size) for part in self._kept))
        return self._kept


def _found(task: Any) -> list[Near | None]:
    return [
        Near(row, min(1.0, vectors_kernel), "meaning") if row >= 0 else None
        for row, vectors_kernel in zip(task.near.tolist(), task.cosines.tolist(), strict=True)
    ]


def _enlarged(part: Numbers, size: int) -> Numbers:
    found = np.zeros((size, *part.shape[1:]), part.dtype)
    found[: len(part)] = part
    return found


class Cascade:
    """A near-duplicate index that asks n-grams first, then the meaning of what they keep: what an `Index` of the texts kept
    in the end would say."""

    def __init__(self, near: Index, far: Vectors, embed: Embed) -> None:
        self._near, self._far, self._embed = near, far, embed
        self._stands = array("q")
        """For each row of `near` the row it came to: its own, or the one whose meaning it has."""

    def admit_all(self, texts: Sequence[str], families: Sequence[str | None] | None = None) -> list[Near | None]:
        """For each text in turn the earliest kept one that it nearly repeats, in n-grams or in meaning; one that repeats
        none is kept."""
        found = self._near.admit_all(texts, families)
        fresh = [at for at, near in enumerate(found) if near is None]
        if not fresh:
            return [near and Near(self._stands[near.row], near.similarity) for near in found]
        kept = len(self._far)
        vectors = self._embed([texts[at] for at in fresh])
        meant = dict(
            zip(fresh, self._far.admit_all(vectors, [families[at] for at in fresh] if families else None), strict=True)
        )
        for at, near in enumerate(found):
            if near is not None:
                found[at] = Near(self._stands[near.row], near.similarity)
            elif (other := meant[at]) is not None:
                self._stands.append(other.row)
                found[at] = other
            else:
                self._stands.append(kept)
                kept += 1
        return found
