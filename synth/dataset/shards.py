"""Parquet shards: a fixed schema, names by which they are known."""

import hashlib
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from synth.dataset.rows import COLUMNS, PROVENANCE

GROUP_ROWS = 500
"""Rows held in memory at once, and rows of a Parquet row group."""

SHARD = re.compile(r"(train|validation|test|hard)-\d{5,}-of-\d{5,}\.parquet")
"""Names of shards."""

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
    """Writes a split of the dataset as Parquet shards, `split`-00000-of-0000N.parquet, `shard_rows` rows each; nothing for
    a split without rows."""
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own pools keep what they once had: 30 MiB more at 8,000 rows
    shards = -(-count // shard_rows)
    for number in range(shards):
        path = folder / f"{split}-{number:05d}-of-{shards:05d}.parquet"
        with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
            shard = islice(rows, shard_rows)
            while group := list(islice(shard, GROUP_ROWS)):
                writer.write_table(pa.Table.from_pylist(group, schema=SCHEMA))


def shards_in(folder: Path) -> list[Path]:
    """The dataset's Parquet shards in a folder, by name."""
    return sorted(path for path in folder.glob("*.parquet") if SHARD.fullmatch(path.name))


def count_in(shard: Path) -> int:
    """How many rows a Parquet shard of the dataset holds."""
    return int(pq.read_metadata(shard).num_rows)


def content_hash(folder: Path) -> str:
    """A hash of the dataset's Parquet shards in a folder, 16 hex digits."""
    digest = hashlib.sha256()
    for path in shards_in(folder):
        digest.update(path.name.encode())
        with path.open("rb") as shard:
            while block := shard.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]
