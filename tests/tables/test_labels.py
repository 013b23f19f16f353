"""Labels of files: the same in either language, as words, as classes of a data set; a number that nobody explains is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from synth.cli.main import commands
from synth.errors import ConfigError
from synth.quality.labelled import labelled
from synth.quality.probe import pairs
from synth.recipe.labels import KNOWN
from synth.tables import dedup
from synth.tables.filter import filter_table
from synth.tables.io import batches, files_of
from synth.tables.labels import LabelReader, reader_of
from tests.tables.test_dedup import read, write

LABELS = ["unsafe", "safe", None, "unsafe"]
ROWS = [{"query": f"第{n}个问题", "response": "好的，照办。", "label": label} for n, label in enumerate(LABELS)]


def stored(tmp_path: Path, names: list[str], how: str) -> Path:
    """The rows with labels as numbers of classes, as `datasets` writes them."""
    features = Features(query=Value("string"), response=Value("string"), label=ClassLabel(names=names))
    of = {
        "unsafe": next(n for n in names if n in ("unsafe", "不安全")),
        "safe": next(n for n in names if n in ("safe", "安全")),
    }
    rows = [row | {"label": of[row["label"]] if row["label"] else -1} for row in ROWS]
    made = Dataset.from_list(rows, features=features)
    if how == "parquet":
        made.to_parquet(tmp_path / "set.parquet")
        return tmp_path / "set.parquet"
    (DatasetDict(train=made) if how == "splits" else made).save_to_disk(tmp_path / "set")
    return tmp_path / "set"


@pytest.mark.parametrize("how", ["parquet", "folder", "splits"])
@pytest.mark.parametrize("names", [["unsafe", "safe"], ["safe", "unsafe"], ["有争议", "安全", "不安全"]], ids=str)
def test_numbers_of_classes_are_read_by_name_everywhere(tmp_path: Path, names: list[str], how: str) -> None:
    path = stored(tmp_path, names, how)
    told = [LABELS[n] for n in (0, 1, 3)]
    assert [pair.unsafe for pair in pairs.every(path)] == [label == "unsafe" for label in told]
    assert [row.label for row in labelled(path).rows] == told
    assert dedup.dedup(path, tmp_path / "out", dedup.Want(0.99, conflicts="majority")).conflicts == 0
    assert filter_table(path, tmp_path / "filtered", ["outline"]).unread == 0


def test_a_class_is_written_back_as_it_was_read(tmp_path: Path) -> None:
    path = stored(tmp_path, ["unsafe", "safe"], "parquet")
    dedup.dedup(path, tmp_path / "out.parquet", dedup.Want(0.99))
    filter_table(path, tmp_path / "filtered.parquet")
    for name in ("out", "filtered"):
        found = Dataset.from_parquet(str(tmp_path / f"{name}.parquet"))
        assert found["label"] == [0, 1, -1, 0]
        assert found.features["label"].names == ["unsafe", "safe"]


def test_names_that_stand_beside_the_file_are_found_too(tmp_path: Path) -> None:
    import pyarrow as pa

    path = stored(tmp_path, ["unsafe", "safe"], "folder")
    (shard,) = files_of(path)
    table = pa.ipc.open_stream(shard.read_bytes()).read_all().replace_schema_metadata(None)
    with pa.ipc.new_stream(shard, table.schema) as stream:
        stream.write_table(table)
    assert [row["label"] for chunk in batches(shard) for row in chunk.rows] == LABELS
    filter_table(path, tmp_path / "out")
    assert [
        row["label"] for file in files_of(tmp_path / "out") for chunk in batches(file) for row in chunk.rows
    ] == LABELS


@pytest.mark.parametrize(
    ("column", "value", "label"),
    [
        ("label", " Unsafe。", "unsafe"),
        ("label", "不安全", "unsafe"),
        ("label", "违规", "unsafe"),
        ("label", "争议", "controversial"),
        ("标签", "安全", "safe"),
        (" Label ", "'不安全", "unsafe"),
        ("\ufeffLABEL", "“安全”\u00a0\r\n", "safe"),
        ("标注", "\t有害", "unsafe"),
        ("Is Unsafe", "'1", "unsafe"),
        ("是否安全", "是", "safe"),
        ("是否不安全", "1.0", "unsafe"),
        ("label", "unharmful", "safe"),
        ("unsafe", 1, "unsafe"),
        ("is_unsafe", False, "safe"),
        ("toxicity", "1", "unsafe"),
        ("is_safe", True, "safe"),
        ("is_safe", "False", "unsafe"),
        ("harmful", "Yes", "unsafe"),
        ("is_toxic", "n", "safe"),
        ("是否违规", "是", "unsafe"),
        ("是否有风险", 0, "safe"),
        ("是否合规", "否", "unsafe"),
        ("harmless", "no", "unsafe"),
        ("label", None, None),
        ("label", " ", None),
        ("label", float("nan"), None),
    ],
)
def test_what_a_label_may_look_like(column: str, value: Any, label: str | None) -> None:
    reader = LabelReader()
    assert reader.read({column: value}, reader.column({column: value}, "here"), "here") == label


@pytest.mark.parametrize("value", [0, 1, "0", "1", 1.0, True, False])
def test_a_number_nobody_explains_is_refused_with_the_way_out(tmp_path: Path, value: Any) -> None:
    rows = [ROWS[0] | {"label": value}]
    path = write(tmp_path / "set.jsonl", rows)
    for command in (
        ["probe", path],
        ["dedup", path, "--conflicts", "majority", "-o", tmp_path / "out.jsonl"],
    ):
        told = CliRunner().invoke(commands, [str(part) for part in command])
        assert isinstance(told.exception, ConfigError)
        assert f"row 1: label {value!r} is a bare number" in str(told.exception)
        assert "--label-names safe,unsafe" in str(told.exception)
    with pytest.raises(ConfigError, match="is a bare number"):
        labelled(path)


@pytest.mark.parametrize("value", ["是", "No", " y "])
def test_a_yes_that_nobody_explains_is_refused_as_one(value: str) -> None:
    with pytest.raises(ConfigError, match="is a bare yes or no, which some sets call safe"):
        LabelReader().read({"label": value}, "label", "here")


def test_the_user_may_say_what_numbers_stand_for(tmp_path: Path) -> None:
    rows = [row | {"label": None if row["label"] is None else int(row["label"] == "safe")} for row in ROWS]
    for path in (write(tmp_path / "set.jsonl", rows), write(tmp_path / "set.csv", rows)):
        assert [pair.unsafe for pair in pairs.every(path, "unsafe,safe")] == [True, False, True]
        assert [pair.unsafe for pair in pairs.every(path, "安全, 不安全")] == [False, True, False]
        with pytest.raises(ConfigError, match=r"row \d: label '?1'? is none of safe"):
            pairs.every(path, "controversial")
    with pytest.raises(ConfigError, match="--label-names: 'sfae' is none of safe, controversial, unsafe"):
        reader_of(tmp_path, "sfae")


def test_conflicts_are_of_labels_in_whatever_language(tmp_path: Path) -> None:
    rows = [
        {"query": "同一个问题怎么问", "response": "答", "label": label}
        for label in ("安全", "有争议", "不安全", "safe")
    ]
    path = write(tmp_path / "in.json", rows)
    dedup.dedup(path, tmp_path / "out.json", dedup.Want(0.7, conflicts="stricter"))
    assert [row["label"] for row in read(tmp_path / "out.json")] == ["不安全"]
    dedup.dedup(path, tmp_path / "more.json", dedup.Want(0.7, conflicts="majority"))
    assert [row["label"] for row in read(tmp_path / "more.json")] == ["安全"]


def test_rules_on_labels_see_them_in_whatever_language_and_what_they_do_not_see_is_said(tmp_path: Path) -> None:
    row = {"query": "问", "response": "抱歉，我不能提供这方面的帮助。"}
    path = write(tmp_path / "in.jsonl", [row | {"label": label} for label in ("不安全", "有争议", "安全", "体育", 1)])
    report = filter_table(path, tmp_path / "out.jsonl", ["refused_is_safe"])
    assert [row["reasons"] for row in read(tmp_path / "out.jsonl")] == [["row.refused_is_safe"]] * 2 + [[]] * 3
    assert (report.unread, "体育" in report.why) == (2, True)
    assert any("2 rows: label not read" in line for line in report.lines())


def test_a_table_in_a_runs_folder_has_the_labels_of_its_recipe(tmp_path: Path) -> None:
    recipe = {"labels": {"bad": ["糟糕"], "good": []}}
    (tmp_path / "run.json").write_text(json.dumps({"recipe": recipe}), encoding="utf-8")
    (tmp_path / "export").mkdir()
    assert reader_of(tmp_path / "export" / "rows.jsonl").read({"label": "糟糕"}, "label", "here") == "bad"
    assert reader_of(tmp_path.parent / "elsewhere.jsonl").scheme == KNOWN
