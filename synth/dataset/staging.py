"""Rows and drops on their way from the fold to the shards, on disk, so that memory does not grow with their number; and beside
them the fold's checkpoint."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from synth.dataset.rows import Names, drop_of, rank, row_of, split_of
from synth.plan.lanes import BEHAVIOUR
from synth.recipe.labels import LabelScheme
from synth.recipe.sections import Output
from synth.types import LABELLED, Drop, MarkMode, Sample

ORDINARY = "ordinary"
"""The scenario of ordinary conversation, and the kind of its rows."""

_TABLES = """
CREATE TABLE rows (split TEXT, rank TEXT, kind TEXT, lane TEXT, label TEXT, behaviour TEXT, body TEXT);
CREATE TABLE drops (kind TEXT, lane TEXT, body TEXT);
CREATE TABLE gated (kind TEXT, text TEXT, said TEXT, family TEXT);
CREATE TABLE state (mark TEXT, body TEXT);
"""


class Staging:
    """Rows and drops on their way from the fold to the shards, in a SQLite file; a context manager. What was saved with a
    checkpoint is found again by the next one on the same folder, the rest is not; without a checkpoint the file is removed
    again. A cache: nothing depends on it."""

    def __init__(self, folder: Path, names: Names, output: Output, labels: LabelScheme) -> None:
        self._path = folder / ".synth-fold.sqlite"
        self._names, self._output, self._labels = names, output, labels
        self._db = self._opened()

    @property
    def mark(self) -> MarkMode:
        """How the mark 【略】 is to go out in the answers of staged rows, which hold it as judged."""
        return self._output.mark

    def _opened(self) -> sqlite3.Connection:
        if self._path.is_symlink():
            self._remove()
        db = sqlite3.connect(self._path, isolation_level=None)
        try:
            db.execute("SELECT mark, said, gated.kind, behaviour FROM state LEFT JOIN gated LEFT JOIN rows LIMIT 1")
        except sqlite3.DatabaseError:  # new, or not one of ours, or broken
            db.close()
            self._remove()
            db = sqlite3.connect(self._path, isolation_level=None)
            db.executescript(_TABLES)
        db.execute("BEGIN")
        return db

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        useless = self._state() is None
        self._db.close()
        if useless:
            self._remove()

    def saved(self, mark: str) -> str | None:
        """The fold's checkpoint that was staged under this mark. None if there is none, and then what is staged is thrown
        away."""
        found = self._state()
        if found is not None and found[0] == mark:
            return found[1]
        self.forget()
        return None

    def save(self, mark: str, state: str) -> None:
        """Keeps a checkpoint of the fold, and with it all rows, drops and gated queries that are staged so far."""
        self._db.execute("DELETE FROM state")
        self._db.execute("INSERT INTO state VALUES (?, ?)", (mark, state))
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")

    def forget(self) -> None:
        """Throws away everything that is staged, the fold's checkpoint included."""
        self._db.execute("ROLLBACK")
        self._db.close()
        self._remove()
        self._db = self._opened()

    def gated(self, query: Sample) -> None:
        """Stages a query that passed the gate, so that a fold that goes on from a checkpoint can fill its index again."""
        said = None if query.request is None else query.query
        self._db.execute(
            "INSERT INTO gated VALUES (?, ?, ?, ?)", (query.lane.query_type, query.compared, said, query.family)
        )

    def index(self) -> Iterator[tuple[str, str, str, str]]:
        """Query type, compared text, own words and family of every staged query that passed the gate, in order."""
        yield from self._db.execute("SELECT kind, text, coalesce(said, text), family FROM gated ORDER BY rowid")

    def keep(self, split: str, row: Sample) -> None:
        """Stages a row for a split of the dataset; `accepted` stands for the split that is the row's by its root query."""
        if split == "accepted":
            split = split_of(row, self._output)
        body = row_of(row, self._names, self._labels)
        kind = ORDINARY if row.lane.scenario == ORDINARY else row.query_type
        told = (kind, row.lane.id, row.label, _behaviour(row), json.dumps(body, ensure_ascii=False))
        self._db.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", (split, rank(body["id"]), *told))

    def surplus(self, row: Sample) -> None:
        """Stages nothing of a row whose cell was full."""

    def drop(self, drop: Drop) -> None:
        """Stages a drop for DIR/drops, under its stage and reason."""
        kind = f"{drop.stage}.{drop.reason}"
        self._db.execute(
            "INSERT INTO drops VALUES (?, ?, ?)", (kind, drop.lane.id, json.dumps(drop_of(drop), ensure_ascii=False))
        )

    def count(self, split: str) -> int:
        """How many rows are staged for a split of the dataset."""
        (count,) = self._db.execute("SELECT count(*) FROM rows WHERE split = ?", (split,)).fetchone()
        return int(count)

    def elements(self) -> Iterator[dict[str, str]]:
        """The elements of every accepted row that is staged, axis -> value."""
        drawn = "SELECT json_extract(body, '$.elements') FROM rows WHERE split IN (?, ?, ?)"
        for (found,) in self._db.execute(drawn, LABELLED):
            yield {element["axis"]: element["value"] for element in json.loads(found)}

    def lowest(self, kind: str, most: int) -> Iterator[dict[str, Any]]:
        """Of the staged rows of cells those of a kind (`harmful`, `benign`, `ordinary`), of lowest rank first, so many at
        most."""
        self._db.execute("CREATE INDEX IF NOT EXISTS by_kind ON rows (kind, rank)")
        yield from self._first("kind", kind, most)

    def lowest_by_lane(self, most: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The lanes that have staged rows in cells, each with its rows of lowest rank, so many at most."""
        self._db.execute("CREATE INDEX IF NOT EXISTS by_lane ON rows (lane, rank)")
        for (lane,) in self._db.execute("SELECT DISTINCT lane FROM rows ORDER BY lane").fetchall():
            if found := list(self._first("lane", lane, most)):
                yield lane, found

    def _first(self, column: str, value: str, most: int) -> Iterator[dict[str, Any]]:
        chosen = f"SELECT body FROM rows WHERE {column} = ? AND split IN (?, ?, ?) ORDER BY rank LIMIT ?"  # noqa: S608 (a name of ours)
        for (body,) in self._db.execute(chosen, (value, *LABELLED, most)):
            yield orjson.loads(body)

    def behaviours(self) -> Iterator[tuple[str, str, str, int]]:
        """How many staged rows there are in cells by kind, cell and behaviour."""
        counted = "SELECT kind, lane || '/' || label, behaviour, count(*) FROM rows WHERE behaviour IS NOT NULL AND split IN (?, ?, ?) GROUP BY 1, 2, 3"
        yield from self._db.execute(counted, LABELLED)

    def rows(self, split: str) -> Iterator[dict[str, Any]]:
        """The staged rows of a split, in the order of their rank: through an index, since sorting would hold the rows in
        memory."""
        self._db.execute("CREATE INDEX IF NOT EXISTS by_rank ON rows (split, rank)")
        for (body,) in self._db.execute("SELECT body FROM rows WHERE split = ? ORDER BY rank", (split,)):
            yield json.loads(body)

    def drops(self) -> Iterator[tuple[str, Callable[[], Iterator[str]]]]:
        """The staged drops of each `stage.reason` as JSON lines, lane by lane in the order in which they fell."""
        for (kind,) in self._db.execute("SELECT DISTINCT kind FROM drops ORDER BY kind").fetchall():
            yield kind, lambda kind=kind: self._lines(kind)  # type: ignore[misc]

    def _lines(self, kind: str) -> Iterator[str]:
        for (body,) in self._db.execute("SELECT body FROM drops WHERE kind = ? ORDER BY lane, rowid", (kind,)):
            yield body

    def _state(self) -> tuple[str, str] | None:
        found: tuple[str, str] | None = self._db.execute("SELECT mark, body FROM state").fetchone()
        return found

    def _remove(self) -> None:
        for ending in ("", "-journal"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)


def _behaviour(row: Sample) -> str | None:
    return next((element.value for element in row.elements if element.axis == BEHAVIOUR), None)
