"""`synth` alone shows the way; a command's last line is the next one, as it is to be typed; `--json` is one object wherever a table is."""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from synth.cli.main import commands
from synth.cli.way import SECTIONS, beside, typed, way
from tests.conftest import tiny_taxonomy

RUN = "my run"
SMALL = ("--taxonomy", "tiny", "--set", "ordinary=0", "-n", "30")
TABLES: dict[str, tuple[str, ...]] = {
    "run": ("demo", *SMALL, "-o", RUN),
    "run --dry-run": ("demo", *SMALL, "-o", "new"),
    "merge": (RUN, "-o", "whole"),
    "diff": (RUN, "demo", *SMALL),
    "check": ("demo", "--taxonomy", "tiny", "--set", "ordinary=0"),
    "doctor": ("demo", "--taxonomy", "tiny", "--set", "ordinary=0", "--only", "one.s0", "-o", "tried"),
    "list": ("verdicts",),
    "show": (RUN,),
    "show --coverage": (RUN,),
    "show --raw": (RUN, "judge"),
    "show --most 1": (RUN, "one.s0/harmful/unsafe"),
    "report": (RUN,),
    "audit": (RUN, "--read", "rows.jsonl"),
    "probe": (RUN,),
    "journal stats": (RUN,),
    "dedup": ("rows.jsonl", "-o", "deduped.jsonl"),
    "filter": ("rows.jsonl", "-o", "filtered.jsonl"),
    "eval": ("rows.jsonl", "--predictions", "predictions.jsonl", "--no-ordinary"),
}
"""By command, with what else it takes to print a table, its arguments."""
NO_TABLE = {
    "export": "paths",
    "preview": "texts",
    "new": "commands of its own",
    "new taxonomy": "a path",
    "new recipe": "a path",
    "new prompt": "a path",
    "new category": "tried with a model's answers, in tests of its own",
    "serve": "an address",
    "journal": "commands of its own",
    "journal verify": "a line",
    "journal export": "lines of JSON",
    "journal cancel-batches": "a line a batch",
    "journal merge": "a line",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of a tiny taxonomy, its rows as a table, and a guard's answers to them."""
    folder = tmp_path_factory.mktemp("way")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "taxonomies").mkdir()
        (folder / "taxonomies" / "tiny.yaml").write_text(tiny_taxonomy(), encoding="utf-8")
        assert call("run", *TABLES["run"]).exit_code == 0
        assert call("export", RUN, "--to", "jsonl", "-o", "out").exit_code == 0
        rows = [json.loads(line) for line in Path("out/train.jsonl").read_text(encoding="utf-8").splitlines()]
        tables = {"rows": rows, "predictions": [{"id": row["id"], "critic": "safe"} for row in rows]}
        for name, lines in tables.items():
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            Path(f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def call(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments)


def all_commands(group: click.Group = commands, *front: str) -> Iterator[str]:
    for name, command in group.commands.items():
        yield " ".join((*front, name))
        if isinstance(command, click.Group):
            yield from all_commands(command, *front, name)


def parsed(line: str) -> None:
    """Parses a command as the shell and click would, and starts nothing."""
    program, *words = shlex.split(line)
    assert program == "synth"
    command: click.Command = commands
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        command = command.commands[words.pop(0)]
    if words[-1:] != ["--help"]:
        command.make_context("synth", words)


def test_every_command_that_prints_a_table_is_tried_for_json() -> None:
    assert {*all_commands()} <= {*NO_TABLE, *(name.partition(" --")[0] for name in TABLES)}


@pytest.mark.parametrize("command", TABLES)
def test_json_is_one_object_and_the_only_thing_on_stdout(
    made: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(made)
    done = call(*command.split(), *TABLES[command], "--json")
    assert done.exit_code in (0, 3), done.stderr
    found: Any = json.loads(done.stdout)
    assert isinstance(found, dict)
    assert found
    assert len(done.stdout.splitlines()) == 1 or command == "eval"


@pytest.mark.parametrize("command", TABLES)
def test_the_last_words_of_a_command_are_commands_that_can_be_typed(
    made: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(made)
    done = call(*command.split(), *TABLES[command])
    last = done.stderr[done.stderr.rindex("next: ") :]
    lines = re.findall(r"`(synth [^`]*)`", last)
    assert lines or command == "eval"
    for line in lines:
        parsed(line)
    if RUN in TABLES[command] and command != "merge":
        assert f"'{RUN}'" in last
    if command in ("run", "merge"):
        folder = TABLES[command][-1]
        assert f"\nkeep to yourself what journal.sqlite, drops/, report.html in {folder} hold: " in done.stderr
        assert f"; to hand on: {folder}/dataset\n" in done.stderr


def test_an_export_says_what_to_keep_and_what_to_hand_on(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    told = call("export", RUN, "--to", "csv", "-o", "table").stderr
    assert f"keep to yourself what journal.sqlite, drops/, report.html in {RUN} hold: " in told
    assert "; to hand on: table\n" in told
    parsed(re.findall(r"`(synth [^`]*)`", told)[-1])


def test_synth_alone_shows_commands_that_are_there_in_the_order_of_the_work() -> None:
    alone = call()
    assert alone.exit_code == 0
    lines = re.findall(r"^  (synth .*?)(?:   .*)?$", alone.stdout, re.MULTILINE)
    assert [line.split()[1] for line in lines] == [
        name
        for name in ("run", "show", "list", "check", "doctor", "run", "report", "audit", "export", "eval")
        if name in commands.commands
    ]
    for line in lines:
        parsed(line)
    assert max(map(len, way(commands, 100).splitlines())) <= 100


def test_help_has_every_command_once_by_what_it_is_for() -> None:
    told = call("--help").stdout
    listed = re.findall(r"^  ([a-z]+)  +\S", told, re.MULTILINE)
    assert sorted(listed) == sorted(commands.commands)
    assert "More:" not in told
    order = [name for names in SECTIONS.values() for name in names if name in commands.commands]
    assert listed == order


def test_a_program_that_is_not_on_the_path_is_named_as_it_was_typed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    for program, shown in (
        (".venv/bin/synth", ".venv/bin/synth"),
        (str(tmp_path / "my env" / "synth"), "'my env/synth'"),
        ("synth", "synth"),
        ("/x/synth/__main__.py", "synth"),
    ):
        monkeypatch.setattr(sys, "argv", [program, "show"])
        assert typed("show", "a b") == f"{shown} show 'a b'"


def test_a_name_beside_another_keeps_its_ending() -> None:
    assert beside(Path("a/rows.jsonl"), "filtered") == Path("a/rows.filtered.jsonl")
