"""The field names and Chinese labels of Libra-Test: source, category_name, sub_category_name, question, response, label, analyze, id."""

from collections.abc import Iterator

from synth.dataset.reader import Dataset
from synth.exporters.files import Record

FILE = "json"


def records(dataset: Dataset) -> Iterator[tuple[str, Record]]:
    """One record a row of the dataset, as Libra-Test is stored; the hard pile has no labels and is left out."""
    word = dataset.labels.word
    for split in dataset.labelled():
        for row in dataset.rows(split):
            yield (
                split,
                {
                    "source": "synthetic",
                    "category_name": row["scenario_name"],
                    "sub_category_name": row["subcategory_name"],
                    "question": row["query"],
                    "response": row["response"],
                    "label": word(row["label"]),
                    "analyze": row["analysis"],
                    "id": row["id"],
                },
            )
