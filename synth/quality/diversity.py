"""How much texts differ from each other: five measures of their characters, the same for a run's queries and for real sets.

Of 200 texts each (60 of a subcategory), since all of them hang on how many there are; and on how long they are, so that bounds are held
against texts of 20 to 60 characters.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final, TypeAlias

import numpy as np

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

TEXTS: Final = 200
"""How many texts are measured together; Vendi scores of fewer are scaled to so many."""
MATCHED: Final = (20, 60)
"""The least and the most characters of texts whose measures are held against bounds."""
_LONGEST: Final = 2_000
_OPENING: Final = 4
_BUCKETS: Final = 2_048
"""Into how many 1- and 2-grams are hashed for the Vendi score."""
_NO_MATCH: Final = 0.1
"""What counts for n-grams none of which is found again, as in NLTK's `method1`: else one missing 4-gram would make a text unlike all."""


@dataclass(frozen=True, slots=True)
class Diversity:
    """The diversity of some texts: of `n`, whose median length is `length`."""

    n: int
    length: float
    distinct_2: float
    """Different character bigrams, as a share of all."""
    self_bleu: float
    """How much of a text's 1- to 4-grams the others hold: the mean BLEU-4 of each against the rest. An upper bound: each n-gram
    is compared with the text that has it most often."""
    vendi: float
    """The Vendi score, scaled to 200 texts: how many wholly different texts these are worth (Friedman and Dieng 2023)."""
    nearest: float
    """The mean Jaccard similarity of a text's bigrams to those of the text nearest to it."""
    openings: float
    """Different openings (the first four characters), as a share of texts."""
    opening: float
    """The share of texts that begin with the commonest opening."""


def diversity(texts: Sequence[str]) -> Diversity | None:
    """The diversity of texts; None of fewer than two that have a bigram."""
    told = [text[:_LONGEST] for text in texts if len(text) > 1]
    if len(told) < 2:
        return None
    grams = _grams(told)
    seen = np.zeros((len(told), int(grams[1].max()) + 1), np.float32)
    seen[_rows(told, 2), grams[1]] = 1
    openings = Counter(text[:_OPENING] for text in told)
    return Diversity(
        n=len(told),
        length=float(median(map(len, told))),
        distinct_2=len(np.unique(grams[1])) / len(grams[1]),
        self_bleu=_self_bleu(told, grams),
        vendi=_vendi(told),
        nearest=float(_jaccard(seen).max(axis=1).mean()),
        openings=len(openings) / len(told),
        opening=max(openings.values()) / len(told),
    )


def matched(texts: Sequence[str]) -> list[str]:
    """Of some texts those whose diversity may be held against bounds: of 20 to 60 characters, 200 at most."""
    return [text for text in texts if MATCHED[0] <= len(text) <= MATCHED[1]][:TEXTS]


def _codes(text: str) -> Numbers:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)


def _rows(texts: Sequence[str], n: int) -> Numbers:
    """For each n-gram the number of its text."""
    return np.repeat(np.arange(len(texts)), [max(0, len(text) - n + 1) for text in texts])


def _grams(texts: Sequence[str]) -> list[Numbers]:
    """The 1- to 4-grams of all texts in order, each as a number."""
    codes = np.concatenate(list(map(_codes, texts)))
    ends = np.cumsum([len(text) for text in texts])
    left = np.repeat(ends, [len(text) for text in texts]) - np.arange(len(codes))  # characters up to a text's end
    found = [np.unique(codes, return_inverse=True)[1]]
    number = found[0]
    for n in (2, 3, 4):
        longer = number[:-1] * (int(found[0].max()) + 1) + found[0][n - 1 :]
        number = np.unique(longer, return_inverse=True)[1]
        found.append(number[left[: len(number)] >= n])
    return found


def _self_bleu(texts: Sequence[str], grams: Sequence[Numbers]) -> float:
    logs = np.zeros(len(texts))
    for n, number in enumerate(grams, start=1):
        pairs, counts = np.unique(_rows(texts, n) * (int(number.max(initial=0)) + 1) + number, return_counts=True)
        rows, which = np.divmod(pairs, int(number.max(initial=0)) + 1)
        held = np.bincount(rows, np.minimum(counts, _elsewhere(which, counts)), len(texts))
        total = np.bincount(rows, counts, len(texts))
        logs += np.log(np.maximum(held, _NO_MATCH) / np.maximum(total, 1)) / len(grams)
    return float(np.exp(logs).mean())


def _elsewhere(which: Numbers, counts: Numbers) -> Numbers:
    """For each pair of a text and an n-gram, how often another text has that n-gram at most."""
    order = np.lexsort((-counts, which))
    first = np.concatenate([[0], np.flatnonzero(np.diff(which[order])) + 1])
    group = np.repeat(np.arange(len(first)), np.diff([*first, len(order)]))
    best = counts[order][first]
    alone = np.diff([*first, len(order)]) == 1
    second = np.where(alone, 0, counts[order][np.minimum(first + 1, len(order) - 1)])
    found = np.empty(len(order), counts.dtype)
    found[order] = best[group]
    found[order[first]] = second
    return found


def _vendi(texts: Sequence[str]) -> float:
    """Of square roots of hashed counts, so that common characters weigh less."""
    counts = np.zeros((len(texts), _BUCKETS))
    for row, text in enumerate(texts):
        codes = _codes(text)
        hashed = [codes * 40_503 >> 3, (codes[:-1] * 65_599 + codes[1:]) * 48_271 >> 5]
        np.add.at(counts[row], np.concatenate(hashed) % _BUCKETS, 1)
    vectors = np.sqrt(counts)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(vectors @ vectors.T / len(texts))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum())) * TEXTS / len(texts)


def _jaccard(seen: Numbers) -> Numbers:
    """The similarity of every text to every other one, 0 to itself."""
    both = seen @ seen.T
    sizes = seen.sum(axis=1)
    either = np.maximum(sizes[:, None] + sizes[None, :] - both, 1)
    found: Numbers = both / either
    np.fill_diagonal(found, 0)
    return found
