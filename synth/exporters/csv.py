"""One row a line for a spreadsheet; lists as JSON; a cell that a spreadsheet would take for a formula is quoted."""

from collections.abc import Iterator

from synth.dataset.reader import Dataset
from synth.dataset.rows import COLUMNS
from synth.exporters import _trainers
from synth.exporters.files import Record

FILE = "csv"
LAST_WORDS = _trainers.TABLE


def records(dataset: Dataset) -> Iterator[tuple[str, Record]]:
    """Every column of every row of the dataset, one line of a CSV file each, the hard pile included."""
    for split in dataset.splits():
        for row in dataset.rows(split):
            yield split, {column: row.get(column) for column in COLUMNS} | {"marks": []}
