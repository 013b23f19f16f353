"""Parquet shards: a fixed schema, written aside, swapped in whole."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from synth.dataset.rows import COLUMNS, PROVENANCE

GROUP_ROWS = 500
"""Rows held in memory at once, and rows of a Parquet row group."""

_TEXT = pa.string()
_STRUCTS = {
    "votes": pa.list_(pa.struct([("judge", _TEXT), ("label", _TEXT), ("analysis", _TEXT)])),
    "elements": pa.list_(pa.struct([("axis", _TEXT), ("value", _TEXT)])),
    "provenance": pa.struct([(name, pa.int64() if name == "seed" else _TEXT) for name in PROVENANCE]),
    "context": pa.list_(pa.struct([("role", _TEXT), ("content", _TEXT)])),
    "categories": pa.list_(_TEXT),
    "notes": pa.list_(pa.struct([("stage", _TEXT), ("key", _TEXT), ("value", _TEXT)])),
    "marks": pa.list_(pa.struct([("column", _TEXT), ("at", pa.int64()), ("length", pa.int64()), ("was", _TEXT)])),
}
# Every column has its type here: of one that is empty throughout, Arrow would take it from the values and find none.
SCHEMA = pa.schema([(name, _STRUCTS.get(name, _TEXT)) for name in COLUMNS])


def write_split(folder: Path, split: str, rows: Iterator[dict[str, Any]], count: int, shard_rows: int) -> None:
    """Writes `split`-00000-of-0000N.parquet, `shard_rows` rows each; nothing for a split without rows."""
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own pools keep what they once had: 30 MiB more at 8,000 rows
    shards = -(-count // shard_rows)
    for number in range(shards):
        path = folder / f"{split}-{number:05d}-of-{shards:05d}.parquet"
        with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
            shard = islice(rows, shard_rows)
            while group := list(islice(shard, GROUP_ROWS)):
                writer.write_table(pa.Table.from_pylist(group, schema=SCHEMA))


def content_hash(folder: Path) -> str:
    """Hash of the shards in a folder, 16 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.parquet")):
        digest.update(path.name.encode())
        with path.open("rb") as shard:
            while block := shard.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]


def keep_others(real: Path, new: Path) -> None:
    """Puts what stands in `real` and `new` does not bring into `new` too; files are linked where the disk allows it."""
    for path in real.iterdir() if real.is_dir() else ():
        if not (new / path.name).exists():
            if path.is_dir() and not path.is_symlink():
                shutil.copytree(path, new / path.name, symlinks=True, copy_function=_link)
            else:
                _link(path, new / path.name)


def _link(source: Path | str, target: Path | str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def swap(new: Path, real: Path) -> None:
    """Puts the whole folder `new` in the place of `real`. A kill on the way leaves both, for `mend` to find."""
    for path in new.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    old = real.with_name(real.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if real.exists():
        real.rename(old)
    new.rename(real)
    shutil.rmtree(old, ignore_errors=True)


def mend(real: Path) -> None:
    """Ends a swap that was killed half way: the old folder had gone aside, so the new one is whole."""
    new, old = real.with_name(real.name + ".new"), real.with_name(real.name + ".old")
    if old.exists() and not real.exists():
        (new if new.exists() else old).rename(real)
    shutil.rmtree(old, ignore_errors=True)
