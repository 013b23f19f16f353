"""Journals united: what comes out is a function of what they hold, whatever their order and however often they were united before."""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import groupby, zip_longest
from pathlib import Path

from synth.engine.journal import SCHEMA, VERSION
from synth.engine.reading import Decision, Kept, Reader
from synth.errors import ConfigError


def united(journals: Sequence[Reader]) -> Iterator[Kept]:
    """The replies of all, by key; of several replies to one key the first by content, finished ones before others."""
    for _, same_key in groupby(merge(*(journal.replies() for journal in journals), key=_key), key=_key):
        yield min(same_key, key=_by_content)


def write(path: Path, kept: Iterable[Kept], taken: Iterable[Decision]) -> None:
    """A journal of these replies and decisions: aside first, then renamed."""
    new = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as db:
            db.execute(f"PRAGMA user_version={VERSION}")
            db.executescript(SCHEMA)
            db.execute("BEGIN")
            db.executemany("INSERT INTO replies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", kept)
            bodies = ((kind, json.dumps(body, ensure_ascii=False)) for kind, body in taken)
            db.executemany("INSERT INTO decisions (kind, body) VALUES (?, ?)", bodies)
            db.execute("COMMIT")
        new.rename(path)
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(f"{path}: cannot be written ({reason}); free space or choose another -o") from error


def same(one: Path, other: Path) -> bool:
    """Whether two journals hold the same."""
    with Reader(one) as left, Reader(other) as right:
        alike = all(a == b for a, b in zip_longest(left.replies(), right.replies()))
        return alike and list(left.decisions()) == list(right.decisions())


def _key(reply: Kept) -> str:
    return reply.key


def _by_content(reply: Kept) -> tuple[bool, bool, Kept]:
    """A total order. No reasoning comes before any."""
    return (reply.finish != "stop", reply.reasoning is not None, reply._replace(reasoning=reply.reasoning or ""))
