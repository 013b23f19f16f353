"""The command line as a user meets it: what it prints, where, and the exit status; every mistake is one line."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import datasets
import pyarrow.parquet as pq
import pytest

from synth.cli.folder import MARKS
from synth.cli.main import main
from synth.engine import retry
from synth.recipe.load import load
from synth.types import MarkMode
from tests.conftest import Lab, tiny_taxonomy


@dataclass
class Ended:
    status: int
    out: str
    err: str


@pytest.fixture
def synth(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Runs `synth` with these arguments in the working directory."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def call(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["synth", *arguments])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return call


def tiny(here: Path) -> None:
    (here / "taxonomies").mkdir()
    (here / "taxonomies" / "tiny.yaml").write_text(tiny_taxonomy(), encoding="utf-8")


def test_the_main_job(synth: Callable[..., Ended], here: Path) -> None:
    ended = synth("run", "demo", "-n", "45")
    assert ended.status == 0
    assert ended.out == ""
    assert "runs/demo/dataset: train" in ended.err
    left = Path("runs/demo/report.html").read_bytes()
    assert synth("report", "runs/demo").out == "runs/demo/report.html\n"
    assert Path("runs/demo/report.html").read_bytes() == left
    loaded = datasets.load_dataset("runs/demo/dataset", cache_dir=str(here / "cache"))
    hard = datasets.load_dataset("runs/demo/dataset", "hard", cache_dir=str(here / "cache"))
    rows = [row for split in loaded.values() for row in split]
    scenarios = {row["scenario"] for row in rows}
    assert len(rows) == 8 * 45
    assert all(sum(row["scenario"] == scenario for row in rows) == 45 for scenario in scenarios)
    assert len({row["subcategory"] for row in rows}) == 39 + 10
    assert {row["label"] for row in hard["train"]} == {None}
    roots = [{row["parent_id"] or row["query_id"] for row in split} for split in loaded.values()]
    assert not set.intersection(*roots)
    card = Path("runs/demo/dataset/README.md").read_text(encoding="utf-8")
    for fact in (
        "Content warning",
        "Intended use",
        "offline-writer",
        "fingerprint",
        "`row.outline`",
        "crime.gambling 赌博",
    ):
        assert fact in card


def test_json_is_one_object_on_stdout(synth: Callable[..., Ended], here: Path) -> None:
    tiny(here)
    ended = synth(
        "run", "demo", "--taxonomy", "tiny", "--set", "ordinary=0", "-n", "12", "--json", "--events", "events.jsonl"
    )
    found = json.loads(ended.out)
    assert (found["status"], found["counts"]["accepted"], found["folder"]) == (0, 24, "runs/demo")
    last = json.loads(Path("events.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert last["scenarios"]["one"]["accepted"] == 12


@pytest.mark.parametrize("arguments", [["list", "filters"], ["run", "demo", "-n", "20", "--only", "abuse", "--json"]])
def test_a_full_stdout_is_one_line(here: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "synth", *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("synth: what was to be written could not be (No space")
    assert "Traceback" not in ended.stderr


def test_events_that_cannot_be_written_cost_a_warning_and_not_the_run(synth: Callable[..., Ended], here: Path) -> None:
    ended = synth("run", "demo", "-n", "20", "--only", "abuse", "--events", "/dev/full")
    assert ended.status == 0
    assert "warning: --events cannot be written any more" in ended.err
    assert "Traceback" not in ended.err


def test_what_datasets_loads_is_what_stands_there(synth: Callable[..., Ended], here: Path) -> None:
    """Its cache is keyed by the card, not by the files."""
    for seed in ("1", "2"):
        synth("run", "demo", "-n", "20", "--only", "abuse", "-o", "x", "--seed", seed)
        loaded = datasets.load_dataset("x/dataset", cache_dir="cache", split="train")
        shards = [pq.read_table(path).to_pylist() for path in sorted(Path("x/dataset/data").glob("train-*"))]
        assert loaded["id"] == [row["id"] for shard in shards for row in shard]


def test_what_else_stands_in_the_dataset_folder_stays(synth: Callable[..., Ended], here: Path) -> None:
    synth("run", "demo", "-n", "20", "--only", "abuse", "-o", "x")
    (here / "x" / "dataset" / "LICENSE").write_text("mine")
    (here / "x" / "dataset" / ".git").mkdir()
    (here / "x" / "dataset" / ".git" / "HEAD").write_text("ref")
    (here / "x" / "dataset" / "data" / "train-00000-of-00009.parquet").write_text("of an earlier run")
    synth("run", "demo", "-n", "25", "--only", "abuse", "-o", "x")
    found = {path.name for path in (here / "x" / "dataset").iterdir()}
    assert found == {"README.md", "card.json", "data", "policies.json", "LICENSE", ".git"}
    assert (here / "x" / "dataset" / ".git" / "HEAD").read_text() == "ref"
    assert not (here / "x" / "dataset" / "data" / "train-00000-of-00009.parquet").exists()


@pytest.mark.parametrize("damage", ["empty", "gone"])
def test_a_dataset_whose_journal_is_lost_is_left_alone(synth: Callable[..., Ended], here: Path, damage: str) -> None:
    synth("run", "demo", "-n", "20", "--only", "abuse", "-o", "x")
    before = (here / "x" / "run.json").read_bytes()
    for path in (here / "x").glob("journal.sqlite*"):
        path.unlink()
    if damage == "empty":
        (here / "x" / "journal.sqlite").touch()
    ended = synth("run", "demo", "-n", "20", "--only", "abuse", "-o", "x")
    assert ended.status == 1
    assert "put journal.sqlite back" in ended.err
    assert (here / "x" / "run.json").read_bytes() == before


def test_damaged_pages_of_a_journal_are_named(synth: Callable[..., Ended], here: Path) -> None:
    synth("run", "demo", "-n", "41", "-o", "x")
    with (here / "x" / "journal.sqlite").open("r+b") as journal:
        journal.seek(200_000)
        journal.write(b"\xff" * 60_000)
    ended = synth("run", "demo", "-n", "41", "-o", "x")
    assert ended.status == 1
    assert "the journal is damaged" in ended.err


@pytest.mark.parametrize("facts", ["[]", '{"cells": 5}', "{"])
def test_a_run_file_that_is_broken_is_one_line(synth: Callable[..., Ended], here: Path, facts: str) -> None:
    synth("run", "demo", "-n", "20", "--only", "abuse", "-o", "x")
    (here / "x" / "run.json").write_text(facts)
    ended = synth("show", "x")
    assert (ended.status, ended.out) == (1, "")
    assert "broken; run the same command again" in ended.err


def test_where_no_model_answers_the_least_there_is_is_made_and_said(synth: Callable[..., Ended], here: Path) -> None:
    """The first number a visitor gives is 1; where a model answers, the bill would be another than what was asked for."""
    tiny(here)
    command = ("run", "demo", "--taxonomy", "tiny", "--set", "ordinary=0")
    for arguments in (("--dry-run",), ()):
        ended = synth(*command, "-n", "1", *arguments)
        assert ended.status == 0, ended.err
        assert ended.err.count("-n 1 is too small for every cell to have a row; -n 9 is made, the least there is") == 1
    held = json.loads(Path("runs/demo/run.json").read_text(encoding="utf-8"))
    assert held["n"] == 9
    served = synth(*command, "-n", "1", "--base-url", "http://127.0.0.1:1/v1", "-o", "served")
    assert (served.status, "needs at least 9; give -n 9 or more" in served.err) == (2, True)


def test_a_dataset_without_rows_is_not_exported(synth: Callable[..., Ended], here: Path) -> None:
    synth("run", "demo", "-n", "20", "--only", "abuse", "-o", "x")
    shutil.rmtree(here / "x" / "dataset" / "data")
    ended = synth("export", "x", "--to", "chat")
    assert ended.status == 1
    assert "holds no rows" in ended.err


def test_what_frames_wrote_never_stands_under_a_models_name(synth: Callable[..., Ended], here: Path) -> None:
    synth("run", "libra", "--backend", "offline", "-n", "20", "--only", "abuse", "-o", "x")
    (table,) = [pq.read_table(path) for path in Path("x/dataset/data").glob("train-*")]
    for row in table.to_pylist():
        names = {row["generator"], row["responder"], *(vote["judge"] for vote in row["votes"])}
        assert all(name.startswith("offline-") for name in names)


def test_shards_merged_are_the_whole_and_its_journal_can_be_looked_into(
    synth: Callable[..., Ended], here: Path
) -> None:
    tiny(here)
    command = ("run", "demo", "--taxonomy", "tiny", "--set", "ordinary=0", "-n", "12")
    for number in (1, 2):
        assert synth(*command, "--shard", f"{number}/2", "-o", f"part{number}").status == 0
    ended = synth("merge", "part1", "part2", "-o", "whole")
    assert (ended.status, ended.out) == (0, "")
    assert Path("whole/report.html").is_file()
    assert re.search(r"whole/dataset: train \d+", ended.err)
    assert "\n0 calls made now" in synth(*command, "-o", "whole").err
    assert ": inputs 1, plan" in synth("journal", "stats", "whole").out
    assert "whole/journal.sqlite: good" in synth("journal", "verify", "whole").out
    lines = synth("journal", "export", "whole").out.splitlines()
    assert synth("journal", "export", "whole", "-o", "lines.jsonl").out == "lines.jsonl\n"
    assert Path("lines.jsonl").read_text(encoding="utf-8").splitlines() == lines
    assert synth("journal", "merge", "part1", "part2", "-o", "fresh").out.startswith("fresh/journal.sqlite: ")
    assert "\n0 calls made now" in synth(*command, "-o", "fresh").err


def test_the_exit_status_says_that_cells_fell_short(synth: Callable[..., Ended], here: Path) -> None:
    tiny(here)
    ended = synth(
        "run",
        "demo",
        "--taxonomy",
        "tiny",
        "--set",
        "ordinary=0",
        "-n",
        "12",
        "--set",
        "filters.query=[{length: {min: 500, max: 600}}]",
    )
    assert ended.status == 3
    assert "stalled: query.length.short" in ended.err


@pytest.mark.parametrize(
    ("arguments", "status", "expected"),
    [
        (["run"], 2, "Missing argument 'RECIPE'"),
        (["run", "demo", "-n", "0"], 2, "0 is not in the range 1<=x<=1000000"),
        (["run", "demo", "-n", "many"], 2, "'many' is not a valid integer"),
        (["run", "libra", "-n", "5"], 2, "-n 5 is too small: .* 'crime' needs at least 41; give -n 41 or more"),
        (["run", "demo", "--concurrency", "0"], 2, "0 is not in the range"),
        (["run", "demo", "--colour"], 2, "No such option"),
        (["rum", "demo"], 2, "No such command 'rum'"),
        (["run", "demmo"], 1, "no recipe 'demmo'; did you mean 'demo'"),
        (["run", "missing.yaml"], 1, "missing.yaml: no such file"),
        (["run", "demo", "--taxonomy", "lybra"], 1, "no taxonomy 'lybra'; did you mean 'libra'"),
        (["run", "demo", "--taxonomy", "elements"], 1, "taxonomy 'elements' has no scenarios"),
        (["run", "demo", "--backend", "ofline"], 1, "no backend 'ofline'; did you mean 'offline'"),
        (
            ["run", "demo", "--only", "crime.gambeling"],
            1,
            "matches no scenario or subcategory; did you mean 'crime.gambling'",
        ),
        (["run", "demo", "--set", "dedup.treshold=1"], 1, "unknown key 'treshold'; did you mean 'threshold'"),
        (["run", "libra"], 1, "models.writer: OPENAI_API_KEY is not set; export it"),
        (["run", "demo", "-o", "file"], 1, "file: cannot be written"),
        (["run", "demo", "-o", "someones"], 1, "holds a dataset but no journal, so it is not synth's to replace"),
        (["run", "demo", "--events", "no/such/folder"], 1, "--events no/such/folder: cannot be written"),
        (["run", "bad-tab.yaml"], 1, "bad-tab.yaml: line 2, column 1: .*; indent with spaces"),
        (["run", "list.yaml"], 1, "list.yaml: the file must hold keys and values, not list"),
        (["show", "nowhere"], 1, "nowhere: holds no dataset; make one with `synth run"),
        (["export", "nowhere", "--to", "chat"], 1, "nowhere: holds no dataset"),
        (["new", "taxonomy", "../mine"], 2, "use ASCII letters"),
        (["new", "taxonomy", "libra2", "extra"], 2, "unexpected extra argument"),
        (["new", "recipe", "mine", "--from", "lybra"], 1, "no recipe 'lybra'; did you mean 'libra'"),
        (["new", "prompt", "mine", "--from", "libra"], 2, "--from: is for a recipe"),
        (["run", "demo", "--set", "extends=libra"], 1, "`extends` stands in a file"),
        (["run", "demo", "--shard", "3/2"], 2, "--shard '3/2': must be I/N with I from 1 to N"),
        (
            ["run", "demo", "--shard", "1/900"],
            2,
            "--shard 1/900: the recipe has .* subcategories; give N of .* or less",
        ),
        (["run", "demo", "--shard", "1/40", "--only", "speech"], 1, "--only 'speech' matches no"),
        (
            ["run", "demo", "--shard", "1/40", "--only", "bias"],
            2,
            "this shard has none of the lanes that --only chooses",
        ),
        (["run", "demo", "--shard", "1/40", "--only", "bias", "--dry-run"], 2, "this shard has none of the lanes"),
        (["merge", "nowhere", "-o", "x"], 1, "nowhere: holds no journal; name a run's folder"),
        (["merge", "-o", "x"], 2, "Missing argument"),
        (["merge", "someones"], 2, "Missing option '-o'"),
        (["journal", "stats", "nowhere"], 1, "nowhere: holds no journal"),
        (["journal", "verify", "file"], 1, "file: is not a journal of synth"),
        (["journal", "verify", "list.yaml"], 1, "list.yaml: cannot be read as a journal .file is not a database"),
        (["journal", "export", "someones"], 1, "someones: holds no journal"),
        (["journal", "merge", "nowhere", "-o", "x"], 1, "nowhere: holds no journal"),
        (["list", "flavours"], 2, "'flavours' is not one of"),
        (["run", "demo", "-n", "1000001"], 2, "not in the range"),
        (["run", "demo", "--set", "ordinary=.inf"], 1, "ordinary: .*finite"),
        (["run", "demo", "--set", "models.writer.extra={a: 2020-01-01}"], 1, "extra: must be what JSON can hold"),
        (["run", "demo", "--backend", "offline", "--base-url", "http://127.0.0.1:1/v1"], 1, "goes with a server"),
        (["run", "demo", "--base-url", ""], 1, "--base-url is empty"),
        (["run", "bad-date.yaml"], 1, "bad-date.yaml: not YAML: month must be"),
        (["check", "bad-role.yaml"], 1, "judge.models: no model role 'judge_z'; did you mean 'judge_"),
    ],
)
def test_a_mistake_is_one_line(
    synth: Callable[..., Ended], here: Path, arguments: list[str], status: int, expected: str
) -> None:
    (here / "file").write_text("")
    (here / "someones" / "dataset").mkdir(parents=True)
    (here / "bad-tab.yaml").write_text("name: x\n\ttaxonomies: [libra]\n")
    (here / "list.yaml").write_text("- a\n")
    (here / "bad-date.yaml").write_text("name: 2020-99-99\n")
    libra = (Path(__file__).parents[2] / "pipelines" / "libra.yaml").read_text(encoding="utf-8")
    (here / "bad-role.yaml").write_text(
        libra.replace("models: [judge_a, judge_b]", "models: [judge_a, judge_z]"), encoding="utf-8"
    )
    ended = synth(*arguments)
    assert ended.status == status
    assert ended.out == ""
    line = ended.err.strip().splitlines()[-1]
    assert __import__("re").search(expected, line), line
    assert "Traceback" not in ended.err
    assert status == 2 or len(ended.err.strip().splitlines()) == 1


def test_an_unreachable_server_is_one_line_and_leaves_nothing_behind(
    synth: Callable[..., Ended], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny(here)
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    ended = synth(
        "run", "demo", "--taxonomy", "tiny", "-n", "12", "--base-url", "http://127.0.0.1:9/v1", "--model", "m"
    )
    assert ended.status == 1
    assert ended.err.strip().splitlines()[-1].startswith("synth: model 'm'")
    assert "cannot be reached" in ended.err
    assert "two judges are one model (m)" in ended.err


def test_two_judges_of_one_model_are_warned_of(synth: Callable[..., Ended], here: Path) -> None:
    tiny(here)
    ended = synth("run", "demo", "--taxonomy", "tiny", "--set", "ordinary=0", "-n", "12", "--model", "same")
    assert ended.status == 0
    assert "warning: two judges are one model (same)" in ended.err


def test_dry_run_asks_nothing_and_prices(synth: Callable[..., Ended], here: Path) -> None:
    price = "models.writer.price={input: 1, output: 2}"
    ended = synth("run", "libra", "--dry-run", "--set", price)
    assert ended.status == 0
    stages = ["stage", "query", "augment", "respond", "redact", "judge", "controls"]
    assert [line.split()[0] for line in ended.out.splitlines()] == [*stages, "cost:", *stages, "prompt"]
    assert not (here / "runs").exists()
    (told,) = [line for line in ended.err.splitlines() if "OPENAI_API_KEY" in line]  # once for all who lack it
    assert "models writer, " in told
    assert "is not set; export it" in told


def test_a_new_harm_category_is_one_file(synth: Callable[..., Ended], here: Path) -> None:
    assert synth("new", "taxonomy", "mine").out == "taxonomies/mine.yaml\n"
    assert synth("new", "taxonomy", "mine").status == 1
    assert synth("check", "demo").status == 0
    ended = synth("run", "demo", "--taxonomy", "mine", "--only", "crime.*", "-n", "44", "--json")
    assert ended.status == 0
    assert {cell["subcategory"] for cell in json.loads(ended.out)["cells"]} >= {"crime.mine", "crime.gambling"}


def test_new_recipe_and_prompt(synth: Callable[..., Ended], here: Path) -> None:
    assert synth("new", "recipe", "mine").out == "pipelines/mine.yaml\n"
    assert synth("new", "prompt", "respond/refuse").out == "prompts/respond/refuse.j2\n"
    assert "请明确拒绝" in (here / "prompts" / "respond" / "refuse.j2").read_text(encoding="utf-8")
    assert synth("check", "mine").status == 0


def test_a_new_recipe_is_a_few_lines_over_the_one_it_is_made_from(synth: Callable[..., Ended], here: Path) -> None:
    assert synth("new", "recipe", "mine", "--from", "libra").status == 0
    assert len((here / "pipelines" / "mine.yaml").read_text(encoding="utf-8").splitlines()) <= 8
    assert load("mine").model_dump(exclude={"name", "about"}) == load("libra").model_dump(exclude={"name", "about"})
    (here / "base.yaml").write_text("name: base\nextends: libra\nseed: 7\n")
    assert synth("new", "recipe", "team/over", "--from", "base.yaml").status == 0
    assert load("team/over").seed == 7
    assert synth("check", "team/over").status == 0


def test_check_goes_through_everything(synth: Callable[..., Ended], here: Path) -> None:
    ended = synth("check")
    assert ended.status == 0
    for thing in ("taxonomy libra", "prompt judge/verdict", "recipe demo", "recipe libra"):
        assert f"{thing}: good" in ended.err


def test_check_sees_a_broken_prompt_of_the_users(synth: Callable[..., Ended], here: Path) -> None:
    (here / "prompts" / "judge").mkdir(parents=True)
    (here / "prompts" / "judge" / "apart.j2").write_text("{% block user %}{{ qery }}{% endblock %}")
    ended = synth("check", "demo")
    assert ended.status == 1
    assert "prompts/judge/apart.j2: variable 'qery' is not defined here; did you mean 'query'" in ended.err


def test_preview_shows_prompts_and_rows(synth: Callable[..., Ended]) -> None:
    ended = synth("preview", "libra", "--only", "crime.gambling", "--rows", "2")
    assert ended.status == 0
    assert "--- sheet/harmful @ crime.gambling/harmful ---" in ended.out
    assert ended.out.count("--- row ") == 2
    assert "风险类别：违法犯罪——赌博" in ended.out


def test_show_reads_cells_rows_and_drops(synth: Callable[..., Ended], here: Path) -> None:
    tiny(here)
    synth("run", "demo", "--taxonomy", "tiny", "--set", "ordinary=0", "-n", "30")
    assert "one.s0/harmful/unsafe" in synth("show", "runs/demo").out
    ended = synth("show", "runs/demo", "one.s0/harmful/unsafe", "--most", "2")
    assert ended.out.count("--- row ") == 2
    assert "label  unsafe" in ended.out
    assert synth("show", "runs/demo", "three").status == 1


@pytest.mark.parametrize(
    "kind", ["recipes", "taxonomies", "scenarios", "prompts", "filters", "backends", "formats", "guards"]
)
def test_list_has_a_line_on_everything(synth: Callable[..., Ended], kind: str) -> None:
    lines = synth("list", kind).out.splitlines()
    assert lines
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)


def test_what_a_command_ends_with_is_harmless_on_a_terminal(synth: Callable[..., Ended]) -> None:
    ended = synth("show", "gone\x1b[2J")
    assert ended.status == 1
    assert "gone·[2J" in ended.err


def test_an_export_takes_the_options_of_its_format(synth: Callable[..., Ended], here: Path) -> None:
    synth("run", "demo", "-n", "20", "--only", "abuse", "-o", "x")
    for option in (("--set", "template=guard/lines"), ("--template", "guard/lines")):
        written = synth("export", "x", "--to", "chat", "-o", "out", *option).out.split()
        assert {"out/train.jsonl", "out/TRAIN.md", "out/dataset_info.json"} <= {*written}
        asked = json.loads((here / "out/train.jsonl").read_text(encoding="utf-8").splitlines()[0])["messages"]
        assert asked[-1]["content"].startswith("Safety: ")
    wrong = synth("export", "x", "--to", "chat", "--set", "tmplate=guard/lines")
    assert (wrong.status, wrong.err) == (1, "synth: --to chat: unknown option 'tmplate'; did you mean 'template'?\n")
    (here / "x/dataset/policies.json").unlink()
    assert synth("export", "x", "--to", "chat", "-o", "out").status == 0
    wrong = synth("export", "x", "--to", "chat", "-o", "out", "--template", "guard/lines")
    assert wrong.status == 1
    assert "run the same command again to write it" in wrong.err


def test_hostile_text_cannot_move_the_cursor() -> None:
    from synth.cli.show import readable

    assert (
        readable({"query": "甲\x1b[2J\u202e乙\r丙\n丁"}) == "             query  甲·[2J·乙·丙\n                    丁"
    )


def test_commands_that_look_at_no_text_do_not_wait_for_its_inner_loops() -> None:
    script = (
        "import sys, synth.cli.run, synth.cli.show, synth.cli.check\n"
        "language, mark = 'synth.filters.language', 'synth.mark'\n"
        "late = {'numba', f'{language}.doable', f'{language}.finished', f'{mark}.delete', f'{mark}.vary'}\n"
        "sys.exit(str(late & set(sys.modules)) if late & set(sys.modules) else 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_marks_of_the_command_line_are_those_of_recipes() -> None:
    assert get_args(MarkMode) == MARKS


def test_help_loads_nothing_heavy() -> None:
    script = "import sys; from synth.cli.main import commands; heavy = {'pyarrow', 'datasets', 'openai', 'pydantic', 'jinja2', 'yaml', 'rich', 'asyncio', 'synth.types'}; sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_read_only_disk_is_one_line(lab: Lab) -> None:
    """A real file system that may not be written, where one can be made."""
    mount = lab.folder / "disk"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m,ro", "tmpfs", str(mount)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        command = [
            sys.executable,
            "-m",
            "synth",
            "run",
            "demo",
            "--taxonomy",
            "tiny",
            "-n",
            "12",
            "-o",
            str(mount / "run"),
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            check=False,
            cwd=lab.folder,
        )
    finally:
        subprocess.run(["umount", str(mount)], check=True)
    assert done.returncode == 1
    assert "cannot be written (Read-only file system)" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("size", ["200k", "1500k"])
def test_a_full_disk_is_one_line_and_with_room_the_same_command_goes_on(lab: Lab, size: str) -> None:
    mount = lab.folder / "disk"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(mount)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no file system can be mounted here")
    command = [sys.executable, "-m", "synth", "run", "demo", "--taxonomy", "tiny", "-n", "200", "-o"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        done = subprocess.run(
            [*command, str(mount / "run")], capture_output=True, text=True, env=environment, check=False, cwd=lab.folder
        )
        assert done.returncode in (1, 3)
        assert "Traceback" not in done.stderr
        assert any(word in done.stderr for word in ("free space", "No space left"))
        subprocess.run(["mount", "-o", "remount,size=64m", str(mount)], check=True)
        subprocess.run([*command, str(mount / "run")], check=True, env=environment, cwd=lab.folder, capture_output=True)
        subprocess.run([*command, "calm"], check=True, env=environment, cwd=lab.folder, capture_output=True)
        shards = [
            sorted((folder / "dataset" / "data").glob("*.parquet")) for folder in (mount / "run", lab.folder / "calm")
        ]
        assert [path.read_bytes() for path in shards[0]] == [path.read_bytes() for path in shards[1]]
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_the_doctor_says_who_is_fit_and_what_it_will_take(synth: Callable[..., Ended]) -> None:
    ended = synth("doctor", "demo", "--only", "crime.gambling", "-n", "6", "-o", "out")
    assert ended.status == 0, ended.out
    assert "judge_a (offline-judge-a): fit; " in ended.out
    assert "tokens a row: " in ended.out
    short = synth("doctor", "demo", "--only", "crime.gambling", "-n", "6", "-o", "less", "--max-tokens", "20000")
    assert short.status == 3
    assert "ended early: --max-tokens 20000 are spent" in short.out
    assert "raise the bound)" in short.out
    assert synth("doctor", "demo", "-o", "less", "--max-cost", "1").err.startswith("synth: ")


def test_where_no_server_answers_the_doctor_says_that_alone(
    synth: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "CONTACT", 0.2)
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        ended = synth("doctor", "demo", "--base-url", address, "--model", "m", "--only", "crime.gambling", "-o", "out")
    assert (ended.status, ended.out) == (3, "")
    assert ended.err.splitlines()[-1] == (
        f"synth: no model answered: model 'm' (writer): cannot be reached at {address} (Connection refused); "
        "check --base-url and that the server runs"
    )
