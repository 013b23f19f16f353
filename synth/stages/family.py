"""What makes a query the same query, and one of its root's family: what no step may change, and no branch."""

from typing import Any

from synth.types import Sample


def root_of(sample: Sample) -> tuple[Any, ...]:
    """What a query has of its root."""
    return sample.lane, sample.coordinate, sample.root_id, sample.family


def query_of(sample: Sample) -> tuple[Any, ...]:
    """What a row has of its query: what is compared, and what hangs on it."""
    said = [turn.content for turn in sample.context if turn.role == "user"]
    return *root_of(sample), sample.query, sample.query_id, sample.request, sample.parent_id, said
