"""What is not synth's is not touched: nothing is deleted, replaced or followed but what synth can show it made."""

import contextlib
import json
import os
import shutil
import sqlite3
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from synth import aside
from synth.cli import run
from synth.cli.catalogue import scaffold
from synth.dataset.reader import Dataset
from synth.dataset.writer import DROPS
from synth.errors import ConfigError
from synth.exporters import find
from synth.run import journal_tools, merge
from synth.run.compile import compile_recipe
from synth.run.execute import run as run_compiled
from synth.run.folder import mend
from synth.run.options import RunOptions
from synth.stages.contract import Judged, Sample, Step
from synth.tables.dedup import Want, dedup
from synth.tables.io import aside as table_aside
from tests.conftest import Lab, tiny_recipe
from tests.support.forked import Point, forking
from tests.support.forked import run as forked
from tests.support.stages import with_stage

NAMES = ("dataset", "drops", "run.json")
TEXTS = ("csv", "jsonl", "chat", "libra")


def made(lab: Lab, n: int = 12, out: str = "run") -> Path:
    """A run's folder, made or gone on with as the command does it."""
    run_compiled(compile_recipe(tiny_recipe()), RunOptions(lab.folder / out, n))
    return lab.folder / out


def write(path: Path, text: str = "mine") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def tree(folder: Path) -> dict[str, str | bytes]:
    """Everything in a folder: of links where they lead to, of files their bytes."""
    found = sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in found
    }


def export(folder: Path, to: str, out: Path) -> None:
    find(to)(Dataset(folder), out)


# A run


def test_a_run_leaves_what_looks_like_its_leavings(lab: Lab) -> None:
    names = ("dataset.old", "dataset.new", "drops.old", "drops.new")
    mine = [write(lab.folder / "run" / name / "mine") for name in names]
    mine += [write(lab.folder / "run" / name) for name in ("run.json.new", ".fold.sqlite", "journal.sqlite.new")]
    made(lab), made(lab, 16)
    assert [path.read_text(encoding="utf-8") for path in mine] == ["mine"] * len(mine)


def test_a_backup_that_the_user_put_aside_stays(lab: Lab) -> None:
    folder = made(lab)
    (folder / "dataset").rename(folder / "dataset.old")
    before = tree(folder / "dataset.old")
    made(lab, 16)
    assert tree(folder / "dataset.old") == before
    assert (folder / "dataset").is_dir()


@pytest.mark.parametrize("name", [*NAMES, "journal.sqlite-wal"])
def test_a_run_is_refused_where_its_names_are_taken(lab: Lab, name: str) -> None:
    write(lab.folder / "run" / name)
    before = tree(lab.folder / "run")
    with pytest.raises(ConfigError, match="choose another -o DIR"):
        made(lab)
    assert tree(lab.folder / "run") == before


@pytest.mark.parametrize("name", ["dataset", "drops", "run.json", "journal.sqlite"])
@pytest.mark.parametrize("begun", [True, False])
def test_a_link_to_nothing_is_refused_and_stays(lab: Lab, name: str, begun: bool) -> None:
    folder = made(lab) if begun else lab.folder / "run"
    folder.mkdir(exist_ok=True)
    if (folder / name).exists():
        (folder / name).rename(lab.folder / "aside")
    (folder / name).symlink_to(lab.folder / "unmounted")
    with pytest.raises(ConfigError, match="which is not there; mount its disk"):
        made(lab)
    assert (folder / name).is_symlink()
    assert not (lab.folder / "unmounted").exists()


@pytest.mark.parametrize("name", NAMES)
def test_what_was_moved_elsewhere_and_linked_back_is_written_there_run_after_run(lab: Lab, name: str) -> None:
    folder, elsewhere = made(lab), lab.folder / "large" / "place"
    elsewhere.parent.mkdir()
    (folder / name).rename(elsewhere)
    (folder / name).symlink_to(elsewhere)
    made(lab, out="calm")
    for n in (16, 20, 24):
        made(lab, n), made(lab, n, "calm")
        assert (folder / name).is_symlink()
    assert lab.bytes() == lab.bytes("calm")
    assert [path.name for path in elsewhere.parent.iterdir()] == ["place"]
    assert not list(folder.glob(".synth-*"))


