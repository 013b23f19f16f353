"""A near-duplicate index over vectors, and one that asks n-grams first and vectors then.

The true cosine decides, by blocks of a matrix product: exact, and bounded in memory by the kept vectors (256 numbers are a kilobyte).
"""

from array import array
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from synth.dedup.index import Index, Near
from synth.dedup.normal import Numbers
from synth.errors import ConfigError

Embed: TypeAlias = Callable[[Sequence[str]], Numbers]
"""A row of float32 for each text."""

BLOCK = 8_192
"""Kept vectors that are compared with at a time."""
_SLACK = 1e-6
"""What a cosine in float32 may be off by: equal vectors are near at a threshold of 1."""


class Vectors:
    """Kept vectors, counted as rows in order. One may be of a family, which is exempt from itself only."""

    def __init__(self, *, threshold: float) -> None:
        self.threshold = threshold
        self._least = threshold - _SLACK
        self._blocks: list[tuple[Numbers, Numbers]] = []
        """Vectors and the numbers of their families; all blocks but the last are full."""
        self._rows = 0
        self._known: dict[str, int] = {}

    def __len__(self) -> int:
        return self._rows

    def admit_all(self, vectors: Numbers, families: Sequence[str | None] | None = None) -> list[Near | None]:
        """For each vector in turn the earliest kept one at or over the threshold; one that is near to none is kept."""
        if self._blocks and vectors.shape[1] != self._blocks[0][0].shape[1]:
            raise ConfigError(
                f"vectors of {vectors.shape[1]} numbers after ones of {self._blocks[0][0].shape[1]}; use one model"
            )
        known = self._known
        of = [-1 if family is None else known.setdefault(family, len(known)) for family in families or ()]
        kinds = np.array(of or [-1] * len(vectors), np.int64)
        unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        found: list[Near | None] = [None] * len(unit)
        left = np.arange(len(unit))
        for number, (block, of_block) in enumerate(self._blocks):
            alike = unit[left] @ block.T
            rows, columns = np.nonzero(self._near(alike, kinds[left], of_block))
            rows, first = np.unique(rows, return_index=True)
            for row, column in zip(rows.tolist(), columns[first].tolist(), strict=True):
                found[left[row]] = Near(number * BLOCK + column, min(1.0, float(alike[row, column])), "meaning")
            left = np.delete(left, rows)
        self._admit(unit, kinds, left, found)
        return found

    def _near(self, alike: Numbers, kinds: Numbers, of_kept: Numbers) -> Numbers:
        near = alike >= self._least
        if (of_kept >= 0).any():
            near &= (kinds[:, None] != of_kept[None, :]) | (kinds < 0)[:, None]
        return near

    def _admit(self, unit: Numbers, kinds: Numbers, left: Numbers, found: list[Near | None]) -> None:
        """Compares those with one another that are near to nothing kept so far."""
        alike = unit[left] @ unit[left].T
        near = np.tril(self._near(alike, kinds[left], kinds[left]), -1)
        kept, rank = np.ones(len(left), bool), np.zeros(len(left), np.int64)
        for at in np.flatnonzero(near.any(axis=1)).tolist():
            earlier = np.flatnonzero(near[at] & kept)
            kept[at] = not len(earlier)
        rank[kept] = self._rows + np.arange(int(kept.sum()))
        for at in np.flatnonzero(~kept).tolist():
            to = int(np.flatnonzero(near[at] & kept)[0])
            found[left[at]] = Near(int(rank[to]), min(1.0, float(alike[at, to])), "meaning")
        self._keep(unit[left[kept]], kinds[left[kept]])

    def _keep(self, unit: Numbers, kinds: Numbers) -> None:
        self._rows += len(unit)
        if self._blocks and len(self._blocks[-1][0]) < BLOCK:
            last, of_last = self._blocks.pop()
            unit, kinds = np.concatenate([last, unit]), np.concatenate([of_last, kinds])
        for at in range(0, len(unit), BLOCK):
            self._blocks.append((np.ascontiguousarray(unit[at : at + BLOCK]), kinds[at : at + BLOCK]))


class Cascade:
    """N-grams first, then the meaning of what they keep: what an `Index` of the texts kept in the end would say."""

    def __init__(self, near: Index, far: Vectors, embed: Embed) -> None:
        self._near, self._far, self._embed = near, far, embed
        self._stands = array("q")
        """For each row of `near` the row it came to: its own, or the one whose meaning it has."""

    def admit_all(self, texts: Sequence[str], families: Sequence[str | None] | None = None) -> list[Near | None]:
        """`Index.admit_all`, by both."""
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
