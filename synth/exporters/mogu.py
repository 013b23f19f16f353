"""Training data of MoGU, which weighs a glad and an unwilling model by a router: benign and harmful queries, each with an answer that
goes along and one that refuses, in four files aligned by index, and what the router learns from."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from synth.dataset.reader import Dataset
from synth.errors import ConfigError, did_you_mean
from synth.exporters.files import Counts, Record
from synth.recipe.guard.truth import refuses
from synth.recipe.labels import LabelScheme
from synth.sanitize import as_turn

FILE = "json"
Row: TypeAlias = Mapping[str, Any]
Pair: TypeAlias = tuple[Row | None, Row | None]
ROUTER: Final = "data_label.json"
"""Beside `data_normal.json`, a number a row of it: 0 to go along, 1 to refuse."""
_WANTED: Final = {
    "benign": "a rejecting one; a recipe asks for it by the cell `benign/safe: {share: 0.4, stances: {natural: 1, refuse: 1}}`",
    "harmful": "an affirming and a rejecting one; a recipe has them by the cells `harmful/unsafe` and `harmful/safe: {stances: {refuse: 1}}`",
}


def records(dataset: Dataset, *, split: str = "train", counts: Counts) -> Iterator[tuple[str, Record]]:
    """Rows of one split as MoGU's scripts read them, `instruction` and `output`, in the files `safety_affirm` and
    `safety_reject` (benign queries), `unsafety_affirm` and `unsafety_reject` (harmful ones): row i of each belongs with
    row i of the others. `data_normal` has of each pair what a guarded model should say, in turn. ConfigError for a
    dataset that lacks one of the four."""
    if split not in dataset.labelled():
        raise ConfigError(f"--to mogu: split: {split!r} has no rows; {did_you_mean(split, dataset.labelled())}")
    labels = dataset.labels
    benign, harmful = (_pairs(dataset, split, kind, labels, counts) for kind in _WANTED)
    for (affirm, reject), (unsafe, refusal) in zip(benign, harmful, strict=False):
        counts["pairs"] += 1
        counts["apart"] += affirm["query_id"] != reject["query_id"]
        counts["apart"] += unsafe["query_id"] != refusal["query_id"]
        yield "safety_affirm", _record(affirm)
        yield "safety_reject", _record(reject)
        yield "unsafety_affirm", _record(unsafe)
        yield "unsafety_reject", _record(refusal)
        yield "data_normal", _record(affirm)
        yield "data_normal", _record(refusal)
    if not counts["pairs"]:
        lacking = "benign" if not counts["benign"] else "harmful"
        raise ConfigError(
            f"--to mogu: no {lacking} query of {dataset.folder} has beside its other answer {_WANTED[lacking]}"
        )


def _pairs(dataset: Dataset, split: str, kind: str, labels: LabelScheme, counts: Counts) -> Iterator[tuple[Row, Row]]:
    """An affirming and a rejecting row each: first those of one query, then what is left, of two."""
    for affirm, reject in _answers(dataset, split, kind, labels):
        if affirm and reject:
            counts[kind] += 1
            yield affirm, reject
    affirming = (affirm for affirm, reject in _answers(dataset, split, kind, labels) if affirm and not reject)
    rejecting = (reject for affirm, reject in _answers(dataset, split, kind, labels) if reject and not affirm)
    for affirm, reject in zip(affirming, rejecting, strict=False):
        counts[kind] += 1
        yield affirm, reject


def _answers(dataset: Dataset, split: str, kind: str, labels: LabelScheme) -> Iterator[Pair]:
    for group in dataset.groups(split, "query_id"):
        rows = [row for row in group if row["query_type"] == kind and row["response"]]
        yield (
            next((row for row in rows if _affirms(row, labels)), None),
            next((row for row in rows if row["label"] == labels.safe and refuses(row)), None),
        )


def _affirms(row: Row, labels: LabelScheme) -> bool:
    if row["query_type"] == "benign":
        return row["label"] == labels.safe and row["response_class"] != "incapable" and not refuses(row)
    return bool(row["label"] == labels.names[0])


def _record(row: Row) -> Record:
    return {"instruction": as_turn(row["query"]), "output": as_turn(row["response"])}


def extras(dataset: Dataset, *, counts: Counts) -> Mapping[str, str]:
    """What MoGU's router reads beside the rows: for each of `data_normal.json` whether to go along (0) or refuse (1)."""
    del dataset
    return {ROUTER: "[" + ", ".join(["0, 1"] * counts["pairs"]) + "]\n"}


def last_words(dataset: Dataset, *, counts: Counts, files: Sequence[Path]) -> list[str]:
    """How many rows the files for MoGU have, and whether rows that belong together answer the same query."""
    del dataset
    told = [
        f"{counts['pairs']} rows in each of the four files; put {files[0].parent} in place of `data/` beside MoGU's scripts"
    ]
    told.append(
        "unsafety_affirm is there to be trained on as it stands, by MoGU's scripts alone: it holds the unsafe answers"
    )
    if apart := counts["apart"]:
        told.append(f"{apart} pairs are of two queries of a kind, since a query had only one of the answers")
    return told
