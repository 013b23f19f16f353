"""Tables of the command line: columns under their headings whatever stands in them, and nothing that a terminal would obey."""

import json

import pytest
from rich.cells import cell_len

from synth.cli.say import give
from synth.cli.table import drawn, grid, plain_lines


def test_columns_stand_under_their_headings_in_chinese_too() -> None:
    table = drawn(
        grid(("类别", "rows", "status"), [["赌博", 1234, "met"], ["crime.[red]gambling", None, "none"]], (0, 2))
    )
    head, *rows = table.split("\n")
    assert rows[0].endswith("1,234  met")
    assert "crime.[red]gambling" in rows[1]
    assert len({cell_len(head[: head.index("status")]), *(cell_len(row[: row.rindex("  ") + 2]) for row in rows)}) == 1
    assert all(line == line.rstrip() for line in (head, *rows))


def test_nothing_in_a_cell_moves_the_cursor_or_breaks_the_line_and_nothing_is_cut() -> None:
    table = drawn(grid(("a", "b"), [["\x1b[2J\u202e一\n二", "x" * 5000]]))
    assert len(table.split("\n")) == 2
    assert not {"\x1b", "\u202e"} & set(table)
    assert "x" * 5000 in table


def test_a_list_is_a_line_each_with_the_names_at_their_true_width() -> None:
    lines = list(plain_lines([("甲乙", "one"), ("a", "two")]))
    assert lines == ["甲乙  one", "a     two"]


@pytest.mark.parametrize("text", ["\x1b[2J", "\u202e坏", "\ud800", "\U000e0041", "甲\n乙"])
def test_json_hides_nothing_from_its_reader_and_tells_a_terminal_nothing(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    give({"text": text})
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    assert not set(text) - {"坏", "甲", "乙", "[", "2", "J"} & set(told.rstrip("\n"))
    assert json.loads(told) == {"text": text}
