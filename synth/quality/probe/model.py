"""A linear model over n-grams: trained, tried on what was held out, and how sure one may be of what came out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from synth.dedup.normalise import Numbers
from synth.hashing import unit
from synth.quality.probe.grams import Rows, rows
from synth.quality.probe.pairs import Pair

if TYPE_CHECKING:
    from sklearn.linear_model import SGDClassifier

View: TypeAlias = Literal["query", "response", "both"]
FOLDS = 5
_STEPS = 100_000
"""Rows a model sees in all at least: a small run is gone over more often than a large one."""
_Z = 1.96
_SURE = 2.58


@dataclass(frozen=True, slots=True)
class Rate:
    """How many rows of how many a probe's model says something of, with a 95 % interval (Wilson's) in which rows of one
    root query, being alike, count as fewer."""

    of: int
    count: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share of rows, 0 to 1, of which a probe's model says what this rate counts."""
        return self.count / self.of


@dataclass(frozen=True, slots=True)
class Auc:
    """How well a probe's model orders rows that were held out: the chance that an unsafe one stands above a safe one, with a
    99 % interval (Hanley and McNeil's) in which rows of one root query are one."""

    value: float
    low: float
    high: float


def seen(pairs: Sequence[Pair]) -> Rows:
    """The matrix of what a probe's model sees of labelled pairs: the n-grams of the query, then those of the answer."""
    return side_by_side(rows([pair.query for pair in pairs]), rows([pair.response for pair in pairs]))


def side_by_side(queries: Rows, responses: Rows) -> Rows:
    """One matrix for a probe's model out of two: the n-grams of each query, then those of its answer."""
    from scipy.sparse import hstack

    return hstack([queries, responses], format="csr")


def trained(features: Rows, unsafe: Numbers) -> "SGDClassifier":
    """A probe's model, trained: logistic regression by stochastic gradient descent, the same at every call."""
    from sklearn.linear_model import SGDClassifier

    rounds = max(5, min(30, _STEPS // max(1, len(unsafe))))
    model = SGDClassifier(
        loss="log_loss", alpha=1e-5, max_iter=rounds, tol=None, random_state=0, class_weight="balanced"
    )
    return model.fit(features, unsafe)


def scores(features: Rows, unsafe: Numbers, roots: Sequence[str]) -> Numbers:
    """For each row how far a probe's model that was trained without its root query holds it for unsafe, above 0 if it says so;
    nan where it was not asked, since of many rows only a fold is."""
    folds = np.array([int(unit(root, "fold") * FOLDS) for root in roots])
    said = np.full(len(unsafe), np.nan)
    for fold in range(max(1, min(FOLDS, _STEPS // 4 // max(1, len(roots))))):
        out = folds == fold
        if out.any() and len(np.unique(unsafe[~out])) == 2:
            said[out] = trained(features[~out], unsafe[~out]).decision_function(features[out])
    return said


def held_out(features: Rows, unsafe: Numbers, roots: Sequence[str]) -> Numbers:
    """For each row what a probe's model says that was trained without its root query: 1 unsafe, 0 safe, -1 not asked."""
    return said(scores(features, unsafe, roots))


def said(scored: Numbers) -> Numbers:
    """What a probe's model says by its scores: 1 unsafe, 0 safe, -1 not asked."""
    return np.where(np.isnan(scored), -1, scored > 0).astype(int)


def auc(scored: Numbers, unsafe: Numbers, roots: Sequence[str]) -> Auc | None:
    """How well a probe's scores order rows that were held out by their label; None where those have one label."""
    from sklearn.metrics import roc_auc_score

    asked = np.flatnonzero(~np.isnan(scored))
    told, of = unsafe[asked], [roots[at] for at in asked.tolist()]
    if len(np.unique(told)) < 2:
        return None
    value = float(roc_auc_score(told, scored[asked]))
    bad, good = (len({root for root, label in zip(of, told.tolist(), strict=True) if label == one}) for one in (1, 0))
    twice = value / (2 - value), 2 * value**2 / (1 + value)
    spread = value * (1 - value) + (bad - 1) * (twice[0] - value**2) + (good - 1) * (twice[1] - value**2)
    margin = _SURE * math.sqrt(max(0.0, spread) / (bad * good))
    return Auc(value, max(0.0, value - margin), min(1.0, value + margin))


def rate(hits: Numbers, roots: Sequence[str]) -> Rate:
    """How often a probe's model says something, as a share of rows (one at least): where `hits` holds 1 and not 0, with
    an interval that knows which root query each is of."""
    n, share = len(hits), float(hits.mean())
    numbers: dict[str, int] = {}
    of = np.array([numbers.setdefault(root, len(numbers)) for root in roots])
    off = np.bincount(of, weights=hits - share)
    spread, alone = float(off @ off), n * share * (1 - share)
    # Rows of one root agree: as many independent ones as would vary so much (the design effect of a cluster sample).
    effective = n / max(1.0, spread / alone) if alone else float(len(numbers))
    middle = share + _Z**2 / (2 * effective)
    margin = _Z * math.sqrt(share * (1 - share) / effective + _Z**2 / (4 * effective**2))
    low, high = ((middle + sign * margin) / (1 + _Z**2 / effective) for sign in (-1, 1))
    return Rate(n, int(hits.sum()), max(0.0, low), min(1.0, high))


def f1(unsafe: Numbers, said: Numbers, of: int) -> float | None:
    """F1 of a label (1 unsafe, 0 safe) in what a probe's model says; None where no row has it and none is said to."""
    both = int(((unsafe == of) & (said == of)).sum())
    either = int((unsafe == of).sum() + (said == of).sum())
    return 2 * both / either if either else None
