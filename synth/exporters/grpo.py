"""Prompts that ask a guard, and what the right verdict is, for reinforcement learning by rule: trl, verl, OpenRLHF and ms-swift, with the
reward as a module beside them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.exporters import _reward, _trainers, guard_of
from synth.exporters.files import Record
from synth.recipe.guard import Guard
from synth.recipe.guard_verdict import fields as fields_of

FILE = "parquet"
SOURCE: Final = "synth"
ABILITY: Final = "safety"
_KINDS: Final = ("json", "lines", "first_token")


def records(dataset: Dataset, *, guard: str = "libra") -> Iterator[tuple[str, Record]]:
    """One record a labelled row of the dataset that has an answer: `prompt` as messages, the right label as `answer`, `label`,
    `solution` and `reward_model.ground_truth`, as each trainer calls it."""
    asked = guard_of(dataset, guard)
    for split in dataset.labelled():
        for number, row in enumerate(dataset.rows(split)):
            if row["label"] is None or row["response"] is None:
                continue
            prompt = [{"role": message.role, "content": message.content} for message in asked.messages(row)]
            yield (
                split,
                {
                    "id": row["id"],
                    "prompt": prompt,
                    "answer": row["label"],
                    "data_source": SOURCE,
                    "ability": ABILITY,
                    "reward_model": {"style": "rule", "ground_truth": row["label"]},
                    "label": row["label"],
                    "extra_info": {"split": split, "index": number},
                    "messages": prompt,
                    "solution": row["label"],
                },
            )


def features(dataset: Dataset) -> Any:
    """The types of records for reinforcement learning."""
    from datasets import Features, Value  # type: ignore[import-untyped]

    del dataset
    text, messages = Value("string"), [{"role": Value("string"), "content": Value("string")}]
    return Features(
        {
            "id": text,
            "prompt": messages,
            "answer": text,
            "data_source": text,
            "ability": text,
            "reward_model": {"style": text, "ground_truth": text},
            "label": text,
            "extra_info": {"split": text, "index": Value("int64")},
            "messages": messages,
            "solution": text,
        }
    )


def extras(dataset: Dataset, *, files: Sequence[Path], guard: str = "libra") -> Mapping[str, str]:
    """What stands beside records for reinforcement learning: how trainers are started, and the reward as a module that
    reads verdicts as the guard's file says."""
    reads = _reads(guard_of(dataset, guard), dataset)
    source = Path(_reward.__file__).read_text(encoding="utf-8")
    own = re.sub(r"^READS: .*$", lambda _: f"READS: dict[str, Any] = {reads!r}", source, flags=re.MULTILINE)
    return {f"{_trainers.REWARD}.py": own, **_trainers.extras("grpo", files)}


def _reads(guard: Guard, dataset: Dataset) -> dict[str, Any]:
    """How the reward reads a verdict, and without which fields it takes one for broken off: those that the verdict of every
    label has."""
    if guard.reads is None:
        raise ConfigError(f"{guard.prompt.path}: has no block 'read', by which a verdict is rewarded; add one")
    if guard.reads.kind not in _KINDS:
        raise ConfigError(f"{guard.prompt.path}: read: the reward reads {', '.join(_KINDS)}, not {guard.reads.kind!r}")
    kind, names = guard.reads.kind, guard.reads.fields or {"label": 1}
    row = next(row for split in dataset.labelled() for row in dataset.rows(split) if row["response"] is not None)
    verdicts = [guard.verdict({**row, "label": label}) for label in guard.labels.names]
    needs = [name for name in names if all(name in fields_of(kind, names, text) for text in verdicts)]
    words = {label: sorted({word.casefold() for word in _words(guard, label)}) for label in guard.labels.names}
    return {"kind": kind, "fields": dict(names), "needs": needs, "words": words}


def _words(guard: Guard, label: str) -> Sequence[str]:
    own = guard.reads.words if guard.reads else {}
    return own.get(label, ()) if own else (label, *guard.labels.words.get(label, ()))


def last_words(dataset: Dataset, *, files: Sequence[Path]) -> list[str]:
    """How reinforcement learning is started on the records."""
    del dataset
    return _trainers.words("grpo", files)
