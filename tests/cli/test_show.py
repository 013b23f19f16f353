"""`synth show` out of the journal: while a run goes on, after it was killed, and the replies as they came."""

import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from synth.cli import show
from synth.errors import ConfigError
from tests.conftest import Lab
from tests.promises.test_kill import SMALL, start
from tests.support.standin import standing_in


@contextmanager
def going(lab: Lab, after: int) -> "Iterator[subprocess.Popen[bytes]]":
    """A run that has got so many answers and waits for the next."""
    with standing_in(latency="0.01") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=8), encoding="utf-8")
        process = start(lab.folder)
        try:
            while server.arrived < after:
                time.sleep(0.01)
            server._latency = lambda chance: 60.0
            while server.in_flight < 8:
                time.sleep(0.01)
            yield process
        finally:
            process.kill()
            process.communicate()


def left(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_rows_and_drops_are_read_out_of_the_journal_while_the_run_goes_and_after_a_kill(lab: Lab) -> None:
    run = lab.folder / "run"
    with going(lab, after=150) as process:
        before = left(run)
        cells = "\n".join(show.show(run, None, 5)).splitlines()
        assert process.poll() is None
        assert left(run) == before
    assert any(line.startswith("one.s0/harmful/unsafe") for line in cells)
    found = list(show.show(run, "*", 50))
    assert any(text.startswith("--- row ") and "query  " in text and "response  " in text for text in found)
    assert len({text.partition("\n")[0] for text in found}) == len(found)
    assert not (run / "dataset").exists()


def test_a_finished_run_is_shown_from_its_dataset_and_from_its_journal_alike(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.run(20)
    run = lab.folder / "run"
    rows = [text for text in show.show(run, "one.s0", 99) if text.startswith("--- row")]
    assert capsys.readouterr().err == ""
    live = [text for text in show.show(run, "one.s0", 99, live=True) if text.startswith("--- row")]
    assert "read out of the journal" in capsys.readouterr().err
    assert {text.partition("\n")[0] for text in rows} == {text.partition("\n")[0] for text in live}
    assert [text.partition("provenance")[0] for text in sorted(rows)] == [
        text.partition("provenance")[0] for text in sorted(live)
    ]
    shutil.rmtree(run / "dataset")
    (run / "run.json").unlink()
    assert [text for text in show.show(run, "one.s0", 99) if text.startswith("--- row")] == live


def test_a_damaged_reply_hides_no_more_than_what_hangs_on_it(lab: Lab) -> None:
    lab.run(20)
    shutil.rmtree(lab.folder / "run" / "dataset")
    with closing(sqlite3.connect(lab.folder / "run" / "journal.sqlite")) as db:
        db.execute("UPDATE replies SET text = 'x' WHERE rowid = (SELECT max(rowid) FROM replies WHERE stage = 'judge')")
        db.commit()
    assert any(text.startswith("--- row ") for text in show.show(lab.folder / "run", "*", 3))


def test_raw_replies_are_shown_as_they_came_the_newest_last_and_harmless(lab: Lab) -> None:
    lab.run(20)
    run = lab.folder / "run"
    with closing(sqlite3.connect(run / "journal.sqlite")) as db:
        db.execute(
            "UPDATE replies SET text = 'a\x1b[2Jb', reasoning = '想' WHERE rowid = (SELECT max(rowid) FROM replies)"
        )
        ((stage, key),) = db.execute("SELECT stage, key FROM replies ORDER BY rowid DESC LIMIT 1").fetchall()
        db.commit()
    found = list(show.raw_replies(run, None, 3))
    assert len(found) == 3
    assert found[-1].startswith(f"--- reply {key} ---")
    assert "a·[2Jb" in found[-1]
    assert "reasoning  想" in found[-1]
    assert f"stage  {stage}" in found[-1]
    for place in ("judge", "one", "one.s0", "one.s0/harmful", "one.s0/harmful/unsafe", "one.*"):
        assert list(show.raw_replies(run, place, 2)), place
    with pytest.raises(ConfigError, match="no reply of 'three' in its journal"):
        list(show.raw_replies(run, "three", 2))


def test_where_there_is_nothing_at_all_one_line_says_so(lab: Lab) -> None:
    with pytest.raises(ConfigError, match="holds no dataset; make one with `synth run"):
        list(show.show(lab.folder / "nowhere", None, 5))
    from synth.journal.store import Journal

    (lab.folder / "new").mkdir()
    Journal(lab.folder / "new").close()
    with pytest.raises(ConfigError, match="holds nothing yet; run the same command again"):
        list(show.show(lab.folder / "new", None, 5))
    lab.run(20)
    facts = lab.folder / "run" / "run.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"stopped": "running"}))
    assert any(text.startswith("--- row ") for text in show.show(lab.folder / "run", "one", 1))
