"""What stands in a journal's file, row by row, held against its sum: what the disk made of a row is told from what was written."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b
from math import inf
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import orjson

from synth.errors import ConfigError
from synth.journal import decisions
from synth.sanitize import DEEPEST, counted, nests, one_line, plain
from synth.types import Origin, Reply, TokenScores

Decision: TypeAlias = tuple[str, dict[str, Any]]
"""A decision in the journal: its kind and body."""
UNSEALED = "unsealed"
"""The decision that says up to which reply and which decision a journal of format 1 had no sums."""
WRONG = "is not what was written"
SCORES = "scores"
"""What the scores of a reply's tokens are called in the column `more`."""
STAND_IN = '"stand_in": true'
"""What stands in the column `more` of a reply whose server named itself a stand-in; no text in quotes holds it."""


class Kept(NamedTuple):
    """A reply as it stands in the journal: the columns but its checksum, in their order."""

    key: str
    """The key of the request that the reply is to."""
    text: str
    finish: str
    """How the reply ended: `stop`, `length`, `rejected` and the like."""
    reasoning: str | None
    prompt_tokens: int
    completion_tokens: int
    stage: str
    lane: str
    model: str
    more: str | None = None
    """What else the server said with the reply, as JSON; None for nothing."""


COLUMNS = ", ".join((*Kept._fields, "sum"))


class DamagedReply(ConfigError):
    """Raised for a journalled reply that is not what was written. Whoever may ask takes it for one that is not
    there."""

    def __init__(self, path: Path, key: str, stage: object) -> None:
        self.key, self.stage = key, one_line(str(stage))
        super().__init__(
            f"{path}: the reply {key} (stage {self.stage}) {WRONG}, and nothing is asked here; `synth run` of the whole recipe in that"
            " folder asks for it again, or put a copy of the journal back"
        )


def sum_of(*columns: object) -> str | None:
    """The checksum of a journal row's columns, 16 hex digits; None for what never was a row: bytes, or a text that
    is no UTF-8."""
    try:
        return blake2b(orjson.dumps(columns), digest_size=8).hexdigest()
    except TypeError:
        return None


class Rows:
    """The replies and decisions of an open journal file, of format 1 or 2, each checked against its sum."""

    def __init__(self, db: sqlite3.Connection, path: Path, version: int) -> None:
        db.text_factory = _text
        self._db, self._path = db, path
        columns = COLUMNS if version > 1 else f"{', '.join(Kept._fields[:-1])}, NULL, NULL"
        self._replies = f"SELECT rowid, {columns} FROM replies"  # noqa: S608 (words of our own)
        self._decisions = f"SELECT seq, kind, body, {'sum' if version > 1 else 'NULL'} FROM decisions"  # noqa: S608
        self._bounds: tuple[float, float] = self._told_bounds() if version > 1 else (inf, inf)

    def _told_bounds(self) -> tuple[int, int]:
        """Up to which rowid and seq rows may lack their sum. Elsewhere a missing one is a wrong one."""
        for row in self._db.execute(f"{self._decisions} WHERE kind = ?", (UNSEALED,)):
            if isinstance(body := self._read(*row, bound=0), dict):
                return body["replies"], body["decisions"]
        return 0, 0

    def reply(self, key: str) -> Kept | None:
        """The reply in the journal's row of a key; None if there is none. Raises DamagedReply for one that is not what
        was written."""
        found = self._db.execute(f"{self._replies} WHERE key = ?", (key,)).fetchone()
        if found is None:
            return None
        kept, whole = self._held(found)
        if not whole:
            raise DamagedReply(self._path, key, kept.stage)
        return kept

    def keys(self) -> Iterator[str]:
        """The keys of all replies in the rows of the journal file."""
        return (key for (key,) in self._db.execute("SELECT key FROM replies"))

    def replies(self) -> Iterator[tuple[Kept, bool]]:
        """Every reply in the rows of the journal file, by key, and whether it is still what was written."""
        return map(self._held, self._db.execute(f"{self._replies} ORDER BY key"))

    def stand_ins(self) -> dict[str, int]:
        """How many of the journalled replies of each model are those of a stand-in (`synth serve`); models without any are left
        out."""
        if self._bounds[0] == inf:
            return {}
        found = "SELECT model, count(*) FROM replies WHERE more LIKE ? GROUP BY model ORDER BY model"
        return dict(self._db.execute(found, (f"%{STAND_IN}%",)))

    def ended(self, finish: str) -> list[Kept]:
        """The journalled replies whose `finish` is this one, by key."""
        found = self._db.execute(f"{self._replies} WHERE finish = ? ORDER BY key", (finish,))
        return [kept for kept, whole in map(self._held, found) if whole]

    def _held(self, row: tuple[Any, ...]) -> tuple[Kept, bool]:
        rowid, *columns, sum = row
        found = sum_of(*columns)
        if found is None:  # whatever stands there is shown, and compared
            columns = [_shown(value) for value in columns]
        kept = Kept(*columns)
        return kept, found is not None and (
            found == sum if sum is not None else rowid <= self._bounds[0] and _typed(kept)
        )

    def unsealed(self) -> tuple[int, int]:
        """How many rows of the journal file, replies and decisions, have no checksum."""
        if self._bounds[0] == inf:
            counts = "SELECT (SELECT count(*) FROM replies), (SELECT count(*) FROM decisions)"
        else:
            counts = "SELECT (SELECT count(*) FROM replies WHERE sum IS NULL), (SELECT count(*) FROM decisions WHERE sum IS NULL)"
        replies, taken = self._db.execute(counts).fetchone()
        return replies, taken

    def decisions(self) -> Iterator[Decision]:
        """Every decision in the rows of the journal file, in the order in which they were taken. ConfigError for the
        first that is not what was written."""
        for number, kind, body, why in self.numbered():
            if why:
                raise ConfigError(
                    f"{self._path}: damaged (decision {number}, a {kind}, {why}); put a copy of the journal back, or use another -o DIR"
                )
            yield kind, body

    def numbered(self) -> Iterator[tuple[int, str, dict[str, Any], str]]:
        """Number, kind and body of every decision in the rows of the journal file, and what is wrong with it; empty if
        nothing is."""
        for number, row in enumerate(self._db.execute(f"{self._decisions} ORDER BY seq"), start=1):
            body = "is not the next one" if row[0] != number else self._read(*row, bound=self._bounds[1])
            kind = one_line(str(row[1]))
            yield (number, kind, {}, body) if isinstance(body, str) else (number, kind, body, "")

    def _read(self, seq: int, kind: object, text: object, sum: object, *, bound: float) -> dict[str, Any] | str:
        """The body, or what is wrong."""
        try:
            body = json.loads(text) if isinstance(text, str) else None
        except (ValueError, RecursionError):
            return "is no JSON"
        if not isinstance(kind, str) or not isinstance(body, dict) or nests(body) > DEEPEST:
            return "cannot be read"
        if not decisions.readable(kind, body):
            return "cannot be read"
        if sum is None:
            return body if seq <= bound else WRONG
        return body if sum == sum_of(seq, kind, text) else WRONG


