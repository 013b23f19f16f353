"""The journal: replies by key, and decisions in order. The only state of a run; written before any effect."""

import asyncio
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from synth.errors import ConfigError, ProviderError, Stopped
from synth.hashing import key_of, outage_of
from synth.journal import standing
from synth.journal.known import Known
from synth.journal.lock import hold
from synth.journal.rows import COLUMNS, UNSEALED, DamagedReply, Decision, Rows, decision_row, kept_of, reply_of, sum_of
from synth.journal.transaction import UNFIT, Transaction
from synth.journal.usage import GAVE_UP, OUTAGE, RETRY, UNPAID, Usage
from synth.sanitize import MOST
from synth.types import Origin, Reply, Request

VERSION = 2
READ = (1, VERSION)
"""The journal formats that can be read. One of format 1, which had no sums, becomes one of today's once it is to be
written."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, text TEXT NOT NULL, finish TEXT NOT NULL, reasoning TEXT,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    stage TEXT NOT NULL, lane TEXT NOT NULL, model TEXT NOT NULL, more TEXT, sum TEXT
);
CREATE TABLE IF NOT EXISTS decisions (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL, sum TEXT);
"""
_NEW = (("replies", "more"), ("replies", "sum"), ("decisions", "sum"))
"""Columns that format 1 has not."""

INSERT = f"INSERT INTO replies ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 (words of our own)
PUT = f"""
{INSERT} ON CONFLICT (key) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in COLUMNS.split(", ")[1:])}
WHERE finish = '{RETRY}' OR ?
"""
DECIDE = "INSERT INTO decisions (kind, body, seq, sum) VALUES (?, ?, ?, ?)"

_COUNTS = [f"iif({name} BETWEEN 0 AND {MOST}, {name}, 0)" for name in ("prompt_tokens", "completion_tokens")]
"""As `counted` has them: what an older synth believed cannot make a sum overflow."""
SPENT = f"""
SELECT lane, stage, model, sum(finish NOT IN {(RETRY, OUTAGE)}), sum({_COUNTS[0]}), sum({_COUNTS[1]}),
    sum({_COUNTS[0]} + {_COUNTS[1]} = 0 AND finish NOT IN {UNPAID}), sum(finish = '{GAVE_UP}')
FROM replies GROUP BY 1, 2, 3 ORDER BY 2, 3, 1
"""  # noqa: S608 (words of our own)

TOGETHER = 0.005
"""Seconds for which replies that keep coming, turn after turn of the event loop, wait for a commit that they share."""


