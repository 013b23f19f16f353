"""A finished run's folder, read back."""

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import Any, get_args

from synth.dataset import policies
from synth.dataset.card import content_of
from synth.dataset.groups import grouped
from synth.dataset.rendering import BY_WHICH, RENDERED, rendered_row, rendered_rows, restored_row
from synth.errors import BROKEN, ConfigError, as_written, did_you_mean
from synth.recipe.labels import LabelScheme, named_in
from synth.types import HARD, LABELLED, MarkMode

RUNNING = "running"
"""What stands in run.json where others say why a run stopped: it goes on, or was killed before it could say anything."""
SPLITS = (*LABELLED, HARD)
_CELL = frozenset(("subcategory", "query_type", "label", "accepted", "target", "status"))
"""What every cell in run.json has."""


class Dataset:
    """The dataset, drops and facts in a finished run's folder; or a dataset alone, as it was exported or downloaded, in the
    folder of its card. `scratch` is a folder for what is too large for memory and
    does not stay; the system's own for temporary files if None. `mark` says how the mark 【略】 stands in what is read: as it
    was written if None."""

    def __init__(self, folder: Path, scratch: Path | None = None, *, mark: MarkMode | None = None) -> None:
        self.folder, self.repository = _places(folder)
        self._scratch, self.mark = scratch, mark
        if not (self.repository / "README.md").is_file():
            if (folder / "run.json").is_file():
                raise ConfigError(
                    f"{folder}: holds no dataset yet; its run goes on, or was killed: run the same command again then"
                )
            raise ConfigError(f"{folder}: holds no dataset; make one with `synth run RECIPE -o {quote(str(folder))}`")

    def facts(self) -> dict[str, Any]:
        """Read back: what run.json tells of the run that made the dataset."""
        return run_facts(self.folder)

    @property
    def labels(self) -> LabelScheme:
        """Read back: the labels of the recipe that made the dataset; safe and unsafe where there is no run.json to
        tell."""
        facts = self.facts() if (self.folder / "run.json").exists() else {}
        with as_written(self.folder / "run.json"):
            return named_in(facts.get("recipe") or {})

    @cached_property
    def policies(self) -> policies.Policies:
        """The dataset's policies, read back: what the judges were told of each category. ConfigError for a dataset that
        has none."""
        return policies.read(self.repository / policies.NAME)

    def splits(self) -> list[str]:
        """Names of a read dataset's splits that have rows; ConfigError if none has."""
        found = self.filled()
        if not found:
            raise ConfigError(
                f"{self.repository}: holds no rows; run the same command again, or see `synth show {quote(str(self.folder))}`"
            )
        return found

    def filled(self) -> list[str]:
        """Names of a read dataset's splits that have rows; empty where none has."""
        found = {_split_of(path) for path in self._data.glob("*.parquet")}
        return [*(split for split in SPLITS if split in found), *sorted(found - {*SPLITS})]

    def labelled(self) -> list[str]:
        """Names of a read dataset's splits that have rows of cells: nothing that was set aside, as the hard pile."""
        return [split for split in self.splits() if split in LABELLED]

    def rows(
        self, split: str, *, marked: bool = False, columns: Sequence[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Read back: the rows of a split of the dataset, in order, as dicts; a thousand are in memory at a time. With
        `marked` their text is as it was judged: for whatever judges or filters them again. With `columns` a row has these, and
        others only where the mark in these hangs on them: what is not wanted is not read."""
        if columns is not None and RENDERED.isdisjoint(columns):
            return self._stored(split, columns)
        rows = self._stored(split, columns and [*columns, *(RENDERED | BY_WHICH).difference(columns)])
        if marked:
            return map(restored_row, rows)
        if self.mark is not None:
            return rendered_rows(map(restored_row, rows), self.mark)
        # Those of `hard`, and of a data set from before marks were rendered, have none yet.
        return (row if row.get("marks") else rendered_row(row, self._usual_mark) for row in rows)

    @cached_property
    def _usual_mark(self) -> MarkMode:
        """How the run's recipe has the mark go out; deleted where there is no run.json to tell."""
        recipe = (self.facts().get("recipe") or {}) if (self.folder / "run.json").exists() else {}
        told = (recipe.get("output") or {}).get("mark")
        return next((mode for mode in get_args(MarkMode) if mode == told), "delete")

    def columns(self, split: str) -> list[str]:
        """Names of the columns of a read dataset's split, by its first file."""
        return next((_columns_of(path) for path in self.shards(split)), [])

    def _stored(self, split: str, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        for path in self.shards(split):
            yield from _rows_of(path, columns)

    def check(self) -> None:
        """Reads all that can be read back of the dataset. ConfigError names the first shard that is damaged."""
        for path in sorted(self._data.glob("*.parquet")):
            for _ in _rows_of(path):
                pass

    def groups(self, split: str, by: str) -> Iterator[list[dict[str, Any]]]:
        """Read back: the rows of a split of the dataset that have the same value in the column `by`, together, in the
        order of those values; within a group in that of the split. A row without a value is a group of its own, at the
        end. Sorted on disk: memory holds one group. ConfigError for a column there is not, or that holds no single
        values."""
        first = next(self.rows(split), None)
        if first is not None and by not in first:
            raise ConfigError(f"{self.repository}: has no column {by!r}; {did_you_mean(by, first)}")
        if first is not None and not isinstance(first[by], str | int | None):
            raise ConfigError(f"column {by!r} holds no single values, so rows cannot be grouped by it; name another")
        yield from grouped(self.rows(split), by, self._scratch)

    def drops(self) -> Iterator[dict[str, Any]]:
        """Read back: what the run that made the dataset dropped, from the files in DIR/drops, as dicts."""
        for path in sorted((self.folder / "drops").glob("*.jsonl")):
            with path.open(encoding="utf-8", errors="replace") as lines:
                for number, line in enumerate(lines, start=1):
                    yield _drop_of(line, f"{path}: line {number}")

    def shards(self, split: str) -> list[Path]:
        """The files of a read dataset's split, in order."""
        return sorted(path for path in self._data.glob("*.parquet") if _split_of(path) == split)

    @property
    def _data(self) -> Path:
        return self.repository / "data"


def _places(folder: Path) -> tuple[Path, Path]:
    """The folder of a run, which has its facts, and that of its dataset; one and the same where a dataset stands alone."""
    if (folder / "dataset").exists() or not ((folder / "README.md").is_file() and (folder / "data").is_dir()):
        return folder, folder / "dataset"
    run = folder.resolve().parent
    return (run if folder.resolve().name == "dataset" and (run / "run.json").is_file() else folder), folder


def run_facts(folder: Path) -> dict[str, Any]:
    """What run.json in a folder tells of its run, whether there is a dataset beside it yet or not. ConfigError where it is missing or broken."""
    path = folder / "run.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        whole = _is_whole(found)
    except BROKEN as error:
        raise ConfigError(f"{path}: is missing or broken; run the same command again to write it anew") from error
    if not whole:
        raise ConfigError(f"{path}: is broken; run the same command again to write it anew")
    return found


def changed_since(path: Path) -> Iterator[str]:
    """A line where the shards in a run's folder are others than those of which the dataset's card tells: somebody changed them, or the
    disk did. Any other path is let be."""
    card, data = path / "dataset" / "README.md", path / "dataset" / "data"
    if not card.is_file():
        return
    from synth.dataset.shards import content_hash

    with as_written(card, "move it away, and run the same command again"):
        told = content_of(card.read_text(encoding="utf-8"))
    if told is not None and content_hash(data) != told:
        yield (
            f"warning: {data}: holds other shards than its card tells of: changed, damaged or lost since;"
            " the command that made them writes them anew"
        )


def _is_whole(facts: Any) -> bool:
    """Whether facts out of run.json have the shape in which a run tells them, as far as others rely on it."""
    lists, mappings = ("controls", "doubts"), ("recipe", "agreement", "coverage", "versions", "splits")
    return (
        all(isinstance(facts.get(name), list | None) for name in lists)
        and all(isinstance(facts.get(name), dict | None) for name in mappings)
        and all(isinstance(one, dict) for name in lists for one in facts.get(name) or ())
        and all(isinstance(cell, dict) and cell.keys() >= _CELL for cell in facts["cells"])
        and isinstance(facts["cells"], list)
        and all(
            isinstance((facts.get("recipe") or {}).get(name), dict | None) for name in ("output", "judge", "models")
        )
    )


def _columns_of(shard: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with as_written(shard, also=(pa.ArrowException,)):
        return list(pq.read_schema(shard).names)


def _rows_of(shard: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with as_written(shard, also=(pa.ArrowException,)):
        opened = pq.ParquetFile(shard)
    with opened:
        batches = opened.iter_batches(batch_size=1_000, columns=columns)
        while True:
            with as_written(shard, also=(pa.ArrowException,)):
                batch = next(batches, None)
                rows = None if batch is None else batch.to_pylist()
            if rows is None:
                return
            yield from rows


def _drop_of(line: str, place: str) -> dict[str, Any]:
    with as_written(place):
        found: dict[str, Any] = json.loads(line)
        if not isinstance(found["lane"], str) or not {"wanted", "place"} <= found.keys():
            raise ValueError("is no drop")
        return found


def _split_of(shard: Path) -> str:
    return shard.name.partition("-")[0]
