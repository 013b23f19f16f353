"""The sheet of an audit, back from spreadsheets and from several readers: its rows are found again, or it is said that they are not."""

import csv
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from synth.cli.main import commands
from synth.cli.table import lines
from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.quality import audit
from synth.quality.labelled import labelled
from synth.quality.readers import together
from synth.recipe.labels import BINARY
from synth.tables.matching import same_text
from tests.conftest import Lab

Rows = list[list[str]]


@pytest.fixture
def made(lab: Lab) -> Dataset:
    lab.run(20)
    return Dataset(lab.folder / "run")


@pytest.fixture
def sheet(made: Dataset, tmp_path: Path) -> Rows:
    """The rows of a sheet, filled in: every third unsafe."""
    audit.sheet(made, tmp_path / "sheet.csv", per_cell=3, seed=0, labels=False)
    with (tmp_path / "sheet.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    at = rows[0].index("your_label")
    for number, row in enumerate(rows[1:]):
        row[at] = "不安全" if number % 3 == 0 else "安全"
    return rows


def dumped(rows: Rows, delimiter: str = ",", **options: Any) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, **options).writerows(rows)
    return out.getvalue()


def each(rows: Rows, column: str, change: Callable[[str], str]) -> Rows:
    at = rows[0].index(column)
    return [rows[0], *([*row[:at], change(row[at]), *row[at + 1 :]] for row in rows[1:])]


def moved(rows: Rows) -> Rows:
    order = random.Random(1).sample(range(len(rows[0])), len(rows[0]))
    return [[row[at] for at in order] for row in rows]


def without(rows: Rows, column: str) -> Rows:
    at = rows[0].index(column)
    return [[*row[:at], *row[at + 1 :]] for row in rows]


def ids_as_numbers(rows: Rows) -> Rows:
    return each(rows, "id", lambda cell: f"{len(cell)}.5E+15")


def wrapped(rows: Rows) -> Rows:
    ended = each(rows, "query", lambda text: f"'{text} \u3000")
    return each(ended, "response", lambda text: f"{text}\r\n ".replace("。", "。\r\n"))


WAYS: dict[str, Callable[[Rows], bytes]] = {
    "as it was": lambda rows: dumped(rows).encode("utf-8-sig"),
    "no mark": lambda rows: dumped(rows).encode(),
    "a Chinese Excel": lambda rows: dumped(rows).encode("gb18030"),
    "semicolons": lambda rows: dumped(rows, ";").encode("utf-8-sig"),
    "tabs": lambda rows: dumped(rows, "\t").encode("gb18030"),
    "Unicode text": lambda rows: dumped(rows, "\t").encode("utf-16"),
    "all in quotes": lambda rows: dumped(rows, quoting=csv.QUOTE_ALL).encode(),
    "line ends of a Mac": lambda rows: dumped(rows, lineterminator="\r").encode(),
    "line ends of Unix": lambda rows: dumped(rows).replace("\r\n", "\n").encode(),
    "sorted": lambda rows: dumped([rows[0], *sorted(rows[1:], key=lambda row: row[2])]).encode(),
    "columns moved": lambda rows: dumped(moved(rows)).encode("gb18030"),
    "names in other case, with blanks": lambda rows: dumped(
        [[f" {name.upper()} " for name in rows[0]], *rows[1:]]
    ).encode(),
    "empty columns": lambda rows: dumped([["", *row, "", ""] for row in rows]).encode(),
    "empty rows": lambda rows: dumped([*rows, *[[""] * len(rows[0])] * 9, []]).encode(),
    "trailing empty cells left out": lambda rows: dumped(
        [row[:-1] if n > 4 else row for n, row in enumerate(rows)]
    ).encode(),
    "ids as numbers": lambda rows: dumped(ids_as_numbers(rows)).encode("gb18030"),
    "ids as numbers, texts with other ends": lambda rows: dumped(wrapped(ids_as_numbers(rows))).encode("gb18030"),
    "no ids": lambda rows: dumped(without(rows, "id")).encode(),
    "no texts": lambda rows: dumped(without(without(rows, "query"), "response")).encode(),
    "labels with apostrophes": lambda rows: dumped(each(rows, "your_label", lambda label: f"'{label} ")).encode(
        "gb18030"
    ),
    "labels in quotes": lambda rows: dumped(each(rows, "your_label", lambda label: f"“{label}”\u00a0")).encode(),
    "labels in English": lambda rows: dumped(
        each(rows, "your_label", {"安全": "Safe", "不安全": "UNSAFE "}.__getitem__)
    ).encode(),
    "Chinese names of columns": lambda rows: dumped(
        [[{"query": "问题", "response": "回答"}.get(name, name) for name in rows[0]], *ids_as_numbers(rows)[1:]]
    ).encode("gb18030"),
}


