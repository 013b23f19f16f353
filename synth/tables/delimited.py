"""Tables of cells as spreadsheets save them: commas, semicolons or tabs, line ends of any kind, in any of four encodings."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Final

from synth.errors import ConfigError
from synth.sanitize import shortened
from synth.tables.encoding import characters, encoding_of, readable
from synth.tables.names import cleaned

DELIMITERS: Final = ",;\t"
LONGEST: Final = 1 << 24
"""Characters of a cell at most; where one is longer, a quote was not closed."""
_SAMPLE: Final = 1 << 17
"""Characters by which the delimiter is told."""
_SEPARATOR: Final = re.compile(r"sep=(.)\r?\n?")
"""A first line that spreadsheets write and read: what cells are parted by."""


@dataclass(frozen=True, slots=True)
class Head:
    """How a table of cells is written, and what its columns are called."""

    cells: tuple[str, ...]
    """The first row as it stands."""
    names: tuple[str, ...]
    """Its columns' names without blanks and marks around them; of an unnamed one `column N`."""
    delimiter: str
    encoding: str
    told: bool
    """Whether a line before the head says what cells are parted by."""

    @property
    def written(self) -> str:
        """The encoding that a copy is written in: UTF-8, with the mark by which spreadsheets know it if what was read had another
        encoding, or that mark."""
        return "utf-8" if self.encoding == "utf-8" else "utf-8-sig"


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows with other cells than the head, for whoever counts them instead of ending in a ConfigError: one with fewer is filled up with
    empty cells, one with more left out."""

    longer: list[str]
    """Where rows with more stand."""


def head_of(file: Path) -> Head:
    """How the table of cells in a file is written. ConfigError for one that cannot be read, or names a column twice."""
    with readable(file):
        encoding = encoding_of(file)
        with characters(file, encoding) as stream:
            first = stream.readline(_SAMPLE)
            said = _SEPARATOR.fullmatch(first)
            sample = "" if said else first
            sample += stream.read(_SAMPLE)
        delimiter = said[1] if said else _delimiter(sample)
        cells = _first_rows(sample, delimiter, 1)
    head = tuple(cells[0]) if cells else ()
    return Head(head, _names(file, head), delimiter, encoding, bool(said))


def delimited_rows(file: Path, head: Head, cut: Cut | None) -> Iterator[list[str]]:
    """The rows of a table of cells below its head; blank lines are none. A row with fewer cells than
    the head, or with more that are not blank, is a ConfigError, unless there is `cut`."""
    csv.field_size_limit(LONGEST)
    with readable(file), characters(file, head.encoding) as stream:
        reader = csv.reader(_bounded(file, stream, skip=head.told), delimiter=head.delimiter, strict=True)
        try:
            next(reader, None)
            number = 0
            for cells in reader:
                if not cells:
                    continue
                number += 1
                if len(cells) == len(head.names):
                    yield cells
                elif fitted := _fitted(cells, len(head.names), f"{file}: row {number} (line {reader.line_num})", cut):
                    yield fitted
        except csv.Error as error:
            raise ConfigError(f"{file}: line {reader.line_num}: {_reason(error)}") from error


def _fitted(cells: list[str], wanted: int, place: str, cut: Cut | None) -> list[str] | None:
    """A row that has not as many cells as the head; None for one that cannot be used."""
    if not any(cell.strip() for cell in cells[wanted:]) and len(cells) > wanted:
        return cells[:wanted]
    if cut is None:
        raise ConfigError(
            f"{place}: has {len(cells):,} cells where the head has {wanted:,}; mend the row, or take it out"
        )
    if len(cells) < wanted:
        return [*cells, *[""] * (wanted - len(cells))]
    cut.longer.append(place)
    return None


def _bounded(file: Path, stream: IO[str], *, skip: bool) -> Iterator[str]:
    """The lines of a file; ConfigError for one that is no line of a table any more."""
    number = 0
    while line := stream.readline(LONGEST):
        number += 1
        if len(line) == LONGEST and not line.endswith(("\n", "\r")):
            raise ConfigError(f"{file}: line {number}: over {LONGEST:,} characters; is it a table, with its line ends?")
        if not (skip and number == 1):
            yield line


def _reason(error: csv.Error) -> str:
    told = str(error)
    if "field limit" in told:
        return f"not CSV (a cell of over {LONGEST:,} characters); is a quote not closed?"
    return f"not CSV ({told}); a quote in a cell is written twice, and a cell with one stands in quotes"


def _delimiter(sample: str) -> str:
    """The delimiter by which the head has most cells and the rows after it as many; a comma where none parts it."""
    best, most = ",", (False, 1)
    for delimiter in DELIMITERS:
        rows = _first_rows(sample, delimiter, 6)
        sizes = [len(row) for row in rows]
        if not sizes or sizes[0] < 2:
            continue
        even = sizes.count(sizes[0]) * 2 > len(sizes)
        if (even, sizes[0]) > most or most == (False, 1):
            best, most = delimiter, (even, sizes[0])
    return best


def _first_rows(sample: str, delimiter: str, count: int) -> list[list[str]]:
    csv.field_size_limit(LONGEST)
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        return list(islice((row for row in reader if row), count))
    except csv.Error:
        return []


def _names(file: Path, cells: Sequence[str]) -> tuple[str, ...]:
    names = [cleaned(cell) or f"column {number}" for number, cell in enumerate(cells, start=1)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"{file}: two columns are called {shortened(twice, 60)!r}; rename one of them")
    return tuple(names)
