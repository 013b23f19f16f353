"""Files as people make them are read as their rows; what cannot be read is one line that says where and what to do."""

import csv
import gzip
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner

from synth.cli.main import commands
from synth.errors import ConfigError
from synth.tables import delimited
from synth.tables.dedup import Want, dedup
from synth.tables.delimited import Cut
from synth.tables.filter import filter_table
from synth.tables.io import batches, files_of

ROWS = [
    {"query": "邻居半夜装修，该向谁投诉？", "response": "可以先与物业联系；再打 12345。"},
    {"query": '他说："好的"\n第二行', "response": ""},
    {"query": "第三问\t带制表符", "response": "答，带逗号；带分号"},
]


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [dict(row) for file in files_of(path) for chunk in batches(file) for row in chunk.rows]


def cells(delimiter: str = ",", end: str = "\r\n") -> str:
    out = io.StringIO(newline="")
    table = csv.writer(out, delimiter=delimiter, lineterminator=end)
    table.writerow(ROWS[0])
    table.writerows(row.values() for row in ROWS)
    return out.getvalue()


def lines(end: str = "\n") -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + end for row in ROWS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=repr)
def test_cells_are_read_whatever_saved_them(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    (tmp_path / "t.csv").write_bytes(mark + cells(delimiter, end).encode(encoding))
    assert rows_of(tmp_path / "t.csv") == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.jsonl", lines()),
        ("t.jsonl", "\n" + lines("\r\n\r\n")),
        ("t.jsonl", lines("\r")),
        ("t.ndjson", lines().rstrip("\n")),
        ("t.json", lines()),
        ("t.json", json.dumps(ROWS, ensure_ascii=False)),
        ("t.json", json.dumps(ROWS, indent=2)),
        ("t.json", json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]})),
        ("t.json", json.dumps({name: [row[name] for row in ROWS] for name in ROWS[0]}, indent=1)),
        ("t.json", json.dumps({name: {str(n): row[name] for n, row in enumerate(ROWS)} for name in ROWS[0]})),
        ("t.json", json.dumps({str(n): row for n, row in enumerate(ROWS)})),
        ("t.json", json.dumps({"data": ROWS}, indent=1)),
        ("t.csv", cells() + "\r\n\r\n"),
        ("t.csv", "sep=;\r\n" + cells(";")),
        ("t.tsv", cells("\t")),
        ("t.txt", cells("\t")),
        ("t.csv", lines()),  # the rest are called what they are not
        ("t.csv", json.dumps(ROWS, indent=1)),
        ("t.jsonl", cells()),
        ("t.json", cells(";")),
        ("t.txt", lines()),
    ],
)
def test_texts_are_read_whatever_they_are_called(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    (tmp_path / name).write_bytes(text.encode(encoding))
    assert rows_of(tmp_path / name) == ROWS
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode(encoding)))
    assert rows_of(tmp_path / f"{name}.gz") == ROWS


@pytest.mark.parametrize("at", [4, 60, 150, 0.3, 0.5, 0.7, -30, -9])
def test_a_flipped_byte_of_a_columnar_file_is_at_most_one_line(tmp_path: Path, at: float) -> None:
    pa.parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "t.parquet")
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    content[int(at * len(content)) if 0 < at < 1 else int(at)] ^= 255
    (tmp_path / "t.parquet").write_bytes(content)
    told = CliRunner().invoke(commands, ["filter", str(tmp_path / "t.parquet"), "-o", str(tmp_path / "out")])
    assert told.exception is None or isinstance(told.exception, ConfigError)
    assert "\n" not in str(told.exception)


