"""Rows of other people's making: JSON, CSV, Parquet, Arrow, or a folder of them, read a batch at a time and written back as they were."""

import csv
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from itertools import compress
from pathlib import Path
from typing import Any

from synth import aside as swapped
from synth.errors import ConfigError
from synth.tables.classes import class_name, classes, schema_of

KINDS = (".jsonl", ".json", ".csv", ".parquet", ".arrow")
_NO_ROWS = ("dataset_info.json", "dataset_dict.json", "state.json")
"""What `datasets` writes beside the rows."""
BATCH = 2_000


@dataclass(frozen=True)
class Chunk:
    """Some rows of a data file, in order, both as dicts and as the file has them."""

    rows: Sequence[dict[str, Any]]
    """Numbers of classes (`datasets.ClassLabel`) by name."""
    first: int
    """Where the first of them stands in its file: a line of JSONL, else a row, counted from 1."""
    raw: Any
    """The same rows as the file has them: lines, or an Arrow record batch."""


Keep = Callable[[Chunk, Sequence[bool]], None]
"""Writes those rows of a batch for which there is a True."""


def files_of(path: Path) -> list[Path]:
    """The data files (JSON, CSV, Parquet, Arrow) at `path`, in order of name: the file itself, a data set's, or those of a
    run's folder. ConfigError if there are none, or of several kinds."""
    if path.is_dir():
        folder = next(f for f in (path / "dataset" / "data", path / "data", path) if f.is_dir())
        found = sorted(
            file
            for file in folder.rglob("*")
            if file.suffix in KINDS and not file.name.startswith(".") and file.name not in _NO_ROWS
        )
        if len({file.suffix for file in found}) > 1:
            raise ConfigError(f"{path}: holds files of more than one kind; name one of them")
    else:
        found = [path] if path.is_file() else []
    if not found:
        reason = "holds no data files" if path.is_dir() else "no such file or folder"
        raise ConfigError(f"{path}: {reason}; give a {', '.join(KINDS)} file, or a folder of them")
    if path.suffix not in KINDS and path.is_file():
        raise ConfigError(f"{path}: is none of {', '.join(KINDS)}; convert it, or rename it if it is one")
    return found


def targets(path: Path, files: Sequence[Path], out: Path) -> list[Path]:
    """For each data file of a table read from `path`, the file that its rows are written to: `out` itself, or one below
    it. ConfigError if `out` is what is read, of another kind, or there already."""
    if out.resolve() in (path.resolve(), *(file.resolve() for file in files)):
        raise ConfigError(f"-o {out}: is what is read; choose another")
    if out.suffix in KINDS:
        same = {".json": (".json", ".jsonl"), ".arrow": (".parquet",)}.get(files[0].suffix, (files[0].suffix,))
        if len(files) > 1 or out.suffix not in same:
            way_out = f"end its name in {same[0]}" if len(files) == 1 else "name a folder"
            raise ConfigError(f"-o {out}: {path} is written as it was read; {way_out}")
        return [out]
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"-o {out}: is there already; choose another, or remove it")
    top = files[0].parent if path.is_file() else Path(*_shared(files))
    return [out / "data" / file.relative_to(top) for file in files]


def hash_of(files: Sequence[Path]) -> str:
    """A hash of the bytes of all these data files, 16 hex digits."""
    digest = blake2b(digest_size=8)
    for file in files:
        with _readable(file), file.open("rb") as stream:
            while part := stream.read(1 << 20):
                digest.update(part)
    return digest.hexdigest()


def batches(file: Path, columns: Collection[str] | None = None) -> Iterator[Chunk]:
    """All rows of a data file, a chunk at a time; of a Parquet file those of `columns` alone that it has. ConfigError if it
    cannot be read."""
    read = {".csv": _comma_rows, ".arrow": _arrow_rows}.get(file.suffix, _json_rows)
    with _readable(file):
        yield from _parquet_rows(file, columns) if file.suffix == ".parquet" else read(file)


def column(row: dict[str, Any], names: Sequence[str], place: str) -> str:
    """The first of these names that a row read from a data file has as a column; ConfigError, with `place`, if it has
    none of them."""
    found = next((name for name in names if name in row), None)
    if found is None:
        raise ConfigError(f"{place}: no column {' or '.join(map(repr, names))}; there is: {', '.join(row) or 'none'}")
    return found


def text(row: dict[str, Any], name: str, place: str) -> str:
    """The text in a column of a row read from a data file; ConfigError, with `place`, if there is none or it is no
    text."""
    if not isinstance(row.get(name), str):
        raise ConfigError(f"{place}: no text under {name!r}")
    return str(row[name])


