"""All rows of a data set counted for its report, by columns and in batches, and the few that are looked at drawn by a hash of their ids:
memory does not grow with the rows, nor with how long their texts are."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from synth.dataset.rows import rank
from synth.errors import as_written
from synth.quality.diversity_forms import LENGTHS
from synth.report.clip import NAME

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

OF_CELL: Final = 40
"""Rows of a cell that may be shown."""
OF_ALL: Final = 1_200
"""Rows that a probe learns from."""
_CELLS: Final = 5_000
"""Different values that are counted each by itself; what comes after is counted together."""
_BYTES: Final = 32 << 20
"""Of Parquet, that are held at once."""
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "splits": ("split",),
    "cells": ("scenario", "subcategory", "query_type", "label"),
    "classes": ("query_type", "label", "response_class"),
    "stances": ("query_type", "label", "stance"),
    "answerers": ("responder", "label"),
    "queries": ("query_type", "label", "query_bin"),
    "answers": ("query_type", "label", "response_bin"),
}
"""What is counted together, by the name of its table."""
_NAMES: Final = ("id", "scenario", "subcategory", "query_type", "label", "response_class", "stance", "responder")
_READ: Final = (
    *(*_NAMES, "subcategory_name", "attack", "generator", "context", "query", "response", "analysis", "votes", "notes"),
    *("elements", "root_id", "parent_id", "query_id", "source"),
)
"""What is read of a row that is looked at."""
_FEW: Final = 32
_TOGETHER: Final = 40
"""Batches of short names that are counted together."""
_OTHERS: Final = "…"

Made = TypeVar("Made")
Place = tuple[int, int]
"""A row: its file's number, and its own in there."""


@dataclass
class Counted:
    """What a data set holds, counted: tables of counts by name (see `frame`), and the places of the rows that are looked at."""

    files: Sequence[Path]
    rows: int = 0
    counts: dict[str, Counter[tuple[str, ...]]] = field(default_factory=lambda: {name: Counter() for name in _KEYS})
    elements: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """By subcategory, axis and value."""
    by_cell: dict[str, list[tuple[str, Place]]] = field(default_factory=dict)
    """By cell, the ranks and places of its rows of lowest rank."""
    lowest: list[tuple[str, Place]] = field(default_factory=list)
    """Ranks and places of the rows of lowest rank that have a label."""

    def frame(self, table: str) -> "pd.DataFrame":
        """A table of counts: its columns are what is counted together, the last one `rows`."""
        import pandas as pd

        keys = _KEYS[table]
        held = [(*values, count) for values, count in sorted(self.counts[table].items())]
        return pd.DataFrame(held, columns=[*keys, "rows"])

    def values(self) -> "pd.DataFrame":
        """How many rows have which value of which axis of elements, by subcategory."""
        import pandas as pd

        held = [(*values, count) for values, count in sorted(self.elements.items())]
        return pd.DataFrame(held, columns=["subcategory", "axis", "value", "rows"])


def counted(data: Path) -> Counted:
    """Everything in a folder of Parquet shards, counted. ConfigError names a shard that is damaged."""
    files = sorted(data.glob("*.parquet")) if data.is_dir() else []
    found = Counted(files)
    for number, path in enumerate(files):
        with as_written(path, also=_arrow()):
            _count(found, number, path)
    for held in (*found.by_cell.values(), found.lowest):
        held.sort()
    for cell in found.by_cell:
        del found.by_cell[cell][OF_CELL:]
    del found.lowest[OF_ALL:]
    return found


def made_of(
    files: Sequence[Path], places: Iterable[Place], make: Callable[[Place, dict[str, Any]], Made]
) -> dict[Place, Made]:
    """By place, what `make` makes of the rows that stand there in a data set: no more of them is held than that."""
    wanted: dict[int, list[int]] = {}
    for number, at in sorted(set(places)):
        wanted.setdefault(number, []).append(at)
    found: dict[Place, Made] = {}
    for number, rows in wanted.items():
        with as_written(files[number], also=_arrow()), _opened(files[number]) as opened:
            for at, row in _rows(opened, rows):
                found[number, at] = make((number, at), row)
    return found


def _rows(opened: "pq.ParquetFile", wanted: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    first = 0
    columns = [name for name in _READ if name in opened.schema_arrow.names]
    for group in range(opened.metadata.num_row_groups):
        count = opened.metadata.row_group(group).num_rows
        here = [at - first for at in wanted if first <= at < first + count]
        begun = first
        first += count
        if not here:
            continue
        at = 0
        # Few at once, and each made a row by itself: cells that are the same take little in Parquet, and much as they are read.
        for batch in opened.iter_batches(_FEW, row_groups=[group], columns=columns):
            for one in (one - at for one in here if at <= one < at + batch.num_rows):
                yield begun + at + one, batch.slice(one, 1).to_pylist()[0]
            at += batch.num_rows


def _opened(path: Path) -> "pq.ParquetFile":
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, read_dictionary=["query", "response", "analysis"])


def _arrow() -> tuple[type[Exception], ...]:
    import pyarrow as pa

    return (pa.ArrowException,)


