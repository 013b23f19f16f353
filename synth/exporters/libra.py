"""The field names and Chinese labels of Libra-Test: source, category_name, sub_category_name, question, response, label, analyze, id."""

import json
from collections.abc import Iterator
from pathlib import Path

from synth.dataset.reader import Dataset
from synth.exporters import write_lines


def export(made: Dataset, out: Path, template: str) -> list[Path]:
    """One JSON array a split, as Libra-Test is stored; the hard pile has no labels and is left out."""
    del template
    return [write_lines(out / f"{split}.json", _array(made, split)) for split in made.labelled()]


def _array(made: Dataset, split: str) -> Iterator[str]:
    separator, words = "[\n", made.labels.word
    for row in made.rows(split):
        item = {
            "source": "synthetic",
            "category_name": row["scenario_name"],
            "sub_category_name": row["subcategory_name"],
            "question": row["query"],
            "response": row["response"],
            "label": words(row["label"]),
            "analyze": row["analysis"],
            "id": row["id"],
        }
        yield separator + json.dumps(item, ensure_ascii=False)
        separator = ",\n"
    yield "\n]\n"
