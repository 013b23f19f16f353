"""Labelled pairs out of a run or of anybody's table: what a probe learns from, and what it is tried on."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth.errors import ConfigError
from synth.hashing import unit
from synth.sanitize import plain
from synth.tables.io import batches, column, files_of
from synth.tables.labels import COLUMNS, TELLING, reader_of

QUERY = ("query", "question", "prompt", "instruction", "text")
RESPONSE = ("response", "answer", "output")
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


def sample(path: Path, most: int, label_names: str | None = None) -> tuple[list[Pair], int]:
    """Labelled pairs for a probe to learn from, of whole root queries, about `most` at most and the same ones in whatever
    order rows come; and how many labelled rows there are. Of a run, its splits `hard` and `test` are left out."""
    if (path / "journal.sqlite").exists() and not (path / "dataset").is_dir():
        raise ConfigError(f"{path}: holds no dataset yet; the command that began it goes on with it")
    kept: dict[str, list[Pair]] = {}
    rows, share = 0, 1.0
    held = 0
    for pair in _labelled([file for file in files_of(path) if not _ASIDE.match(file.name)], path, label_names):
        rows += 1
        if unit(pair.root, "probe") < share:
            kept.setdefault(pair.root, []).append(pair)
            held += 1
        while held > most and len(kept) > 1:
            share *= 0.9
            kept = {root: pairs for root, pairs in kept.items() if unit(root, "probe") < share}
            held = sum(map(len, kept.values()))
    return [pair for root in sorted(kept) for pair in sorted(kept[root], key=_content)], rows


def every(path: Path, label_names: str | None = None) -> list[Pair]:
    """All labelled rows of a table as pairs for a probe to be tried on; ConfigError if there are none."""
    return list(_labelled(files_of(path), path, label_names))


def ordinary() -> list[Pair]:
    """Sixty ordinary questions with helpful answers that ship with synth: a probe that calls them unsafe has learnt a
    shortcut."""
    return answers(Path(__file__).with_name("ordinary.jsonl"))


def answers(path: Path) -> list[Pair]:
    """All rows of a table as pairs labelled safe, whatever their label: the user says that they are ordinary helpful
    answers. ConfigError if none has an answer."""
    found = [
        _pair(row, names, unsafe=False, name=path.name)
        for file in files_of(path)
        for _, row, names in _rows(file)
        if isinstance(row.get(names[1] or ""), str) and row[names[1] or ""]
    ]
    if not found:
        raise ConfigError(f"{path}: no row has an answer; needs a column {' or '.join(map(repr, RESPONSE))}")
    return found


def _labelled(files: Sequence[Path], path: Path, label_names: str | None) -> Iterator[Pair]:
    found, reader = False, reader_of(path, label_names)
    for file in files:
        for place, row, names in _rows(file):
            label = reader.read(row, reader.column(row, place), place)
            if label is not None:
                found = True
                yield _pair(row, names, unsafe=reader.scheme.unsafe(label), name=path.name)
    if not found:
        raise ConfigError(f"{path}: holds no labelled rows to probe")


def _rows(file: Path) -> Iterator[tuple[str, dict[str, Any], tuple[str, str | None]]]:
    """Each row, where it stands, and its columns of queries and of answers."""
    for batch in batches(file, (*QUERY, *RESPONSE, *_OURS)):
        for number, row in enumerate(batch.rows, start=batch.first):
            place = f"{file}: row {number}"
            query = column(row, QUERY, place)
            if not isinstance(row[query], str):
                raise ConfigError(f"{place}: no text under {query!r}")
            yield place, row, (query, next((name for name in RESPONSE if name in row), None))


def _pair(row: dict[str, Any], names: tuple[str, str | None], *, unsafe: bool, name: str) -> Pair:
    query, response = plain(row[names[0]]), row.get(names[1] or "")
    return Pair(
        query=query,
        response=plain(response) if isinstance(response, str) else "",
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
