"""A journal full of what models and servers should not have said is folded, verified, shown and gone on with."""

import contextlib
import io
import shutil
import sqlite3
from pathlib import Path

import pytest

from synth.cli.show import show
from synth.run import execute, journal_tools
from synth.run.compile import compile_recipe
from synth.run.options import RunOptions
from synth.sanitize import plain
from tests.conftest import Lab, tiny_recipe
from tests.support.journals import seal
from tests.support.mutants import FINISHES, texts

N, HOSTILE = 60, 500


def spoil(path: Path) -> int:
    """Puts hostile replies in the place of those that are there, as an older synth would have kept them."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        rows = [row for (row,) in db.execute("SELECT rowid FROM replies ORDER BY key")][:HOSTILE]
        for number, (row, text) in enumerate(zip(rows, texts(3, len(rows), longest=4_000), strict=True)):
            finish = (*FINISHES, "sensitive", "\ufffd", "x" * 5_000)[number % 10]
            count = (5, 0, -7, 2**63 - 1)[number % 4]
            thought = plain(text[::-1]) if number % 3 == 0 else None
            db.execute(
                "UPDATE replies SET text = ?, finish = ?, reasoning = ?, prompt_tokens = ?, completion_tokens = ? WHERE rowid = ?",
                (plain(text), finish, thought, count, count, row),
            )
        db.commit()
    seal(path)
    return len(rows)


@pytest.mark.parametrize("clean", [False, True])
def test_a_journal_of_hostile_replies_costs_the_rows_they_were_for(lab: Lab, *, clean: bool) -> None:
    compiled = compile_recipe(tiny_recipe(clean_replies=clean))
    folder = lab.folder / "run"
    assert execute.run(compiled, RunOptions(folder, N)).status == 0
    assert spoil(folder / "journal.sqlite") == HOSTILE
    shutil.rmtree(folder / "dataset")
    gone_on = execute.run(compiled, RunOptions(folder, N))
    assert gone_on.status in (0, 3), gone_on.message
    assert gone_on.counts["accepted"]
    once = lab.bytes()
    shutil.rmtree(folder / "dataset")
    assert execute.run(compiled, RunOptions(folder, N)).status == gone_on.status
    assert lab.bytes() == once, "whatever was read is read the same again"
    assert ": good (" in journal_tools.verify(folder)
    assert journal_tools.stats(folder).replies
    assert "\x1b" not in "".join(show(folder, None, 50))
    screen = io.StringIO()
    journal_tools.export(folder, None, screen)
    assert screen.getvalue().count("\n") >= HOSTILE
