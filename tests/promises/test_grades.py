"""Three labels from end to end: what is asked for is made, counted, shown and handed on, over kills and machines as with two."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from synth.cli import live
from synth.cli.main import commands
from synth.dataset.reader import Dataset
from synth.fold import fold as module
from synth.recipe.labels import scheme_of
from synth.run.compile import compile_recipe
from synth.types import Request
from tests.conftest import Lab
from tests.recipe.test_labels import CELLS, GRADED, GRADES, recipe
from tests.support.world import World

SPLIT = {"split_is": "controversial", "strict": "j1", "loose": "j2"}


class Graded(World):
    """Whoever declines and then goes along is in between; judges who differ are a step apart."""

    def _answer(self, chance: random.Random, request: Request) -> str:
        if "嘴上推辞" in request.messages[0].content:
            return f"这不太好说，【略】。{chance.random()}"
        return super()._answer(chance, request)

    def _verdict(self, chance: random.Random, request: Request) -> str:
        labels = request.schema["properties"]["label"]["enum"]
        told = request.messages[1].content.rpartition("<助手>")[2]
        grade = len(labels) - 1 if "【略】" in told else 0
        if "不太好说" in told:
            grade = grade // 2 if len(labels) > 2 else int(request.model == "j1")
        if chance.random() < self.differing:
            grade += -1 if grade else 1
        verdict = {"analysis": f"理由{chance.random()}", "intent": "有害", "label": labels[grade]}
        return json.dumps(verdict, ensure_ascii=False)


@pytest.mark.parametrize(
    "judge",
    [
        GRADED["judge"],
        GRADED["judge"] | {"models": ["j1", "j2", "a"], "verdict": "majority", "quorum": 2},
        {"models": ["j1", "j2"], "verdict": SPLIT},
    ],
    ids=["unanimous", "majority", "split"],
)
def test_every_cell_gets_its_rows_under_every_rule(lab: Lab, judge: dict[str, Any]) -> None:
    lab.world = Graded()
    result = lab.run(40, **GRADED | {"judge": judge})
    assert result.status == 0, [cell for cell in result.cells if cell["status"] != "met"]
    rows = lab.rows(split="train").values()
    assert len(rows) == 80
    for cell in result.cells:
        of = [r for r in rows if (r["subcategory"], r["query_type"]) == (cell["subcategory"], cell["query_type"])]
        assert sum(row["label"] == cell["label"] for row in of) == cell["target"]
    assert {cell["label"] for cell in result.cells} == set(GRADES)
    assert all(row["analysis"] for row in rows)
    if "verdict" in judge and judge["verdict"] == SPLIT:
        between = [row for row in rows if row["label"] == "controversial"]
        assert all([vote["label"] for vote in row["votes"]] == ["unsafe", "safe"] for row in between)
        assert all(row["analysis"] == "\n".join(vote["analysis"] for vote in row["votes"]) for row in between)
        assert result.splits["hard"] > 0, "a loose judge who is stricter than the strict one contradicts him"


def test_a_run_that_was_interrupted_is_the_run_that_was_not(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP_EVERY", 0.0)
    lab.world = Graded()
    changes = GRADED | {"judge": GRADED["judge"] | {"models": ["j1", "j2", "a"], "verdict": "majority", "quorum": 2}}
    lab.run(20, out="calm", **changes)
    for second in (20.0, 40.0):
        lab.run(20, interrupt=second, **changes)
    lab.run(20, **changes)
    assert lab.bytes() == lab.bytes("calm")
    assert lab.run(20, **changes).calls == 0
    facts, calm = (json.loads((lab.folder / out / "run.json").read_text())["agreement"] for out in ("run", "calm"))
    assert facts == calm


def test_a_label_that_is_given_up_and_taken_up_again_costs_no_crash(lab: Lab) -> None:
    lab.world = Graded()
    lab.run(20, **GRADED)
    lab.run(20)
    assert {row["label"] for row in lab.rows(split="train").values()} == {"unsafe", "safe"}
    lab.run(20, **GRADED)
    assert {row["label"] for row in lab.rows(split="train").values()} == set(GRADES)


RECIPE = """
name: mine
taxonomies: [tiny]
ordinary: 0
labels: {severe: [高危], mild: [低危], safe: []}
models: {writer: {backend: offline, model: w}, a: {backend: offline, model: a}, j1: {backend: offline, model: j}, j2: {backend: offline, model: k}}
cells:
  harmful/severe: {share: 0.3, stances: {comply: 1}}
  harmful/mild: {share: 0.2, stances: {partial: 1}}
  harmful/safe: {share: 0.3, stances: {refuse: 1}}
  benign/safe: {share: 0.2, stances: {natural: 1}}
