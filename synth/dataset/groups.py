"""Rows that lie scattered, brought together on disk: by one column, with no more than a group in memory."""

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from synth.errors import ConfigError

_MANY = 200
"""Rows inserted at a time."""


def grouped(rows: Iterable[dict[str, Any]], by: str, folder: Path | None = None) -> Iterator[list[dict[str, Any]]]:
    """The rows of a dataset as groups, each with one value of `by`, in the order of the values and within a group in
    theirs; a row without one alone, at the end. They are sorted in a nameless file in `folder`, in the system's folder
    for temporary files if None."""
    with _told(folder), closing(_nameless(folder)) as db:
        # Bodies are written in the order they come, and the index alone is sorted, by SQLite and in files: sorting rows would hold them.
        db.execute("CREATE TABLE rows (key TEXT, body BLOB)")
        for some in _pages(rows):
            db.executemany("INSERT INTO rows VALUES (?, ?)", [(row[by], orjson.dumps(row)) for row in some])
        db.execute("CREATE INDEX by_key ON rows (key)")
        found = db.execute("SELECT key, body FROM rows WHERE key IS NOT NULL ORDER BY key, rowid")
        for _, group in groupby(found, itemgetter(0)):
            yield [orjson.loads(body) for _, body in group]
        for (body,) in db.execute("SELECT body FROM rows WHERE key IS NULL ORDER BY rowid"):
            yield [orjson.loads(body)]


@contextmanager
def _told(folder: Path | None) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise ConfigError(
            f"{folder or tempfile.gettempdir()}: rows cannot be sorted there ({error}); free space, or choose another -o OUT"
        ) from error


def _nameless(folder: Path | None) -> sqlite3.Connection:
    """A database whose file has lost its name, so that a kill leaves nothing behind."""
    handle, name = tempfile.mkstemp(prefix=".synth-groups-", dir=folder)
    os.close(handle)
    db = sqlite3.connect(name, isolation_level=None)
    try:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            db.execute(f"PRAGMA {pragma}").fetchall()
        db.execute("BEGIN")
    finally:
        Path(name).unlink()
    return db


def _pages(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    page = []
    for row in rows:
        page.append(row)
        if len(page) == _MANY:
            yield page
            page = []
    if page:
        yield page
