"""Parquet shards: a fixed schema, names by which they are known."""

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth.dataset.rows import COLUMNS, PROVENANCE

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 500
"""Rows held in memory at once, and rows of a Parquet row group."""

SHARD = re.compile(r"(train|validation|test|hard)-\d{5,}-of-\d{5,}\.parquet")
"""Names of shards."""


@cache
def schema() -> "pa.Schema":
    """The columns of the dataset's Parquet shards and their types."""
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    structs = {
        "votes": pa.list_(pa.struct([("judge", text), ("label", text), ("analysis", text)])),
        "elements": pa.list_(pa.struct([("axis", text), ("value", text)])),
        "provenance": pa.struct([(name, number if name == "seed" else text) for name in PROVENANCE]),
        "context": pa.list_(pa.struct([("role", text), ("content", text)])),
        "categories": pa.list_(text),
        "notes": pa.list_(pa.struct([("stage", text), ("key", text), ("value", text)])),
        "marks": pa.list_(pa.struct([("column", text), ("at", number), ("length", number), ("was", text)])),
    }
    # Every column has its type here: of one that is empty throughout, Arrow would take it from the values and find none.
    return pa.schema([(name, structs.get(name, text)) for name in COLUMNS])


def write_split(folder: Path, split: str, rows: Iterator[dict[str, Any]], count: int, shard_rows: int) -> None:
    """Writes a split of the dataset as Parquet shards, `split`-00000-of-0000N.parquet, `shard_rows` rows each; nothing for
    a split without rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own pools keep what they once had: 30 MiB more at 8,000 rows
    shards = -(-count // shard_rows)
    for number in range(shards):
        path = folder / f"{split}-{number:05d}-of-{shards:05d}.parquet"
        with pq.ParquetWriter(path, schema(), compression="zstd") as writer:
            shard = islice(rows, shard_rows)
            while group := list(islice(shard, GROUP_ROWS)):
                writer.write_table(pa.Table.from_pylist(group, schema=schema()))


def shards_in(folder: Path) -> list[Path]:
    """The dataset's Parquet shards in a folder, by name."""
    return sorted(path for path in folder.glob("*.parquet") if SHARD.fullmatch(path.name))


def count_in(shard: Path) -> int:
    """How many rows a Parquet shard of the dataset holds."""
    import pyarrow.parquet as pq

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
