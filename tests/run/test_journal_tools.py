"""`synth journal`: what is in a journal is told, what is broken is found, and replies go over to other recipes."""

import asyncio
import json
import sqlite3
import subprocess
from io import StringIO
from pathlib import Path

import pytest

from synth.cli.table import lines
from synth.errors import ConfigError
from synth.journal.store import VERSION, Journal
from synth.run import journal_tools
from synth.types import Origin, Reply
from tests.conftest import Lab
from tests.support.journals import seal


def made(folder: Path) -> Path:
    """A small journal, every kind of thing in it."""
    folder.mkdir(exist_ok=True)
    journal = Journal(folder)

    async def put() -> None:
        for number in range(30):
            reply = Reply(f"答{number}" * 50, "stop" if number else "length", 10, number, "想" if number % 2 else None)
            await journal.put(f"{number:032x}", reply, Origin("w", ("query", "judge")[number % 2], "a.b/harmful"), "m")

    asyncio.run(put())
    journal.decide("target", {"targets": {"a.b/harmful": {"safe": 3}}, "identity": {"seed": "1"}, "released": {}})
    plan = {"lane": "a.b/harmful", "sweep": 0, "first": 0, "count": 9, "operators": {}, "widening": 0}
    journal.decide("plan", {**plan, "wants": {"safe": {"share": 1.0, "stances": {"refuse": 1.0}}}})
    journal.close()
    return folder / "journal.sqlite"


def test_stats_add_up(tmp_path: Path) -> None:
    path = made(tmp_path / "run")
    for place in (path, path.parent):
        first, *rows, last = "\n".join(lines(journal_tools.stats(place).parts())).splitlines()
        assert first == f"{path}: {path.stat().st_size:,} bytes, format {VERSION}"
        assert [row.split() for row in rows if row and "tokens in" not in row] == [
            ["judge", "m", "15", "150", "225"],
            ["query", "m", "15", "150", "210"],
            ["all", "30", "300", "435"],
            ["a", "30", "300", "435"],
        ]
        assert last.endswith(": plan 1, target 1")


def test_a_good_journal_is_good(tmp_path: Path) -> None:
    assert journal_tools.verify(made(tmp_path / "run")).endswith("journal.sqlite: good (30 replies, 2 decisions)")


def changed(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (
            "UPDATE replies SET key = 'G' || substr(key, 2) WHERE key LIKE '%f'",
            "a reply has the key 'G0.*', which is none",
        ),
        (
            "UPDATE replies SET key = '0' WHERE key LIKE '%1f' OR key LIKE '%0a'",
            "a reply has the key '0', which is none",
        ),
        (
            "UPDATE replies SET text = CAST(x'ff' AS TEXT) WHERE key LIKE '%a'",
            "2 of 30 replies are not what was written; .* stage query",
        ),
        ("UPDATE decisions SET body = '{' WHERE kind = 'plan'", "decision 2, a plan, is no JSON"),
        ("UPDATE decisions SET body = '{}' WHERE kind = 'plan'", "decision 2, a plan, cannot be read"),
        (
            "UPDATE decisions SET body = '{\"targets\": 3}' WHERE kind = 'target'",
            "decision 1, a target, cannot be read",
        ),
        (
            "UPDATE decisions SET body = '3', kind = 'other' WHERE kind = 'target'",
            "decision 1, a other, cannot be read",
        ),
        ("DROP TABLE decisions", "no such table: decisions"),
        ("ALTER TABLE replies DROP COLUMN reasoning", "no such column: reasoning"),
        ("PRAGMA user_version=99", "written by a newer synth .*format 99, this one reads 2"),
        ("PRAGMA user_version=-1", "written by an older synth .*format -1"),
        ("PRAGMA user_version=0", "is not a journal of synth"),
    ],
)
def test_what_is_wrong_with_a_journal_is_found(tmp_path: Path, damage: str, complaint: str) -> None:
    path = made(tmp_path / "run")
    changed(path, damage)
    with pytest.raises(ConfigError, match=complaint) as caught:
        journal_tools.verify(path)
    assert str(path) in str(caught.value)
    assert caught.value.status == 1


@pytest.mark.parametrize("offset", [0, 4096 + 3, 2 * 4096 + 2, 5 * 4096 + 5])
def test_a_damaged_page_is_found_wherever_it_is(tmp_path: Path, offset: int) -> None:
    path = made(tmp_path / "run")
    whole = path.read_bytes()
    path.write_bytes(whole[:offset] + b"\xa5" * 64 + whole[offset + 64 :])
    with pytest.raises(ConfigError):
        journal_tools.verify(path)


