"""Records written to files: one file a split, each made aside and put in its place when all are whole."""

import contextlib
import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import file_digest
from itertools import chain
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from pydantic import SkipValidation

from synth import aside
from synth.errors import ConfigError
from synth.sanitize import plain

Kind: TypeAlias = Literal["jsonl", "json", "csv", "parquet"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
Record: TypeAlias = Mapping[str, Any]
Counts: TypeAlias = SkipValidation[Counter[str]]
"""What an exporter counts while it makes its records, for its last words: pairs made, rows left out."""
Extras: TypeAlias = Callable[[Sequence[Path]], Mapping[str, str]]
Put: TypeAlias = Callable[[Record], object]
Opened: TypeAlias = Callable[[Path, Record, Any], contextlib.AbstractContextManager[Put]]

RECORD: Final = ".synth-export.json"
"""In a folder of exports: the hashes of those that synth wrote, by name."""
_GROUP: Final = 500
"""Records held in memory at once, and records of a Parquet row group."""
_FORMULA: Final = re.compile(
    r"(?:\A|;)(?=[\s\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠])|\A(?=[\t\r])|[\t\n\v\f\r\x85\u2028\u2029][^\S\n]*(?=[=＝])"
)
"""What begins a formula: at the beginning of a cell, or where another separator would begin one, or another line."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][\w.-]*", re.ASCII)


def write(
    records: Iterable[tuple[str, Record]],
    out: Path,
    kind: Kind,
    *,
    features: Any = None,
    extras: Mapping[str, str] | Extras | None = None,
) -> list[Path]:
    """Writes an export's files: SPLIT.KIND for every split that has a record, and `extras` (name to text, or a function
    that makes them of those files' paths when every record is there); gives their paths. Records of several splits may come in any order; memory does not grow with their number. The fields of a CSV
    file are those of its first record; `features` gives those of Parquet: a `datasets.Features`, or a schema of
    Arrow's.

    All stand aside until all are whole: an error on the way leaves what was there. ConfigError for a file that stands
    in the way and is no earlier export (`.synth-export.json` tells), or was changed since. ValueError for a split or
    extra whose name is no plain file name, for Parquet without `features`, and for a record with a field that its file
    has not.
    """
    if kind == "parquet" and features is None:
        raise ValueError("Parquet has types: give `features`")
    opened: dict[str, Put] = {}
    paths: list[Path] = []
    with contextlib.ExitStack() as stack:
        for split, record in records:
            if split not in opened:
                paths.append(out / f"{_plain(split)}.{kind}")
                new = stack.enter_context(replaced(paths[-1]))
                opened[split] = stack.enter_context(_OPEN[kind](new, record, features))
            opened[split](record)
        made = _made(extras, tuple(paths)) if opened else {}
        for name, text in made.items():
            paths.append(out / _plain(name))
            stack.enter_context(replaced(paths[-1])).write_text(text, encoding="utf-8")
        if len(set(paths)) != len(paths):
            raise ValueError(f"an extra has the name of a split's file: {sorted(map(str, paths))}")
    return paths


def _made(extras: Mapping[str, str] | Extras | None, paths: Sequence[Path]) -> Mapping[str, str]:
    return extras(paths) if callable(extras) else extras or {}


def _plain(name: str) -> str:
    if not _PLAIN.fullmatch(name):
        raise ValueError(f"{name!r} is no plain file name: ASCII letters, digits, '_', '-' and '.', no '.' first")
    return name


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A name to write a file of an export under, which then takes the place of `path`. What stands there is replaced if
    an export wrote it and nobody changed it since: by its hash in `.synth-export.json` beside it. ConfigError for
    anything else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    record = path.parent / RECORD
    before = _hash(path) if os.path.lexists(path) else None
    if before is not None and before not in _recorded(record).get(path.name, ()):
        raise ConfigError(
            f"{path}: is there already, and is no export or was changed since; choose another -o OUT, or move it away"
        )
    with aside.file(path) as new:
        yield new
        written = _recorded(record)
        # Before it stands there: a kill between the two leaves either file known.
        written[path.name] = [*([before] if before else []), _hash(new)]
        with aside.file(record) as told:
            told.write_text(json.dumps(written, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def written_here(path: Path) -> bool:
    """Whether a file of an export is one that synth wrote and nobody changed since, by `.synth-export.json` beside it."""
    return path.is_file() and _hash(path) in _recorded(path.parent / RECORD).get(path.name, ())


def cells(values: Iterable[Any]) -> str:
    """Values as a line in an export's file of CSV, each in quotes. What a spreadsheet would take for a formula, also one whose
    separator is `;` or a tab, stands behind an apostrophe."""
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerow(map(_cell, values))
    return buffer.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _FORMULA.sub(r"\g<0>'", plain(text))


@contextlib.contextmanager
def _jsonl(path: Path, first: Record, features: Any) -> Iterator[Put]:
    del first, features
    with path.open("w", encoding="utf-8", newline="") as file:
        yield lambda record: file.write(json.dumps(record, ensure_ascii=False) + "\n")


@contextlib.contextmanager
def _json(path: Path, first: Record, features: Any) -> Iterator[Put]:
    """One array."""
    del first, features
    separators = chain(["[\n"], iter(lambda: ",\n", None))
    with path.open("w", encoding="utf-8", newline="") as file:
        yield lambda record: file.write(next(separators) + json.dumps(record, ensure_ascii=False))
        file.write("\n]\n")


@contextlib.contextmanager
def _csv(path: Path, first: Record, features: Any) -> Iterator[Put]:
    del features
    names = tuple(first)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("\ufeff" + cells(names))  # the mark by which spreadsheets know UTF-8
        yield lambda record: file.write(cells(_all_of(record, names)[name] for name in names))


def _all_of(record: Record, names: Collection[str]) -> Record:
    """The record, none of whose fields would go unwritten."""
    if lost := [name for name in record if name not in names]:
        raise ValueError(f"a record has the field {lost[0]!r}, and its file has only {', '.join(names)}")
    return record


@contextlib.contextmanager
def _parquet(path: Path, first: Record, features: Any) -> Iterator[Put]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    del first
    schema = getattr(features, "arrow_schema", features)
    encoded = getattr(features, "encode_example", dict)  # of a class its number, say
    group: list[Record] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:

        def put(record: Record) -> None:
            group.append(encoded(_all_of(record, schema.names)))
            if len(group) == _GROUP:
                flush()

        def flush() -> None:
            if group:
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
                group.clear()

        yield put
        flush()


_OPEN: Final[Mapping[Kind, Opened]] = {"jsonl": _jsonl, "json": _json, "csv": _csv, "parquet": _parquet}


def _hash(path: Path) -> str:
    """Of a file's bytes; of anything else a word that is no hash."""
    if not path.is_file():
        return "no file"
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _recorded(record: Path) -> dict[str, list[str]]:
    """What stands in the record; nothing where there is none. ConfigError for another file of that name."""
    if not os.path.lexists(record):
        return {}
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
        return {str(name): [str(each) for each in hashes] for name, hashes in found.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ConfigError(f"{record}: is not what synth wrote; choose another -o OUT, or move it away") from error