def reply_of(kept: Kept | None) -> Reply | None:
    """The reply that a row of the journal holds, as an engine gives it; None for none."""
    if kept is None:
        return None
    counts = counted(kept.prompt_tokens), counted(kept.completion_tokens)
    if kept.more is None:
        return Reply(kept.text, kept.finish, *counts, kept.reasoning)
    return Reply(kept.text, kept.finish, *counts, kept.reasoning, _scores(kept.more), STAND_IN in kept.more)


def kept_of(key: str, reply: Reply, origin: Origin, model: str) -> Kept:
    """The row of the journal that keeps a reply: its texts such as can be written, under `more` the scores of its tokens, and that it is of a stand-in."""
    tokens = (counted(reply.prompt_tokens), counted(reply.completion_tokens))
    reasoning = reply.reasoning and plain(reply.reasoning)
    booked = (plain(origin.stage), plain(origin.lane), plain(model))
    return Kept(key, plain(reply.text), plain(reply.finish), reasoning, *tokens, *booked, _more(reply))


def _more(reply: Reply) -> str | None:
    """What another package's backend gives that no JSON can hold is not kept."""
    if not reply.scores:
        return f"{{{STAND_IN}}}" if reply.stand_in else None
    try:
        return json.dumps({SCORES: reply.scores} | ({"stand_in": True} if reply.stand_in else {}))
    except (TypeError, ValueError, RecursionError):
        return _more(replace(reply, scores=()))


def _scores(more: str) -> TokenScores:
    """What cannot be read is none told: scores decide nothing in a fold."""
    try:
        found = json.loads(more)[SCORES] if SCORES in more else ()
        return tuple(
            (plain(str(token)), tuple((plain(str(one)), float(logprob)) for one, logprob in likeliest))
            for token, likeliest in found
        )
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
        return ()


def decision_row(seq: int, kind: str, body: Mapping[str, Any]) -> tuple[str, str, int, str | None]:
    """The columns of a decision's row in the journal, its checksum last."""
    text = json.dumps(body, ensure_ascii=False)
    return kind, text, seq, sum_of(seq, kind, text)


def _text(raw: bytes) -> str:
    """What is no UTF-8 is no text that was written, and found by its sum."""
    return raw.decode("utf-8", "surrogateescape")


def _shown(value: object) -> Any:
    """A value as text, or the number it is."""
    return str(value).encode("utf-8", "replace").decode() if isinstance(value, str | bytes) else value


def _typed(kept: Kept) -> bool:
    """Whether an unsealed reply has what it must have."""
    texts = (kept.key, kept.text, kept.finish, kept.stage, kept.lane, kept.model)
    numbers = (kept.prompt_tokens, kept.completion_tokens)
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(number, int) for number in numbers)
        and isinstance(kept.reasoning, str | None)
        and isinstance(kept.more, str | None)
    )