class Journal:
    """The journal of a run: an SQLite file in WAL mode, held by one process. A kill at any byte loses only what was
    not yet committed; a power cut may lose the last seconds, and never what came before them."""

    # Why it is as it is. A run is a fold over this file: whatever it holds may be read again by any later version, and whatever
    # it does not hold has not happened. Hence replies are kept as they came, and what class they are of (a refusal, unreadable)
    # is found anew at every fold: kept beside them it would freeze today's rules into yesterday's data. What goes wrong on the
    # way is no reply and is not kept, or a passing outage would be replayed for ever; only what decided something about a row is:
    # that a request was given up on, or the next model of a chain asked. Decisions are numbered, for their order is the order of plans; replies have
    # none, for theirs is that of arrival. One process holds the file: two that fold would each plan on without the other.

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.sqlite"
        self._lock = hold(folder / "journal.lock")
        self._pending: list[tuple[tuple[Any, ...], asyncio.Future[None]]] = []
        """The rows of the commit to come, and who waits for it."""
        self._known: Known | None = None
        """The keys that are stored; None before the first that was not."""
        self._damaged: set[str] = set()
        """Keys of replies that were found not to be what was written: the next one to come takes their place."""
        self._db = sqlite3.connect(self.path, isolation_level=None)
        try:
            self._open()
            self._rows = _rows(self._db, self.path)
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        try:
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if version not in READ and (version or tables):
                raise other_version(self.path, version)
            if tables and "replies" not in tables:
                raise other_version(self.path, 0)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            if version != VERSION or not tables:
                with Transaction(self._db):
                    self._make(version, tables)
        except sqlite3.Error as error:
            raise _as_config_error(self.path, error) from error
        except Stopped as stop:  # nothing of the transaction is kept
            raise _as_config_error(self.path, stop.__cause__ or stop) from stop

    def _make(self, version: int, tables: Collection[str]) -> None:
        """The tables of today. What a journal of format 1 holds stays as it is, without sums."""
        for statement in SCHEMA.split(";\n")[:-1]:
            self._db.execute(statement)
        self._db.execute(f"PRAGMA user_version={VERSION}")
        if version != 1 or not tables:
            return
        (replies,) = self._db.execute("SELECT coalesce(max(rowid), 0) FROM replies").fetchone()
        for table, column in _NEW:
            if table in tables:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT")
        (last,) = self._db.execute("SELECT coalesce(max(seq), 0) FROM decisions").fetchone()
        self._add(UNSEALED, {"replies": replies, "decisions": last})

    def get(self, key: str) -> Reply | None:
        """The reply stored under a key in this run's journal; None if there is none. Raises DamagedReply for one that
        is not what was written."""
        if self._known is not None and key not in self._known:
            return None
        try:
            found = reply_of(self._rows.reply(key))
        except DamagedReply:
            self._damaged.add(key)
            raise
        if found is None and self._known is None:  # one look for all that are asked for from now on
            self._known = Known(self._rows.keys())
        return found

    def stage_of(self, key: str) -> str:
        """The stage for which the reply stored under a key was first asked; there must be one."""
        return str(self._db.execute("SELECT stage FROM replies WHERE key = ?", (key,)).fetchone()[0])

    def has(self, request: Request) -> bool:
        """Whether this run's journal answers a request: it has a reply, or says that the model was out and another
        was asked."""
        keys = (key := key_of(request), outage_of(key))
        return self._db.execute("SELECT 1 FROM replies WHERE key IN (?, ?)", keys).fetchone() is not None

    async def put(self, key: str, reply: Reply, origin: Origin, model: str) -> None:
        """Stores a reply in the journal, and returns once it is committed. Raises Stopped where the disk fails, ProviderError
        for a reply that cannot be stored. Replies that arrive together share a commit."""
        # The asker holds its permit until this returns, so no more is lost by a kill than is in flight. A second reply to a key
        # changes nothing (see PUT): what a fold has once read must be what every later fold reads.
        kept = kept_of(key, reply, origin, model)
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[None] = loop.create_future()
        self._pending.append(((*kept, sum_of(*kept), key in self._damaged), committed))
        if len(self._pending) == 1:
            loop.call_soon(self._turned, loop, 0, time.monotonic())
        await committed

    def _turned(self, loop: asyncio.AbstractEventLoop, before: int, since: float) -> None:
        """Commits after a whole turn of the event loop in which no reply came, or a few ms."""
        if len(self._pending) > before and time.monotonic() - since < TOGETHER:
            loop.call_soon(self._turned, loop, len(self._pending), since)
        else:
            self._commit()

    def _commit(self) -> None:
        # One transaction for all, not one a reply: a commit takes as long for a hundred rows as for one. What is put while this
        # one runs belongs to the next, so they are taken before anything can fail.
        pending, self._pending = self._pending, []
        try:
            lost = self._put_all([row for row, _ in pending])
        except Exception as error:  # noqa: BLE001 (whatever it is, the askers must hear of it: they wait)
            for _, committed in pending:
                if not committed.done():
                    committed.set_exception(error)
            return
        for place, (row, committed) in enumerate(pending):
            if place not in lost:
                self._damaged.discard(row[0])
                if self._known is not None:
                    self._known.add(row[0])
            if committed.done():
                continue  # its asker is gone
            if place in lost:
                unfit = ProviderError(f"sends what cannot be kept ({lost[place]})", cause="garbled")
                unfit.__cause__ = lost[place]
                committed.set_exception(unfit)
            else:
                committed.set_result(None)

    def _put_all(self, rows: Sequence[tuple[Any, ...]]) -> dict[int, Exception]:
        """Stores these rows together; where one of them cannot be stored, the others. Gives those, by place."""
        try:
            with Transaction(self._db):
                self._db.executemany(PUT, rows)
        except (Stopped, *UNFIT) as error:
            if not isinstance(error.__cause__ or error, UNFIT):
                raise
        else:
            return {}
        lost = dict[int, Exception]()
        with Transaction(self._db):
            for place, row in enumerate(rows):
                try:
                    self._db.execute(PUT, row)
                except UNFIT as error:
                    lost[place] = error
        return lost

    def decide(self, kind: str, body: Mapping[str, Any]) -> None:
        """Stores a decision in the journal; call it before the decision has any effect."""
        self.decide_all([(kind, body)])

    def decide_all(self, taken: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Stores decisions in the journal together: all of them or, after a kill, none."""
        with Transaction(self._db):
            for kind, body in taken:
                self._add(kind, body)

    def _add(self, kind: str, body: Mapping[str, Any]) -> None:
        (last,) = self._db.execute("SELECT coalesce(max(seq), 0) FROM decisions").fetchone()
        self._db.execute(DECIDE, decision_row(last + 1, kind, body))

    def retry(self, lanes: Collection[str]) -> int:
        """Stores that the requests of these lanes that were given up on be asked again, in this run or a later one;
        gives how many there are. Until its answer comes, each keeps the reply it has, for folds that may not ask. A
        decision, recorded with its effect."""
        with Transaction(self._db):
            found = [kept._replace(finish=RETRY) for kept in self._rows.ended(GAVE_UP) if kept.lane in lanes]
            marked = ((kept.finish, sum_of(*kept), kept.key) for kept in found)
            self._db.executemany("UPDATE replies SET finish = ?, sum = ? WHERE key = ?", marked)
            if found:
                self._add(RETRY, {"requests": len(found)})
        return len(found)

    @property
    def begun(self) -> bool:
        """Whether a run was ever begun with this journal: any decision was recorded."""
        return self._db.execute("SELECT 1 FROM decisions").fetchone() is not None

    def decisions(self) -> Iterator[Decision]:
        """Kind and body of every decision stored in this run's journal, in the order in which they were taken.
        ConfigError for one that is not what was written."""
        return self._rows.decisions()

    def spent(self) -> list[Usage]:
        """What this run's journal has stored of what was paid for over its life, by lane, stage and model."""
        return [Usage(*row) for row in self._db.execute(SPENT)]

    def stand_ins(self) -> dict[str, int]:
        """How many replies of each model in this run's journal are of a stand-in for it."""
        return self._rows.stand_ins()

    def witness(self) -> standing.Witness:
        """What tells this journal, as it stands, from another, for a checkpoint."""
        return standing.witness(self._db)

    def went_on(self, witness: standing.Witness) -> bool:
        """Whether this journal is the one that gave a checkpoint's `witness`, and has lost no reply since."""
        return standing.went_on(self._db, witness)

    def standing(self) -> dict[str, Any]:
        """By what this journal is told from one that was written to since, in any way."""
        return standing.standing(self._db, self.path)

    def close(self) -> None:
        """Closes the journal's file and lets go of its lock."""
        self._db.close()
        self._lock.close()


def other_version(path: Path, version: int) -> ConfigError:
    """The error for a journal file with another `user_version`. A file of format 0 that holds tables was never a
    journal."""
    if not version:
        return ConfigError(
            f"{path}: is not a journal of synth (a database of something else); move it away or use another -o DIR"
        )
    age, way_out = (
        ("an older", "the one that wrote it") if version < VERSION else ("a newer", "that one or a later one")
    )
    return ConfigError(
        f"{path}: written by {age} synth (journal format {version}, this one reads {VERSION}); go on with {way_out}, or use another -o DIR"
    )


def _rows(db: sqlite3.Connection, path: Path) -> Rows:
    try:
        return Rows(db, path, VERSION)
    except sqlite3.Error as error:
        raise ConfigError(
            f"{path}: the journal is damaged ({error}); put a copy of it back, or choose another -o DIR"
        ) from error


def _as_config_error(path: Path, error: BaseException) -> ConfigError:
    if "malformed" in str(error):
        return ConfigError(f"{path}: the journal is damaged ({error}); put a copy of it back, or choose another -o DIR")
    if "not a database" in str(error):
        return ConfigError(f"{path}: is not a journal of synth ({error}); move it away or use another -o DIR")
    return ConfigError(f"{path}: cannot be opened ({error}); check space and permissions, or use another -o DIR")
