"""Files of rows that people have labelled for an audit: the sheet coming back, or any table of rows with labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from synth.errors import ConfigError
from synth.mark.rows import restored_row
from synth.recipe.labels import BINARY, LabelScheme
from synth.tables import io
from synth.tables.columns import find
from synth.tables.delimited import Cut
from synth.tables.labels import LabelReader, is_empty, reader_for
from synth.tables.matching import same_text
from synth.tables.names import cleaned, plain_name
from synth.tables.text_columns import FOUND, Choice, Columns
from synth.types import Label

YOURS: Final = "your_label"
NOTE: Final = "note"


@dataclass(frozen=True)
class LabelledRow:
    """A row of a file that a person has labelled, and by what it is found again in a run."""

    place: str
    label: Label
    id: str | None
    query: str | None
    response: str | None
    subcategory: str | None

    @property
    def text(self) -> str | None:
        return None if self.query is None or self.response is None else same_text(self.query, self.response)


@dataclass
class Labelled:
    """Files of rows that people have labelled for an audit, read and checked before anything is asked for."""

    paths: tuple[Path, ...]
    rows: list[LabelledRow] = field(default_factory=list)
    blank: int = 0
    cut: int = 0
    readers: dict[str, Any] | None = None
    reader: str = ""
    """Who labelled them, where the file says so."""
    date: str | None = None
    """The last day on which they were labelled, where the file says so."""

    @property
    def name(self) -> str:
        """The files, for messages."""
        return ", ".join(map(str, self.paths))


def labelled(
    path: Path, scheme: LabelScheme = BINARY, label_names: str | None = None, choice: Choice = FOUND
) -> Labelled:
    """The rows of a file that a person has labelled, for an audit; ConfigError for a label, or a row, that cannot be read. Rows of a sheet
    that were cut are counted. `label_names` are what numbers stand for, from 0 on, with commas."""
    found, reader, cut = Labelled((path,)), reader_for(scheme, label_names), Cut([])
    files = io.files_of(path)
    columns = find(path, files, choice, need="nothing")
    for file in files:
        for batch in io.batches(file, cut=cut):
            for number, row in enumerate(batch.rows, start=batch.first):
                _take(found, restored_row(row), f"{file}: row {number}", reader, columns)
    found.cut += len(cut.longer)
    if not found.rows:
        raise unlabelled(path, scheme)
    return found


def unlabelled(path: Path, scheme: LabelScheme) -> ConfigError:
    """What is wrong with a file in which nobody has labelled a row."""
    return ConfigError(f"{path}: no row has a label; fill in {YOURS!r} (or 'label') with {named(scheme)}")


def named(scheme: LabelScheme) -> str:
    """The labels that a reader of rows may give, for messages."""
    return " or ".join(reversed(scheme.names))


def _take(found: Labelled, row: Mapping[str, Any], place: str, reader: LabelReader, columns: Columns) -> None:
    """Puts a row where it belongs: among those with a label, those without one yet, those that were cut, or nowhere if it is empty."""
    if all(map(is_empty, row.values())):
        return
    label = reader.read(row, reader.column(row, place, (YOURS,)), place)
    if label is None:
        found.blank += 1
        return
    id, subcategory = _cell(row, "id"), _cell(row, "subcategory")
    query = columns.query_of(row, place) if columns.name else None
    response = columns.answer_of(row)
    if id is None and not (query and response):
        if not columns.answers and not any(plain_name(name) == "id" for name in row):
            raise ConfigError(f"{place}: neither 'id' nor 'query' and 'response', by which the row could be found")
        found.cut += 1
        return
    found.rows.append(LabelledRow(place, label, id, query, response, subcategory))


def _cell(row: Mapping[str, Any], column: str) -> str | None:
    """What stands in a column of a sheet, by its name however it is written; None for nothing."""
    value = row.get(column) if column in row else next((row[name] for name in row if plain_name(name) == column), None)
    return None if is_empty(value) else cleaned(value) or None
