"""How much of a text says again what it said: sentences, passages, pieces of a few letters on end."""

import re
from collections import Counter
from itertools import pairwise

_STUTTER = re.compile(r"(?<![\W\d])((?:[^\W\d_]){2,12}?)[，,。！!？?、；;]?(?:\1[，,。！!？?、；;]?){4,}")
_SENTENCE = re.compile(r"[^。！？!?；;\n]+")
_PASSAGE = 3
"""Grams on end, as a multiple of their length, from which on what is said again is a passage and no turn of phrase."""


def goes_round(text: str, gram: int) -> float:
    """The share of grams that were there before, of passages that are long enough."""
    seen: set[str] = set()
    run = found = 0
    for at in range(len(text) - gram + 1):
        piece = text[at : at + gram]
        if piece in seen:
            run += 1
            continue
        seen.add(piece)
        found += run if run >= _PASSAGE * gram else 0
        run = 0
    found += run if run >= _PASSAGE * gram else 0
    return found / max(1, len(text) - gram + 1)


def stutters(text: str, most: int) -> bool:
    """Whether a piece of a few letters comes `most` times on end."""
    found = _STUTTER.search(text)
    if not found:
        return False
    piece = found[1]
    return len(found[0]) >= most * len(piece) and (len(set(piece)) > 1 or len(found[0]) > _LAUGHS)


_LAUGHS = 40
"""Times that one letter may come on end: people laugh, sigh and shout."""


def said_again(text: str, turns: int) -> float:
    """The share of characters in sentences that were there before, or 1 if one is said again `turns` times running."""
    found = [sentence.strip() for sentence in _SENTENCE.findall(text)]
    long = [sentence for sentence in found if len(sentence) >= 6]
    running = 0
    for one, other in pairwise(long):
        running = running + 1 if one == other else 0
        if running >= turns:
            return 1.0
    again = sum(len(sentence) * (count - 1) for sentence, count in Counter(long).items())
    return again / max(1, sum(map(len, found)))


_TAIL = 400
_AT_THE_END = re.compile(r"(.{6,60}?)\1{3,}\Z")


def is_loop(text: str) -> bool:
    """Whether a text is one passage over and over, or ends in one that does not stop; white space is taken out before."""
    whole = len(text) > _AS_LONG and (text + text).find(text, 1) < len(text)
    return whole or bool(_AT_THE_END.search(text[-_TAIL:]))


_AS_LONG = 32
"""Characters of a text from which on saying itself twice is no form."""
