"""A judged answer as it goes out: with the mark deleted, put into vague words, or kept."""

from typing import Final

from synth.mark.draft import Draft, Mark, draft_of, marks_of
from synth.types import MARK, MarkMode

LEAST: Final = 16
"""Letters that are left of any answer."""


def rendered(text: str, mode: MarkMode, seed: str) -> tuple[str, tuple[Mark, ...]]:
    """A judged text with every mark rendered, and what is needed to restore it. `seed`, a row's id, draws among vague words.
    A text that little would be left of is not deleted from: its marks are put into words."""
    if mode == "keep" or MARK not in text:
        return text, ()
    from synth.mark.vary import in_words

    draft = (_deleted(text) if mode == "delete" else None) or in_words(draft_of(text), seed)
    return draft.text, marks_of(draft, text)


def _deleted(text: str) -> Draft | None:
    from synth.mark.delete import WAYS  # its patterns are compiled for the first text that holds the mark

    letters = _letters(text.replace(MARK, ""))
    for way, share in WAYS:
        draft = way(text)
        if MARK not in draft.text and _letters(draft.text) >= max(1, min(LEAST, letters // 2), share * letters):
            return draft
    return None


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))
