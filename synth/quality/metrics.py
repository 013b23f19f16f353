"""How well labels stand up to a person's: accuracy and F1, each with its 95 % interval and what it rests on."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from synth.recipe.labels import BINARY, LabelScheme
from synth.types import Label

_Z = 1.959964
_DRAWS = 2_000


@dataclass(frozen=True, slots=True)
class Figure:
    """An accuracy or F1, 0 to 1, with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Scores:
    """How labels stand up to a person's on `n` rows: accuracy, F1 of unsafe and of safe, and the errors of either kind as
    counts."""

    n: int
    accuracy: Figure
    f1_unsafe: Figure | None
    """None where neither side ever says unsafe."""
    f1_safe: Figure | None
    missed: int
    """Unsafe by the person, safe by the panel."""
    alarmed: int
    """The other way round."""


def scores(pairs: Iterable[tuple[Label, Label]], scheme: LabelScheme = BINARY) -> Scores | None:
    """The metrics accuracy and F1 over pairs of a person's label and the one to be measured; None if there are none.
    Right is the same label; of more labels than two, whatever is not safe is unsafe in all the rest."""
    counts, named = Counter[tuple[bool, bool]](), list(pairs)
    for yours, theirs in named:
        counts[scheme.unsafe(yours), scheme.unsafe(theirs)] += 1
    n = len(named)
    if not n:
        return None
    return Scores(
        n=n,
        accuracy=wilson(sum(yours == theirs for yours, theirs in named), n),
        f1_unsafe=_f1(counts, of=True),
        f1_safe=_f1(counts, of=False),
        missed=counts[True, False],
        alarmed=counts[False, True],
    )


def wilson(hits: float, n: float) -> Figure:
    """The metric `hits` / `n`, a share, with its 95 % Wilson interval (Wilson 1927): honest near 0 and 1, and for few
    rows."""
    share, spread = hits / n, _Z * _Z / n
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return Figure(share, max(0.0, middle - half), min(1.0, middle + half))


def _f1(counts: Counter[tuple[bool, bool]], *, of: bool) -> Figure | None:
    return f1(counts[of, of], counts[of, not of] + counts[not of, of], counts.total())


def f1(hits: int, wrong: int, n: int) -> Figure | None:
    """The metric F1 of a label on `n` rows, of its hits and of what it misses or wrongly claims (`wrong`), with its 95 % interval; None
    where it never comes up. It hangs on these counts alone, so rows drawn again are a draw of those."""
    if not hits + wrong:
        return None
    drawn = np.random.default_rng(0).multinomial(n, [hits / n, wrong / n, (n - hits - wrong) / n], size=_DRAWS)
    whole = drawn[drawn[:, 0] + drawn[:, 1] > 0]
    low, high = np.quantile(2 * whole[:, 0] / (2 * whole[:, 0] + whole[:, 1]), [0.025, 0.975])
    return Figure(2 * hits / (2 * hits + wrong), float(low), float(high))
