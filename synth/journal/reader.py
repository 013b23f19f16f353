"""A journal read without being held: while a run goes on in its folder, after a kill, from a disk that may not be written."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeAlias

from synth.errors import ConfigError
from synth.journal.store import VERSION, other_version

Decision: TypeAlias = tuple[str, dict[str, Any]]
"""A decision's kind and body."""


class Kept(NamedTuple):
    """A reply as it stands in the journal: the columns, in their order."""

    key: str
    text: str
    finish: str
    reasoning: str | None
    prompt_tokens: int
    completion_tokens: int
    stage: str
    lane: str
    model: str


class Reader:
    """One consistent view of the journal in a run's folder or of a journal file, whoever writes it meanwhile. Raises
    ConfigError for whatever keeps it from being read."""

    def __init__(self, place: Path) -> None:
        self.path = place / "journal.sqlite" if place.is_dir() else place
        if not self.path.is_file():
            raise ConfigError(f"{place}: holds no journal; name a run's folder or a journal file")
        with self._blamed():
            self._db = self._connected()
        try:
            with self._blamed():
                (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                raise other_version(self.path, version)
        except ConfigError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()

    def replies(self) -> Iterator[Kept]:
        """Every reply in the journal, in the order of keys. Raises ConfigError where it cannot be read on."""
        return map(Kept._make, self.rows(f"SELECT {', '.join(Kept._fields)} FROM replies ORDER BY key"))  # noqa: S608

    def decisions(self) -> Iterator[Decision]:
        """Every decision in the journal, in the order in which they were taken. Raises ConfigError where it cannot be read on."""
        for number, kind, body in self.rows("SELECT seq, kind, body FROM decisions ORDER BY seq"):
            try:
                yield kind, json.loads(body)
            except ValueError as error:
                raise _unreadable(self.path, f"decision {number}, a {kind}, is no JSON") from error

    def rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        """The rows of an SQL query. Raises ConfigError where the journal cannot be read."""
        with self._blamed():
            yield from self._db.execute(query)

    def _connected(self) -> sqlite3.Connection:
        address = f"{self.path.absolute().as_uri()}?mode=ro"
        try:
            return _begun(address)
        except sqlite3.OperationalError:
            # On a full or read-only disk SQLite cannot make the index its processes share. Without a log beside the journal
            # nobody writes to it, so none is needed.
            log = self.path.with_name(self.path.name + "-wal")
            if log.exists() and log.stat().st_size:
                raise
            return _begun(f"{address}&immutable=1")

    @contextlib.contextmanager
    def _blamed(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _unreadable(self.path, str(error)) from error


def _begun(address: str) -> sqlite3.Connection:
    db = sqlite3.connect(address, uri=True, isolation_level=None)
    try:
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def _unreadable(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{path}: cannot be read as a journal ({why}); take a copy that `synth journal verify` calls good"
    )