def test_a_sheet_comes_back_through_a_spreadsheet(made: Dataset, sheet: Rows, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(dumped(sheet), encoding="utf-8")
    own = audit.read(made, labelled(tmp_path / "own.csv"))
    whole = (len(sheet) - 1, len(sheet) - 1, 0, 0, own.panel)
    came = {}
    for way, saved in WAYS.items():
        path = tmp_path / ("back.txt" if way == "Unicode text" else "back.csv")
        path.write_bytes(saved(sheet))
        found = audit.read(made, labelled(path))
        came[way] = found.labelled, found.found, found.blank, found.cut, found.panel
    assert came == dict.fromkeys(WAYS, whole)


def test_numbers_are_labels_where_it_is_said_what_they_stand_for(made: Dataset, sheet: Rows, tmp_path: Path) -> None:
    numbers = each(sheet, "your_label", {"安全": "0.0", "不安全": "'1"}.__getitem__)
    (tmp_path / "back.csv").write_text(dumped(numbers), encoding="utf-8")
    with pytest.raises(ConfigError, match="is a bare number"):
        labelled(tmp_path / "back.csv")
    rows = labelled(tmp_path / "back.csv", BINARY, "safe,unsafe").rows
    assert [row.label for row in rows] == [{"安全": "safe", "不安全": "unsafe"}[row[-2]] for row in sheet[1:]]


def test_rows_that_were_cut_are_counted(made: Dataset, sheet: Rows, tmp_path: Path) -> None:
    at = sheet[0].index("your_label")
    broken = [*sheet[:-2], [*sheet[-2], "more"], ["", "", "", "", "安全", ""]]
    assert sheet[-1][at]
    (tmp_path / "back.csv").write_text(dumped(broken), encoding="utf-8")
    found = audit.read(made, labelled(tmp_path / "back.csv"))
    assert (found.labelled, found.found, found.cut) == (len(sheet) - 3, len(sheet) - 3, 2)
    assert "2 rows are cut (more or fewer cells than the head)" in "\n".join(lines(audit.parts(found)))


@pytest.mark.parametrize(("lost", "status"), [(0.4, 0), (0.7, 1), (1.0, 1)])
def test_most_rows_not_found_again_is_said_and_fails(
    made: Dataset, sheet: Rows, tmp_path: Path, lost: float, status: int
) -> None:
    many = round(lost * (len(sheet) - 1))
    for row in sheet[1 : many + 1]:
        row[0], row[2] = f"x{row[0]}", f"另一个{row[2]}"
    (tmp_path / "back.csv").write_text(dumped(sheet), encoding="utf-8")
    result = CliRunner().invoke(commands, ["audit", str(made.folder), "--read", str(tmp_path / "back.csv")])
    assert result.exit_code == status
    told = str(result.exception) if status else result.stdout
    assert f"{many:,} " in told
    assert "not found again" in told
    assert "back.csv: row 1" in told


def reader(sheet: Rows, path: Path, turned: int) -> Path:
    """A sheet whose reader calls every so manieth row the other way."""
    at, other = sheet[0].index("your_label"), {"安全": "不安全", "不安全": "安全"}
    rows = [
        [*row[:at], other[row[at]] if n % turned == 0 else row[at], *row[at + 1 :]] for n, row in enumerate(sheet[1:])
    ]
    path.write_bytes(dumped([sheet[0], *random.Random(turned).sample(rows, len(rows))]).encode("gb18030"))
    return path


def test_three_readers_are_told_by_their_majority_and_how_far_they_agree(
    made: Dataset, sheet: Rows, tmp_path: Path
) -> None:
    paths = [reader(sheet, tmp_path / f"{name}.csv", every) for name, every in (("a", 3), ("b", 4), ("c", 1_000))]
    joined = together([labelled(path) for path in paths], BINARY)
    by_id = {row.id: row.label for row in joined.rows}
    of, rows = {"安全": "safe", "不安全": "unsafe"}, sheet[1:]
    turned = {"safe": "unsafe", "unsafe": "safe"}
    for number, row in enumerate(rows):
        most = sum((number % every == 0) for every in (3, 4, 1_000)) > 1
        assert by_id[row[0]] == (turned[of[row[-2]]] if most else of[row[-2]])
    assert joined.readers is not None
    assert joined.readers["overall"]["n"] == len(rows)
    same = sum(len({number % every == 0 for every in (3, 4, 1_000)}) == 1 for number in range(len(rows)))
    assert joined.readers["overall"]["agreed"] == pytest.approx(same / len(rows), abs=1e-4)
    assert [pair["judges"] for pair in joined.readers["pairs"]] == [
        ["a.csv", "b.csv"],
        ["a.csv", "c.csv"],
        ["b.csv", "c.csv"],
    ]
    asked = [argument for path in paths for argument in ("--read", str(path))]
    told = CliRunner().invoke(commands, ["audit", str(made.folder), *asked])
    assert told.exit_code == 0
    assert "a.csv and b.csv" in told.stdout
    assert "alpha" in told.stdout
    facts = json.loads(CliRunner().invoke(commands, ["audit", str(made.folder), *asked, "--json"]).stdout)
    assert facts["readers"]["overall"] == joined.readers["overall"]


def test_two_readers_who_differ_leave_a_row_out(made: Dataset, sheet: Rows, tmp_path: Path) -> None:
    paths = [reader(sheet, tmp_path / f"{name}.csv", every) for name, every in (("a", 3), ("b", 1_000))]
    joined = together([labelled(path) for path in paths], BINARY)
    differ = sum(number % 3 == 0 for number in range(1, len(sheet) - 1))
    assert joined.readers is not None
    assert (joined.readers["tied"], len(joined.rows)) == (differ, len(sheet) - 1 - differ)
    assert f"{differ} rows on which no label has most votes" in "\n".join(lines(audit.parts(audit.read(made, joined))))


def test_ids_that_a_spreadsheet_made_one_do_not_join_rows(made: Dataset, sheet: Rows, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(dumped(ids_as_numbers(sheet)), encoding="utf-8")
    (tmp_path / "b.csv").write_text(dumped(sheet), encoding="utf-8")
    joined = together([labelled(tmp_path / name) for name in ("a.csv", "b.csv")], BINARY)
    assert joined.readers is not None
    assert joined.readers["overall"]["n"] == len(joined.rows) == len(sheet) - 1


def test_one_file_is_no_second_reader(sheet: Rows, tmp_path: Path) -> None:
    path = reader(sheet, tmp_path / "a.csv", 3)
    with pytest.raises(ConfigError, match=r"a\.csv: named twice"):
        together([labelled(path), labelled(tmp_path / "." / "a.csv")], BINARY)


def test_readers_of_different_rows_are_refused(made: Dataset, sheet: Rows, tmp_path: Path) -> None:
    half = len(sheet) // 2
    for name, rows in (("a", sheet[: half + 1]), ("b", [sheet[0], *sheet[half + 1 :]])):
        (tmp_path / f"{name}.csv").write_text(dumped(rows), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"a\.csv, b\.csv: no row that two readers have labelled"):
        together([labelled(tmp_path / name) for name in ("a.csv", "b.csv")], BINARY)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("问题\n二", "问题\r\n二 ", True),
        ("=1+1", "'=1+1", True),
        ("你好;=1+1", "你好;'=1+1", True),
        ("他说“好”", "他说“好”", True),
        ("问" * 40_000, "问" * 32_767, True),
        ("问题一", "问题二", False),
        ("甲" * 15_000 + "乙", "甲" * 15_000 + "丙", False),
        ("a b " * 10_000, ("a b " * 10_000)[:32_767], True),
    ],
)
def test_a_text_is_known_again_whatever_a_spreadsheet_made_of_it(one: str, other: str, same: bool) -> None:
    assert (same_text(one, "答") == same_text(other, "答")) is same
