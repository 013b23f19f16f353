"""Answers as they are compared: with the mark taken out, however a release rendered it."""

import re
from collections.abc import Iterator

from synth.mark.delete import by_clause, by_phrase
from synth.mark.render import rendered
from synth.mark.vary import VAGUE
from synth.types import MARK

_OUT = re.compile("|".join(map(re.escape, (MARK, *VAGUE))))


def unmarked(text: str) -> str:
    """A text without the mark, and without the words that may stand in its place."""
    return _OUT.sub("", text)


def forms(answer: str) -> Iterator[str]:
    """An answer without the mark in every form that it may have been released in: the mark taken out, and deleted with what hangs on
    it."""
    yield unmarked(answer)
    if MARK in answer:
        yield from dict.fromkeys(
            unmarked(one)
            for one in (rendered(answer, "delete", "")[0], by_clause(answer).text, by_phrase(answer).text)
            if one
        )
