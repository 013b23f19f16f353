"""What the journal writes together: all of it or, where anything fails, nothing."""

import sqlite3

from synth.errors import Stopped

UNFIT = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    TypeError,
    ValueError,
)
"""What SQLite raises in a transaction of a row that is itself at fault, and not the disk."""


class Transaction:
    """A transaction of the journal's file, BEGIN … COMMIT: a full or failing disk becomes Stopped, and nothing of it is kept."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._run("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            self._run("COMMIT")
            return
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise Stopped(
                "disk",
                f"the journal cannot be written ({error}); free space or mend the disk, then run the same command again",
            ) from error

    def _run(self, statement: str) -> None:
        try:
            self._db.execute(statement)
        except sqlite3.Error as error:
            self.__exit__(type(error), error, None)
