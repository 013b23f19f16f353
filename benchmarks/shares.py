"""Shares with their intervals, and F1 by class: what the tables of figures are counted with."""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

Told = Sequence[tuple[str, str]]
"""Pairs of the class a reader gave and the class told."""
Row = TypeVar("Row")


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if not of:
        return 0.0, 1.0
    z, p = 1.96, hits / of
    middle, half = p + z * z / (2 * of), z * ((p * (1 - p) + z * z / (4 * of)) / of) ** 0.5
    return max(0.0, (middle - half) / (1 + z * z / of)), min(1.0, (middle + half) / (1 + z * z / of))


def scores(pairs: Told, among: Sequence[str]) -> tuple[float, float, float]:
    """Precision, recall and F1 of these classes taken as one."""
    right = sum(true in among and told in among for true, told in pairs)
    said, there = sum(told in among for _, told in pairs), sum(true in among for true, _ in pairs)
    exact, whole = right / max(1, said), right / max(1, there)
    return exact, whole, 2 * exact * whole / max(1e-9, exact + whole)


def macro(pairs: Told) -> float:
    """F1 over the classes that occur."""
    there = sorted({true for true, _ in pairs})
    return sum(scores(pairs, (name,))[2] for name in there) / max(1, len(there))


def kappa(pairs: Told) -> float:
    """Cohen's kappa of two readers."""
    names = {name for pair in pairs for name in pair}
    same = sum(a == b for a, b in pairs) / max(1, len(pairs))
    chance = sum(
        sum(a == name for a, _ in pairs) * sum(b == name for _, b in pairs) / max(1, len(pairs)) ** 2 for name in names
    )
    return (same - chance) / (1 - chance) if chance < 1 else 1.0


def spread(figure: Callable[[Sequence[Row]], float], rows: Sequence[Row], rounds: int = 400) -> tuple[float, float]:
    """The 95 % interval of a figure over rows, by drawing them again."""
    chance = random.Random(7)
    drawn = sorted(figure(chance.choices(rows, k=len(rows))) for _ in range(rounds)) if rows else [0.0, 1.0]
    return drawn[len(drawn) // 40], drawn[-len(drawn) // 40 - 1]
