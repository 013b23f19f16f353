"""A journal of an earlier commit, folded by today's code: not one call, and the rows, ids, order and drops of the day it was made.

How the journals came to be, and when their expected rows may change: tests/fixtures/journal-1/README.md.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from synth.dataset.rendering import restored_row

FIXTURE = Path(__file__).parent / "fixtures" / "journal-1"
LATER = Path(__file__).parent / "fixtures" / "journal-2"
RUNS = {"offline": ("-n", "36"), "served": ("-n", "12"), "pairs": ()}
"""Recipes of the fixture, with the arguments of the last command that went into their journals."""
SPLITS = ("train", "validation", "test", "hard")


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Every row of a run's dataset as it was judged, with its split before its columns; splits and rows in their order."""
    return [
        {"split": split, **restored_row(row)}
        for split in SPLITS
        for path in sorted((folder / "dataset" / "data").glob(f"{split}-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def drops_of(folder: Path) -> dict[str, int]:
    """How many drops there are of each `stage.reason`."""
    return {
        path.stem: len(path.read_text(encoding="utf-8").splitlines())
        for path in sorted((folder / "drops").glob("*.jsonl"))
    }


def expected(name: str, fixture: Path = FIXTURE) -> tuple[list[dict[str, Any]], dict[str, int]]:
    lines = (fixture / name / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines], json.loads((fixture / name / "drops.json").read_text(encoding="utf-8"))


def replies(journal: Path) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(journal)) as db:
        return db.execute("SELECT key, text, finish FROM replies ORDER BY key").fetchall()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The fixture as a working directory, so that its prompts and taxonomies are found before those that ship."""
    return Path(shutil.copytree(FIXTURE, tmp_path / "work"))


def synth(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "synth", *arguments]
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(command, cwd=folder, env=here, capture_output=True, text=True, check=False, timeout=120)


def folded(folder: Path, name: str) -> dict[str, Any]:
    """What `synth run` says of the same command, run once more."""
    done = synth(folder, "run", name, *RUNS[name], "-o", name, "--json")
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("name", RUNS)
def test_a_journal_of_format_1_gives_its_rows_without_one_call(copied: Path, name: str) -> None:
    before = replies(copied / name / "journal.sqlite")
    said = folded(copied, name)
    assert said["calls"] == 0
    assert replies(copied / name / "journal.sqlite") == before
    assert_as_before(copied / name, *expected(name))


def assert_as_before(folder: Path, rows: list[dict[str, Any]], drops: dict[str, int]) -> None:
    found = rows_of(folder)
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    for row, was in zip(found, rows, strict=True):
        assert {column: row[column] for column in was} == was, "in the columns of before"
        assert [column for column in row if column in was] == list(was)
    assert drops_of(folder) == drops


@pytest.mark.parametrize("name", RUNS)
def test_a_journal_of_format_1_is_one_of_today_once_it_was_gone_on_with(copied: Path, name: str) -> None:
    path = copied / name / "journal.sqlite"
    assert folded(copied, name)["calls"] == 0
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
        kinds = [kind for (kind,) in db.execute("SELECT kind FROM decisions ORDER BY seq")]
        first, *_ = db.execute("SELECT sum IS NULL FROM replies").fetchone()
    assert (kinds[-2:], first) == (["unsealed", "inputs"], 1)
    shutil.rmtree(copied / "prompts")
    shutil.rmtree(copied / "taxonomies")
    merged = synth(copied, "merge", name, "-o", "merged")
    assert merged.returncode == 0, merged.stderr
    assert [row["id"] for row in rows_of(copied / "merged")] == [row["id"] for row in expected(name)[0]]


@pytest.mark.parametrize("name", RUNS)
def test_a_journal_of_format_1_is_read_and_left_as_it_is(copied: Path, name: str) -> None:
    path = copied / name / "journal.sqlite"
    before = path.read_bytes()
    for command in ("stats", "verify", "export"):
        done = synth(copied, "journal", command, name)
        assert done.returncode == 0, done.stderr
        told = {"stats": "format 1", "verify": "of format 1 have no sum", "export": '{"reply": '}[command]
        assert told in done.stdout
    done = synth(copied, "run", name, *RUNS[name], "-o", name, "--dry-run")
    assert "no call" in done.stdout or "the recipe is that of the last run" in done.stdout, done.stderr
    assert path.read_bytes() == before


def test_a_run_that_stops_for_what_synth_ships_leaves_a_journal_of_format_1_to_the_earlier_version(
    copied: Path,
) -> None:
    """That is what it tells its user to go on with, and the earlier version reads no other format."""
    path = copied / "offline" / "journal.sqlite"
    shutil.rmtree(copied / "prompts")  # so those that ship are used, and one of them was another
    with contextlib.closing(sqlite3.connect(path)) as db:
        for seq, body in db.execute("SELECT seq, body FROM decisions WHERE kind = 'target'").fetchall():
            told = json.loads(body)
            told["identity"]["prompt judge/verdict"] = "0" * 16
            db.execute("UPDATE decisions SET body = ? WHERE seq = ?", (json.dumps(told), seq))
        db.commit()
    before = path.read_bytes()
    done = synth(copied, "run", "offline", *RUNS["offline"], "-o", "offline")
    assert (done.returncode, "or with the earlier version" in done.stderr) == (1, True), done.stderr
    assert path.read_bytes() == before
    assert synth(copied, "run", "offline", *RUNS["offline"], "-o", "offline", "--upgrade").returncode == 0


def test_the_rows_come_from_the_journal(copied: Path) -> None:
    """Another answer in it is another row, so the comparison above would see one."""
    (row, *_), _ = expected("offline")
    with contextlib.closing(sqlite3.connect(copied / "offline" / "journal.sqlite")) as db:
        changed = db.execute(
            "UPDATE replies SET text = text || '慢慢来就好。' WHERE stage = 'respond' AND text = ?", (row["response"],)
        ).rowcount
        db.commit()
    assert changed
    said = folded(copied, "offline")
    assert said["calls"] > 0  # the judges have not seen this answer
    assert [row["id"] for row in rows_of(copied / "offline")] != [row["id"] for row in expected("offline")[0]]


def test_the_journals_hold_every_way_of_asking() -> None:
    """What the fixture is for, lest it be thinned out."""
    found: set[tuple[str, str]] = set()
    for name in RUNS:
        with contextlib.closing(
            sqlite3.connect(f"file:{FIXTURE / name / 'journal.sqlite'}?immutable=1", uri=True)
        ) as db:
            found |= set(db.execute("SELECT DISTINCT stage, finish FROM replies"))
            assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert {stage for stage, _ in found} == {"query", "augment", "embed", "respond", "judge"}
    assert {finish for _, finish in found} == {"stop", "length", "content_filter", "outage"}
    rows = [row for name in RUNS for row in expected(name)[0]]
    assert {row["split"] for row in rows} == set(SPLITS)
    assert {row["query_type"] for row in rows} == {"harmful", "benign"}
    assert {row["stance"] for row in rows} == {
        *("natural", "comply", "partial", "refuse", "safe_complete", "redact"),
        None,
    }


def test_a_journal_from_before_the_slot_sheet_gives_its_rows_without_one_call(tmp_path: Path) -> None:
    work = Path(shutil.copytree(LATER, tmp_path / "work"))
    done = synth(work, "run", "checked", "-n", "30", "-o", "checked", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["calls"] == 0
    assert_as_before(work / "checked", *expected("checked", LATER))


def test_such_a_journal_is_merged_with_the_texts_that_it_holds(tmp_path: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(LATER / "checked", work / "checked")  # no recipe, prompt or taxonomy beside it
    merged = synth(work, "merge", "checked", "-o", "merged")
    assert merged.returncode == 0, merged.stderr
    assert_as_before(work / "merged", *expected("checked", LATER))
