"""`messages` ready for a trainer: what a guard is asked and what it is to answer, both from a template under `prompts/guard/`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from synth.dataset.reader import Dataset
from synth.exporters import _trainers, guard_of
from synth.exporters.files import Record
from synth.types import Message

FILE = "jsonl"


def records(dataset: Dataset, *, template: str = "guard/libra") -> Iterator[tuple[str, Record]]:
    """One record a row of the dataset, the `messages` of a chat for a trainer. Rows without a label (the hard pile)
    have no answer to teach and are left out."""
    guard = guard_of(dataset, template)
    for split in dataset.labelled():
        for row in dataset.rows(split):
            messages = [*guard.messages(row), Message("assistant", guard.verdict(row))]
            yield (
                split,
                {
                    "id": row["id"],
                    "messages": [{"role": message.role, "content": message.content} for message in messages],
                },
            )


def extras(dataset: Dataset, *, files: Sequence[Path]) -> Mapping[str, str]:
    """What stands beside a chat's records for trainers."""
    del dataset
    return _trainers.extras("chat", files)


def last_words(dataset: Dataset, *, files: Sequence[Path]) -> list[str]:
    """How a trainer is started on a chat's records."""
    del dataset
    return _trainers.words("chat", files)