def test_a_journal_cut_short_is_found(tmp_path: Path) -> None:
    path = made(tmp_path / "run")
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ConfigError):
        journal_tools.verify(path)


@pytest.mark.parametrize("thing", ["nowhere", "text", "empty-folder"])
def test_what_is_no_journal_is_one_line(tmp_path: Path, thing: str) -> None:
    (tmp_path / "text").write_text("not a database" * 100)
    (tmp_path / "empty-folder").mkdir()
    with pytest.raises(ConfigError, match=r"holds no journal|cannot be read as a journal"):
        journal_tools.verify(tmp_path / thing)


def test_a_journal_is_read_while_a_run_holds_it(tmp_path: Path) -> None:
    path = made(tmp_path / "run")
    journal = Journal(path.parent)
    journal.decide("other", {})
    assert "good (30 replies, 3 decisions)" in journal_tools.verify(path)
    journal.close()


def test_a_journal_on_a_disk_that_may_not_be_written_is_read(tmp_path: Path) -> None:
    path = made(tmp_path / "run")
    mount = tmp_path / "disk"
    mount.mkdir()
    if subprocess.run(["mount", "--bind", path.parent, mount], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", mount], check=True)
        assert "good (30 replies, 2 decisions)" in journal_tools.verify(mount)
    finally:
        subprocess.run(["umount", mount], check=True)


def test_an_export_holds_everything_line_by_line(tmp_path: Path) -> None:
    path, screen = made(tmp_path / "run"), StringIO()
    assert journal_tools.export(path, None, screen) is None
    lines = [json.loads(line) for line in screen.getvalue().splitlines()]
    assert [line["decision"] for line in lines[:2]] == ["target", "plan"]
    assert lines[1]["body"]["count"] == 9
    assert len(lines) == 32
    assert lines[2] == {
        "reply": "0" * 32,
        "text": "答0" * 50,
        "finish": "length",
        "reasoning": None,
        "prompt_tokens": 10,
        "completion_tokens": 0,
        "stage": "query",
        "lane": "a.b/harmful",
        "model": "m",
    }
    out = tmp_path / "lines.jsonl"
    assert journal_tools.export(path, out, screen) == str(out)
    assert out.read_text(encoding="utf-8") == screen.getvalue()
    with pytest.raises(ConfigError, match="cannot be written"):
        journal_tools.export(path, tmp_path / "no" / "lines.jsonl", screen)


def test_replies_of_two_recipes_are_a_head_start_for_both(lab: Lab) -> None:
    """Judges' verdicts are shared already; a new folder that begins with the replies of others asks for none of them."""
    strict = {"threshold": 0.5}
    lab.run(30, out="one")
    lab.run(30, out="two", seed=7)
    line = journal_tools.merge([lab.folder / "one", lab.folder / "two"], lab.folder / "both")
    assert journal_tools.merge([lab.folder / "two", lab.folder / "one"], lab.folder / "file.sqlite") != line
    assert lab.run(30, out="both").calls == 0
    assert lab.bytes("both") == lab.bytes("one")
    assert lab.run(30, out="both", dedup=strict).calls == 0
    with pytest.raises(ConfigError, match="is there already; choose another -o"):
        journal_tools.merge([lab.folder / "one"], lab.folder / "both")


def test_merged_replies_are_the_same_file_in_any_order(tmp_path: Path) -> None:
    one, two = made(tmp_path / "one"), made(tmp_path / "two")
    changed(two, "UPDATE replies SET text = '另', finish = 'stop' WHERE key LIKE '%0'")
    changed(two, f"UPDATE replies SET key = '{'f' * 32}' WHERE key LIKE '%00a'")
    seal(two)
    assert journal_tools.merge([one, two], tmp_path / "a.sqlite").endswith("a.sqlite: 31 replies")
    journal_tools.merge([two, one, two], tmp_path / "b.sqlite")
    assert (tmp_path / "a.sqlite").read_bytes() == (tmp_path / "b.sqlite").read_bytes()
    screen = StringIO()
    journal_tools.export(tmp_path / "a.sqlite", None, screen)
    assert json.loads(screen.getvalue().splitlines()[0])["text"] == "另"  # it came to its end; the other was cut short
