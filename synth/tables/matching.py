"""Rows of one table found again in another by their text, whatever a spreadsheet made of it in between."""

from typing import Final

from synth.hashing import short_hash

_CELL: Final = 16_000
"""Characters of a text that are compared: a spreadsheet cuts a cell off at 32,767, line ends and runs of blanks among them."""
_AROUND: Final = '"\u2018\u2019\u201c\u201d\ufeff'


def same_text(query: str, response: str | None) -> str:
    """A key of a query with its response: the same whatever became of line ends, blanks, quotes around either, and apostrophes, which
    stand before what a spreadsheet would take for a formula."""
    return short_hash(_bare(query), _bare(response or ""))


def _bare(text: str) -> str:
    return " ".join(text.replace("'", "").strip().strip(_AROUND).split())[:_CELL].replace(" ", "")
