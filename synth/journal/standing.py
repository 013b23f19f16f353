"""By what a journal, as it stands, is told from another: its counts, its last rows, its file."""

import sqlite3
from pathlib import Path
from typing import Any

from synth.hashing import short_hash
from synth.journal.usage import RETRY

Witness = tuple[int, int, str, int]
"""How many replies a journal holds, the last of them, its hash, and how often some were decided to be asked again."""


def witness(db: sqlite3.Connection) -> Witness:
    """What tells a journal, as it stands, from another, for a checkpoint."""
    (count,) = db.execute("SELECT count(*) FROM replies").fetchone()
    (last,) = db.execute("SELECT coalesce(max(rowid), 0) FROM replies").fetchone()
    (retries,) = db.execute("SELECT count(*) FROM decisions WHERE kind = ?", (RETRY,)).fetchone()
    return count, last, _sum_of(db, last), retries


def went_on(db: sqlite3.Connection, before: Witness) -> bool:
    """Whether a journal is the one that gave a checkpoint's `witness`, and has lost no reply since."""
    count, last, sum, retries = before
    now = witness(db)
    return now[0] >= count and _sum_of(db, last) == sum and now[3] == retries


def standing(db: sqlite3.Connection, path: Path) -> dict[str, Any]:
    """By what a journal is told from one that a row was added to, or that was written to in any other way. Cheap however many
    replies it holds: it says nothing of what a disk did to them."""
    db.execute("PRAGMA wal_checkpoint(PASSIVE)")  # or the file would change once more as it is closed
    ends = (
        db.execute(f"SELECT * FROM {table} ORDER BY rowid DESC LIMIT 1").fetchone()  # noqa: S608 (names of ours)
        for table in ("replies", "decisions")
    )
    counts = db.execute("SELECT (SELECT count(*) FROM replies), (SELECT count(*) FROM decisions)").fetchone()
    file = path.stat()
    return {
        "rows": list(counts),
        "last": [short_hash(repr(row)) for row in ends],
        "file": [file.st_size, file.st_mtime_ns],
    }


def _sum_of(db: sqlite3.Connection, row: int) -> str:
    return short_hash(*db.execute("SELECT key, text FROM replies WHERE rowid = ?", (row,)).fetchone() or ())
