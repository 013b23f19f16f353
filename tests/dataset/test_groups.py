"""Rows brought together on disk."""

import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synth.dataset.groups import grouped
from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from tests.conftest import Lab


def test_rows_of_one_value_come_together_in_their_order(tmp_path: Path) -> None:
    rows = [
        {"key": random.Random(n).choice(["乙", "甲", None]), "n": n, "votes": [{"judge": "j"}]} for n in range(3_000)
    ]
    found = list(grouped(rows, "key", tmp_path))
    assert [group[0]["key"] for group in found[:2]] == ["乙", "甲"]
    assert all(len(group) == 1 and group[0]["key"] is None for group in found[2:])
    assert sorted((row for group in found for row in group), key=lambda row: row["n"]) == rows
    for group in found:
        assert [row["n"] for row in group] == sorted(row["n"] for row in group)


def test_sorting_leaves_nothing_behind_even_if_it_is_given_up(tmp_path: Path) -> None:
    groups = grouped(({"key": str(n % 7)} for n in range(100)), "key", tmp_path)
    next(groups)
    assert list(tmp_path.iterdir()) == []  # nor would a kill
    groups.close()


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        for n in range(20_000):
            yield {"key": f"{n * 7919 % 10_000:05d}", "text": "字" * 500}

    tracemalloc.start()
    assert sum(1 for _ in grouped(rows(), "key", tmp_path)) == 10_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000  # the rows are 30 MB


def test_a_dataset_gives_the_rows_of_one_query_together(lab: Lab) -> None:
    lab.run(40)
    made = Dataset(lab.folder / "run")
    found = list(made.groups("train", "query_id"))
    assert {row["id"] for group in found for row in group} == set(lab.rows(split="train"))
    assert len(found) == len({row["query_id"] for row in lab.rows(split="train").values()})
    with pytest.raises(ConfigError, match="no column 'query_ids'; did you mean 'query_id'"):
        next(made.groups("train", "query_ids"))
    with pytest.raises(ConfigError, match="'votes' holds no single values"):
        next(made.groups("train", "votes"))
