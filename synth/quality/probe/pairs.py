"""Labelled pairs out of a run or of anybody's table: what a probe learns from, and what it is tried on."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth.errors import ConfigError
from synth.hashing import unit
from synth.sanitize import plain
from synth.tables.columns import find
from synth.tables.io import batches, files_of
from synth.tables.labels import COLUMNS, TELLING, reader_of
from synth.tables.text_columns import FOUND, Choice, Columns

_OURS = (
    *(*COLUMNS, *TELLING, "source", "id", "query_id", "parent_id", "root_id"),
    *("scenario", "query_type", "response_class", "attack"),
)
_ASIDE = re.compile(r"(?:hard|test)[-.]")
"""Files of splits that nothing is learnt from."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A labelled pair of query and answer, as a probe learns from it or is tried on it."""

    query: str
    response: str
    unsafe: bool
    """Whether it has any label but the safe one."""
    root: str
    """Its root query: pairs of one root are never on both sides of a split."""
    kind: str
    """`ordinary` or `benign` of a run's own rows of those kinds, else nothing."""
    source: str
    response_class: str | None
    attack: str | None


def sample(path: Path, most: int, label_names: str | None = None, choice: Choice = FOUND) -> tuple[list[Pair], int]:
    """Labelled pairs for a probe to learn from, of whole root queries, about `most` at most and the same ones in whatever
    order rows come; and how many labelled rows there are. Of a run, its splits `hard` and `test` are left out."""
    if (path / "journal.sqlite").exists() and not (path / "dataset").is_dir():
        raise ConfigError(f"{path}: holds no dataset yet; the command that began it goes on with it")
    kept: dict[str, list[Pair]] = {}
    rows, share = 0, 1.0
    held = 0
    for pair in _labelled([file for file in files_of(path) if not _ASIDE.match(file.name)], path, label_names, choice):
        rows += 1
        if unit(pair.root, "probe") < share:
            kept.setdefault(pair.root, []).append(pair)
            held += 1
        while held > most and len(kept) > 1:
            share *= 0.9
            kept = {root: pairs for root, pairs in kept.items() if unit(root, "probe") < share}
            held = sum(map(len, kept.values()))
    return [pair for root in sorted(kept) for pair in sorted(kept[root], key=_content)], rows


def every(path: Path, label_names: str | None = None, choice: Choice = FOUND) -> list[Pair]:
    """All labelled rows of a table as pairs for a probe to be tried on; ConfigError if there are none."""
    return list(_labelled(files_of(path), path, label_names, choice))


def ordinary() -> list[Pair]:
    """Sixty ordinary questions with helpful answers that ship with synth: a probe that calls them unsafe has learnt a
    shortcut."""
    return answers(Path(__file__).with_name("ordinary.jsonl"))


def answers(path: Path, choice: Choice = FOUND) -> list[Pair]:
    """All rows of a table as pairs labelled safe, whatever their label: the user says that they are ordinary helpful
    answers. ConfigError if none has an answer."""
    files = files_of(path)
    columns = find(path, files, choice)
    found = [
        pair_of(row, query, response, unsafe=False, name=path.name)
        for _, row, query in _rows(files, columns)
        if (response := columns.answer_of(row))
    ]
    if not found:
        raise ConfigError(
            f"{path}: no row has an answer; needs a column 'response', 'answer', 'output' or 'completion'"
        )
    return found


def _labelled(files: Sequence[Path], path: Path, label_names: str | None, choice: Choice) -> Iterator[Pair]:
    found, reader, columns = False, reader_of(path, label_names), find(path, files, choice)
    for place, row, query in _rows(files, columns):
        label = reader.read(row, reader.column(row, place), place)
        if label is not None:
            found = True
            response = columns.answer_of(row)
            yield pair_of(row, query, response, unsafe=reader.scheme.unsafe(label), name=path.name)
    if not found:
        raise ConfigError(f"{path}: holds no labelled rows to probe")


def _rows(files: Sequence[Path], columns: Columns) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Each row, where it stands, and its query."""
    for file in files:
        for batch in batches(file, (*columns.used, *_OURS)):
            for number, row in enumerate(batch.rows, start=batch.first):
                place = f"{file}: row {number}"
                if (query := columns.query_of(row, place)) is None:
                    raise ConfigError(f"{place}: no text under {columns.name!r}")
                yield place, row, query


def pair_of(row: dict[str, Any], query: str, response: str | None, *, unsafe: bool, name: str) -> Pair:
    """A row of a data set or table as a probe learns from it; `name` is its source where it tells of none."""
    query = plain(query)
    return Pair(
        query=query,
        response=plain(response or ""),
        unsafe=unsafe,
        root=plain(str(row.get("root_id") or row.get("parent_id") or row.get("query_id") or query)),
        kind=_kind(row),
        source=str(row.get("source") or name),
        response_class=row.get("response_class"),
        attack=row.get("attack") if "query_id" in row else None,
    )


def _kind(row: dict[str, Any]) -> str:
    if row.get("scenario") == "ordinary":
        return "ordinary"
    return "benign" if row.get("query_type") == "benign" else ""


def _content(pair: Pair) -> tuple[str, str, bool]:
    return pair.query, pair.response, pair.unsafe
