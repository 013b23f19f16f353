"""A table as its maker gives it, in texts; how it looks on a terminal is the command line's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Grid:
    """A table for the eye: headings, rows of as many texts, and which columns are words; numbers stand to the right."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Sequence[int] = (0,)
    """Columns that begin at the left, by place."""


Parts: TypeAlias = Iterable[str | Grid]
"""What a command says: lines of words, and tables between them."""