def test_a_name_that_lies_does_not_matter_to_columnar_files(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    pa.parquet.write_table(table, tmp_path / "t.csv")
    with pa.ipc.new_file(tmp_path / "t.json", table.schema) as stream:
        stream.write_table(table)
    assert rows_of(tmp_path / "t.csv") == rows_of(tmp_path / "t.json") == ROWS


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.csv", b"query,n\n\xce\xca\xff,1\n", r"not UTF-8 at byte 8, and not GB18030; save it as UTF-8"),
        ("a.csv", ("问题\n" + "甲" * 900 + "\n").encode()[:-2] + b"\n", "not UTF-8 at byte 2704, and not GB18030"),
        ("a.csv", "query\n今天，天氣好。\n".encode("big5"), "not UTF-8 at byte 6, and not GB18030"),
        ("a.csv", b"\xef\xbb\xbfquery\n\xce\xca\n", "not UTF-8 at byte 9; save"),
        ("a.csv", b"\xff\xfea\x00\x00\xd8", "not UTF-16 at byte"),
        (
            "a.csv",
            "query,n\n问,1\n".encode("utf-16-le"),
            "a NUL at byte 1, so it is no text, or UTF-16 without its mark",
        ),
        ("a.csv", b"query,n\na\x00b,1\n", "a NUL near byte 9"),
        ("a.jsonl", b'{"query": "\x00"}\n', "a NUL near byte 11"),
        ("a.csv", b"query,n\na,1\nb\n", r"row 2 \(line 3\): has 1 cells where the head has 2; mend the row"),
        ("a.csv", b"query,n\n\na,1,2\n", r"row 1 \(line 3\): has 3 cells where the head has 2"),
        ("a.csv", b'query,n\n"a\n"b,1\n', "line 3: not CSV"),
        ("a.csv", b"query,query\na,1\n", "two columns are called 'query'; rename one"),
        ("a.csv.gz", gzip.compress(b"query,n\n" * 900, mtime=0)[:-9], "a broken gzip file"),
        ("a.jsonl.gz", b"\x1f\x8b\x00\x00", "a broken gzip file"),
        ("a.jsonl", b'{"query": "a"}\n{"query": ' + b"[" * 100_000, r"line 2: not JSON \(nested too deep\)"),
        ("a.json", b'[{"query": "a"}, {"query": ' + b"[" * 100_000, r"row 2: not JSON \(nested too deep\)"),
        ("a.json", b'[{"query": "a"}, {"query": "b"', "row 2: not JSON"),
        ("a.json", b'[{"query": "a"}, {"query" "b"}]', "row 2: not JSON"),
        ("a.json", b'{"query": ["a", "b"], "label": ["safe"]}', "an object of columns that are not of one length"),
        ("a.json", b'{"query": "a",\n "n": 1', "not JSON"),
        ("a.csv", b"PK\x03\x04", "is a workbook, or a packed folder; save the sheet as CSV"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a workbook"),
        ("a.parquet", b"", "not a Parquet file"),
        ("a.arrow", b"ARROW1\x00\x00", "not an Arrow stream"),
        ("a.csv", b"", "holds no rows"),
        ("a.csv", b"\xff\xfe", "holds no rows"),
        ("a.csv", b"query,n\n", "holds no rows"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, name: str, content: bytes, line: str) -> None:
    (tmp_path / name).write_bytes(content)
    for work in (lambda out: dedup(tmp_path / name, out, Want(0.7)), lambda out: filter_table(tmp_path / name, out)):
        with pytest.raises(ConfigError, match=line) as raised:
            work(tmp_path / "out")
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ({"query": 7}, "no text under 'query'"),
        ({"query": ["一", "二"]}, "no text under 'query'"),
        ({"query": {"a": 1}}, "no text under 'query'"),
        ({"query": None}, "no text under 'query'"),
    ],
)
def test_a_cell_that_is_no_text_is_one_line(tmp_path: Path, row: dict[str, Any], line: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"query": "一个问题"}\n' + json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=f"row 2: {line}"):
        dedup(tmp_path / "a.jsonl", tmp_path / "out", Want(0.7))


def test_a_long_cell_is_read_and_a_quote_that_is_not_closed_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "长" * 140_000
    (tmp_path / "a.csv").write_text(f"query,response\n问,{long}\n", encoding="utf-8")
    assert rows_of(tmp_path / "a.csv") == [{"query": "问", "response": long}]
    monkeypatch.setattr(delimited, "LONGEST", 1_000)
    (tmp_path / "b.csv").write_text('query,response\n"问,' + "答,\n" * 1_000, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"not CSV \(a cell of over 1,000 characters\); is a quote not closed"):
        rows_of(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("query,response\n" + "问" * 2_000, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"line 2: over 1,000 characters"):
        rows_of(tmp_path / "c.csv")


def test_rows_that_were_cut_are_told_apart_where_they_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,c\n1,2\n1,2,3,4\n1,2,3,\n", encoding="utf-8")
    cut = Cut([])
    found = [row for chunk in batches(tmp_path / "a.csv", cut=cut) for row in chunk.rows]
    assert found == [{"a": "1", "b": "2", "c": ""}, {"a": "1", "b": "2", "c": "3"}]
    assert [place.rpartition(": ")[2] for place in cut.longer] == ["row 2 (line 3)"]


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.jsonl.gz"])
def test_rows_are_written_back_as_they_were(tmp_path: Path, name: str) -> None:
    text = (cells(";") if ".csv" in name else lines()).encode("gb18030" if ".csv" in name else "utf-8")
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    for out in (tmp_path / f"out{name[1:]}", tmp_path / "folder"):
        dedup(tmp_path / name, out, Want(0.99))
        (made,) = [out] if out.is_file() else (out / "data").iterdir()
        assert made.name.endswith(name[1:])
        assert rows_of(made) == ROWS
        content = gzip.decompress(made.read_bytes()) if name.endswith(".gz") else made.read_bytes()
        assert content == (b"\xef\xbb\xbf" + cells(";").encode() if ".csv" in name else text)
    assert (tmp_path / "out.joined.jsonl").exists()
    filter_table(tmp_path / name, tmp_path / f"judged{name[1:]}", ["length"])
    assert [row["query"] for row in rows_of(tmp_path / f"judged{name[1:]}")] == [row["query"] for row in ROWS]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
def test_a_long_file_is_never_held_whole(tmp_path: Path, name: str) -> None:
    rows = [{"query": f"第{number}个问题", "response": "答" * 600} for number in range(12_000)]
    with (tmp_path / name).open("w", encoding="utf-8") as file:
        if name == "a.csv":
            csv.writer(file).writerows([["query", "response"], *(row.values() for row in rows)])
        else:
            texts = [json.dumps(row, ensure_ascii=False) for row in rows]
            file.write("\n".join(texts) if name == "a.jsonl" else f"[{', '.join(texts)}]")
    size = (tmp_path / name).stat().st_size
    del rows
    tracemalloc.start()
    count = sum(len(chunk.rows) for chunk in batches(tmp_path / name))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 12_000
    assert peak < size
