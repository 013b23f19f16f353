"""Rows of other people's making: JSON, CSV, Parquet, Arrow, or a folder of them, read a batch at a time and written back as they were."""

import csv
import gzip
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from io import TextIOWrapper
from itertools import compress, islice
from pathlib import Path
from typing import IO, Any, cast

from synth import aside as swapped
from synth.errors import ConfigError
from synth.tables.classes import arrow_stream, class_name, classes, schema_of
from synth.tables.delimited import Cut, delimited_rows, head_of
from synth.tables.encoding import readable
from synth.tables.json_rows import json_rows
from synth.tables.kinds import KINDS, kind, suffix, written_suffix
from synth.tables.names import plain_name

ENDINGS = (*KINDS, ".txt", ".tab", ".ndjson")
"""Endings by which a file is named, and no folder."""
_NO_ROWS = ("dataset_info.json", "dataset_dict.json", "state.json")
"""What `datasets` writes beside the rows."""
BATCH = 2_000


@dataclass(frozen=True)
class Chunk:
    """Some rows of a data file, in order, both as dicts and as the file has them."""

    rows: Sequence[dict[str, Any]]
    """Numbers of classes (`datasets.ClassLabel`) by name."""
    first: int
    """The number of the first of them in its file, counted from 1; neither a head nor a blank line is a row."""
    raw: Any
    """The same rows as the file has them: lines, lists of cells, or an Arrow record batch."""


Keep = Callable[[Chunk, Sequence[bool]], None]
"""Writes those rows of a batch for which there is a True."""


def files_of(path: Path) -> list[Path]:
    """The data files (JSON, CSV, Parquet, Arrow, of texts packed by gzip too) at `path`, in order of name: the file itself, a data
    set's, or those of a run's folder. ConfigError if there are none, or of several kinds."""
    if path.is_dir():
        folder = next(f for f in (path / "dataset" / "data", path / "data", path) if f.is_dir())
        found = sorted(
            file
            for file in folder.rglob("*")
            if suffix(file) in KINDS and not file.name.startswith(".") and file.name not in _NO_ROWS
        )
        if len({suffix(file) for file in found}) > 1:
            raise ConfigError(f"{path}: holds files of more than one kind; name one of them")
    else:
        found = [path] if path.is_file() else []
    if not found:
        reason = "holds no data files" if path.is_dir() else "no such file or folder"
        raise ConfigError(f"{path}: {reason}; give a {', '.join(KINDS)} file, or a folder of them")
    if path.is_file():
        kind(path)
    return found


def targets(path: Path, files: Sequence[Path], out: Path) -> list[Path]:
    """For each data file of a table read from `path`, the file that its rows are written to: `out` itself, or one below
    it. ConfigError if `out` is what is read, of another kind, or there already."""
    if out.resolve() in (path.resolve(), *(file.resolve() for file in files)):
        raise ConfigError(f"-o {out}: is what is read; choose another")
    if suffix(out) in ENDINGS:
        written = written_suffix(files[0])
        same = {".json": (".json", ".jsonl"), ".arrow": (".parquet",)}.get(written, (written,))
        if len(files) > 1 or suffix(out) not in same:
            way_out = f"end its name in {same[0]}" if len(files) == 1 else "name a folder"
            raise ConfigError(f"-o {out}: {path} is written as it was read; {way_out}")
        return [out]
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"-o {out}: is there already; choose another, or remove it")
    top = files[0].parent if path.is_file() else Path(*_shared(files))
    return [out / "data" / _renamed(file.relative_to(top), written_suffix(file)) for file in files]


def _renamed(file: Path, ending: str) -> Path:
    """A file's name with the ending of what it holds."""
    packed = ".gz" if file.name.endswith(".gz") else ""
    return file.with_name(f"{file.name.removesuffix('.gz').removesuffix(suffix(file))}{ending}{packed}")


def hash_of(files: Sequence[Path]) -> str:
    """A hash of the bytes of all these data files, 16 hex digits."""
    digest = blake2b(digest_size=8)
    for file in files:
        with readable(file), file.open("rb") as stream:
            while part := stream.read(1 << 20):
                digest.update(part)
    return digest.hexdigest()


def batches(file: Path, columns: Collection[str] | None = None, *, cut: Cut | None = None) -> Iterator[Chunk]:
    """All rows of a data file, a chunk at a time; of a Parquet file those of `columns` alone that it has. ConfigError if it
    cannot be read. Rows of a CSV file with more or fewer cells than its head are told by `cut`, where it is given."""
    found = kind(file)
    with readable(file):
        if found == "parquet":
            yield from _parquet_rows(file, columns)
        elif found == "arrow":
            yield from _arrow_rows(file)
        else:
            yield from _chunks(json_rows(file) if found == "json" else _comma_rows(file, cut))


def _chunks(rows: Iterator[tuple[dict[str, Any], Any]]) -> Iterator[Chunk]:
    first = 1
    while some := list(islice(rows, BATCH)):
        yield Chunk([row for row, _ in some], first, [raw for _, raw in some])
        first += len(some)


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
    found = kind(like)
    if found in ("parquet", "arrow"):
        return _write_parquet(file.with_suffix(".parquet"), like)
    return _write_comma_rows(file, like) if found == "csv" else _write_lines(file)


def _shared(files: Sequence[Path]) -> list[str]:
    """The folders that all files are in."""
    shared = []
    for parts in zip(*(file.parent.parts for file in files), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return shared


def _comma_rows(file: Path, cut: Cut | None) -> Iterator[tuple[dict[str, Any], list[str]]]:
    head = head_of(file)
    for cells in delimited_rows(file, head, cut):
        yield dict(zip(head.names, cells, strict=True)), cells


def _parquet_rows(file: Path, columns: Collection[str] | None) -> Iterator[Chunk]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as shard:
            known = None if columns is None else set(map(plain_name, columns))
            names = None if known is None else [one for one in shard.schema_arrow.names if plain_name(one) in known]
            yield from _batches(shard.iter_batches(batch_size=BATCH, columns=names), classes(file, shard.schema_arrow))
    except pa.ArrowException as error:
        raise ConfigError(f"{file}: not a Parquet file, or a broken one") from error


def _arrow_rows(file: Path) -> Iterator[Chunk]:
    import pyarrow as pa

    try:
        with arrow_stream(file) as stream:
            yield from _batches(stream, classes(file, stream.schema))
    except pa.ArrowException as error:
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
def written(file: Path) -> Iterator[IO[bytes]]:
    """A file to write bytes to, packed by gzip if its name ends so; it gets its name when it is whole."""
    with aside(file) as new, new.open("wb") as stream:
        if file.suffix != ".gz":
            yield stream
        else:
            with gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as packed:
                yield cast(IO[bytes], packed)


@contextmanager
def _write_lines(file: Path) -> Iterator[Keep]:
    with written(file) as stream:
        yield lambda batch, kept: stream.writelines(compress(batch.raw, kept))


@contextmanager
def _write_comma_rows(file: Path, like: Path) -> Iterator[Keep]:
    head = head_of(like)
    with written(file) as stream, TextIOWrapper(stream, head.written, newline="", write_through=True) as text:
        table = csv.writer(text, delimiter=head.delimiter)
        table.writerow(head.cells)
        yield lambda batch, kept: table.writerows(compress(batch.raw, kept))


@contextmanager
def _write_parquet(file: Path, like: Path) -> Iterator[Keep]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = schema_of(like)
    with aside(file) as new, pq.ParquetWriter(new, schema, compression="zstd") as shard:
        yield lambda batch, kept: shard.write_batch(batch.raw.filter(pa.array(kept, pa.bool_())))
