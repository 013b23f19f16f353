"""Rows and drops on their way from the fold to the shards: on disk, so that memory does not grow with their number."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from synth.dataset.rows import Names, drop_of, rank, row_of, split_of
from synth.recipe import Output
from synth.types import Drop, Sample


class Spool:
    """A temporary SQLite file; a context manager that removes it again."""

    def __init__(self, folder: Path, names: Names, output: Output) -> None:
        self._path = folder / ".spool.sqlite"
        self._names, self._output = names, output
        self._remove()
        self._db = sqlite3.connect(self._path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE rows (split TEXT, rank TEXT, body TEXT)")
        self._db.execute("CREATE TABLE drops (kind TEXT, lane TEXT, body TEXT)")
        self._db.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        self._remove()

    def keep(self, split: str, row: Sample) -> None:
        if split == "accepted":
            split = split_of(row, self._output)
        body = row_of(row, self._names)
        self._db.execute(
            "INSERT INTO rows VALUES (?, ?, ?)", (split, rank(body["id"]), json.dumps(body, ensure_ascii=False))
        )

    def drop(self, drop: Drop) -> None:
        kind = f"{drop.stage}.{drop.reason}"
        self._db.execute(
            "INSERT INTO drops VALUES (?, ?, ?)", (kind, drop.lane.id, json.dumps(drop_of(drop), ensure_ascii=False))
        )

    def count(self, split: str) -> int:
        (count,) = self._db.execute("SELECT count(*) FROM rows WHERE split = ?", (split,)).fetchone()
        return int(count)

    def elements(self) -> Iterator[dict[str, str]]:
        """The elements of every accepted row, axis -> value."""
        for (found,) in self._db.execute("SELECT json_extract(body, '$.elements') FROM rows WHERE split != 'hard'"):
            yield {element["axis"]: element["value"] for element in json.loads(found)}

    def rows(self, split: str) -> Iterator[dict[str, Any]]:
        """The rows of a split, in the order of their rank: through an index, since sorting would hold the rows in memory."""
        self._db.execute("CREATE INDEX IF NOT EXISTS by_rank ON rows (split, rank)")
        for (body,) in self._db.execute("SELECT body FROM rows WHERE split = ? ORDER BY rank", (split,)):
            yield json.loads(body)

    def drops(self) -> Iterator[tuple[str, Callable[[], Iterator[str]]]]:
        """For each `stage.reason` its drops as JSON lines, lane by lane in the order in which they fell."""
        for (kind,) in self._db.execute("SELECT DISTINCT kind FROM drops ORDER BY kind").fetchall():
            yield kind, lambda kind=kind: self._lines(kind)  # type: ignore[misc]

    def _lines(self, kind: str) -> Iterator[str]:
        for (body,) in self._db.execute("SELECT body FROM drops WHERE kind = ? ORDER BY lane, rowid", (kind,)):
            yield body

    def _remove(self) -> None:
        self._path.unlink(missing_ok=True)
