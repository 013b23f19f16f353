"""Rows of anybody's table to come back to, by where each stands: its own file where that is JSON lines, else a copy of it as such."""

import json
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from synth.tables.encoding import encoding_of, readable, zipped
from synth.tables.io import batches
from synth.tables.json_rows import is_lines
from synth.tables.kinds import kind, named_kind

Opener = Callable[[], AbstractContextManager[IO[bytes]]]


def revisited(path: Path) -> Opener:
    """Opens the rows of a table as JSON lines, as often as it is called. ConfigError for a file that cannot be read."""
    if named_kind(path) is None and not zipped(path):
        return lambda: path.open("rb")
    if kind(path) == "json" and not zipped(path) and encoding_of(path).startswith("utf-8") and is_lines(path):
        return lambda: path.open("rb")
    copy = TemporaryFile()  # noqa: SIM115 (it stands as long as its rows may be asked for)
    try:
        for chunk in batches(path):
            copy.writelines(map(_line, chunk.rows))
    except BaseException:
        copy.close()
        raise

    def again() -> AbstractContextManager[IO[bytes]]:
        copy.seek(0)
        return nullcontext(copy)

    weakref.finalize(again, copy.close)
    return again


def _line(row: dict[str, Any]) -> bytes:
    """An empty cell is none."""
    return f"{json.dumps({name: None if cell == '' else cell for name, cell in row.items()}, default=str)}\n".encode()


def bytes_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file as they stand, a piece at a time."""
    with readable(path), path.open("rb") as stream:
        while piece := stream.read(1 << 16):
            yield piece
