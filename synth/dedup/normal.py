"""What two texts must share to count as the same: characters, with width, case, spaces and punctuation folded away."""

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=1 << 16)
def _kept(character: str) -> bool:
    """Letters, digits and marks that carry meaning; not spaces, punctuation, symbols, or invisible characters."""
    return unicodedata.category(character)[0] in "LN"


def normalise(text: str) -> str:
    """NFKC, case folded, letters and digits only. Texts that differ in nothing else are the same text."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(filter(_kept, folded))


def shingles(text: str, n: int) -> set[str]:
    """The set of character n-grams of the normalised text; a shorter text is one shingle, a text of nothing has none."""
    text = normalise(text)
    if len(text) < n:
        return {text} if text else set()
    return {text[i : i + n] for i in range(len(text) - n + 1)}


def jaccard(a: set[str], b: set[str]) -> float:
    """|a and b| / |a or b|; 0 for two empty sets."""
    return len(a & b) / len(a | b) if a or b else 0.0
