"""Rows of a table in which the mark was rendered, restored by their column `marks`."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from synth.mark.draft import Mark, restored


def restored_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its text as it was judged, by its column `marks`; any other row as it is."""
    found = dict(row)
    by_column: dict[str, list[Mark]] = defaultdict(list)
    for column, mark in _marks(row.get("marks")):
        by_column[column].append(mark)
    for column, marks in by_column.items():
        name, _, number = column.partition(".")
        if not number and isinstance(row.get(name), str):
            found[name] = _as_judged(row[name], marks)
        elif number and isinstance(row.get(name), list):
            found[name] = [_vote(vote, marks) if str(at) == number else vote for at, vote in enumerate(found[name])]
    if by_column:
        found["marks"] = []
    return found


def _vote(vote: Any, marks: Sequence[Mark]) -> Any:
    """A vote with its analysis restored; anything else, of a column that others filled, as it is."""
    told = vote.get("analysis") if isinstance(vote, Mapping) else None
    return {**vote, "analysis": _as_judged(told, marks)} if isinstance(told, str) else vote


def _as_judged(text: str, marks: Sequence[Mark]) -> str:
    """The text that was judged; a text that its marks do not fit, since it was changed after it went out, as it is."""
    end = 0
    for mark in sorted(marks, key=lambda mark: mark.at):
        if mark.at < end or mark.length < 0:
            return text
        end = mark.at + mark.length
    return restored(text, marks) if end <= len(text) else text


def _marks(value: Any) -> list[tuple[str, Mark]]:
    """The marks in a column of that name; none in a column that is about something else."""
    if isinstance(value, str) and value.startswith("[{"):  # in a CSV file
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    try:
        return [(str(one["column"]), Mark(int(one["at"]), int(one["length"]), str(one["was"]))) for one in value or ()]
    except (TypeError, KeyError, ValueError, OverflowError):
        return []