def test_a_link_to_a_folder_of_something_else_is_refused(lab: Lab) -> None:
    folder = made(lab)
    mine = write(lab.folder / "project" / "README.md")
    shutil.rmtree(folder / "dataset")
    (folder / "dataset").symlink_to(mine.parent)
    with pytest.raises(ConfigError, match="is not the card that synth wrote; move it away"):
        made(lab, 16)
    assert tree(mine.parent) == {"README.md": b"mine"}


def test_policies_of_the_users_own_are_refused_and_stay(lab: Lab) -> None:
    folder = made(lab)
    mine = write(folder / "dataset" / "policies.json", '{"policies": []}')
    before = tree(folder / "dataset")
    with pytest.raises(
        ConfigError, match=r"policies\.json: is not what synth wrote; move it away, or choose another -o DIR"
    ):
        made(lab, 16)
    assert tree(folder / "dataset") == before
    mine.unlink()
    made(lab, 16)


def test_shards_on_another_disk_than_their_card_are_refused(lab: Lab) -> None:
    folder = made(lab)
    (folder / "dataset" / "data").rename(lab.folder / "data")
    (folder / "dataset" / "data").symlink_to(lab.folder / "data")
    before = tree(lab.folder / "data")
    with pytest.raises(ConfigError, match=r"data: is a link; make .*dataset the link"):
        made(lab, 16)
    assert tree(lab.folder / "data") == before


def test_what_the_user_keeps_in_dataset_and_drops_stays(lab: Lab) -> None:
    folder = made(lab)
    places = ("dataset/LICENSE", "dataset/data/mine.parquet", "dataset/.git/HEAD", "drops/notes.md", "drops/my.jsonl")
    mine = [write(folder / place) for place in places]
    assert all(DROPS.fullmatch(path.name) for path in (folder / "drops").iterdir() if path not in mine)

    made(lab, 16)
    assert [path.read_text(encoding="utf-8") for path in mine] == ["mine"] * len(mine)
    assert "mine.parquet" not in (folder / "dataset" / "README.md").read_text(encoding="utf-8")


class Dropping(Step):
    """Drops every other row."""

    async def run(self, spec: Any, sample: Sample, slot: Any, ask: Any) -> Judged:
        return sample.dropped("verify", "odd", "") if int(sample.query_id, 16) % 2 else sample


def test_drops_of_a_stage_that_is_gone_go_and_the_users_files_stay(lab: Lab) -> None:
    compiled = compile_recipe(tiny_recipe())
    folder = lab.folder / "run"
    run_compiled(with_stage(compiled, "verify", Dropping()), RunOptions(folder, 12))
    assert (folder / "drops" / "verify.odd.jsonl").stat().st_size
    mine = write(folder / "drops" / "verify2.notes.jsonl"), write(folder / "drops" / "old.odd.jsonl")
    run_compiled(compiled, RunOptions(folder, 12))
    assert not (folder / "drops" / "verify.odd.jsonl").exists()
    assert all(path.exists() for path in mine)


def test_links_under_names_of_synths_own_are_taken_away_and_not_followed(lab: Lab) -> None:
    folder = made(lab)
    mine = write(lab.folder / "mine" / "file")
    for name in (".synth-dataset.new", ".synth-dataset.old", ".synth-drops.new"):
        (folder / name).symlink_to(mine.parent)
    for name in (".synth-run.json.new", ".synth-fold.sqlite"):
        (folder / name).symlink_to(mine)
    made(lab, 16)
    assert tree(mine.parent) == {"file": b"mine"}