def _at_once(opened: "pq.ParquetFile") -> int:
    """How many rows are held at once, by what those of the file take."""
    told = [opened.metadata.row_group(one) for one in range(opened.metadata.num_row_groups)]
    each = max((one.total_byte_size / max(1, one.num_rows) for one in told), default=1.0)
    return int(min(50_000, max(8, _BYTES / max(1.0, each))))


def _count(found: Counted, number: int, path: Path) -> None:
    split = path.name.partition("-")[0]
    with _opened(path) as opened:
        held = [name for name in (*_NAMES, "query", "response", "elements") if name in opened.schema_arrow.names]
        at = 0
        for told, elements in _gathered(opened.iter_batches(_at_once(opened), columns=held), split):
            for name, keys in _KEYS.items():
                _add(found.counts[name], told, keys)
            if elements is not None:
                _add(found.elements, elements, ("subcategory", "axis", "value"))
            _draw(found, told, number, at)
            at += told.num_rows
        found.rows += at


def _gathered(batches: Iterable["pa.RecordBatch"], split: str) -> Iterator[tuple["pa.Table", "pa.Table | None"]]:
    """What is counted of batches, and of their elements, of several thousand rows together: a batch is no longer than a group of Parquet's."""
    import pyarrow as pa

    told: list[pa.Table] = []
    elements: list[pa.Table] = []
    for batch in batches:
        told.append(_told(batch, split))
        if "elements" in batch.schema.names:
            elements.append(_elements(batch))
        if len(told) == _TOGETHER:
            yield pa.concat_tables(told), pa.concat_tables(elements) if elements else None
            told, elements = [], []
    if told:
        yield pa.concat_tables(told), pa.concat_tables(elements) if elements else None


def _told(batch: "pa.RecordBatch", split: str) -> "pa.Table":
    """What is counted of a batch: names cut to what a page can hold, lengths by the end of their bin."""
    import pyarrow as pa

    empty = pa.nulls(batch.num_rows, pa.string()).fill_null("")
    columns = {
        name: _name(batch.column(name), cut=name != "id") if name in batch.schema.names else empty for name in _NAMES
    }
    columns["split"] = pa.array([split] * batch.num_rows)
    for side in ("query", "response"):
        columns[f"{side}_bin"] = _bins(batch.column(side)) if side in batch.schema.names else empty
    return pa.table(columns)


def _name(column: Any, *, cut: bool) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    told = column.cast(pa.string()).fill_null("")
    return pc.utf8_slice_codeunits(told, 0, NAME + 1) if cut else told


def _bins(column: Any) -> Any:
    """For each text the end of the bin of lengths it falls in; of the longest `over`, of none nothing."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = (
        pc.utf8_length(column.dictionary).take(column.indices) if hasattr(column, "indices") else pc.utf8_length(column)
    )
    ends = [*map(str, LENGTHS), "over", ""]
    given = lengths.fill_null(-1).to_numpy(zero_copy_only=False)
    return pa.array(np.array(ends)[np.where(given < 0, len(LENGTHS) + 1, np.searchsorted(LENGTHS, given))])


def _elements(batch: "pa.RecordBatch") -> "pa.Table":
    import pyarrow as pa
    import pyarrow.compute as pc

    column = batch.column("elements")
    flat = column.flatten()
    owners = _name(batch.column("subcategory"), cut=True).take(pc.list_parent_indices(column))
    return pa.table({"subcategory": owners, **{part: _name(flat.field(part), cut=True) for part in ("axis", "value")}})


def _add(counts: Counter[tuple[str, ...]], told: "pa.Table", keys: tuple[str, ...]) -> None:
    grouped = told.select(list(keys)).group_by(list(keys)).aggregate([([], "count_all")])
    columns = [grouped.column(key).to_pylist() for key in keys]
    for values, count in zip(zip(*columns, strict=True), grouped.column("count_all").to_pylist(), strict=True):
        known = len(counts) < _CELLS * len(keys) or values in counts
        counts[values if known else (_OTHERS,) * len(keys)] += count


def _draw(found: Counted, told: "pa.Table", number: int, first: int) -> None:
    """Keeps the places of the rows of lowest rank: of every cell, and of all."""
    cells = zip(
        *(told.column(name).to_pylist() for name in ("split", "subcategory", "query_type", "label")), strict=True
    )
    for at, (id, (split, subcategory, kind, label)) in enumerate(
        zip(told.column("id").to_pylist(), cells, strict=True), start=first
    ):
        ranked = (rank(id), (number, at))
        cell = f"{subcategory}/{kind}/{label or split}"
        held = found.by_cell.get(cell)
        if held is None:
            held = found.by_cell.setdefault(cell if len(found.by_cell) < _CELLS else _OTHERS, [])
        _keep(held, ranked, OF_CELL)
        if label and split != "test":
            _keep(found.lowest, ranked, OF_ALL)


def _keep(held: list[tuple[str, Place]], ranked: tuple[str, Place], most: int) -> None:
    if len(held) >= 2 * most:
        held.sort()
        del held[most:]
    if len(held) < most or ranked < held[-1] or len(held) > most:
        held.append(ranked)
