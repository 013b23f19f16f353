"""A judged answer as it goes out: with the mark deleted, put into vague words, or kept."""

from typing import Final

from synth.mark.delete import by_clause, by_phrase
from synth.mark.draft import Draft, Mark, draft_of, marks_of
from synth.mark.vary import in_words
from synth.types import MARK, MarkMode

LEAST: Final = {by_clause: 0.6, by_phrase: 0.5}
"""The ways in which marks are deleted, in the order in which they are tried, and the share of its letters that an answer keeps then;
with less it would not say what it was judged for, and its marks are put into words."""
_OWN: Final = (60, 50)
"""Of an answer of so many letters so many are left: with fewer it is no one's own, and a later run could not avoid it."""


def rendered(text: str, mode: MarkMode, seed: str) -> tuple[str, tuple[Mark, ...]]:
    """A judged text with every mark rendered, and what is needed to restore it. `seed`, a row's id, draws among vague words.
    A text that little would be left of is not deleted from: its marks are put into words."""
    if mode == "keep" or MARK not in text:
        return text, ()
    draft = (_deleted(text) if mode == "delete" else None) or in_words(draft_of(text), seed)
    return draft.text, marks_of(draft, text)


def _deleted(text: str) -> Draft | None:
    letters = _letters(text.replace(MARK, ""))
    long, own = _OWN
    for way, share in LEAST.items():
        draft = way(text)
        if MARK not in draft.text and _letters(draft.text) >= max(1, share * letters, own if letters >= long else 0):
            return draft
    return None


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))
