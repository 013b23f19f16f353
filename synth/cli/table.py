"""How every table of the command line is drawn: by rich, in columns as wide as what stands in them, Chinese at its true width."""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from synth.quality.grid import Grid, Parts
from synth.sanitize import for_terminal

if TYPE_CHECKING:
    from rich.text import Text

_WIDE: Final = 1_000_000
"""Characters of a line that are never reached: a terminal breaks long lines by itself, and a file needs no breaks."""


def drawn(grid: Grid) -> str:
    """A table as lines of text, without colours and without blanks at their ends."""
    from rich.console import Console
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for place, head in enumerate(grid.heads):
        made.add_column(_cell(head), justify="left" if place in grid.words else "right", no_wrap=True, overflow="crop")
    for row in grid.rows:
        made.add_row(*map(_cell, row))
    console = Console(file=io.StringIO(), width=_WIDE, color_system=None, force_terminal=False, _environ={})
    with console.capture() as caught:
        console.print(made, soft_wrap=True)
    return "\n".join(line.rstrip() for line in caught.get().rstrip("\n").split("\n"))


def lines(parts: Parts) -> Iterator[str]:
    """What a command says, its tables drawn."""
    for part in parts:
        yield drawn(part) if isinstance(part, Grid) else part


def grid(heads: Sequence[str], rows: Iterable[Sequence[object]], words: Sequence[int] = (0,)) -> Grid:
    """A table of any values: whole numbers with commas, nothing for None, all else as it is written."""
    return Grid(heads, [[_text(value) for value in row] for row in rows], words)


def plain_lines(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Names with a line on each, the lines beginning under one another: of a list, each line of its own, whatever else is broken."""
    from rich.cells import cell_len

    wide = min(40, max((cell_len(name) for name, _ in rows), default=0))
    for name, line in rows:
        yield f"{name}{' ' * max(0, wide - cell_len(name))}  {line}".rstrip()


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _cell(text: str) -> "Text":
    from rich.text import Text

    return Text(for_terminal(" ".join(text.split("\n"))))
