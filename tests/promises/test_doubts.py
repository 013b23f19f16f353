"""A run vouches for its data or says what it cannot vouch for: over a real server, on virtual time, across kills and concurrency."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from synth.cli import show
from synth.cli.main import commands
from synth.cli.summary import summary
from synth.fold import fold as module
from synth.journal.reader import Reader
from synth.recipe.schema import Recipe
from synth.run.compile import compile_recipe
from synth.run.execute import run
from synth.run.merge import merge
from synth.run.options import RunOptions
from synth.run.result import OK, SHORT, Result
from synth.types import Reply, Request
from tests.conftest import Lab
from tests.support.playing import coin, copied, placeholder, playing, recipe, verdict
from tests.support.world import World

ONLY = ("crime.gambling", "crime.traffic")
UNCHECKED = {"judge": {"models": ["judge_a", "judge_b"]}}
CHECKED = {"judge": {"models": ["judge_a", "judge_b"], "checks": True, "controls": False}}
"""Controls would name the judge before it is given a row."""
MODELS = {
    role: {"model": role, "base_url": "http://127.0.0.1:9/v1", "api_key_env": None}
    for role in ("writer", "a", "b", "j1", "j2")
}


def made(chosen: Recipe, folder: Path, n: int = 200, **options: Any) -> Result:
    return run(compile_recipe(chosen), RunOptions(folder, n, ONLY, **options))


def alike(body: dict[str, Any], reply: Reply, chance: random.Random) -> Reply:
    """A writer that gives one query again and again."""
    try:
        queries = json.loads(reply.text)["queries"]
    except (ValueError, KeyError, TypeError):
        return reply
    same = [{**one, "query": queries[0]["query"]} for one in queries]
    return replace(reply, text=json.dumps({"queries": same}, ensure_ascii=False))


def test_models_that_are_fit_are_not_doubted(here: Path) -> None:
    with playing() as server:
        result = run(compile_recipe(recipe(server)), RunOptions(here / "run", 45, ("crime",)))
    assert (result.status, result.doubts) == (OK, [])
    assert not any(cell["doubtful"] for cell in result.cells)


@pytest.mark.parametrize(
    ("parts", "changes", "kind", "role"),
    [
        ({"judge_b": placeholder(0.5)}, UNCHECKED, "empty_analysis", "judge_b"),
        ({"judge_b": placeholder(1.0)}, CHECKED, "empty_analysis", "judge_b"),  # asked once more, and fallen
        ({"judge_a": copied(1.0)}, UNCHECKED, "empty_analysis", "judge_a"),
        ({"writer": alike}, {}, "repeats_in_call", "writer"),
    ],
    ids=["placeholders", "checked", "copies", "one query"],
)
def test_a_run_stops_over_models_that_are_not(
    here: Path, parts: dict[str, Any], changes: dict[str, Any], kind: str, role: str
) -> None:
    with playing(**parts) as server:
        result = made(recipe(server, **changes), here / "run")
        assert (result.status, result.stopped) == (SHORT, "stopped: doubt")
        asked = server.arrived
        again = made(recipe(server, **changes), here / "run")
        assert (server.arrived, again.status, again.stopped) == (asked, SHORT, "stopped: doubt")
    doubt = next(doubt for doubt in result.doubts if doubt["kind"] == kind)
    assert (doubt["role"], doubt["model"], doubt["whole"]) == (role, role, True)
    assert len(doubt["samples"]) == 3
    assert again.doubts == result.doubts
    assert all(cell["doubtful"] and cell["status"] in ("open", "met") for cell in result.cells)
    told = summary(result, here / "run")
    assert "doubtful" in told.splitlines()[1]
    assert all(sample["text"] in told for sample in doubt["samples"])
    assert role in str(result.message)
    assert "--on-doubt warn" in str(result.message)
    card = (here / "run" / "dataset" / "README.md").read_text(encoding="utf-8")
    assert doubt["words"] in card
    assert json.loads((here / "run" / "run.json").read_text(encoding="utf-8"))["doubts"] == result.doubts
    shown = CliRunner().invoke(commands, ["show", str(here / "run")]).output
    assert f"{role} ({role}): {doubt['words']}" in shown


def cut(body: dict[str, Any], reply: Reply, chance: random.Random) -> Reply:
    """An answerer whose answers are too short for the rules, or break off."""
    del body
    short = chance.random() < 0.3
    return replace(reply, text=reply.text[:1]) if short else replace(reply, finish="length")


def test_no_word_of_an_answer_leaves_the_journal_with_a_doubt(here: Path) -> None:
    run, answerers = here / "run", {"answerer_a": cut, "answerer_b": cut}
    with playing(judge_a=copied(1.0), judge_b=placeholder(0.5), **answerers) as server:
        result = made(recipe(server, **UNCHECKED), run, 60, on_doubt="warn")
    told = (run / "run.json").read_text(encoding="utf-8")
    with Reader(run) as journal:
        answers = {kept.text[:16] for kept, _ in journal.replies() if kept.stage == "respond" and len(kept.text) >= 16}
    assert len(answers) > 20
    assert not [answer for answer in answers if answer in told or answer in summary(result, run)]
    assert {"cut", "empty_analysis"} <= {doubt["kind"] for doubt in result.doubts}
    assert " characters; respond.truncated)" in told


def test_warned_a_run_goes_on_and_another_model_is_judged_by_its_own_replies(here: Path) -> None:
    with playing(judge_b=placeholder(0.5)) as server:
        chosen = recipe(server, **UNCHECKED)
        assert made(chosen, here / "run", 30).stopped == "stopped: doubt"
        result = made(chosen, here / "run", 30, on_doubt="warn")
        assert (result.stopped, result.status) == (None, SHORT)
        assert {(cell["status"], cell["doubtful"]) for cell in result.cells} == {("met", True)}
        merged = merge([here / "run"], here / "merged").result
        assert (merged.doubts, merged.stopped, merged.status) == (result.doubts, None, SHORT)
        better = recipe(server, **UNCHECKED | {"judge": {"models": ["judge_a", "judge_c"]}})
        mended = made(better, here / "run", 30)
        assert (mended.status, mended.doubts) == (OK, [])


def test_one_coin_among_three_judges_is_named(here: Path) -> None:
    judge = {"models": ["judge_a", "judge_b", "judge_c"], "verdict": "majority", "controls": False}
    with playing(judge_b=verdict(coin)) as server:
        result = run(compile_recipe(recipe(server, judge=judge)), RunOptions(here / "run", 200, ("crime",)))
    assert result.stopped == "stopped: doubt"
    assert str(result.message).startswith("judge_b (judge_b): differs from all other judges")
    # What landed after the stop may leave it a doubt that is less sure.
    assert [doubt["role"] for doubt in result.doubts if doubt["kind"] == "odd_judge"] == ["judge_b"]
    assert {doubt["role"] for doubt in result.doubts if doubt["whole"]} <= {"judge_b"}


class Terse(World):
    """A second judge that gives the placeholder every third time."""

    def _verdict(self, chance: random.Random, request: Request) -> str:
        found = super()._verdict(chance, request)
        if request.model != "j2" or chance.random() > 0.33:
            return found
        return json.dumps(json.loads(found) | {"analysis": "分析"}, ensure_ascii=False)


@pytest.fixture
def terse(lab: Lab) -> Lab:
    lab.world = Terse(family="model")
    return lab


def test_doubts_are_the_same_at_every_concurrency(terse: Lab) -> None:
    told = [
        terse.run(20, concurrency=concurrency, out=f"c{concurrency}", on_doubt="warn", models=MODELS).doubts
        for concurrency in (1, 64)
    ]
    assert told[0] == told[1]
    assert "empty_analysis" in {doubt["kind"] for doubt in told[0]}


def test_doubts_survive_kills_with_the_checkpoint(terse: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    calm = terse.run(20, out="calm", on_doubt="warn", models=MODELS)
    monkeypatch.setattr(module, "KEEP_EVERY", 0.0)
    for second in (15.0, 30.0, 45.0):
        terse.run(20, interrupt=second, on_doubt="warn", models=MODELS)
    whole = terse.run(20, on_doubt="warn", models=MODELS)
    assert whole.doubts == calm.doubts
    assert terse.bytes() == terse.bytes("calm")


def test_a_writer_that_ran_dry_is_named(lab: Lab) -> None:
    lab.world = World(pool=25, variants=0.0, family="model")
    result = lab.run(40, on_doubt="warn", models=MODELS, augment=None)
    dry = [cell for cell in result.cells if cell["status"] == "exhausted: novelty"]
    assert dry
    cause = dry[0]["grounds"]["cause"]
    assert cause["words"].startswith("writer (writer) repeats itself: ")
    assert len(cause["samples"]) == 3
    assert cause["words"] in summary(result, lab.folder / "run")
    lines = [list(show.show(lab.folder / "run", None, 5, live=live)) for live in (False, True)]
    assert lines[0] == lines[1]
    assert any(line.endswith(f": {cause['words']}") for line in lines[0])
