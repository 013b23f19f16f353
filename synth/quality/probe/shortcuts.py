"""Shortcuts: what alone gives the label away, of a row's make-up and of its n-grams."""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from synth.dedup.normalise import Numbers
from synth.filters.language.response_class import response_class
from synth.quality.probe import grams
from synth.quality.probe.pairs import Pair
from synth.sanitize import for_terminal
from synth.types import MARK

SHOWN = 10
"""N-grams each way."""


@dataclass(frozen=True, slots=True)
class Feature:
    """How much one feature of a row's make-up, as the length of its answer, says of its label."""

    name: str
    explained: float
    """Of what is left when all rows get the label that most have, the share that the feature puts right (Goodman and Kruskal's
    lambda)."""


@dataclass(frozen=True, slots=True)
class Gram:
    """A character n-gram that gives the label away: how a probe's model weighs it, and how many rows hold it."""

    text: str
    where: str
    """`query` or `response`."""
    weight: float
    """Above 0 it speaks for unsafe."""
    safe: int
    unsafe: int
    """Rows that hold it, by label."""
    explained: float

    @property
    def shown(self) -> str:
        """A shortcut's n-gram in quotes, harmless in a line of a terminal."""
        return f"'{for_terminal(self.text).replace(chr(10), '⏎')}'"


def features(pairs: Sequence[Pair]) -> list[Feature]:
    """How much of a shortcut to the label each feature of a row's make-up (lengths, class of answer, attack) is, the
    most telling first; those alone that these rows have."""
    told: dict[str, Callable[[Pair], Hashable]] = {
        f"{MARK} in the answer": lambda pair: MARK in pair.response,
        "length of the answer": lambda pair: _scale(pair.response),
        "length of the query": lambda pair: _scale(pair.query),
    }
    if any(pair.response for pair in pairs):
        told["response_class"] = class_of
    if any(pair.attack for pair in pairs):
        told["attack"] = lambda pair: pair.attack is not None
    found = [Feature(name, _lambda(pairs, of)) for name, of in told.items()]
    return sorted(found, key=lambda feature: -feature.explained)


def class_of(pair: Pair) -> str:
    """The class of a pair's answer (refusal, compliance …), which may be a shortcut: as its row says, else by the rule
    `response_class`."""
    return pair.response_class or response_class(pair.response)


def telling(pairs: Sequence[Pair], seen: grams.Rows, weights: Numbers) -> tuple[list[Gram], list[Gram], Gram | None]:
    """The shortcuts among character n-grams: those that speak most for unsafe and for safe, by a probe's weights and by
    the rows that hold them, and the one that alone explains most. Only those count that stand in five rows and in one
    of a hundred."""
    unsafe = np.array([pair.unsafe for pair in pairs])
    bad, good = (seen[which].getnnz(axis=0).astype(np.int64) for which in (unsafe, ~unsafe))
    common = np.flatnonzero(bad + good >= max(5, len(pairs) // 100))
    if not len(common):
        return [], [], None
    bads, goods = int(unsafe.sum()), int((~unsafe).sum())
    right = np.maximum(bad, good)[common] + np.maximum(bads - bad, goods - good)[common]
    explained = (right - max(bads, goods)) / min(bads, goods)
    # An n-gram that stands everywhere may weigh much, and gives nothing away.
    tells = weights[common] * (bad[common] / (bad + good)[common] - bads / len(pairs))
    order = np.argsort(-tells, kind="stable")
    heavy = [order[(tells[order] > 0) & (weights[common][order] * sign > 0)][: 10 * SHOWN] for sign in (1, -1)]
    best = int(np.argmax(explained))
    texts = _texts(pairs, {int(common[at]) for at in [best, *heavy[0], *heavy[1]]})
    made = {
        at: Gram(*texts[column], float(weights[column]), int(good[column]), int(bad[column]), float(explained[at]))
        for at in {best, *heavy[0].tolist(), *heavy[1].tolist()}
        if (column := int(common[at])) in texts
    }
    for_unsafe, for_safe = (_apart([made[at] for at in part.tolist() if at in made]) for part in heavy)
    return for_unsafe, for_safe, made[best]


def _scale(text: str) -> int:
    """Lengths within a factor of 1.4 are one."""
    return int(2 * math.log2(len(text) + 1))


def _lambda(pairs: Sequence[Pair], of: Callable[[Pair], Hashable]) -> float:
    counts = Counter((of(pair), pair.unsafe) for pair in pairs)
    right = sum(max(counts[value, True], counts[value, False]) for value in {value for value, _ in counts})
    bad = sum(pair.unsafe for pair in pairs)
    larger, left = max(bad, len(pairs) - bad), min(bad, len(pairs) - bad)
    return (right - larger) / left


def _texts(pairs: Sequence[Pair], columns: AbstractSet[int]) -> dict[int, tuple[str, str]]:
    """The n-gram of each column, and whether it is of queries or of answers."""
    found: dict[int, tuple[str, str]] = {}
    for at, where in enumerate(("query", "response")):
        buckets = [column - (at << grams.BITS) for column in columns if column >> grams.BITS == at]
        spelled = grams.spelled([getattr(pair, where) for pair in pairs], buckets)
        found |= {bucket + (at << grams.BITS): (text, where) for bucket, text in spelled.items()}
    return found


def _apart(found: Sequence[Gram]) -> list[Gram]:
    """The first of them, without those that are part of one before or hold it: they say the same again."""
    kept: list[Gram] = []
    for gram in found:
        if not any(gram.where == one.where and (gram.text in one.text or one.text in gram.text) for one in kept):
            kept.append(gram)
    return kept[:SHOWN]
