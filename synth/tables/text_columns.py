"""The columns of a table that hold its queries and responses, and the texts in its rows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, Final, TypeAlias

from synth.errors import ConfigError
from synth.tables.names import QUERY
from synth.tables.turns import Turn, spoken, turns

Group: TypeAlias = tuple[str, ...]


def _ignore(line: str) -> None:
    del line


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user says of a table's columns: those of the query, together, that of the response and that of the label; none: they
    are found. `say` is told in one line what is read as the query where that is not plain from its name."""

    query: Group = ()
    response: str | None = None
    say: Callable[[str], None] = _ignore
    label: str | None = None


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

    @property
    def said(self) -> str:
        """What is read as the query, in a line; nothing where one column is called so."""
        if self.turns is not None:
            return f"reads the last turns under `{self.turns}` as query and response"
        if not self.query or self.query == (QUERY,):
            return ""
        told = f"reads {' + '.join(f'`{name}`' for name in self.query)} as the query"
        told += f", `{self.response}` as the response" if self.response not in (None, "response") else ""
        return told + "".join(
            f"; `{name}` is the same in every row and is not compared" for name in sorted(self.constant)
        )


def _joined(texts: Iterable[str | None]) -> str | None:
    found = [text for text in texts if text is not None]
    return "\n".join(text for text in found if text.strip()) or found[0] if found else None


def _text(value: Any, name: str, place: str, who: str) -> str | None:
    """A cell's text; of a list of turns what was said last by `who`. An empty cell may be `NaN`, as data frames write it."""
    if isinstance(value, float) and isnan(value):
        return None
    if value is None or isinstance(value, str):
        return value
    if (found := spoken(value)) is not None:
        return _last(found, who)
    raise ConfigError(f"{place}: no text under {name!r} but {type(value).__name__}; give text, or null")


def _last(said: Sequence[Turn], who: str) -> str | None:
    return next((text for speaker, text in reversed(said) if speaker == who), None)
