"""The mark 【略】 in rows of a dataset: rendered in what goes out, restored for whoever judges or filters it again.

Rendering is a function of a row's id and the mode, in the writer of rows and nowhere else: ids, ranks, splits, near-duplicates and doubts
are of the text as judged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final

from synth.mark.draft import restored
from synth.mark.render import rendered
from synth.mark.rows import restored_row
from synth.types import MARK, MarkMode

__all__ = [
    "ASKED",
    "BY_WHICH",
    "RENDERED",
    "has_left_out",
    "rendered",
    "rendered_row",
    "rendered_rows",
    "restored",
    "restored_row",
]

ASKED: Final = frozenset(("comply", "partial", "redact"))
"""The stances whose answers are asked to leave detail out; what was redacted after it was given is known by its note. In an answer of
another stance the mark is rendered where it cannot be the user's: where no turn of the user's holds it."""

RENDERED: Final = frozenset(("response", "analysis", "votes", "marks"))
"""The columns that the mark stands in, or tell of it."""
BY_WHICH: Final = frozenset(("id", "stance", "notes", "query", "context"))
"""The columns by which it is known whether, and how, the mark is rendered in a row."""


def rendered_row(row: Mapping[str, Any], mode: MarkMode) -> dict[str, Any]:
    """A row as judged, with the mark rendered in the answer and in what judges said of it, and `marks` by which it is restored.
    Not where it is the user's: in a file's own answers, and in answers to what holds it already."""
    found = {**row, "marks": []}
    if mode == "keep" or not _asked(row):
        return found
    for column, text in list(_texts(row)):
        done, marks = rendered(text, mode, f"{row['id']} {column}")
        _put(found, column, done)
        found["marks"] += [{"column": column, **asdict(mark)} for mark in marks]
    return found


def has_left_out(row: Mapping[str, Any]) -> bool:
    """Whether detail was left out of a row, however it went out: its mark was rendered, or stands in it still."""
    return bool(row.get("marks")) or (next(_texts(row), None) is not None and _asked(row))


def rendered_rows(rows: Iterator[dict[str, Any]], mode: MarkMode) -> Iterator[dict[str, Any]]:
    """The rows of a split as they go out in this mode."""
    return (rendered_row(row, mode) for row in rows)


def _asked(row: Mapping[str, Any]) -> bool:
    if row.get("stance") in ASKED:
        return True
    if any(note["stage"] == "redact" and note["key"] == "changed" for note in row.get("notes") or ()):
        return True
    turns = (row["query"], *(turn["content"] for turn in row.get("context") or ()))
    return row.get("stance") is not None and not any(MARK in turn for turn in turns)


def _texts(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the mark may stand in, by column; an analysis of the third vote is `votes.2`."""
    for column in ("response", "analysis"):
        if MARK in (row.get(column) or ""):
            yield column, row[column]
    for number, vote in enumerate(row.get("votes") or ()):
        if MARK in (vote["analysis"] or ""):
            yield f"votes.{number}", vote["analysis"]


def _put(row: dict[str, Any], column: str, text: str) -> None:
    if not column.startswith("votes."):
        row[column] = text
        return
    number = int(column.partition(".")[2])
    row["votes"] = [{**vote, "analysis": text} if at == number else vote for at, vote in enumerate(row["votes"])]
