"""Columns whose numbers stand for classes (`datasets.ClassLabel`): what the classes are called, in a file or beside it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from synth.errors import BROKEN, as_written

_FEATURES: Final = b"huggingface"
"""Under which `datasets` keeps in a schema what the columns mean."""


def schema_of(file: Path) -> Any:
    """The Arrow schema of a Parquet or Arrow file; its metadata hold the names of `datasets.ClassLabel`, from the file or
    beside it. ConfigError if it cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with as_written(file, "write it anew, or leave it out", also=(pa.ArrowException,)):
        with file.open("rb") as stream:
            columnar = stream.read(4) == b"PAR1"
        schema = pq.read_schema(file) if columnar else arrow_stream(file).schema
    if _FEATURES in (schema.metadata or {}) or not (features := _features(file, schema)):
        return schema
    return schema.with_metadata({_FEATURES: json.dumps({"info": {"features": features}})} | (schema.metadata or {}))


def arrow_stream(file: Path) -> Any:
    """The record batches of an Arrow file, kept as a stream (as `datasets` does) or with an index at its end."""
    import pyarrow as pa

    with file.open("rb") as stream:
        indexed = stream.read(6) == b"ARROW1"
    if not indexed:
        return pa.ipc.open_stream(file)
    whole = pa.ipc.open_file(file)
    return pa.RecordBatchReader.from_batches(whole.schema, map(whole.get_batch, range(whole.num_record_batches)))


def class_name(value: Any, names: Sequence[str]) -> Any:
    """The name of a class by its number in a column of `datasets.ClassLabel`; None for -1, which `datasets` writes where
    there is none; what is no such number as it is."""
    if value == -1:
        return None
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value


def classes(file: Path, schema: Any) -> dict[str, list[str]]:
    """The columns of a data file that hold numbers of classes (`datasets.ClassLabel`), with the classes' names: from the
    file, or beside it."""
    return {
        name: list(feature["names"])
        for name, feature in _features(file, schema).items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list)
    }


def _features(file: Path, schema: Any) -> dict[str, Any]:
    kept = (schema.metadata or {}).get(_FEATURES)
    try:
        info = json.loads(kept)["info"] if kept else json.loads((file.parent / "dataset_info.json").read_bytes())
        return dict(info["features"])
    except BROKEN:  # no data set's
        return {}
