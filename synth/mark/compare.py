"""Answers as they are compared: with the mark taken out, however a release rendered it."""

import re
from collections.abc import Iterator
from functools import cache

from synth.mark.render import rendered
from synth.types import MARK


def unmarked(text: str) -> str:
    """A text without the mark, and without the words that may stand in its place."""
    return _out().sub("", text)


def forms(answer: str) -> Iterator[str]:
    """An answer without the mark in every form that it may have been released in: the mark taken out, and deleted with what hangs on
    it."""
    yield unmarked(answer)
    if MARK in answer:
        from synth.mark.delete import by_clause, by_phrase

        yield from dict.fromkeys(
            unmarked(one)
            for one in (rendered(answer, "delete", "")[0], by_clause(answer).text, by_phrase(answer).text)
            if one
        )


@cache
def _out() -> re.Pattern[str]:
    from synth.mark.vary import VAGUE

    return re.compile("|".join(map(re.escape, (MARK, *VAGUE))))