def test_a_folder_of_an_earlier_synth_goes_on(lab: Lab) -> None:
    """One in which 0.1.0 was killed between the two renames of its swap."""
    folder = made(lab)
    write(folder / ".fold.sqlite", "junk")
    shutil.copytree(folder / "dataset", folder / "dataset.new")
    (folder / "dataset").rename(folder / "dataset.old")
    mend(folder)
    assert (folder / "dataset" / "README.md").is_file()
    made(lab)
    made(lab, out="calm")
    assert lab.bytes() == lab.bytes("calm")


def test_a_new_data_set_of_the_users_is_not_taken_for_one_killed_in_a_swap(lab: Lab) -> None:
    folder = made(lab)
    (folder / "dataset").rename(folder / "dataset.old")
    mine = write(folder / "dataset.new" / "README.md")
    made(lab)
    assert mine.read_text(encoding="utf-8") == "mine"


KILLED: list[Point] = [
    *(("before a rename", number) for number in (1, 2, 3, 4, 5, 6)),
    *(("after a rename", number) for number in (1, 2, 3, 4, 5)),
]


def test_a_kill_at_any_point_of_a_swap_through_a_link_loses_nothing(lab: Lab) -> None:
    command = ["run", "demo", "--taxonomy", "tiny", "--set", "ordinary=0", "--set", "output.report=false"]
    command += ["-n", "12", "-o", "run"]

    def start(point: Point | None) -> int | None:
        process = forking().Process(target=forked, args=(lab.folder, command, lab.folder / "words", point))
        process.start()
        process.join(120)
        return process.exitcode

    assert start(None) == 0
    calm, folder, large = lab.bytes(), lab.folder / "run", lab.folder / "large"
    large.mkdir()
    for name in ("dataset", "drops"):
        (folder / name).rename(large / name)
        (folder / name).symlink_to(large / name)
    mine = write(large / "dataset" / "LICENSE"), write(large / "drops" / "notes.md")
    for point in KILLED:
        assert start(point) == -9, point
        assert start(None) == 0, (point, (lab.folder / "words").read_text(encoding="utf-8"))
        assert [path.read_text(encoding="utf-8") for path in mine] == ["mine", "mine"], point
        assert lab.bytes() == calm
        assert sorted(path.name for path in large.iterdir()) == ["dataset", "drops"]


def test_a_database_of_something_else_is_no_journal(lab: Lab) -> None:
    (lab.folder / "run").mkdir()
    with contextlib.closing(sqlite3.connect(lab.folder / "run" / "journal.sqlite")) as mine:
        mine.executescript("PRAGMA user_version=1; CREATE TABLE mine (x)")
    before = (lab.folder / "run" / "journal.sqlite").read_bytes()
    with pytest.raises(ConfigError, match="a database of something else"):
        made(lab)
    assert (lab.folder / "run" / "journal.sqlite").read_bytes() == before


def test_a_merge_leaves_what_is_not_its_own(lab: Lab) -> None:
    one, out = made(lab), lab.folder / "out"
    mine = [write(out / name) for name in ("journal.sqlite.new", "journal.united", "dataset.new/mine")]
    merge.merge([one], out)
    merge.merge([one], out)
    assert [path.read_text(encoding="utf-8") for path in mine] == ["mine"] * 3
    log = write(lab.folder / "other" / "journal.sqlite-wal")
    with pytest.raises(ConfigError, match=r"without journal\.sqlite; put that back"):
        merge.merge([one], log.parent)
    assert log.exists()


# Exports


def test_an_export_over_a_project_of_the_users_is_refused(lab: Lab) -> None:
    folder, project = made(lab), lab.folder / "project"
    for name in ("README.md", "data/mine.csv", "src/main.py"):
        write(project / name)
    before = tree(project)
    with pytest.raises(ConfigError, match="no dataset of synth's"):
        export(folder, "hf", project)
    assert tree(project) == before


