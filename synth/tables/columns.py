"""Which columns of anybody's table hold the query and the response: one finder for every command that reads rows.

It goes by what columns are called and by what they hold: one that is the same in every row is no text, one that contains another is that rendered.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from synth.errors import ConfigError
from synth.tables.delimited import Cut
from synth.tables.io import batches
from synth.tables.names import ABOUT, ANSWERED, ASKED, BEFORE, QUERY, SPEAKERS, TEXT, TURNS, listed
from synth.tables.names import plain_name as _plain
from synth.tables.turns import Turn, spoken, turns

Group: TypeAlias = tuple[str, ...]
Need: TypeAlias = Literal["query", "either", "nothing"]
"""What a table must have: a query, a query or a response, or neither."""

_OWN: Final = {QUERY, "query_id"}
"""Columns of rows that a run made, of whose columns nobody needs to say anything."""
WAY_OUT: Final = "say which with --query-column"


def _ignore(line: str) -> None:
    del line


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user says of a table's columns: those of the query, together, and that of the response; none: they are found. `say`
    is told in one line what is read as the query where that is not plain from its name."""

    query: Group = ()
    response: str | None = None
    say: Callable[[str], None] = _ignore


FOUND: Final = Choice()
"""Nothing is said of a table's columns: they are found."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table that hold query and response. `find` makes it."""

    query: Group = ()
    """Together the query, in this order."""
    response: str | None = None
    turns: str | None = None
    """A column of conversations, of which both are read."""
    constant: frozenset[str] = frozenset()
    """Of the query's columns those that are the same in every row: read, but not compared."""
    before: str | None = None
    """A column of turns before the query."""

    @property
    def name(self) -> str:
        """The query's columns in words, joined by ` + `; empty where there are none."""
        return self.turns or " + ".join(self.query)

    @property
    def response_name(self) -> str:
        """The response's column in words; empty where there is none."""
        return f"{self.turns}, answered" if self.turns else self.response or ""

    @property
    def used(self) -> tuple[str, ...]:
        """Every column that is read of a row."""
        return tuple(name for name in (*self.query, self.response, self.turns, self.before, "marks") if name)

    @property
    def answers(self) -> bool:
        """Whether rows may have a response."""
        return self.turns is not None or self.response is not None

    def query_of(self, row: Mapping[str, Any], place: str) -> str | None:
        """The query in a table's row; None where its cells are empty. ConfigError, with `place`, for what is no text."""
        if self.turns is not None:
            return _last(self._turns(row, place), "user")
        return _joined(self._texts(row, self.query, place))

    def response_of(self, row: Mapping[str, Any], place: str) -> str | None:
        """The response in a table's row; None where there is none. ConfigError, with `place`, for what is no text."""
        if self.turns is not None:
            self._turns(row, place)
        elif self.response is not None:
            _text(row.get(self.response), self.response, place, "assistant")
        return self.answer_of(row)

    def answer_of(self, row: Mapping[str, Any]) -> str | None:
        """The response in a table's row; None where there is none, or no text."""
        if self.turns is not None:
            found = turns(row.get(self.turns)) or []
            return found[-1][1] if found and found[-1][0] == "assistant" else None
        value = row.get(self.response or "")
        return value if isinstance(value, str) else _last(spoken(value) or [], "assistant")

    def earlier(self, row: Mapping[str, Any], place: str) -> list[Turn]:
        """The turns of a row before its query: who speaks (`user`, `assistant`), and the text."""
        if self.turns is not None:
            found = self._turns(row, place)
            ends = [at for at, (who, _) in enumerate(found) if who == "user"]
            return found[: ends[-1]] if ends else []
        return (turns(row.get(self.before)) or []) if self.before else []

    def compared(self, row: Mapping[str, Any], place: str) -> str:
        """What is compared of a row's query with other rows: without what is the same in every row, after the turns before it.
        ConfigError, with `place`, where there is none."""
        before = "\n".join(text for _, text in self.earlier(row, place))
        if self.turns is None and self.constant and (own := [name for name in self.query if name not in self.constant]):
            query = _joined(self._texts(row, own, place)) or self.query_of(row, place)
        else:
            query = self.query_of(row, place)
        if query is None:
            raise ConfigError(f"{place}: no text under {self.name!r}")
        return f"{before}\n{query}" if before else query

    def _texts(self, row: Mapping[str, Any], names: Iterable[str], place: str) -> Iterator[str | None]:
        return (_text(row.get(name), name, place, "user") for name in names)

    def _turns(self, row: Mapping[str, Any], place: str) -> list[Turn]:
        value = row.get(self.turns or "")
        if (found := turns(value)) is None and value is not None:
            raise ConfigError(f"{place}: under {self.turns!r} stands no list of turns, each with who speaks and a text")
        return found or []


