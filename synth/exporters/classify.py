"""A text and its class, for classifiers: Parquet whose `label` is a class (id 0 is safe, higher ids are more severe), or a vector over the
codes that a guard or standard has for categories of harm."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from synth.dataset.reader import Dataset
from synth.errors import ConfigError, did_you_mean
from synth.exporters import _trainers
from synth.exporters._dialogue import text_of
from synth.exporters.files import Counts, Record
from synth.recipe.labels import LabelScheme

FILE = "parquet"
NAMES: Final = "label_names.json"
"""Beside the records: their classes as a model's configuration names them, `id2label` and `label2id`."""
Fields = Literal["both", "query", "response"]
_NO_CODE: Final = "unsafe without a code"


def records(
    dataset: Dataset, *, fields: Fields = "both", multi: str | None = None, counts: Counts
) -> Iterator[tuple[str, Record]]:
    """One record a labelled row of the dataset. `fields` says what is classified: the conversation (`用户：…` and `助手：…`, a
    paragraph each), the response alone, or the query alone, once a query and by its own harm. `multi: GUARD` gives, in place
    of `label`, the vector `labels` over the codes that the taxonomy has of that guard: each category's nearest."""
    codes, labels = _codes(dataset, multi) if multi else (), dataset.labels
    nearest = _nearest(dataset, multi) if multi else {}
    for split in dataset.labelled():
        for row in _queries(dataset, split) if fields == "query" else _rows(dataset, split, fields):
            counts["rows"] += 1
            label = _of_query(row, labels) if fields == "query" else row["label"]
            record = {"id": row["id"], "text": _text(row, fields)}
            if not multi:
                yield split, {**record, "label": labels.severity(label)}
                continue
            categories = (row["categories"] or [row["subcategory"]]) if labels.unsafe(label) else ()
            violated = {nearest[category] for category in categories if category in nearest}
            counts[_NO_CODE] += labels.unsafe(label) and not violated
            yield split, {**record, "labels": [float(code in violated) for code in codes]}


def features(dataset: Dataset, *, multi: str | None = None) -> Any:
    """The types of a classifier's records: `label` is a class by name, `labels` a vector of as many numbers as there are
    codes."""
    from datasets import ClassLabel, Features, Sequence, Value  # type: ignore[import-untyped]

    text = {"id": Value("string"), "text": Value("string")}
    if multi:
        return Features({**text, "labels": Sequence(Value("float32"), length=len(_codes(dataset, multi)))})
    return Features({**text, "label": ClassLabel(names=list(_classes(dataset)))})


def extras(dataset: Dataset, *, files: Sequence[Path], multi: str | None = None) -> Mapping[str, str]:
    """What stands beside a classifier's records: the names of its classes, and how to train one."""
    names = _codes(dataset, multi) if multi else _classes(dataset)
    told = {
        "id2label": {str(number): name for number, name in enumerate(names)},
        "label2id": {name: number for number, name in enumerate(names)},
        "problem_type": "multi_label_classification" if multi else "single_label_classification",
    }
    beside = _trainers.extras("classify", files, classes=len(names), several=bool(multi))
    return {NAMES: json.dumps(told, ensure_ascii=False, indent=1) + "\n", **beside}


def last_words(dataset: Dataset, *, files: Sequence[Path], counts: Counts, multi: str | None = None) -> list[str]:
    """Which classes a classifier's records have, and how it is trained on them."""
    names = _codes(dataset, multi) if multi else _classes(dataset)
    told = [f"classes: {', '.join(f'{number} {name}' for number, name in enumerate(names))}"]
    if lost := counts[_NO_CODE]:
        told.append(
            f"{lost} of {counts['rows']} records are unsafe by a category that {multi} has no code for: all zeros"
        )
    return [*told, *_trainers.words("classify", files, classes=len(names), several=bool(multi))]


def _classes(dataset: Dataset) -> tuple[str, ...]:
    """Safe first, so that its id is 0 however many labels there are; the id is how severe a label is."""
    return dataset.labels.names[::-1]


def _codes(dataset: Dataset, guard: str) -> tuple[str, ...]:
    """Every code of a guard that a category of the dataset has, S2 before S10."""
    every = dataset.policies.every
    found = {code for policy in every for code in policy.codes.get(guard, ())}
    if not found:
        known = sorted({name for policy in every for name in policy.codes})
        way_out = did_you_mean(guard, known) if known else "its taxonomy names none (`codes:` of a category)"
        raise ConfigError(f"--to classify: multi: no category of {dataset.folder} has codes of {guard!r}; {way_out}")
    return tuple(sorted(found, key=_counting))


def _nearest(dataset: Dataset, guard: str) -> dict[str, str]:
    """By category the first of its codes of a guard, which is the nearest; nothing of one that the guard has not."""
    found = ((policy.subcategory, policy.codes.get(guard, ())) for policy in dataset.policies.every)
    return {category: codes[0] for category, codes in found if codes}


def _counting(code: str) -> list[tuple[str, int]]:
    return [(word, int(number or 0)) for word, number in re.findall(r"(\D*)(\d*)", code)]


def _rows(dataset: Dataset, split: str, fields: Fields) -> Iterator[Mapping[str, Any]]:
    for row in dataset.rows(split):
        if row["label"] is not None and (fields == "both" or row["response"] is not None):
            yield row


def _queries(dataset: Dataset, split: str) -> Iterator[Mapping[str, Any]]:
    for group in dataset.groups(split, "query_id"):
        yield {**group[0], "id": group[0]["query_id"], "response": None}


def _text(row: Mapping[str, Any], fields: Fields) -> str:
    """As it stands, special tokens and all: a classifier is given texts, not turns of a chat template."""
    before, answer = row.get("context") or (), row["response"]
    if fields == "response" or (fields == "query" and not before):
        return str(row["response" if fields == "response" else "query"])
    turns = [*before, {"role": "user", "content": row["query"]}]
    return text_of([*turns, *([] if answer is None else [{"role": "assistant", "content": answer}])])


def _of_query(row: Mapping[str, Any], labels: LabelScheme) -> str:
    """The label of a query alone: what the panel said of it, or else what it was written as."""
    if labels.of == "prompt":
        return str(row["label"])
    said = str(row["query_label"] or row["query_type"])
    if said in labels.names:
        return said
    return labels.names[0] if said == "harmful" else labels.safe