def writer(file: Path, like: Path) -> AbstractContextManager[Keep]:
    """Writes chunks of a data file's rows to `file` in the format of the file `like`; the file gets its name when it is
    whole."""
    if like.suffix in (".parquet", ".arrow"):
        return _write_parquet(file.with_suffix(".parquet"), like)
    return _write_comma_rows(file, like) if like.suffix == ".csv" else _write_lines(file)


def _shared(files: Sequence[Path]) -> list[str]:
    """The folders that all files are in."""
    shared = []
    for parts in zip(*(file.parent.parts for file in files), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return shared


def _json_rows(file: Path) -> Iterator[Chunk]:
    with file.open("rb") as stream:
        whole = stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    return _json_list(file) if whole else _json_lines(file)


def _json_list(file: Path) -> Iterator[Chunk]:
    """One list in one file: small, as a file for people is."""
    try:
        rows = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file}: not JSON; write a list of objects, or one object a line, in UTF-8") from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise ConfigError(f"{file}: row {number}: not a JSON object")
    for at in range(0, len(rows), BATCH):
        some = rows[at : at + BATCH]
        yield Chunk(some, at + 1, [json.dumps(row).encode() + b"\n" for row in some])


def _json_lines(file: Path) -> Iterator[Chunk]:
    rows: list[dict[str, Any]] = []
    raw: list[bytes] = []
    first = 1
    with file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                rows.append(_object(line, f"{file}: line {number}"))
                raw.append(line if line.endswith(b"\n") else line + b"\n")
            if len(rows) == BATCH:
                yield Chunk(rows, first, raw)
                rows, raw, first = [], [], number + 1
    if rows:
        yield Chunk(rows, first, raw)


def _object(line: bytes, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{place}: not JSON; write one JSON object a line, in UTF-8") from error
    if not isinstance(row, dict):
        raise ConfigError(f"{place}: not a JSON object")
    return row


def _comma_rows(file: Path) -> Iterator[Chunk]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        rows: list[dict[str, Any]] = []
        first = 1
        try:
            for number, row in enumerate(reader, start=1):
                if None in row or None in row.values():
                    raise ConfigError(f"{file}: row {number}: has not as many fields as there are columns")
                rows.append(row)
                if len(rows) == BATCH:
                    yield Chunk(rows, first, rows)
                    rows, first = [], number + 1
        except csv.Error as error:
            raise ConfigError(f"{file}: line {reader.line_num}: not CSV ({error})") from error
        if rows:
            yield Chunk(rows, first, rows)


def _parquet_rows(file: Path, columns: Collection[str] | None) -> Iterator[Chunk]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as shard:
            names = None if columns is None else [name for name in shard.schema_arrow.names if name in columns]
            yield from _batches(shard.iter_batches(batch_size=BATCH, columns=names), classes(file, shard.schema_arrow))
    except pa.ArrowInvalid as error:
        raise ConfigError(f"{file}: not a Parquet file, or a broken one") from error


def _arrow_rows(file: Path) -> Iterator[Chunk]:
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(file) as stream:
            yield from _batches(stream, classes(file, stream.schema))
    except pa.ArrowInvalid as error:
        raise ConfigError(f"{file}: not an Arrow stream, or a broken one") from error


def _batches(found: Iterable[Any], names: Mapping[str, Sequence[str]]) -> Iterator[Chunk]:
    first = 1
    for batch in found:
        rows = batch.to_pylist()
        for name in names.keys() & set(batch.schema.names):
            for row in rows:
                row[name] = class_name(row[name], names[name])
        yield Chunk(rows, first, batch)
        first += batch.num_rows


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror or error})") from error


@contextmanager
def aside(file: Path) -> Iterator[Path]:
    """A name to write a table's data file under for the length of a block; the file then takes the place of `file`.
    ConfigError if it cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with swapped.file(file) as new:
            yield new
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error.strerror or error}); choose another -o OUT") from error


@contextmanager
def _write_lines(file: Path) -> Iterator[Keep]:
    with aside(file) as new, new.open("wb") as stream:
        yield lambda batch, kept: stream.writelines(compress(batch.raw, kept))


@contextmanager
def _write_comma_rows(file: Path, like: Path) -> Iterator[Keep]:
    with like.open(encoding="utf-8-sig", newline="") as stream:
        columns = next(csv.reader(stream), [])
    with aside(file) as new, new.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, columns)
        table.writeheader()
        yield lambda batch, kept: table.writerows(compress(batch.raw, kept))


@contextmanager
def _write_parquet(file: Path, like: Path) -> Iterator[Keep]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = schema_of(like)
    with aside(file) as new, pq.ParquetWriter(new, schema, compression="zstd") as shard:
        yield lambda batch, kept: shard.write_batch(batch.raw.filter(pa.array(kept, pa.bool_())))