def test_an_export_replaces_an_earlier_one_and_keeps_what_the_user_put_into_it(lab: Lab) -> None:
    folder, out = made(lab), lab.folder / "copy"
    out.mkdir()
    export(folder, "hf", out)
    mine = [write(out / name) for name in ("LICENSE", "data/mine.csv", ".git/HEAD")]
    write(folder / "dataset" / "LICENSE", "of the dataset")
    made(lab, 24)
    export(folder, "hf", out)
    assert [path.read_text(encoding="utf-8") for path in mine] == ["mine"] * 3
    for name, content in tree(folder / "dataset").items():
        assert name == "LICENSE" or tree(out)[name] == content
    assert not list(lab.folder.glob(".synth-*"))


@pytest.mark.parametrize("change", ["shard", "card", "another shard", "linked shards", "policies"])
def test_an_export_that_was_changed_since_is_not_replaced(lab: Lab, change: str) -> None:
    folder, out = made(lab), lab.folder / "copy"
    export(folder, "hf", out)
    shard = next((out / "data").glob("*.parquet"))
    if change == "shard":
        shard.write_bytes(shard.read_bytes() + b"x")
    elif change == "card":
        write(out / "README.md", "# mine")
    elif change == "policies":
        write(out / "policies.json")
    elif change == "another shard":
        write(out / "data" / "test-00000-of-00001.parquet")
    else:
        (out / "data").rename(lab.folder / "data")
        (out / "data").symlink_to(lab.folder / "data")
    before = tree(out)
    with pytest.raises(ConfigError, match="or was changed since"):
        export(folder, "hf", out)
    assert tree(out) == before


def test_an_export_touches_nothing_beside_it_and_no_other_run(lab: Lab) -> None:
    folder = made(lab)
    beside = [write(lab.folder / name / "mine") for name in ("copy.new", "copy.old")]
    export(folder, "hf", lab.folder / "copy")
    export(folder, "hf", lab.folder / "copy")
    assert all(path.exists() for path in beside)
    other = made(lab, 16, "other")
    with pytest.raises(ConfigError, match="is the dataset of another run"):
        export(folder, "hf", other / "dataset")
    with pytest.raises(ConfigError, match="is the dataset itself"):
        export(folder, "hf", folder / "dataset" / "copy")


def test_an_export_through_a_link_goes_where_it_leads(lab: Lab) -> None:
    folder, large = made(lab), lab.folder / "large"
    large.mkdir()
    (lab.folder / "copy").symlink_to(large)
    export(folder, "hf", lab.folder / "copy")
    made(lab, 16)
    export(folder, "hf", lab.folder / "copy")
    assert (lab.folder / "copy").is_symlink()
    assert tree(large) == tree(folder / "dataset")


@pytest.mark.parametrize("to", TEXTS)
def test_a_file_of_the_users_is_no_earlier_export(lab: Lab, to: str) -> None:
    folder, out = made(lab), lab.folder / "out"
    export(folder, to, out)
    made(lab, 16)
    export(folder, to, out)  # its own is replaced
    (file,) = (path for path in out.iterdir() if path.name.startswith("train"))
    file.write_bytes(file.read_bytes() + b"mine\n")
    before = tree(out)
    with pytest.raises(ConfigError, match=r"train\.\w+: is there already, and is no export or was changed since"):
        export(folder, to, out)
    assert tree(out) == before
    write(out / "train.new")
    file.unlink()
    export(folder, to, out)
    assert (out / "train.new").read_text(encoding="utf-8") == "mine"


def test_a_record_of_exports_that_is_none_is_refused(lab: Lab) -> None:
    folder = made(lab)
    for text in ("mine", "[1]", '{"train.csv": 3}'):
        mine = write(lab.folder / "out" / ".synth-export.json", text)
        with pytest.raises(ConfigError, match="is not what synth wrote"):
            export(folder, "csv", mine.parent)
        assert tree(mine.parent) == {".synth-export.json": text.encode()}


