"""Pairs of answers to one query, the less severe chosen and the more severe rejected, for DPO and reward models."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from synth.dataset.reader import Dataset
from synth.exporters import _trainers
from synth.exporters._dialogue import answered, asked
from synth.exporters.files import Counts, Record
from synth.recipe.labels import LabelScheme

FILE = "jsonl"
Row = Mapping[str, Any]


def records(
    dataset: Dataset, *, by: Literal["label", "model"] = "label", counts: Counts
) -> Iterator[tuple[str, Record]]:
    """One record a pair of answers to the same query, as messages: preference, in trl's words. `by: label` pairs the least
    severe with the most severe answer of each query. `by: model` pairs answers of different responders, each two of
    them once in one direction. Answers of one label make no pair and are counted."""
    labels = dataset.labels
    for split in dataset.labelled():
        for group in dataset.groups(split, "query_id"):
            rows = [row for row in group if row["label"] is not None and row["response"] is not None]
            pairs = _by_label(rows, labels) if by == "label" else _by_model(rows, labels, counts)
            counts["queries" if pairs else "alone"] += 1
            counts["pairs"] += len(pairs)
            for chosen, rejected in pairs:
                yield split, _record(chosen, rejected, by)


def _by_label(rows: Sequence[Row], labels: LabelScheme) -> list[tuple[Row, Row]]:
    if not rows:
        return []
    ordered = sorted(rows, key=lambda row: labels.severity(row["label"]))
    least, most = ordered[0], next(row for row in ordered if row["label"] == ordered[-1]["label"])
    return [(least, most)] if least["label"] != most["label"] else []


def _by_model(rows: Sequence[Row], labels: LabelScheme, counts: Counts) -> list[tuple[Row, Row]]:
    found: dict[tuple[str, str], tuple[Row, Row]] = {}
    for one, other in combinations(rows, 2):
        if one["responder"] == other["responder"]:
            continue
        if one["label"] == other["label"]:
            counts["same"] += 1
            continue
        chosen, rejected = sorted((one, other), key=lambda row: labels.severity(row["label"]))
        found.setdefault((chosen["responder"], rejected["responder"]), (chosen, rejected))
    return list(found.values())


def _record(chosen: Row, rejected: Row, by: str) -> Record:
    prompt, good, bad = asked(chosen), answered(chosen), answered(rejected)
    models = {"chosen_model": chosen["responder"], "rejected_model": rejected["responder"]} if by == "model" else {}
    return {
        "id": chosen["query_id"],
        "prompt": prompt,
        "chosen": [good],
        "rejected": [bad],
        "messages": [*prompt, good],
        "rejected_response": bad["content"],
        "chosen_turn": good,
        "rejected_turn": bad,
        **models,
    }


def extras(dataset: Dataset, *, files: Sequence[Path]) -> Mapping[str, str]:
    """What stands beside the pairs of preference for trainers."""
    del dataset
    return _trainers.extras("preference", files)


def last_words(dataset: Dataset, *, files: Sequence[Path], counts: Counts, by: str = "label") -> list[str]:
    """How many pairs were made and of how many queries, and how a trainer is started on them."""
    del dataset
    told = f"{counts['pairs']} pairs of {counts['queries']} queries; {counts['alone']} queries have no two answers"
    told += " of different labels"
    if by == "model":
        told += f" and models; {counts['same']} pairs of models gave answers of one label"
    return [told, *_trainers.words("preference", files)]
