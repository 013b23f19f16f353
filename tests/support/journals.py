"""Journals changed by hand: as synth itself would have written them, or as a disk would have hurt them."""

import contextlib
import sqlite3
from pathlib import Path

from synth.journal.rows import COLUMNS, sum_of


def change(path: Path, *statements: str) -> None:
    """Runs these statements on a journal file."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


def seal(path: Path) -> None:
    """Gives every row the sum of what it holds."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        columns = COLUMNS.removesuffix(", sum")
        for rowid, *row in db.execute(f"SELECT rowid, {columns} FROM replies").fetchall():
            db.execute("UPDATE replies SET sum = ? WHERE rowid = ?", (sum_of(*row), rowid))
        for row in db.execute("SELECT seq, kind, body FROM decisions").fetchall():
            db.execute("UPDATE decisions SET sum = ? WHERE seq = ?", (sum_of(*row), row[0]))
        db.commit()


def as_format_1(path: Path) -> None:
    """Turns a closed journal into what the first format would have held of it."""
    change(
        path,
        "DELETE FROM decisions WHERE kind = 'inputs'",
        "UPDATE decisions SET seq = (SELECT count(*) FROM decisions AS one WHERE one.seq <= decisions.seq)",
        "ALTER TABLE replies DROP COLUMN sum",
        "ALTER TABLE replies DROP COLUMN more",
        "ALTER TABLE decisions DROP COLUMN sum",
        "PRAGMA user_version=1",
    )


def flip(path: Path, at: int, bit: int) -> None:
    """One bit of the file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)
