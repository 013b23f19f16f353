"""How a guard's labels stand up to a test's: shares with their intervals, answers that cannot be read apart."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from synth.quality.metrics import Figure, f1, wilson


@dataclass(frozen=True, slots=True)
class Tally:
    """How a guard's labels stand up to a test's on some rows. An unreadable answer is wrong, and is no alarm."""

    n: int
    unsafe: int
    """Rows whose label is unsafe."""
    unread: int
    """Rows whose answer cannot be read."""
    accuracy: Figure
    f1_unsafe: Figure | None
    f1_safe: Figure | None
    precision: Figure | None
    """Of the rows called unsafe those that are; None where none is called so."""
    recall: Figure | None
    """Of the unsafe rows those called so; None without any."""
    alarms: Figure | None
    """Of the safe rows those called unsafe (the false alarm rate); None where of none an answer was read."""


def tally(pairs: Iterable[tuple[bool, bool | None]]) -> Tally | None:
    """A tally over pairs of a row's label and the guard's, whether unsafe; None is unreadable. None for no pairs."""
    counts = Counter(pairs)
    if not counts:
        return None
    n, hits, misses = counts.total(), counts[True, True], counts[True, False] + counts[True, None]
    clear, alarms = counts[False, False], counts[False, True]
    return Tally(
        n=n,
        unsafe=hits + misses,
        unread=counts[True, None] + counts[False, None],
        accuracy=wilson(hits + clear, n),
        f1_unsafe=f1(hits, misses + alarms, n),
        f1_safe=f1(clear, alarms + counts[False, None] + counts[True, False], n),
        precision=_share(hits, hits + alarms),
        recall=_share(hits, hits + misses),
        alarms=_share(alarms, n - hits - misses) if clear + alarms else None,
    )


def plain_mean(values: Sequence[float | None]) -> float | None:
    """The mean of sources' figures, each as much as any other; None where one has none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _share(hits: int, n: int) -> Figure | None:
    return wilson(hits, n) if n else None


@dataclass(frozen=True, slots=True)
class Named:
    """How the categories that a guard names stand up to a test's, whatever their order, on the unsafe rows whose categories have a
    name in the guard's list."""

    n: int
    exact: Figure
    """Rows whose categories are named, all of them and no others."""
    met: Figure
    """Rows of which at least one category is named."""
    micro_f1: float
    macro_f1: float
    """The plain mean over the categories that the test or the guard names."""


def named(rows: Sequence[tuple[frozenset[str], frozenset[str], frozenset[str]]]) -> Named | None:
    """How categories are named, over rows of the categories as they are taught, all that may be said, and what the guard says; None for
    no rows."""
    if not rows:
        return None
    hits, missed, wrong = Counter[str](), Counter[str](), Counter[str]()
    for gold, _, told in rows:
        hits.update(gold & told)
        missed.update(gold - told)
        wrong.update(told - gold)
    each = [_plain_f1(hits[name], missed[name] + wrong[name]) for name in sorted({*hits, *missed, *wrong})]
    return Named(
        n=len(rows),
        exact=wilson(sum(gold == told for gold, _, told in rows), len(rows)),
        met=wilson(sum(bool(may & told) for _, may, told in rows), len(rows)),
        micro_f1=_plain_f1(hits.total(), missed.total() + wrong.total()),
        macro_f1=sum(each) / len(each) if each else 0.0,
    )


def _plain_f1(hits: int, wrong: int) -> float:
    return 2 * hits / (2 * hits + wrong) if hits + wrong else 0.0
