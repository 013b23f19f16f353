"""Which columns of anybody's table hold the query and the response: one finder for every command that reads rows.

It goes by what columns are called and by what they hold: one that is the same in every row is no text, one that contains another is that rendered.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from synth.errors import ConfigError
from synth.tables.delimited import Cut
from synth.tables.io import batches
from synth.tables.names import ABOUT, ANSWERED, ASKED, BEFORE, QUERY, SPEAKERS, TEXT, TURNS, core_name, listed
from synth.tables.names import plain_name as _plain
from synth.tables.text_columns import FOUND, Choice, Columns, Group
from synth.tables.turns import spoken, turns

Need: TypeAlias = Literal["query", "either", "nothing"]
"""What a table must have: a query, a query or a response, or neither."""

_OWN: Final = {QUERY, "query_id"}
"""Columns of rows that a run made, of whose columns nobody needs to say anything."""
WAY_OUT: Final = "say which with --query-column"


def find(path: Path, files: Sequence[Path], choice: Choice = FOUND, *, need: Need = "query") -> Columns:
    """The columns of query and response of the table in these files, which stand at `path`. ConfigError for a table that has none
    that it needs, or several that the query could be."""
    for number, file in enumerate(files):
        for chunk in batches(file, cut=Cut([])):
            place = f"{file}: row {chunk.first}"
            found = _find(chunk.rows, files[number:], choice, place, need=need)
            if (line := found.said) and not choice.query:
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
    by = {core_name(name): name for name in reversed(names)} | {_plain(name): name for name in reversed(names)}
    choice = FOUND if set(names) >= _OWN else choice
    if missing := next((name for name in (*choice.query, choice.response) if name and name not in names), None):
        raise ConfigError(f"{place}: no column {missing!r}; there is: {listed(names)}")
    spoken_by = {other: one for one, other in SPEAKERS if one in by and other in by}
    response = choice.response or _first((*ANSWERED, *spoken_by), by)
    before = next((by[name] for name in BEFORE if name in by and _holds(rows, by[name], turns)), None)
    if choice.query:
        return Columns(choice.query, response, before=before)
    said = next((by[name] for name in map(_plain, TURNS) if name in by and _holds(rows, by[name], turns)), None)
    groups = _groups(by, rows, spoken_by.values())
    if said is None and not groups and not _texts(by, groups):
        unnamed = [name for name in names if name != response and _holds(rows, name, spoken)]
        said = unnamed[0] if len(unnamed) == 1 else None
    if said is not None and not (groups and response is not None):
        return Columns(turns=said)
    if (own := by.get(QUERY)) and _plain(own) == QUERY and any(row.get(own) != rows[0].get(own) for row in rows):
        return Columns((own,), response, before=before)
    sure, groups = groups, [*groups, *_texts(by, groups)]
    several = {name for group in groups for name in group} if groups[1:] or (groups[:1] and groups[0][1:]) else set()
    constant = _constant(several, rows, files) if len(rows) > 1 else {}
    query = _chosen(groups, constant, rows, place, sure, answered=response is not None)
    response = None if response in query and not choice.response else response
    if not query and (need == "query" or (need == "either" and response is None)):
        wanted = " or ".join(map(repr, (QUERY, "prompt", "question", "instruction", "text", "messages")))
        raise ConfigError(f"{place}: no column {wanted}; there is: {listed(names)}; {WAY_OUT}")
    query = tuple(name for name in query if not _blank(constant, name)) or query[:1]
    frame = frozenset(name for name in query if name in constant)
    return Columns(query, response, constant=frame if len(frame) < len(query) else frozenset(), before=before)


def _groups(by: Mapping[str, str], rows: Sequence[Mapping[str, Any]], spoken_by: Iterable[str]) -> list[Group]:
    """The columns that are called as queries are, a task and what it is about as one, in order of certainty."""
    asked = [name for name in dict.fromkeys((*map(_plain, ASKED), *spoken_by)) if name in by]
    groups = []
    for name in asked:
        about = next((others for tasks, others in ABOUT if name in tasks), ())
        more = [by[other] for other in about if other in by and _holds(rows, by[other], _is_text)]
        groups.append((by[name], *more[:1]))
    return list(dict.fromkeys(groups))


def _texts(by: Mapping[str, str], groups: Sequence[Group]) -> list[Group]:
    """The columns of any text that are in none of these."""
    taken = {name for group in groups for name in group}
    return [(name,) for name in dict.fromkeys(by[one] for one in TEXT if one in by) if name not in taken]


def _chosen(
    groups: Sequence[Group],
    constant: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    place: str,
    certain: Sequence[Group],
    *,
    answered: bool,
) -> Group:
    """`certain` are those that are called as queries are."""
    varying = [group for group in groups if not constant.keys() >= set(group)] or list(groups)
    varying = [group for group in varying if any(_holds(rows, name, _any_text) for name in group)] or varying
    if not varying or _plain(varying[0][0]) == QUERY:
        return varying[0] if varying else ()
    sure = [group for group in varying if group in certain]
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


def _first(names: Iterable[str], by: Mapping[str, str]) -> str | None:
    return next((by[name] for name in map(_plain, names) if name in by), None)


def _holds(rows: Iterable[Mapping[str, Any]], name: str, read: Callable[[Any], Any]) -> bool:
    return any(row.get(name) is not None and read(row[name]) for row in rows)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _any_text(value: Any) -> bool:
    return bool(value.strip() if isinstance(value, str) else spoken(value))