def find(path: Path, files: Sequence[Path], choice: Choice = FOUND, *, need: Need = "query") -> Columns:
    """The columns of query and response of the table in these files, which stand at `path`. ConfigError for a table that has none
    that it needs, or several that the query could be."""
    for number, file in enumerate(files):
        for chunk in batches(file, cut=Cut([])):
            place = f"{file}: row {chunk.first}"
            found = _find(chunk.rows, files[number:], choice, place, need=need)
            if (line := _said(found)) and not choice.query:
                choice.say(f"{path.name}: {line}")
            return found
    return Columns()


def is_answer(name: str) -> bool:
    """Whether a column of this name holds answers."""
    return _plain(name) in map(_plain, ANSWERED)


def _find(
    rows: Sequence[Mapping[str, Any]], files: Sequence[Path], choice: Choice, place: str, *, need: Need
) -> Columns:
    names = list(dict.fromkeys(name for row in rows for name in row))
    by = {_plain(name): name for name in reversed(names)}
    choice = FOUND if set(names) >= _OWN else choice
    if missing := next((name for name in (*choice.query, choice.response) if name and name not in names), None):
        raise ConfigError(f"{place}: no column {missing!r}; there is: {listed(names)}")
    response = choice.response or _first(ANSWERED, by)
    before = next((by[name] for name in BEFORE if name in by and _holds(rows, by[name], turns)), None)
    if choice.query:
        return Columns(choice.query, response, before=before)
    said = next((by[name] for name in map(_plain, TURNS) if name in by and _holds(rows, by[name], turns)), None)
    groups = _groups(by, rows)
    if said is None and not groups:
        unnamed = [name for name in names if name != response and _holds(rows, name, spoken)]
        said = unnamed[0] if len(unnamed) == 1 else None
    if said is not None and not (groups and response is not None):
        return Columns(turns=said)
    several = {name for group in groups for name in group} if groups[1:] or (groups[:1] and groups[0][1:]) else set()
    constant = _constant(several, rows, files) if len(rows) > 1 else {}
    query = _chosen(groups, constant, rows, place, answered=response is not None)
    if not query and (need == "query" or (need == "either" and response is None)):
        wanted = " or ".join(map(repr, (QUERY, "prompt", "question", "instruction", "text", "messages")))
        raise ConfigError(f"{place}: no column {wanted}; there is: {listed(names)}; {WAY_OUT}")
    query = tuple(name for name in query if not _blank(constant, name)) or query[:1]
    frame = frozenset(name for name in query if name in constant)
    return Columns(query, response, constant=frame if len(frame) < len(query) else frozenset(), before=before)


