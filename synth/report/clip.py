"""Texts and names cut to what a page can hold, with how much more there is."""

from typing import Final, TypeAlias

NAME: Final = 60
"""Characters of a name (a model's, a category's) that a page shows."""
LINE: Final = 300
"""Characters of a line of words."""
TEXT: Final = 2_000
"""Characters of a row's text."""

Piece: TypeAlias = str | tuple[str, int]
"""A text as a page has it: whole; or its beginning, and how many characters more there are."""


def piece(text: object, most: int = TEXT) -> Piece:
    """A text for a page: whole, or its first characters and how many more there are."""
    told = str(text)
    return told if len(told) <= most else (told[:most], len(told) - most)


def name(text: object, most: int = NAME) -> str:
    """A name for a page, in one line; what is cut off ends in an ellipsis."""
    told = " ".join(str(text)[: 4 * most].split())
    return told if len(told) <= most and len(str(text)) <= 4 * most else f"{told[: most - 1]}…"


def line(text: object) -> str:
    """A line of words for a page, of at most 300 characters."""
    return name(text, LINE)
