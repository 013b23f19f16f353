"""`synth dedup`: any table, the first of each cluster, every row accounted for, and one line for whatever is wrong."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from datasets import Dataset, load_dataset

from synth.cli.main import commands
from synth.errors import ConfigError
from synth.tables.dedup import Report, Want, dedup
from tests.support.world import sentence

ROWS = [
    {"id": "a", "query": sentence(1), "n": 1, "tags": ["x", "y"]},
    {"id": "b", "query": sentence(2), "n": 2, "tags": []},
    {"id": "c", "query": sentence(1, 7), "n": 3, "tags": ["x"]},
    {"id": "d", "query": "！？", "n": 4, "tags": []},
    {"id": "e", "query": "！？", "n": 5, "tags": []},
    {"id": "f", "query": sentence(2) + "。", "n": 6, "tags": []},
]
KEPT = ["a", "b", "d", "e"]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, rows[0])
            table.writeheader()
            table.writerows(rows)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    else:
        path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file)) if path.suffix == ".csv" else [json.loads(line) for line in file]


def joined(out: Path) -> list[dict[str, Any]]:
    return read(out.with_name(f"{out.name.removesuffix(out.suffix)}.joined.jsonl"))


@pytest.mark.parametrize("kind", [".jsonl", ".json", ".csv", ".parquet"])
def test_kept_rows_come_out_as_they_went_in(tmp_path: Path, kind: str) -> None:
    source, out = write(tmp_path / f"mine{kind}", ROWS), tmp_path / f"out{kind}"
    report = dedup(source, out, Want(0.7))
    expected = [row for row in ROWS if row["id"] in KEPT]
    assert read(out) == ([{k: str(v) for k, v in row.items()} for row in expected] if kind == ".csv" else expected)
    assert (report.rows, report.kept, report.joined) == (6, 4, 2)
    lines = joined(out)
    assert [(line["row"], line["kept"]) for line in lines] == [(3, 1), (6, 2)]
    assert 0.7 <= lines[0]["similarity"] < 1 == lines[1]["similarity"]
    told = json.loads((tmp_path / "out.report.json").read_text(encoding="utf-8"))
    assert (told["rows"], told["kept"], told["joined"], told["columns"]) == (6, 4, 2, ["query"])


def test_a_data_set_comes_out_as_one(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    write(folder / "data" / "test-00000-of-00001.parquet", ROWS[:2])
    write(folder / "data" / "train-00000-of-00001.parquet", ROWS[2:])
    (folder / "README.md").write_text("about", encoding="utf-8")
    report = dedup(folder, tmp_path / "out", Want(0.7))
    assert [entry["kept"] for entry in report.files] == [2, 2]
    made = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert made["test"]["id"] == ["a", "b"]
    assert made["train"]["id"] == ["d", "e"]


def test_a_data_set_saved_to_disk_is_read_too(tmp_path: Path) -> None:
    Dataset.from_list(ROWS).save_to_disk(tmp_path / "saved")
    dedup(tmp_path / "saved", tmp_path / "out", Want(0.7))
    (made,) = (tmp_path / "out" / "data").iterdir()
    assert [row["id"] for row in read(made)] == KEPT


def test_batches_do_not_change_what_is_near(tmp_path: Path) -> None:
    rows = [{"query": sentence(number % 3_000, number // 3_000)} for number in range(6_001)]
    report = dedup(write(tmp_path / "many.jsonl", rows), tmp_path / "out.jsonl", Want(0.7))
    assert (report.kept, report.joined) == (3_000, 3_001)
    assert all(line["kept"] == (line["row"] - 1) % 3_000 + 1 for line in joined(tmp_path / "out.jsonl"))


def test_a_family_of_a_runs_own_stays_together_and_query_types_do_not_meet(tmp_path: Path) -> None:
    row = {"query_id": "q", "parent_id": None, "query_type": "harmful", "query": sentence(1)}
    rows = [
        row,
        row | {"query_id": "p", "parent_id": "q", "query": sentence(1, 7)},
        row | {"query_id": "t", "query_type": "benign"},
        row | {"query_id": "s"},
    ]
    dedup(write(tmp_path / "run.jsonl", rows), tmp_path / "out.jsonl", Want(0.7))
    assert read(tmp_path / "out.jsonl") == rows[:3]


ANSWER, OTHER = sentence(50), sentence(60)


def pair(number: int, label: str | None, answer: str = ANSWER) -> dict[str, Any]:
    return {"query": sentence(1, number), "response": answer, "label": label}


@pytest.mark.parametrize(
    ("rule", "rows", "kept", "conflicts", "undecided"),
    [
        ("majority", [pair(0, "safe"), pair(1, "unsafe"), pair(2, "unsafe")], [1], 1, 0),
        ("majority", [pair(0, "safe"), pair(1, "unsafe")], [], 1, 1),
        ("majority", [pair(0, "safe"), pair(1, None), pair(2, "safe")], [0], 0, 0),
        ("stricter", [pair(0, "safe"), pair(1, "safe"), pair(2, "unsafe")], [2], 1, 0),
        ("drop", [pair(0, "safe"), pair(1, "unsafe"), pair(2, "unsafe", OTHER)], [2], 1, 1),
        ("drop", [pair(0, "safe"), pair(0, "safe"), pair(2, "unsafe", OTHER)], [0, 2], 0, 0),
    ],
)
def test_pairs_whose_labels_differ(
    tmp_path: Path, rule: Any, rows: list[dict[str, Any]], kept: list[int], conflicts: int, undecided: int
) -> None:
    report = dedup(write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl", Want(0.7, conflicts=rule))
    assert read(tmp_path / "out.jsonl") == [rows[number] for number in kept]
    assert (report.conflicts, report.undecided) == (conflicts, undecided)
    assert report.rows == len(rows) == report.kept + report.joined + report.conflicting


@pytest.mark.parametrize(
    ("content", "options", "line"),
    [
        (
            b'{"x": 1}\n',
            [],
            "in.jsonl: row 1: no column 'query' or 'prompt' or 'question' or 'instruction' or 'text' or 'messages'",
        ),
        (b'{"query": "a"}\n{"query": null}\n', [], "in.jsonl: row 2: no text under 'query'"),
        (b'{"query": "a"}\n{"query": \n', [], "in.jsonl: line 2: not JSON"),
        (b'{"query": "a"}\n\n7\n', [], "in.jsonl: line 3: not a JSON object"),
        (b'{"query": "\xff"}\n', [], "in.jsonl: not UTF-8 at byte 11, and not GB18030"),
        (b"", [], "in.jsonl: holds no rows"),
        (b'{"query": "a"}\n', ["--on", "nope"], "in.jsonl: row 1: no text under 'nope'"),
        (b'{"query": "a"}\n', ["--conflicts", "drop"], "in.jsonl: row 1: no column 'label'"),
        (b'{"query": "a", "label": "bad"}\n', ["--conflicts", "drop"], "in.jsonl: row 1: label 'bad' is none of safe"),
        (b'{"query": "a"}\n', ["-o", "in.jsonl"], "-o in.jsonl: is what is read"),
        (b'{"query": "a"}\n', ["-o", "out.parquet"], "end its name in .jsonl"),
        (b'{"query": "a"}\n', ["-o", "full"], "-o full: is there already"),
    ],
)
def test_what_is_wrong_is_one_line(here: Path, content: bytes, options: list[str], line: str) -> None:
    (here / "in.jsonl").write_bytes(content)
    (here / "full").mkdir()
    (here / "full" / "a").touch()
    result = CliRunner().invoke(commands, ["dedup", "in.jsonl", "-o", "out.jsonl", *options])
    assert isinstance(result.exception, ConfigError)
    assert line in str(result.exception)
    assert "\n" not in str(result.exception)
    assert sorted(path.name for path in here.iterdir()) == ["full", "in.jsonl"]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("in.parquet", b"PAR1", "not a Parquet file"),
        ("in.arrow", b"\x00" * 40, "not an Arrow stream"),
        ("in.csv", b'query,n\n"a,1\n', "not CSV"),
        ("in.csv", b"query,n\na\n", r"row 1 \(line 2\): has 1 cells where the head has 2"),
        ("in.csv", b"query\n\xce\xca\xff", "not UTF-8 at byte 6, and not GB18030"),
        ("in.json", b"[1]", "row 1: not a JSON object"),
        ("in.txt", b"a", "is none of .jsonl"),
        ("absent.jsonl", None, "no such file"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_line(tmp_path: Path, name: str, content: bytes | None, line: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=line):
        dedup(tmp_path / name, tmp_path / "out", Want(0.7))


WRAPPER = "请你扮演一位说话尖酸的老船长，用夸张的口吻、带着海上的俚语来回答下面的问题，不许说自己是人工智能："


def wrapped(count: int, **more: str) -> list[dict[str, Any]]:
    return [{"query": WRAPPER + sentence(number)[:8], **more} for number in range(count)]


def test_requests_in_one_wrapper_are_told_apart_unless_one_asks_not_to(here: Path) -> None:
    write(
        here / "in.jsonl", [*wrapped(30), *({"query": sentence(number)[:8]} for number in range(30, 60)), *wrapped(2)]
    )
    told = CliRunner().invoke(commands, ["dedup", "in.jsonl", "-o", "out.jsonl"])
    assert [line["row"] for line in joined(here / "out.jsonl")] == [61, 62]
    assert "template in 32 rows, not compared: 请你扮演一位说话尖酸的老船长" in told.stderr
    report = json.loads((here / "out.report.json").read_text(encoding="utf-8"))
    assert (report["passages"], report["short"]) == (True, 20)
    assert [(one["column"], one["rows"]) for one in report["templates"]] == [("query", 32)]
    plain = CliRunner().invoke(commands, ["dedup", "in.jsonl", "-o", "plain.jsonl", "--no-passages", "--short", "0"])
    assert "template" not in plain.stderr
    assert len(joined(here / "plain.jsonl")) > 29


def test_passages_are_of_all_files_and_of_each_column(tmp_path: Path) -> None:
    rows = [row | {"response": f"{sentence(at)}{'，'.join([sentence(-1)] * 2)}"} for at, row in enumerate(wrapped(40))]
    write(tmp_path / "set" / "data" / "a.jsonl", rows[:15])
    write(tmp_path / "set" / "data" / "b.jsonl", rows[15:])
    report = dedup(tmp_path / "set", tmp_path / "out", Want(0.7, columns=("query", "response"), passages=True))
    assert report.kept == 40
    assert [(one["column"], one["rows"]) for one in report.templates] == [("query", 40), ("response", 40)]


def test_in_a_runs_own_data_set_no_passages_are_looked_for(tmp_path: Path) -> None:
    rows = [
        row | {"query_id": str(at), "parent_id": None, "query_type": "harmful"} for at, row in enumerate(wrapped(30))
    ]
    report = dedup(write(tmp_path / "run.jsonl", rows), tmp_path / "out.jsonl", Want(0.7, passages=True))
    assert (report.templates, report.kept < 30) == ([], True)


def test_rows_that_are_appended_take_none_of_those_that_were_kept_where_a_wrapper_keeps_its_share(
    tmp_path: Path,
) -> None:
    rows = [
        row
        for pair in zip(wrapped(120), ({"query": sentence(200 + at)[:12]} for at in range(120)), strict=True)
        for row in pair
    ]
    before: list[dict[str, Any]] = []
    for count in (60, 120, 240):
        dedup(
            write(tmp_path / f"{count}.jsonl", rows[:count]),
            tmp_path / f"out{count}.jsonl",
            Want(0.7, passages=True, short=20),
        )
        after = read(tmp_path / f"out{count}.jsonl")
        assert after[: len(before)] == before
        before = after


def test_short_texts_that_differ_in_a_word_that_matters_are_kept(tmp_path: Path) -> None:
    texts = ["淘宝运费险怎么退", "淘宝运费险怎么用", "淘宝运费险如何退？", "不冬眠的动物有哪些", "冬眠的动物有哪些"]
    source = write(tmp_path / "in.jsonl", [{"query": text} for text in texts])
    dedup(source, tmp_path / "out.jsonl", Want(0.7, short=20))
    assert [row["query"] for row in read(tmp_path / "out.jsonl")] == [*texts[:2], *texts[3:]]


def test_halves_of_surrogates_go_through(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"query": "a\\ud800b"}\n{"query": "ab"}\n', encoding="utf-8")
    assert dedup(tmp_path / "in.jsonl", tmp_path / "out.jsonl", Want(0.7)).kept == 1
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == '{"query": "a\\ud800b"}\n'


def test_the_report_adds_up_in_words() -> None:
    report = Report(rows=9, kept=5, joined=2, conflicting=2, conflicts=1, columns=["query"])
    assert report.line() == "9 rows: 5 kept, 2 joined to an earlier one, 2 in 1 conflicts of labels (by query)"
