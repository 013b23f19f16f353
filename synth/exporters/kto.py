"""Answers one by one, each good or bad, for KTO: `prompt` and `completion` as messages, and `label`, true where the answer is safe."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from synth.dataset.reader import Dataset
from synth.exporters import _trainers
from synth.exporters._dialogue import answered, asked
from synth.exporters.files import Counts, Record

FILE = "jsonl"


def records(dataset: Dataset, *, counts: Counts) -> Iterator[tuple[str, Record]]:
    """One record a labelled row of the dataset that has an answer: unpaired preference, in trl's words. Every label that is
    more severe than safe counts as bad."""
    labels = dataset.labels
    for split in dataset.labelled():
        for row in dataset.rows(split):
            if row["label"] is None or row["response"] is None:
                continue
            good = not labels.unsafe(row["label"])
            counts["good" if good else "bad"] += 1
            prompt, answer = asked(row), answered(row)
            yield (
                split,
                {
                    "id": row["id"],
                    "prompt": prompt,
                    "completion": [answer],
                    "label": good,
                    "messages": [*prompt, answer],
                },
            )


def extras(dataset: Dataset, *, files: Sequence[Path]) -> Mapping[str, str]:
    """What stands beside the records of unpaired preference for trainers."""
    del dataset
    return _trainers.extras("kto", files)


def last_words(dataset: Dataset, *, files: Sequence[Path], counts: Counts) -> list[str]:
    """How many answers are good and how many bad, and how a trainer is started on them."""
    del dataset
    return [f"{counts['good']} good answers, {counts['bad']} bad ones", *_trainers.words("kto", files)]
