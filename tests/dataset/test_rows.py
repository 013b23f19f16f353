"""The columns of a row: what a trainer reads in them, and that they have a type when there is nothing in them."""

from dataclasses import replace
from pathlib import Path

import datasets
import pytest

from synth.dataset.rows import COLUMNS, row_of, split_of
from synth.dataset.shards import write_split
from synth.recipe.labels import LabelScheme
from synth.recipe.sections import Output
from synth.types import Message, Note
from tests.filters.test_filters import ROW

NAMES = {"a.b": ("甲", "乙")}
TEXT = datasets.Value("string")
TYPES = {
    "root_id": TEXT,
    "context": datasets.List({"role": TEXT, "content": TEXT}),
    "twin_id": TEXT,
    "categories": datasets.List(TEXT),
    "notes": datasets.List({"stage": TEXT, "key": TEXT, "value": TEXT}),
    "marks": datasets.List(
        {"column": TEXT, "at": datasets.Value("int64"), "length": datasets.Value("int64"), "was": TEXT}
    ),
}
FULL = replace(
    ROW,
    root_id="r",
    context=(Message("user", "在吗？"), Message("assistant", "在的。")),
    notes=(Note("verify", "grade", "3"),),
)


@pytest.mark.parametrize("row", [replace(ROW, label=None), FULL], ids=["empty", "full"])
def test_every_column_has_its_type_whatever_is_in_it(tmp_path: Path, row: object) -> None:
    write_split(tmp_path, "train", iter([row_of(row, NAMES)]), 1, 10)  # type: ignore[arg-type]
    made = datasets.load_dataset("parquet", data_dir=str(tmp_path), split="train", cache_dir=str(tmp_path / "cache"))
    assert tuple(made.column_names) == COLUMNS
    assert {name: made.features[name] for name in TYPES} == TYPES
    assert made[0]["twin_id"] is None
    assert made[0]["marks"] == []
    if row is FULL:
        assert made[0]["context"] == [{"role": "user", "content": "在吗？"}, {"role": "assistant", "content": "在的。"}]
        assert made[0]["notes"] == [{"stage": "verify", "key": "grade", "value": "3"}]


@pytest.mark.parametrize(("label", "expected"), [("unsafe", ["a.b"]), ("safe", []), (None, [])])
def test_categories_are_those_that_the_row_violates(label: str | None, expected: list[str]) -> None:
    assert row_of(replace(ROW, label=label), NAMES)["categories"] == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("label", "expected"), [("bad", ["a.b"]), ("odd", ["a.b"]), ("fine", []), (None, [])])
def test_a_row_violates_nothing_where_its_label_is_the_recipes_safe_one(label: str | None, expected: list[str]) -> None:
    scheme = LabelScheme(("bad", "odd", "fine"))
    assert row_of(replace(ROW, label=label), NAMES, scheme)["categories"] == expected  # type: ignore[arg-type]


def test_a_split_hangs_on_the_root_alone() -> None:
    output = Output(validation=0.5)
    rows = [replace(ROW, root_id="r", query_id=f"q{i}", parent_id=f"p{i}", query=str(i)) for i in range(20)]
    assert len({split_of(row, output) for row in rows}) == 1
    assert len({split_of(replace(row, root_id=f"r{i}"), output) for i, row in enumerate(rows)}) == 2
