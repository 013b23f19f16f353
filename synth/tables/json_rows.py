"""Rows out of JSON as people keep it: an object a line, one array however long, or an object of columns."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

from synth.errors import ConfigError
from synth.tables.encoding import characters, encoding_of
from synth.tables.kinds import suffix

Row: TypeAlias = tuple[dict[str, Any], bytes]
"""A row, and the line it is written back as."""
LONGEST: Final = 1 << 26
"""Characters of a row at most."""
_PIECE: Final = 1 << 17
_BLANK: Final = " \t\r\n"


def json_rows(file: Path) -> Iterator[Row]:
    """The rows of a JSON file, one after the other; of an object of columns all at once, since its first row ends where its last column
    begins. ConfigError for what is none of the three."""
    encoding = encoding_of(file)
    with characters(file, encoding) as stream:
        first = _first_line(stream)
    if first.startswith("["):
        with characters(file, encoding) as stream:
            yield from _array(file, stream)
    elif first.startswith("{") and (whole := _whole(file, encoding, first)) is not None:
        yield from ((row, json_line(row)) for row in whole)
    else:
        with characters(file, encoding) as stream:
            yield from _lines(file, stream, as_it_is=encoding == "utf-8")


def json_line(row: Mapping[str, Any]) -> bytes:
    """A row as a line of JSON lines. ConfigError for one that nests too deep to be written."""
    try:
        return json.dumps(row, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can write
        return json.dumps(row).encode() + b"\n"
    except RecursionError as error:
        raise ConfigError("a row of JSON nests too deep to be written; take it out") from error


def is_lines(file: Path) -> bool:
    """Whether a JSON file holds an object a line, and is neither an array nor an object of columns."""
    encoding = encoding_of(file)
    with characters(file, encoding) as stream:
        first = _first_line(stream)
    return not first.startswith("[") and not (first.startswith("{") and _whole(file, encoding, first) is not None)


def _first_line(stream: IO[str]) -> str:
    """The first line that is not blank; of an array, which may stand on one line, only its bracket."""
    begun = ""
    while not begun and (piece := stream.read(1 << 12)):
        begun = piece.lstrip(_BLANK + "\ufeff")
    line, end, _ = begun.partition("\n")
    return begun[:1] if begun.startswith("[") else line if end else line + stream.readline(LONGEST)


def _lines(file: Path, stream: IO[str], *, as_it_is: bool) -> Iterator[Row]:
    number = 0
    while line := stream.readline(LONGEST):
        number += 1
        if len(line) == LONGEST:
            raise ConfigError(f"{file}: line {number}: over {LONGEST:,} characters; write one JSON object a line")
        if line.strip():
            row = _object(line, f"{file}: line {number}")
            kept = line if line.endswith(("\n", "\r")) else f"{line}\n"
            yield row, kept.encode() if as_it_is else f"{line.strip()}\n".encode()


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{place}: not JSON ({_why(error)}); write one JSON object a line, in UTF-8") from error
    if not isinstance(row, dict):
        raise ConfigError(f"{place}: not a JSON object; write one with a query for each text")
    return row


def _why(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error).partition(":")[0]


def _array(file: Path, stream: IO[str]) -> Iterator[Row]:
    """The objects of one array, each read when it is its turn: no more of the file is held than the longest of them."""
    decoder, held, number = json.JSONDecoder(), stream.read(_PIECE), 0
    at = held.index("[") + 1
    while True:
        while at < len(held) and held[at] in _BLANK + ",":
            at += 1
        if held[at : at + 1] == "]":
            return
        try:
            row, end = decoder.raw_decode(held, at)
        except (ValueError, RecursionError) as error:
            more = stream.read(max(_PIECE, len(held) - at)) if _goes_on(error, held, at) else ""
            if not more:
                raise ConfigError(
                    f"{file}: row {number + 1}: not JSON ({_why(error)}); write a list of objects, or one object a line"
                ) from error
            held, at = held[at:] + more, 0
            continue
        number += 1
        if not isinstance(row, dict):
            raise ConfigError(f"{file}: row {number}: not a JSON object; write one with a query for each text")
        yield row, json_line(row)
        at = end


def _goes_on(error: Exception, held: str, at: int) -> bool:
    """Whether an object may only be cut off by the end of what is held of the file."""
    if isinstance(error, json.JSONDecodeError) and len(held) - at < LONGEST:
        return error.msg.startswith("Unterminated") or error.pos >= len(held) - 16
    return False


def _whole(file: Path, encoding: str, first: str) -> list[dict[str, Any]] | None:
    """The rows of a file that is one object: columns of values, columns by row (as pandas writes them), or one list of rows under a name;
    None for an object that is a row, of which others may follow."""
    try:
        found = json.loads(first)
    except RecursionError:
        return None
    except ValueError:
        begun = suffix(file) != ".jsonl" and first.rstrip().endswith((",", "[", "{"))
        return _of_columns(file, _loaded(file, encoding)) if begun else None
    with characters(file, encoding) as stream:
        lines = (line for line in iter(lambda: stream.readline(LONGEST), "") if line.strip())
        if not isinstance(found, dict) or (next(lines, None) is not None and next(lines, None) is not None):
            return None
    rows = _of_columns(file, found)
    return None if rows == [found] else rows


def _loaded(file: Path, encoding: str) -> dict[str, Any]:
    with characters(file, encoding) as stream:
        text = stream.read(LONGEST)
    try:
        return dict(json.loads(text))  # what begins with a brace is an object
    except (ValueError, RecursionError) as error:
        more = f"over {LONGEST:,} characters" if len(text) == LONGEST else _why(error)
        raise ConfigError(f"{file}: not JSON ({more}); write a list of objects, or one object a line") from error


def _of_columns(file: Path, found: dict[str, Any]) -> list[dict[str, Any]]:
    """A conversation is a list in a row, too: what tells it is that its entries say who speaks."""
    values = list(found.values())
    if (
        len(found) == 1
        and isinstance(values[0], list)
        and values[0]
        and all(isinstance(one, dict) for one in values[0])
    ):
        return [found] if _is_conversation(values[0]) else values[0]
    if values and all(isinstance(column, list) for column in values) and not any(map(_is_conversation, values)):
        if len({len(column) for column in values}) > 1:
            raise ConfigError(f"{file}: an object of columns that are not of one length; write one object a line")
        return [dict(zip(found, cells, strict=True)) for cells in zip(*values, strict=True)]
    if values and all(isinstance(column, dict) for column in values):
        if len(keys := {tuple(column) for column in values}) == 1 and all(key.isdigit() for key in next(iter(keys))):
            return [{name: column[key] for name, column in found.items()} for key in next(iter(keys))]
        if all(key.isdigit() for key in found):
            return values
    return [found]


def _is_conversation(column: list[Any]) -> bool:
    return any(isinstance(one, dict) and {"role", "from"} & one.keys() for one in column)
