"""A stage of another package: found by its name, run in its place, counted, resumed, priced and shown like synth's own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synth.dataset.reader import Dataset
from tests.conftest import tiny_taxonomy

TOP = Path(__file__).parents[2]
Ended = subprocess.CompletedProcess[str]

VERIFY = '''"""A second model grades a row from 1 to 3; a row graded under `least` is dropped."""

from dataclasses import replace

from synth.stages.contract import Context, Frozen, Note, ParseError, Step, field_of


class Options(Frozen):
    model: str
    least: int = 1


class Verify(Step):
    def __init__(self, options, context):
        self.least, grade = options.least, {"type": "integer", "minimum": 1, "maximum": 3}
        self.asker = context.asker(options.model, "verify/grade", grade=grade)

    async def run(self, spec, sample, slot, ask):
        try:
            model, grade = await self.asker(spec, sample, ask, read)
        except ParseError:
            return sample.dropped("verify", "no_verdict", sample.response)
        if grade < self.least:
            return sample.dropped("verify", f"grade_{grade}", sample.response)
        notes = Note("verify", "grade", str(grade)), Note("verify", "model", model)
        return replace(sample, notes=(*sample.notes, *notes))


def read(found):
    grade = field_of(found, "grade", also=["分数"])
    if grade not in (1, 2, 3):
        raise ParseError("shape")
    return grade


def bind(options: Options, context: Context) -> Verify:
    return Verify(options, context)
'''
PROMPT = """\
{% block system %}你给回答的质量打分。{% endblock %}
{% block user %}
类别：{{ subcategory.name }}
<用户>
{{ query }}
</用户>
<助手>
{{ response }}
</助手>
只输出 JSON 对象：{"grade": 1 到 3}
{% endblock %}
"""
RECIPE = """\
name: graded
extends: demo
about: 再评一遍。
taxonomies: [tiny]
ordinary: 0
n: 12
models:
  second: {backend: offline, frames: 2, model: offline-second}
steps: [respond, verify, judge]
verify:
  model: second
  least: 2
"""


@pytest.fixture
def synth(here: Path, tmp_path: Path) -> Callable[..., Ended]:
    """The command line, with a package beside synth that has the stage, its prompt and a recipe."""
    site = tmp_path / "site"
    files = {
        "graded/__init__.py": "",
        "graded/verify.py": VERIFY,
        "graded/prompts/verify/grade.j2": PROMPT,
        "graded/pipelines/graded.yaml": RECIPE,
        "graded-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: graded\nVersion: 1.0\n",
        "graded-1.0.dist-info/entry_points.txt": "[synth.stages]\nverify = graded.verify\n[synth.folders]\ngraded = graded\n",
    }
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
    (here / "taxonomies").mkdir()
    (here / "taxonomies" / "tiny.yaml").write_text(tiny_taxonomy(), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TOP), str(site)])}

    def call(*arguments: str, kill_when: Callable[[], bool] | None = None) -> Ended:
        command = [sys.executable, "-m", "synth", *arguments]
        if kill_when is None:
            return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            while child.poll() is None and not kill_when():
                time.sleep(0.01)
            child.send_signal(signal.SIGKILL)
        return subprocess.CompletedProcess(command, child.returncode)

    return call


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "dataset" / "data").glob("*.parquet"))}


def test_a_stage_is_at_most_forty_lines() -> None:
    assert len([line for line in VERIFY.splitlines() if line.strip()]) <= 40
    assert len(RECIPE.splitlines()) <= 12


def test_a_package_brings_a_step(synth: Callable[..., Ended], here: Path) -> None:
    checked = synth("check", "graded")
    assert checked.returncode == 0, checked.stderr
    assert "verify/grade @" in synth("preview", "graded", "--rows", "0").stdout
    priced = synth("run", "graded", "-o", "new", "--dry-run")
    assert [line.split()[0] for line in priced.stdout.splitlines()[1:6]] == [
        "query",
        "augment",
        "respond",
        "verify",
        "judge",
    ]
    ended = synth("run", "graded", "-o", "calm", "--json")
    assert ended.returncode == 0, ended.stderr
    said: dict[str, Any] = json.loads(ended.stdout)
    assert {cell["status"] for cell in said["cells"]} == {"met"}
    assert said["dropped"]["verify.grade_1"] > 0
    assert said["counts"]["born"] == sum(said["counts"][kind] for kind in ("accepted", "surplus", "hard", "dropped"))
    drops = (here / "calm" / "drops" / "verify.grade_1.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(drops) == said["dropped"]["verify.grade_1"]
    notes = [
        {(note["stage"], note["key"]): note["value"] for note in row["notes"]}
        for row in Dataset(Path("calm")).rows("train")
    ]
    assert {found["verify", "grade"] for found in notes} == {"2", "3"}
    assert {found["verify", "model"] for found in notes} == {"offline-second"}
    assert "verify" in synth("diff", "calm", "graded", "--set", "verify.least=3").stdout
    assert "verify" in {row["stage"] for row in said["spent"]}


def test_a_run_with_a_stage_of_anothers_goes_on_after_a_kill_to_the_same_bytes(
    synth: Callable[..., Ended], here: Path
) -> None:
    assert synth("run", "graded", "-o", "calm").returncode == 0
    journal = here / "killed" / "journal.sqlite-wal"
    synth("run", "graded", "-o", "killed", kill_when=lambda: journal.exists() and journal.stat().st_size > 400_000)
    assert not (here / "killed" / "dataset").exists()
    assert synth("run", "graded", "-o", "killed").returncode == 0
    assert shards(here / "killed") == shards(here / "calm")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["verify.leest=2"], "verify.leest: unknown key 'leest'; did you mean 'least'?"),
        (["verify.least=x"], "verify.least: input should be a valid integer"),
        (["verify.model=sekond"], "verify.model: no model role 'sekond'; did you mean 'second'?"),
        (["steps=[respond, verfy, judge]"], "steps: 'verfy' is no step; did you mean 'verify'?"),
        (["steps=[respond, judge, judge]"], "steps: names 'judge' twice"),
        (["steps=[respond, verify]"], "no judge comes after it"),
        (["verfy={}"], "unknown key 'verfy'; did you mean 'verify'?"),
    ],
)
def test_what_is_wrong_with_a_stages_keys_is_one_line(
    synth: Callable[..., Ended], settings: list[str], said: str
) -> None:
    ended = synth("check", "graded", *(part for setting in settings for part in ("--set", setting)))
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert said in ended.stderr
