"""Whether a text repeats what a model was told, clause by clause: for instructions too short to be known by a long passage."""

import re
from collections.abc import Sequence
from functools import cache

_CLAUSE = re.compile(r"[\u3400-\u9fff]{6,}")
_LONG = 9
"""Chinese characters from which on one clause tells, if it is half of the text."""


def repeats(text: str, sent: Sequence[str]) -> bool:
    """Whether a text holds two clauses (six Chinese characters or more on end) of one of the texts that were `sent`, or is
    half made of a long one."""
    for clauses in map(_clauses, sent):
        found = [clause for clause in clauses if clause in text]
        if len(found) > 1 or any(len(clause) >= _LONG and 2 * len(clause) >= len(text) for clause in found):
            return True
    return False


@cache
def _clauses(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_CLAUSE.findall(text)))
