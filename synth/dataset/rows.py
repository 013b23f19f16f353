"""A row as it stands in the dataset: columns, ids, and the order of rows."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from fnmatch import fnmatchcase
from typing import Any

from synth.hashing import short_hash, unit
from synth.recipe.labels import BINARY, LabelScheme
from synth.recipe.sections import Output
from synth.types import Drop, Provenance, Sample

COLUMNS = (
    "id",
    "query_id",
    "parent_id",
    "scenario",
    "scenario_name",
    "subcategory",
    "subcategory_name",
    "query_type",
    "query",
    "response",
    "label",
    "query_label",
    "response_class",
    "analysis",
    "attack",
    "stance",
    "votes",
    "elements",
    "generator",
    "responder",
    "provenance",
    "root_id",
    "context",
    "twin_id",
    "categories",
    "notes",
    "marks",
)
PROVENANCE = tuple(field.name for field in fields(Provenance))

Names = Mapping[str, tuple[str, str]]
"""Chinese names of scenario and subcategory, by subcategory id."""


def row_id(sample: Sample) -> str:
    """The id of a dataset's row: the query's id, then a hash of who answered what; the same in every run that makes the
    same row."""
    return f"{sample.query_id}-{short_hash(sample.stance or '', sample.responder or '', sample.response or '')[:8]}"


def row_of(sample: Sample, names: Names, labels: LabelScheme = BINARY) -> dict[str, Any]:
    """A judged row as it stands in the dataset, column by column. `categories` are those that it violates: as the panel
    says; where it was not asked, its own subcategory if its label says that it violates any, else none."""
    scenario_name, subcategory_name = names[sample.lane.subcategory]
    own = [sample.lane.subcategory] if sample.label is not None and labels.unsafe(sample.label) else []
    return {
        "id": row_id(sample),
        "query_id": sample.query_id,
        "parent_id": sample.parent_id,
        "scenario": sample.lane.scenario,
        "scenario_name": scenario_name,
        "subcategory": sample.lane.subcategory,
        "subcategory_name": subcategory_name,
        "query_type": sample.query_type,
        "query": sample.query,
        "response": sample.response,
        "label": sample.label,
        "query_label": sample.query_label,
        "response_class": sample.response_class,
        "analysis": sample.analysis,
        "attack": sample.attack,
        "stance": sample.stance,
        "votes": [{"judge": vote.judge, "label": vote.label, "analysis": vote.analysis} for vote in sample.votes],
        "elements": [{"axis": element.axis, "value": element.value} for element in sample.elements],
        "generator": sample.generator,
        "responder": sample.responder,
        "provenance": asdict(sample.provenance),
        "root_id": sample.root_id,
        "context": [asdict(turn) for turn in sample.context],
        "twin_id": None,
        "categories": own if sample.categories is None else list(sample.categories),
        "notes": [asdict(note) for note in sample.notes],
        "marks": [],
    }


def drop_of(drop: Drop) -> dict[str, Any]:
    """A drop as it stands in DIR/drops: stage and reason, where it fell, and what had been made by then."""
    sample = drop.sample
    return {
        "stage": drop.stage,
        "reason": drop.reason,
        "lane": drop.lane.id,
        "place": drop.coordinate,
        "wanted": sample.wanted if sample else None,
        "text": drop.text,
        "query": sample.query if sample else None,
        "response": sample.response if sample else None,
        "stance": sample.stance if sample else None,
        "votes": [{"judge": vote.judge, "label": vote.label, "analysis": vote.analysis} for vote in sample.votes]
        if sample
        else [],
    }


def rank(id: str) -> str:
    """Where a row stands in its split of the dataset, as text to sort by: shuffled for a trainer that streams, the same
    in every run."""
    return short_hash(id, "rank")


def split_of(sample: Sample, output: Output) -> str:
    """The split of the dataset in which an accepted row stands: `test` for what is held out; else `train` or
    `validation`, by root query, so that a query, its augmentations and all their answers stay together."""
    ids = (sample.lane.scenario, sample.lane.subcategory)
    if any(fnmatchcase(id, glob) for glob in output.held_out for id in ids):
        return "test"
    return "validation" if unit(sample.root_id, "validation") < output.validation else "train"
