"""No cell of a CSV file begins a formula, whatever separator a spreadsheet takes."""

import csv

import pytest

from synth.exporters.files import cells

TEXTS = ["=1+1", "＝1+1", "＋1", "－1", "＠SUM(A1)", "+1", "-1", "@A1", " =1", "\u200b=1", "\ufeff＝1", "\t=1", "\r=1", "你好;=1+1;请问", "甲；;  @A1", "甲\n=1+1", "甲\t=1+1", '甲";=1+1', "\n=1"]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_no_cell_begins_a_formula(text: str, separator: str) -> None:
    line = cells(["a", text, 3, None])
    found = [cell for row in csv.reader(line.splitlines(), delimiter=separator) for cell in row]
    assert not [cell for cell in found if cell.strip("\u200b\ufeff \t\r\n")[:1] in tuple("=＝＋－＠@")]


@pytest.mark.parametrize(
    "text", ["普通的一句话", "a;b, c=d; e", "1. 甲\n2. 乙\n- 丙", '他说"好"', "x = 1\ny = 2", "甲；=乙", ""]
)
def test_ordinary_text_is_read_back_as_it_is(text: str) -> None:
    (row,) = csv.reader([cells([text, 3, None])])
    assert row == [text, "3", ""]
