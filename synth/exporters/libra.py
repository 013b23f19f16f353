"""The fields and words of Libra-Test: source, category_name, sub_category_name, question, response, label, analyze, id; beside rows of its
other two sources the published evaluate_metrics.py reads them."""

from collections.abc import Iterator, Mapping
from typing import Any

from synth.dataset.reader import Dataset
from synth.exporters import _trainers
from synth.exporters.files import Counts, Record
from synth.recipe.labels import LabelScheme
from synth.types import Label

FILE = "json"
SOURCE = "Synthetic Data"
"""One of the three sources that Libra's published script knows, as it spells it."""
_UNSAFE, _SAFE = "不安全", "安全"
_LEFT = "left out"


def records(dataset: Dataset, *, counts: Counts) -> Iterator[tuple[str, Record]]:
    """One record a row of the dataset, as Libra-Test is stored. Left out is what it has not: rows without an answer, without
    a label (the hard pile), or with a label between safe and unsafe."""
    words = words_of(dataset.labels)
    for split in dataset.labelled():
        for row in dataset.rows(split):
            if row["label"] not in words or row["response"] is None:
                counts[_LEFT] += 1
                continue
            yield split, record_of(row, words[row["label"]])


def words_of(scheme: LabelScheme) -> dict[Label, str]:
    """The words of Libra-Test for the labels of a recipe that it has: the most severe, and safe."""
    return {scheme.names[0]: _UNSAFE, scheme.safe: _SAFE}


def record_of(row: Mapping[str, Any], word: str) -> dict[str, Any]:
    """A row of a dataset with the fields of Libra-Test; `word` is its label there."""
    return {
        "source": SOURCE,
        "category_name": row["scenario_name"],
        "sub_category_name": row["subcategory_name"],
        "question": row["query"],
        "response": row["response"],
        "label": word,
        "analyze": row["analysis"],
        "id": row["id"],
    }


def last_words(dataset: Dataset, *, counts: Counts) -> list[str]:
    """What was left out of a file for Libra's script, and what it is not for."""
    del dataset
    left = [f"left out: {counts[_LEFT]} rows without an answer or with a third label, which Libra-Test does not have"]
    return [*(left if counts[_LEFT] else ()), *_trainers.TABLE]
