"""One row a line for a spreadsheet; lists as JSON; a cell that a spreadsheet would take for a formula is quoted."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from synth.dataset.reader import Dataset
from synth.dataset.rows import COLUMNS
from synth.exporters import write_lines


def export(made: Dataset, out: Path, template: str) -> list[Path]:
    del template
    return [write_lines(out / f"{split}.csv", _lines(made, split)) for split in made.splits()]


def _lines(made: Dataset, split: str) -> Iterator[str]:
    yield "\ufeff" + cells(COLUMNS)  # the mark by which spreadsheets know UTF-8
    for row in made.rows(split):
        yield cells([row.get(column) for column in COLUMNS])


def cells(values: Iterable[Any]) -> str:
    """A line of CSV; what a spreadsheet would take for a formula is quoted."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(map(_cell, values))
    return buffer.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
