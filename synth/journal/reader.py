"""A journal read without being held: while a run goes on in its folder, after a kill, from a disk that may not be written."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

from synth.errors import ConfigError
from synth.hashing import key_of, outage_of
from synth.journal.rows import Decision, Kept, Rows, reply_of
from synth.journal.store import READ, SPENT, other_version
from synth.journal.usage import Usage
from synth.types import Reply, Request

Item = TypeVar("Item")


class Reader:
    """Reads the journal in a run's folder, or a journal file, as one consistent view, whoever writes it meanwhile.
    ConfigError for whatever keeps it from being read."""

    def __init__(self, place: Path) -> None:
        self.path = place / "journal.sqlite" if place.is_dir() else place
        if not self.path.is_file():
            raise ConfigError(f"{place}: holds no journal; name a run's folder or a journal file")
        with self._blamed():
            self._db = self._connected()
        try:
            with self._blamed():
                (self.version,) = self._db.execute("PRAGMA user_version").fetchone()
                if self.version not in READ:
                    raise other_version(self.path, self.version)
                tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
                if tables and "replies" not in tables:
                    raise other_version(self.path, 0)
                self._rows = Rows(self._db, self.path, self.version)
        except ConfigError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the journal's file."""
        self._db.close()

    def replies(self) -> Iterator[tuple[Kept, bool]]:
        """Every reply in the journal being read, by key, and whether it is still what was written."""
        return self._each(self._rows.replies)

    def decisions(self) -> Iterator[Decision]:
        """Every decision in the journal being read, in the order in which they were taken. ConfigError for one that
        is not what was written."""
        return self._each(self._rows.decisions)

    def numbered(self) -> Iterator[tuple[int, str, dict[str, Any], str]]:
        """Number, kind and body of every decision in the journal being read, and what is wrong with it; empty if
        nothing is."""
        return self._each(self._rows.numbered)

    def unsealed(self) -> tuple[int, int]:
        """How many replies and decisions in the journal being read have no checksum, since they were written in
        format 1."""
        with self._blamed():
            return self._rows.unsealed()

    def get(self, key: str) -> Reply | None:
        """The reply under a key in the journal being read; None if there is none. Raises DamagedReply for one that
        is not what was written."""
        with self._blamed():
            return reply_of(self._rows.reply(key))

    def stage_of(self, key: str) -> str:
        """The stage for which a reply in the journal being read was first asked."""
        with self._blamed():
            return str(self._db.execute("SELECT stage FROM replies WHERE key = ?", (key,)).fetchone()[0])

    def has(self, request: Request) -> bool:
        """Whether the journal being read answers a request: it has a reply, or says that the model was out and
        another was asked."""
        keys = (key := key_of(request), outage_of(key))
        with self._blamed():
            return self._db.execute("SELECT 1 FROM replies WHERE key IN (?, ?)", keys).fetchone() is not None

    def spent(self) -> list[Usage]:
        """What was paid for over the life of the journal being read, by lane, stage and model."""
        return [Usage(*row) for row in self.rows(SPENT)]

    def stand_ins(self) -> dict[str, int]:
        """How many replies of each model in the journal being read are of a stand-in for it."""
        with self._blamed():
            return self._rows.stand_ins()

    def _each(self, found: Callable[[], Iterator[Item]]) -> Iterator[Item]:
        with self._blamed():
            yield from found()

    def rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        """The rows of an SQL query over the journal being read. ConfigError where it cannot be read."""
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