def test_a_kill_between_an_export_and_its_record_locks_nobody_out(lab: Lab) -> None:
    command = ["export", "run", "--to", "csv", "-o", "out"]
    made(lab)
    for number in (1, 2):
        for when in ("before", "after"):
            point = (f"{when} a rename", number)
            args = (lab.folder, command, lab.folder / "words", point)
            process = forking().Process(target=forked, args=args)
            process.start()
            process.join(60)
            made(lab, 16 + number)
            export(lab.folder / "run", "csv", lab.folder / "out")


# Single files


def test_a_file_is_written_through_a_link_and_never_over_a_device(tmp_path: Path) -> None:
    real = write(tmp_path / "large" / "rows.jsonl")
    (tmp_path / "rows.jsonl").symlink_to(real)
    write(tmp_path / "large" / "rows.jsonl.new")
    with table_aside(tmp_path / "rows.jsonl") as new:
        new.write_text("rows", encoding="utf-8")
    assert (tmp_path / "rows.jsonl").is_symlink()
    assert tree(tmp_path / "large") == {"rows.jsonl": b"rows", "rows.jsonl.new": b"mine"}
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ConfigError, match="is no plain file"), table_aside(tmp_path / "fifo"):
        raise AssertionError
    assert (tmp_path / "fifo").is_fifo()


def test_a_link_under_the_name_aside_is_not_followed(tmp_path: Path) -> None:
    mine = write(tmp_path / "mine")
    aside.beside(tmp_path / "rows.jsonl", "new").symlink_to(mine)
    with table_aside(tmp_path / "rows.jsonl") as new:
        new.write_text("rows", encoding="utf-8")
    assert mine.read_text(encoding="utf-8") == "mine"


def test_dedup_replaces_beside_its_rows_only_what_it_wrote(tmp_path: Path) -> None:
    rows = write(tmp_path / "rows.jsonl", "".join(json.dumps({"query": f"问题{i % 3}"}) + "\n" for i in range(6)))
    for _ in range(2):
        dedup(rows, tmp_path / "out.jsonl", Want(0.7))
    for name in ("out.report.json", "out.joined.jsonl"):
        kept = (tmp_path / name).read_bytes()
        write(tmp_path / name)
        with pytest.raises(ConfigError, match="would be replaced, and is not of an earlier dedup"):
            dedup(rows, tmp_path / "out.jsonl", Want(0.7))
        assert (tmp_path / name).read_text(encoding="utf-8") == "mine"
        (tmp_path / name).write_bytes(kept)


def test_a_journals_export_replaces_only_an_earlier_one(lab: Lab) -> None:
    folder, out = made(lab), lab.folder / "lines.jsonl"
    for _ in range(2):
        assert journal_tools.export(folder, out, StringIO())
    for path in (write(lab.folder / "mine.jsonl"), folder / "journal.sqlite"):
        before = path.read_bytes()
        with pytest.raises(ConfigError, match="is no export of a journal"):
            journal_tools.export(folder, path, StringIO())
        assert path.read_bytes() == before


def test_events_are_added_to_events_only(lab: Lab) -> None:
    events = lab.folder / "events"
    for n in (12, 16):
        assert run.run(tiny_recipe(), RunOptions(lab.folder / "run", n), shard=None, as_json=False, events=events) == 0
    lines = [json.loads(line)["event"] for line in events.read_text(encoding="utf-8").splitlines()]
    assert lines.count(lines[0]) == 2
    for mine in (write(lab.folder / "mine"), lab.folder / "run" / "journal.sqlite"):
        before = mine.read_bytes()
        with pytest.raises(ConfigError, match="holds something else; name another file"):
            run.run(tiny_recipe(), RunOptions(lab.folder / "run", 16), shard=None, as_json=False, events=mine)
        assert mine.read_bytes() == before


def test_a_scaffold_does_not_go_through_a_link(here: Path) -> None:
    (here / "taxonomies").mkdir()
    (here / "taxonomies" / "mine.yaml").symlink_to(here / "elsewhere")
    with pytest.raises(ConfigError, match="exists; choose another name"):
        scaffold("taxonomy", "mine")
    assert not (here / "elsewhere").exists()
