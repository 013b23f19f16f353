"""Rows of one table found again in another by their text, whatever a spreadsheet made of it in between."""

from typing import Final

from synth.hashing import short_hash

_CELL: Final = 30_000
"""Characters of a text that are compared: a spreadsheet cuts a cell off at 32,767, blanks and marks among them."""
_AROUND: Final = "'\"\u2018\u2019\u201c\u201d\ufeff"


def same_text(query: str, response: str | None) -> str:
    """A key of a query with its response: the same whatever became of line ends, blanks, and quotes and apostrophes around either."""
    return short_hash(_bare(query), _bare(response or ""))


def _bare(text: str) -> str:
    return "".join(text.strip().strip(_AROUND).split())[:_CELL]
