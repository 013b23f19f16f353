"""What a section of a report is made of: tables, figures, lines, the funnel, rows to browse; values alone, a template renders them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from synth.report.clip import line, name

if TYPE_CHECKING:
    from markupsafe import Markup

Tone: TypeAlias = Literal["bad", "warn", "good", "plain"]
NONE: Final = "–"
"""What stands for a figure that is not told."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a report's table; `numeric` ones stand to the right."""

    title: str
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a report's table with a tone, or with a bar behind it from 0 to 1."""

    text: str
    tone: Tone = "plain"
    bar: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a report: the first rows, and how many more there are."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str | Cell]]
    more: int = 0
    folded: bool = False
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a report, with what it shows."""

    title: str
    svg: "Markup"
    kind: str = "figure"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a report: what was found, what to do, where more stands, samples behind a click."""

    tone: Tone
    text: str
    mend: str = ""
    section: str = ""
    samples: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a report, one below the other."""

    title: str
    lines: Sequence[Line]
    kind: str = "lines"


@dataclass(frozen=True, slots=True)
class Note:
    """A line of a report that explains what stands above it."""

    text: str
    kind: str = "note"


@dataclass(frozen=True, slots=True)
class Loss:
    """What a step of the funnel lost for one reason; with `examples` some can be looked at."""

    reason: str
    meaning: str
    count: int
    examples: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the funnel: what was left after it, what it lost, and why."""

    title: str
    about: str
    left: int
    lost: int = 0
    losses: Sequence[Loss] = ()


@dataclass(frozen=True, slots=True)
class Funnel:
    """The way from slots to rows, step by step."""

    steps: Sequence[Step]
    kind: str = "funnel"


@dataclass(frozen=True, slots=True)
class Browse:
    """Where the page's script shows rows and drops."""

    rows: int
    drops: int
    kind: str = "browse"


Block: TypeAlias = Table | Figure | Lines | Note | Funnel | Browse


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a report: one sentence that says what to look for, then its blocks."""

    id: str
    title: str
    look: str
    blocks: Sequence[Block] = field(default_factory=tuple)


def whole(value: Any) -> str:
    """A count as a report writes it: with commas, or that it is not told."""
    return NONE if value is None else f"{value:,.0f}"


def share(value: Any, digits: int = 0) -> str:
    """A share as a report writes it, in per cent."""
    return NONE if value is None else f"{value:.{digits}%}"


def figure(value: Any, digits: int = 2) -> str:
    """A measure as a report writes it."""
    return NONE if value is None else f"{value:.{digits}f}"


def cut(rows: Sequence[Any], most: int) -> tuple[Sequence[Any], int]:
    """The first rows of a report's table, and how many more there are."""
    return rows[:most], max(0, len(rows) - most)


__all__ = [
    "NONE",
    "Block",
    "Browse",
    "Cell",
    "Column",
    "Figure",
    "Funnel",
    "Line",
    "Lines",
    "Loss",
    "Note",
    "Section",
    "Step",
    "Table",
    "Tone",
]
__all__ += ["cut", "figure", "line", "name", "share", "whole"]
