"""A dataset's rows and drops as the tables that Python programs work on: pandas' and Arrow's."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synth.dataset.reader import Dataset
from synth.errors import ConfigError, as_written, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

DROP = ("stage", "reason", "lane", "place", "wanted", "text", "query", "response", "stance", "votes")
"""What a drop in DIR/drops has."""


def frame_of(made: Dataset, split: str | None, columns: Sequence[str] | None, *, marked: bool) -> "pd.DataFrame":
    """The rows of a split of the dataset as a DataFrame, in order; of all splits, told apart by a column `split`, for None.
    ConfigError for a split or a column there is not."""
    import pandas as pd

    parts = []
    for name in made.splits() if split is None else [_known(made, split)]:
        held = _columns(made, name, columns, marked=marked)
        parts.append(pd.DataFrame(({"split": name} if split is None else {}) | held))
    return pd.concat(parts, ignore_index=True)


def drops_of(made: Dataset) -> "pd.DataFrame":
    """What the run that made the dataset dropped, as a DataFrame; one without rows where it dropped nothing."""
    import pandas as pd

    return pd.DataFrame(list(made.drops()), columns=list(DROP))


def hf_of(made: Dataset) -> Any:
    """The dataset as a DatasetDict of the library `datasets`, in memory, its shards as they stand."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")  # of a notebook's widgets: no bar is drawn
        import datasets  # type: ignore[import-untyped]

    return datasets.DatasetDict({name: datasets.Dataset(_table_of(made, name)) for name in made.splits()})


def _table_of(made: Dataset, split: str) -> Any:
    """The shards of a dataset's split as one Arrow table in memory, as they stand."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = []
    for shard in made.shards(split):
        with as_written(shard, also=(pa.ArrowException,)), pq.ParquetFile(shard) as opened:
            tables.append(opened.read())
    return pa.concat_tables(tables, promote_options="default")


def _known(made: Dataset, split: str) -> str:
    if split not in (found := made.splits()):
        raise ConfigError(f"{made.repository}: has no split {split!r}; {did_you_mean(split, found)}")
    return split


def _columns(made: Dataset, split: str, wanted: Sequence[str] | None, *, marked: bool) -> dict[str, list[Any]]:
    known = made.columns(split)
    for name in wanted or ():
        if name not in known:
            raise ConfigError(f"{made.repository}: has no column {name!r}; {did_you_mean(name, known)}")
    held: dict[str, list[Any]] = {name: [] for name in (known if wanted is None else wanted)}
    for row in made.rows(split, marked=marked, columns=wanted):
        for name, cells in held.items():
            cells.append(row.get(name))
    return held