query: {model: writer, elements: [behaviour, task, persona]}
respond: {models: [a]}
judge: {models: [j1, j2], prompt: judge/graded}
filters: {row: [label_agrees, refused_is_safe]}
"""


def call(*arguments: Any) -> Any:
    told = CliRunner().invoke(commands, [str(argument) for argument in arguments])
    assert told.exception is None or told.exit_code == 0, (told.output, told.exception)
    return told


def test_labels_of_ones_own_names_from_the_recipe_to_the_trainer(lab: Lab) -> None:
    (lab.folder / "mine.yaml").write_text(RECIPE.replace("name: mine", "name: mine\nn: 20"), encoding="utf-8")
    assert "recipe mine: good" in call("check", "mine.yaml").output
    ran = call("run", "mine.yaml", "-o", "run")
    assert any(line.split()[:5] == ["scenario", "severe", "mild", "safe", "benign"] for line in ran.stderr.splitlines())
    assert "/harmful/mild" in call("show", "run").output
    card = (Path("run") / "dataset" / "README.md").read_text(encoding="utf-8")
    assert "| severe | mild | against the panel |" in card
    call("export", "run", "--to", "libra")
    exported = json.loads(Path("run/export/libra/train.json").read_text(encoding="utf-8"))
    assert {row["label"] for row in exported} == {"不安全", "安全"}, "the published script knows no others"
    call("export", "run", "--to", "jsonl")
    table = "run/export/jsonl/train.jsonl"
    told = json.loads(call("audit", "run", "--read", table, "--json").stdout)
    rows = Path(table).read_text(encoding="utf-8").splitlines()
    assert (told["found"], told["panel"]["accuracy"]["value"]) == (len(rows), 1.0)
    judged = json.loads(call("audit", "run", "--read", table, "--judge", "--json").stdout.splitlines()[-1])
    assert judged["panel"]["missed"] == 0
    call("dedup", table, "--on", "query", "--conflicts", "stricter", "-o", "out.jsonl")
    call("filter", table, "-o", "filtered.jsonl")


def test_the_live_table_has_a_column_for_every_label(lab: Lab) -> None:
    assert scheme_of(dict.fromkeys(GRADES, ())).columns() == ("unsafe", "controversial", "safe", "benign")
    figures = {"cells": {"controversial": {"accepted": 3, "target": 9}}, "yield": None, "novelty": None, "cost": None}
    counts = dict.fromkeys(("in_flight", "calls", "refusals", "retries", "dropped"), 0)
    state = {
        "scenarios": {},
        "total": figures | counts | {"seconds_left": None, "tokens": 0, "tokens_a_second": None},
        "stages": {},
        "weather": None,
        "columns": ["unsafe", "controversial", "safe", "benign"],
    }
    drawn = live.table(state)
    assert [column.header for column in drawn.columns][1:5] == state["columns"]
    assert list(drawn.columns[2].cells) == ["3/9"]


def test_what_a_dataset_says_of_its_labels_is_what_its_recipe_named(lab: Lab) -> None:
    lab.world = Graded()
    lab.run(20, compiled=compile_recipe(recipe(**GRADED)))
    assert Dataset(lab.folder / "run").labels.names == tuple(GRADES)
    assert list(CELLS) == list(Dataset(lab.folder / "run").labels.cell_names())