def _groups(by: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> list[Group]:
    """The columns that may be the query, a task and what it is about as one, in order of certainty."""
    spoken_by = [one for one, other in SPEAKERS if one in by and other in by]
    asked = [name for name in dict.fromkeys((*map(_plain, ASKED), *spoken_by)) if name in by]
    groups = []
    for name in asked:
        about = next((others for tasks, others in ABOUT if name in tasks), ())
        more = [by[other] for other in about if other in by and _holds(rows, by[other], _is_text)]
        groups.append((by[name], *more[:1]))
    taken = {name for group in groups for name in group}
    return [*groups, *((by[name],) for name in TEXT if name in by and by[name] not in taken)]


def _chosen(
    groups: Sequence[Group],
    constant: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    place: str,
    *,
    answered: bool,
) -> Group:
    varying = [group for group in groups if not constant.keys() >= set(group)] or list(groups)
    varying = [group for group in varying if any(_holds(rows, name, _any_text) for name in group)] or varying
    if not varying or _plain(varying[0][0]) == QUERY:
        return varying[0] if varying else ()
    sure = [group for group in varying if _plain(group[0]) not in TEXT]
    if len(sure) == 1 and answered:
        return sure[0]
    left = [
        group
        for group in varying
        if group in sure or not any(_within(other, group, rows) for other in varying if other != group)
    ]
    left = left or varying[:1]
    if len(left) > 1:
        one, other = (" + ".join(map(repr, group)) for group in left[:2])
        raise ConfigError(
            f"{place}: the query may stand under {one} or under {other}; {WAY_OUT}, or rename one of them"
        )
    return left[0]


def _within(inner: Group, outer: Group, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one text stands in the other in every row, as a prompt does in what it is rendered to."""
    return all(_said_in(row, inner) in _said_in(row, outer) for row in rows) and any(
        _said_in(row, inner) != _said_in(row, outer) or inner < outer for row in rows
    )


def _said_in(row: Mapping[str, Any], group: Group) -> str:
    return "".join(str(row.get(name) or "") for name in group[:1]).strip()


def _constant(names: Collection[str], rows: Sequence[Mapping[str, Any]], files: Sequence[Path]) -> dict[str, Any]:
    """Those of these columns that are the same in every row, and their values; files are read no further than to the row in which the last of
    them differs, `rows` being their first."""
    left = {name: rows[0].get(name) for name in names}

    def look(some: Iterable[Mapping[str, Any]]) -> None:
        for row in some:
            for name in [name for name, value in left.items() if row.get(name) != value]:
                del left[name]

    look(rows)
    for file in files if left else ():
        for chunk in batches(file, names, cut=Cut([])):
            look(chunk.rows)
            if not left:
                return {}
    return left


def _blank(constant: Mapping[str, Any], name: str) -> bool:
    return name in constant and not str(constant[name] or "").strip()


def _said(found: Columns) -> str:
    """What is read as the query, in a line; nothing where one column is called so."""
    if found.turns is not None:
        return f"reads the last turns under `{found.turns}` as query and response"
    if not found.query or found.query == (QUERY,):
        return ""
    told = f"reads {' + '.join(f'`{name}`' for name in found.query)} as the query"
    told += f", `{found.response}` as the response" if found.response not in (None, "response") else ""
    return told + "".join(f"; `{name}` is the same in every row and is not compared" for name in sorted(found.constant))


def _joined(texts: Iterable[str | None]) -> str | None:
    found = [text for text in texts if text is not None]
    return "\n".join(text for text in found if text.strip()) or found[0] if found else None


def _text(value: Any, name: str, place: str, who: str) -> str | None:
    """A cell's text; of a list of turns what was said last by `who`."""
    if value is None or isinstance(value, str):
        return value
    if (found := spoken(value)) is not None:
        return _last(found, who)
    raise ConfigError(f"{place}: no text under {name!r} but {type(value).__name__}; give text, or null")


def _last(said: Sequence[Turn], who: str) -> str | None:
    return next((text for speaker, text in reversed(said) if speaker == who), None)


def _first(names: Iterable[str], by: Mapping[str, str]) -> str | None:
    return next((by[name] for name in map(_plain, names) if name in by), None)


def _holds(rows: Iterable[Mapping[str, Any]], name: str, read: Callable[[Any], Any]) -> bool:
    return any(row.get(name) is not None and read(row[name]) for row in rows)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _any_text(value: Any) -> bool:
    return bool(value.strip() if isinstance(value, str) else spoken(value))
