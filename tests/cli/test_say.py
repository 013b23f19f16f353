"""What the command line says moves no cursor, turns no writing around, and ends."""

import pytest

from synth.cli.options import choice
from synth.cli.say import complain, say


def test_a_line_of_megabytes_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    complain("no taxonomy " + "a" * 5_000_000 + "; there is: libra")
    told = capsys.readouterr().err
    assert told.startswith("synth: no taxonomy aaa")
    assert told.endswith("; there is: libra\n")
    assert len(told) < 3_000


@pytest.mark.parametrize("hidden", ["\u202e", "\x1b]0;t\x07", "\x9b2J", "\u2066", "\u200b", "\ud800"])
def test_nothing_hidden_comes_through(hidden: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(f"甲{hidden}乙\n丙")
    complain(f"甲{hidden}乙\n丙")
    told = capsys.readouterr()
    assert hidden not in told.out + told.err
    assert told.out.endswith("乙\n丙\n")
    assert told.err.count("\n") == 1


def test_what_is_read_of_a_table_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    choice((), None).say("mine.csv: reads `题\nsynth: all is well` as the query")
    assert capsys.readouterr().err.count("\n") == 1
