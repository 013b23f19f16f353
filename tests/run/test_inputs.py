"""What a run reads besides replies is in its journal; and what synth ships anew is not paid for unasked."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synth import __version__
from synth.errors import ConfigError
from synth.journal.decisions import INPUTS
from synth.journal.inputs import recorded
from synth.journal.reader import Reader
from synth.run import journal_tools
from synth.run.compile import compile_recipe
from tests.conftest import Lab, tiny_recipe, tiny_taxonomy
from tests.support.journals import as_format_1, change, seal

TOP = Path(__file__).parents[2]
RUN = ("run", "small", "-o", "run")
SMALL = """\
name: small
taxonomies: [tiny]
ordinary: 0
n: 12
models: {m: {backend: offline, model: offline-m}, j: {backend: offline, model: offline-j}}
cells:
  harmful/unsafe: {share: 0.5, stances: {comply: 1}}
  harmful/safe: {share: 0.5, stances: {refuse: 1}}
query: {model: m}
respond: {models: [m]}
judge: {models: [j]}
filters: {response: [{length: {min: 2}}]}
output: {report: false}
"""


def inputs_in(folder: Path) -> list[dict[str, object]]:
    with Reader(folder) as journal:
        return [body for kind, body in journal.decisions() if kind == INPUTS]


def test_inputs_are_recorded_when_they_change_and_every_text_once(lab: Lab) -> None:
    compiled = compile_recipe(tiny_recipe())
    lab.run(20, compiled=compiled)
    lab.run(30, compiled=compiled)
    (first,) = inputs_in(lab.folder / "run")
    lab.run(30, seed=3)
    _, second = inputs_in(lab.folder / "run")
    assert first["texts"]
    assert not second["texts"]
    with Reader(lab.folder / "run") as journal:
        found = recorded(journal.decisions(), compiled.identity)
    assert found is not None
    assert compile_recipe(tiny_recipe(), found).identity == compiled.identity
    assert found.recipe["seed"] == 0


def test_inputs_hold_no_key(lab: Lab) -> None:
    headers = {"X-Extra": "quietly-between-us", "Authorization": "Bearer $MINE"}
    role = {"model": "m", "base_url": "http://127.0.0.1:9/v1?code=quietly-between-us", "headers": headers}
    models = dict.fromkeys(("writer", "a", "b", "j1", "j2"), role)
    lab.run(20, models=models)
    (found,) = inputs_in(lab.folder / "run")
    assert "quietly" not in repr(found)


def test_a_text_that_is_lost_is_found(lab: Lab) -> None:
    lab.run(20)
    path = lab.folder / "run" / "journal.sqlite"
    change(path, "UPDATE decisions SET body = json_set(body, '$.texts', json('{}')) WHERE kind = 'inputs'")
    seal(path)
    with pytest.raises(ConfigError, match="the journal's inputs lack the text"):
        journal_tools.verify(path)


class Shop:
    """A synth installed in a folder of its own, and a user's folder."""

    def __init__(self, folder: Path) -> None:
        self.installed, self.here = folder / "installed", folder / "mine"

    def synth(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "synth", *arguments]
        env = os.environ | {"PYTHONPATH": str(self.installed)}
        return subprocess.run(command, cwd=self.here, env=env, capture_output=True, text=True, check=False, timeout=120)

    def good(self, *arguments: str) -> str:
        done = self.synth(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def edit(self, name: str, old: str, new: str) -> None:
        """A later version ships another text."""
        text = (self.installed / name).read_text(encoding="utf-8")
        assert old in text
        (self.installed / name).write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop in which one run was made: its kernels are compiled."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    for name in ("synth", "prompts", "taxonomies", "pipelines"):
        shutil.copytree(TOP / name, shop.installed / name, ignore=shutil.ignore_patterns("__pycache__"))
    shop.here.mkdir()
    (shop.installed / "pipelines" / "small.yaml").write_text(SMALL, encoding="utf-8")
    (shop.installed / "taxonomies" / "tiny.yaml").write_text(tiny_taxonomy(), encoding="utf-8")
    shop.good(*RUN)
    return shop.here.parent


@pytest.fixture
def shop(opened: Path, tmp_path: Path) -> Shop:
    shutil.copytree(opened, tmp_path, dirs_exist_ok=True)
    return Shop(tmp_path)


EDITS = [
    ("prompts/judge/verdict.j2", "{% block user %}", "{% block user %}请仔细看。\n"),
    ("prompts/_queries.j2", "\n", "\n请写完整。\n"),
    ("taxonomies/tiny.yaml", "做甲事", "做己事"),
    ("pipelines/small.yaml", "model: offline-j", "model: offline-k"),
]


@pytest.mark.parametrize(("name", "old", "new"), EDITS, ids=[name for name, _, _ in EDITS])
@pytest.mark.timeout(200)
def test_what_ships_anew_stops_a_run_that_would_leave_replies_unused(shop: Shop, name: str, old: str, new: str) -> None:
    shop.edit(name, old, new)
    stopped = shop.synth(*RUN)
    (line,) = stopped.stderr.splitlines()[-1:]
    assert stopped.returncode == 1
    assert name in line
    assert "replies already paid for would go unused; go on with --upgrade" in line
    assert line.removeprefix("synth: ") in shop.good(*RUN, "--dry-run")
    assert line.removeprefix("synth: ") in shop.good("diff", "run", "small")
    assert "with --upgrade" not in shop.good(*RUN, "--dry-run", "--upgrade")
    assert "these have changed" in shop.good(*RUN, "--upgrade")
    assert "these have changed" not in shop.good(*RUN)


def test_a_comment_that_ships_anew_stops_nothing(shop: Shop) -> None:
    shop.edit("pipelines/small.yaml", "name: small", "# small\nname: small")
    shop.edit("taxonomies/tiny.yaml", "name: tiny", "# tiny\nname: tiny")
    assert "changed" not in shop.good(*RUN)


def test_an_edit_of_the_users_own_goes_on(shop: Shop) -> None:
    (shop.here / "prompts" / "judge").mkdir(parents=True)
    for words in ("请仔细看。", "请再看一遍。"):
        text = (shop.installed / "prompts" / "judge" / "verdict.j2").read_text(encoding="utf-8")
        own = text.replace("{% block user %}", "{% block user %}" + words)
        (shop.here / "prompts" / "judge" / "verdict.j2").write_text(own, encoding="utf-8")
        assert "these have changed: prompt judge/verdict" in shop.good(*RUN)
    assert "these have changed: seed" in shop.good(*RUN, "--seed", "4")


def test_a_merge_needs_nothing_but_the_journals(shop: Shop) -> None:
    before = {path.name: path.read_bytes() for path in (shop.here / "run" / "dataset" / "data").iterdir()}
    for name, old, new in EDITS:
        shop.edit(name, old, new)
    shop.good("merge", "run", "-o", "all")
    assert {path.name: path.read_bytes() for path in (shop.here / "all" / "dataset" / "data").iterdir()} == before


def test_a_journal_without_inputs_is_stopped_at_what_ships_anew_too(shop: Shop) -> None:
    as_format_1(shop.here / "run" / "journal.sqlite")
    shop.edit(*EDITS[0])
    stopped = shop.synth(*RUN)
    assert stopped.returncode == 1
    assert "(prompts/judge/verdict.j2): up to" in stopped.stderr
    refused = shop.synth("merge", "run", "-o", "all")
    assert refused.returncode == 1
    assert f"or with synth {__version__}" in refused.stderr
