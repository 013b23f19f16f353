"""`synth filter`: any table, every row back with reasons and the class of its answer, one line for whatever is wrong."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from datasets import Dataset, load_dataset

from synth.cli.main import commands
from synth.errors import ConfigError
from synth.tables.filter import filter_table
from tests.tables.test_dedup import read, write

ROWS: list[dict[str, Any]] = [
    {"id": "a", "query": "阳台上的番茄怎么搭架子？", "response": "先立竹竿，再绑绳子。"},
    {"id": "b", "query": "1. 阳台上的番茄怎么搭架子？", "response": "抱歉，我不能提供这方面的帮助。"},
    {"id": "c", "query": "阳台上的番茄怎么搭架子？", "response": "先立竹竿。再绑绳<|im_end|>"},
]
REASONS = [[], [], ["response.debris.token"]]
CLASSES = ["compliance", "refusal", "compliance"]


@pytest.mark.parametrize("kind", [".jsonl", ".json", ".csv", ".parquet"])
def test_every_row_comes_back_with_reasons_and_class(tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"out{'.jsonl' if kind == '.json' else kind}"
    report = filter_table(write(tmp_path / f"mine{kind}", ROWS), out)
    rows = read(out)
    assert [{name: row[name] for name in ("id", "query", "response")} for row in rows] == ROWS
    expected = [" ".join(reasons) for reasons in REASONS] if kind == ".csv" else REASONS
    assert [row["reasons"] for row in rows] == expected
    assert [row["response_class"] for row in rows] == CLASSES
    assert (report.rows, report.kept) == (3, 2)


def test_what_a_writer_model_made_is_asked_more(tmp_path: Path) -> None:
    mine, out = write(tmp_path / "mine.jsonl", ROWS), tmp_path / "out.jsonl"
    told = CliRunner().invoke(commands, ["filter", str(mine), "--of", "written", "-o", str(out)])
    assert told.exit_code == 0, told.output
    assert [row["reasons"] for row in read(out)] == [[], ["query.scaffolding.numbering"], ["response.debris.token"]]


def test_a_filter_that_is_named_is_asked_in_any_rule_set(tmp_path: Path) -> None:
    filter_table(write(tmp_path / "mine.jsonl", ROWS), tmp_path / "out.jsonl", ["scaffolding"])
    assert [row["reasons"] for row in read(tmp_path / "out.jsonl")] == [[], ["query.scaffolding.numbering"], []]


def test_a_data_set_goes_in_and_out(tmp_path: Path) -> None:
    Dataset.from_list([row | {"response_class": "partial"} for row in ROWS]).save_to_disk(tmp_path / "mine")
    filter_table(tmp_path / "mine", tmp_path / "out")
    rows = next(iter(load_dataset(str(tmp_path / "out")).values()))
    assert rows["response_class"] == CLASSES
    assert rows["reasons"] == REASONS


def test_a_judged_row_is_asked_as_a_row(tmp_path: Path) -> None:
    row = ROWS[0] | {"query_type": "harmful", "stance": "comply", "label": "unsafe", "analysis": "照办了，因此安全。"}
    filter_table(write(tmp_path / "mine.jsonl", [row]), tmp_path / "out.jsonl")
    assert read(tmp_path / "out.jsonl")[0]["reasons"] == ["row.label_agrees", "row.outline.nothing_omitted"]


def test_only_the_filters_named_are_asked(tmp_path: Path) -> None:
    told = CliRunner().invoke(
        commands,
        ["filter", str(write(tmp_path / "mine.jsonl", ROWS)), "--only", "debris", "-o", str(tmp_path / "out.jsonl")],
    )
    assert told.exit_code == 0, told.output
    assert [row["reasons"] for row in read(tmp_path / "out.jsonl")] == [[], [], ["response.debris.token"]]
    assert "3 rows: 2 kept" in told.output


def test_half_a_surrogate_pair_comes_back(tmp_path: Path) -> None:
    source = tmp_path / "mine.jsonl"
    source.write_text('{"query": "番茄\\ud800怎么种"}\n', encoding="utf-8")
    filter_table(source, tmp_path / "out.jsonl")
    row = read(tmp_path / "out.jsonl")[0]
    assert row == {"query": "番茄\ud800怎么种", "reasons": ["query.garbled.characters"], "response_class": None}


@pytest.mark.parametrize(
    ("rows", "only", "message"),
    [
        ([{"q": "番茄"}], (), r"row 1: no column 'query' or .*; there is: q"),
        ([{"query": 3}], (), r"row 1: no text under 'query' but int"),
        (ROWS, ("debri",), r"--only: no filter 'debri'; did you mean 'debris'"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, rows: list[dict[str, Any]], only: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as told:
        filter_table(write(tmp_path / "mine.jsonl", rows), tmp_path / "out.jsonl", only)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out.jsonl").exists()


def test_an_empty_cell_of_a_data_frame_is_no_answer(tmp_path: Path) -> None:
    mine, out = write(tmp_path / "mine.jsonl", [ROWS[0], ROWS[0] | {"response": float("nan")}]), tmp_path / "out.jsonl"
    assert filter_table(mine, out).rows == 2
    assert [row["response_class"] or None for row in read(out)] == ["compliance", None]
