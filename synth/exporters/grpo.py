"""Prompts that ask a guard, and what the right verdict is, for reinforcement learning by rule: trl, verl, OpenRLHF and ms-swift, with the
reward as a module beside them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.exporters import _reward, _trainers, guard_of
from synth.exporters.files import Counts, Record
from synth.recipe.guard import Guard
from synth.recipe.guard.verdict import fields as fields_of

FILE = "parquet"
SOURCE: Final = "synth"
ABILITY: Final = "safety"
_KINDS: Final = ("json", "lines", "first_token")


def records(dataset: Dataset, *, guard: str = "libra", counts: Counts) -> Iterator[tuple[str, Record]]:
    """One record a labelled row of the dataset that has an answer: `prompt` as messages, the right label as `answer`, `label`,
    `solution` and `reward_model.ground_truth`, as each trainer calls it. The label is what the guard's verdict can say:
    safe for what it has no category for."""
    asked = guard_of(dataset, guard)
    if asked.reads and asked.reads.raw:
        raise ConfigError(
            f"--to grpo: {asked.prompt.path}: reads text and no messages, which these trainers render; name another"
        )
    asked.check_codes()
    for split in dataset.labelled():
        for number, row in enumerate(dataset.rows(split)):
            right = None if row["response"] is None else asked.truth(row, "answer").label
            if right is None:
                counts["left out"] += 1
                continue
            prompt = [{"role": message.role, "content": message.content} for message in asked.messages(row, "answer")]
            yield (
                split,
                {
                    "id": row["id"],
                    "prompt": prompt,
                    "answer": right,
                    "data_source": SOURCE,
                    "ability": ABILITY,
                    "reward_model": {"style": "rule", "ground_truth": right},
                    "label": right,
                    "extra_info": {"split": split, "index": number},
                    "messages": prompt,
                    "solution": right,
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
    rows = (row for split in dataset.labelled() for row in dataset.rows(split) if row["response"] is not None)
    row = next(row for row in rows if guard.truth(row).label is not None)
    told = [{**row, "label": label} for label in guard.labels.names]
    verdicts = [guard.verdict(each, "answer") for each in told if guard.truth(each).label is not None]
    needs = [name for name in names if all(name in fields_of(kind, names, text) for text in verdicts)]
    words = {label: sorted({word.casefold() for word in several}) for label, several in _words(guard).items()}
    return {"kind": kind, "fields": dict(names), "needs": needs, "words": words}


def _words(guard: Guard) -> Mapping[str, Sequence[str]]:
    if guard.reads and guard.reads.words:
        return guard.reads.words
    return {label: (label, *guard.labels.words.get(label, ())) for label in guard.labels.names}


def last_words(dataset: Dataset, *, files: Sequence[Path], counts: Counts) -> list[str]:
    """What was left out of the records, and how reinforcement learning is started on them."""
    del dataset
    left = [f"{counts['left out']} rows are left out: the guard has no verdict on them"] if counts["left out"] else []
    return [*left, *_trainers.words("grpo", files)]
