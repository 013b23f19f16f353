"""How well labels stand up to a person's: accuracy and F1, each with its 95 % interval and what it rests on."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from synth.types import LABELS, Label

_Z = 1.959964
_DRAWS = 2_000


@dataclass(frozen=True, slots=True)
class Figure:
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Scores:
    n: int
    accuracy: Figure
    f1_unsafe: Figure | None
    """None where neither side ever says unsafe."""
    f1_safe: Figure | None
    missed: int
    """Unsafe by the person, safe by the panel."""
    alarmed: int
    """The other way round."""


def scores(pairs: Iterable[tuple[Label, Label]]) -> Scores | None:
    """Of pairs of a person's label and the one to be measured; None if there are none."""
    counts = Counter(pairs)
    n = counts.total()
    if not n:
        return None
    return Scores(
        n=n,
        accuracy=wilson(sum(counts[label, label] for label in LABELS), n),
        f1_unsafe=_f1(counts, "unsafe"),
        f1_safe=_f1(counts, "safe"),
        missed=counts["unsafe", "safe"],
        alarmed=counts["safe", "unsafe"],
    )


def wilson(hits: int, n: int) -> Figure:
    """A share and its Wilson interval (Wilson 1927): honest near 0 and 1, and for few rows."""
    share, spread = hits / n, _Z * _Z / n
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return Figure(share, max(0.0, middle - half), min(1.0, middle + half))


def _f1(counts: Counter[tuple[Label, Label]], label: Label) -> Figure | None:
    """F1 hangs on four counts alone, so rows drawn again are a draw of those."""
    others: Label = "safe" if label == "unsafe" else "unsafe"
    hits, missed, alarms = counts[label, label], counts[label, others], counts[others, label]
    n = counts.total()
    if not hits + missed + alarms:
        return None
    shares = [hits / n, (missed + alarms) / n, (n - hits - missed - alarms) / n]
    drawn = np.random.default_rng(0).multinomial(n, shares, size=_DRAWS)
    whole = drawn[drawn[:, 0] + drawn[:, 1] > 0]
    low, high = np.quantile(2 * whole[:, 0] / (2 * whole[:, 0] + whole[:, 1]), [0.025, 0.975])
    return Figure(2 * hits / (2 * hits + missed + alarms), float(low), float(high))
