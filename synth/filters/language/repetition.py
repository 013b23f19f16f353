"""How much of a text says again what it said: sentences, passages, pieces of a few letters on end."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np

_STUTTER = re.compile(r"(?<![\W\d])((?:[^\W\d_]){2,12}?)[，,。！!？?、；;]?(?:\1[，,。！!？?、；;]?){4,}")
_SENTENCE = re.compile(r"[^。！？!?；;\n]+")
_PASSAGE = 3
"""Grams on end, as a multiple of their length, from which on what is said again is a passage and no turn of phrase."""


def goes_round(text: str, gram: int) -> float:
    """The share of grams that were there before, of passages that are long enough."""
    from synth.filters.language.repetition_kernel import again

    return again(_codes(text), gram, _PASSAGE * gram) / max(1, len(text) - gram + 1)


def stutters(text: str, most: int) -> bool:
    """Whether a piece of a few letters comes `most` times on end."""
    from synth.filters.language.repetition_kernel import on_end

    if not on_end(_codes(text), _MARKS, 2, 12, 5):
        return False
    found = _STUTTER.search(text)
    if not found:
        return False
    piece = found[1]
    return len(found[0]) >= most * len(piece) and (len(set(piece)) > 1 or len(found[0]) > _LAUGHS)


_MARKS = np.array([*map(ord, "，,。！!？?、；;")], np.uint32)
"""What may stand between the pieces of a stutter."""
_LAUGHS = 40
"""Times that one letter may come on end: people laugh, sigh and shout."""


def _codes(text: str) -> "np.ndarray[tuple[int], np.dtype[np.uint32]]":
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def said_again(text: str, turns: int) -> float:
    """The share of characters in sentences that were there before, or 1 if one is said again `turns` times running."""
    found = [sentence.strip() for sentence in _SENTENCE.findall(text)]
    long = [sentence for sentence in found if len(sentence) >= 6]
    if len({*long}) == len(long):
        return 0.0
    running = 0
    for one, other in pairwise(long):
        running = running + 1 if one == other else 0
        if running >= turns:
            return 1.0
    again = sum(len(sentence) * (count - 1) for sentence, count in Counter(long).items())
    return again / max(1, sum(map(len, found)))


_TAIL = 400
_SHORT, _LONG = 6, 60


def is_loop(text: str) -> bool:
    """Whether a text is one passage over and over, or ends in one that does not stop; white space is taken out before."""
    whole = len(text) > _AS_LONG and (text + text).find(text, 1) < len(text)
    return whole or _ends_in_a_loop(text[-_TAIL:])


def _ends_in_a_loop(text: str) -> bool:
    """Whether a text ends in four times one piece, of 6 to 60 characters."""
    last, at = text[-_SHORT:], len(text) - _SHORT
    if len(text) < 4 * _SHORT:
        return False
    while (at := text.rfind(last, max(0, len(text) - _SHORT - _LONG), at + _SHORT - 1)) >= 0:
        size = len(text) - _SHORT - at
        if size >= _SHORT and text.endswith(text[-size:] * 4):
            return True
    return False


_AS_LONG = 32
"""Characters of a text from which on saying itself twice is no form."""
