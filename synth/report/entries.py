"""Rows and drops as the page's script reads them to be looked at: every text cut, what may be unsafe marked to be folded."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from synth.recipe.labels import LabelScheme
from synth.report.clip import Piece, name, piece

Entry = dict[str, Any]
_TURNS: Final = 8
_MOST: Final = 12
"""Votes, notes and elements of a row that are shown."""


def row_entry(row: Mapping[str, Any], split: str, labels: LabelScheme) -> Entry:
    """A row of a data set as a page's script reads it. What it answers, and what is said of that, is folded unless its label is the safe one."""
    unsafe = row.get("label") is None or labels.unsafe(row["label"])
    return {
        "kind": "row",
        "id": name(row["id"]),
        "split": name(split),
        "scenario": name(row.get("scenario") or ""),
        "place": name(row.get("subcategory") or ""),
        "title": name(row.get("subcategory_name") or ""),
        "type": name(row.get("query_type") or ""),
        "label": name(row.get("label") or ""),
        "class": name(row.get("response_class") or ""),
        "stance": name(row.get("stance") or ""),
        "attack": name(row.get("attack") or ""),
        "by": [name(row.get("generator") or ""), name(row.get("responder") or "")],
        "texts": list(_texts(row, unsafe=unsafe)),
        "votes": [_vote(vote, unsafe=unsafe) for vote in (row.get("votes") or ())[:_MOST]],
        "notes": [_pairs(note, "stage", "key", "value") for note in (row.get("notes") or ())[:_MOST]],
        "elements": [_pairs(one, "axis", "value") for one in (row.get("elements") or ())[:_MOST]],
    }


def drop_entry(drop: Mapping[str, Any], kind: str) -> Entry:
    """A drop as a page's script reads it: it stopped for `kind` (`stage.reason`). All but its query is folded."""
    lane = str(drop["lane"])
    place, _, query_type = lane.rpartition("/")
    texts = list(_texts(drop, unsafe=True))
    said = str(drop.get("text") or "")
    if said not in ("", drop.get("query"), drop.get("response")):
        texts.append(("what", piece(said), 1))
    return {
        "kind": "drop",
        "id": name(drop.get("place") or ""),
        "split": "",
        "scenario": name(place.partition(".")[0]),
        "place": name(place),
        "title": "",
        "type": name(query_type),
        "label": name(drop.get("wanted") or ""),
        "class": name(kind),
        "stance": name(drop.get("stance") or ""),
        "attack": "",
        "by": [],
        "texts": texts,
        "votes": [_vote(vote, unsafe=True) for vote in (drop.get("votes") or ())[:_MOST]],
        "notes": [],
        "elements": [],
    }


def _texts(row: Mapping[str, Any], *, unsafe: bool) -> Iterator[tuple[str, Piece, int]]:
    """Each text with what it is, and whether it is folded."""
    for turn in (row.get("context") or ())[:_TURNS]:
        yield name(turn["role"], 12), piece(turn["content"]), int(unsafe)
    for column, folded in (("query", False), ("response", unsafe), ("analysis", unsafe)):
        if row.get(column):
            yield column, piece(row[column]), int(folded)


def _vote(vote: Mapping[str, Any], *, unsafe: bool) -> tuple[str, str, Piece, int]:
    return name(vote["judge"]), name(vote["label"] or ""), piece(vote["analysis"] or ""), int(unsafe)


def _pairs(told: Mapping[str, Any], *keys: str) -> list[Piece]:
    return [piece(told.get(key) or "", 200) for key in keys]
