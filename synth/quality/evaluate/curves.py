"""What a guard's probabilities are worth: how well they part unsafe rows from safe ones, and whether they mean what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

BINS: Final = 10
"""Equal parts of 0 to 1 over which the calibration error is taken."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which probability on a row is called unsafe, so that at most a chosen share of the safe rows is."""

    chosen: float
    """The share of safe rows that may be called unsafe."""
    value: float | None
    """The probability; None where no row could be called unsafe."""
    alarms: float
    recall: float


@dataclass(frozen=True, slots=True)
class Curve:
    """What a guard's probabilities of unsafe are worth on the rows that have one."""

    n: int
    """Rows with a probability and a label."""
    missing: int
    """Rows without a probability: no verdict among the tokens, or nothing told of them."""
    auroc: float
    auprc: float
    """The average precision."""
    ece: float
    """How far the probabilities are from the shares of unsafe rows, on average (expected calibration error)."""
    threshold: Threshold


def curve(pairs: Sequence[tuple[bool, float | None]], chosen: float) -> Curve | None:
    """What probabilities are worth, over pairs of a row's label (whether unsafe) and its probability. `chosen` is the share of safe
    rows that the threshold may call unsafe. None where either label has no probability."""
    known = [(unsafe, score) for unsafe, score in pairs if score is not None]
    if len({unsafe for unsafe, _ in known}) < 2:
        return None
    from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

    truth, scores = np.array([unsafe for unsafe, _ in known]), np.array([score for _, score in known], dtype=float)
    alarms, recalls, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    at = int(np.flatnonzero(alarms <= chosen + 1e-12)[-1])
    value = float(thresholds[at]) if np.isfinite(thresholds[at]) else None
    return Curve(
        n=len(known),
        missing=len(pairs) - len(known),
        auroc=float(roc_auc_score(truth, scores)),
        auprc=float(average_precision_score(truth, scores)),
        ece=_ece(truth, scores),
        threshold=Threshold(chosen, value, float(alarms[at]), float(recalls[at])),
    )


def _ece(
    truth: "np.ndarray[tuple[int], np.dtype[np.bool_]]", scores: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> float:
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    off = [abs(float(scores[bins == one].sum()) - float(truth[bins == one].sum())) for one in np.unique(bins)]
    return sum(off) / len(scores)
