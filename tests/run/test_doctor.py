"""The doctor: the run's own first requests, a verdict on each role, and nothing of it paid for twice."""

from pathlib import Path
from typing import Any

import pytest

from synth.quality.fitness import RoleFacts, fitness
from synth.recipe import load
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.run.doctor import Checkup, examine
from synth.run.options import RunOptions
from tests.support.standin import standing_in

ONLY = ("crime.gambling",)


def examined(folder: Path, seconds: float = 20, **habits: Any) -> Checkup:
    """The demo's models, of which a stand-in server plays all."""
    with standing_in(**{"listed": None} | habits) as server:
        recipe = load.with_models(load.load("demo"), backend=None, model=None, base_url=server.url)
        return examine(compile_recipe(recipe), RunOptions(folder, 6, ONLY), seconds)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none is needed")


def verdicts(found: Checkup) -> dict[str, str]:
    return {one.facts.role: one.verdict for one in found.roles}


def test_the_offline_models_are_fit_and_what_they_said_is_used_by_the_run(tmp_path: Path) -> None:
    compiled = compile_recipe(load.load("demo"))
    found = examine(compiled, RunOptions(tmp_path, 6, ONLY), 20)
    assert set(verdicts(found).values()) == {"fit"}
    alone = execute.run(compiled, RunOptions(tmp_path.with_name("alone"), 6, ONLY))
    after = execute.run(compiled, RunOptions(tmp_path, 6, ONLY))
    assert after.status == 0
    assert after.calls < alone.calls


def test_a_second_look_asks_nothing_again(tmp_path: Path) -> None:
    compiled = compile_recipe(load.load("demo"))
    options = RunOptions(tmp_path, 6, ONLY)
    assert examine(compiled, options, 20).calls
    assert not examine(compiled, options, 20).calls


def test_a_writer_that_says_one_thing_is_unfit_with_the_reason_and_a_sample(tmp_path: Path) -> None:
    found = examined(tmp_path, answer='{"queries": ["今天天气怎么样？", "今天天气怎么样？", "今天天气怎么样？"]}')
    (writer,) = (one for one in found.roles if one.facts.role == "writer")
    assert writer.verdict == "unfit"
    assert any("repeats a query of the same call" in reason for reason in writer.reasons)
    assert "今天天气怎么样？" in writer.samples
    assert not found.fit


def test_a_model_that_is_not_served_is_unfit_in_the_servers_words_and_the_others_are_looked_at(tmp_path: Path) -> None:
    found = examined(
        tmp_path, models=frozenset({"offline-writer", "offline-a", "offline-b", "offline-judge-a", "offline-judge-b"})
    )
    (lost,) = (one for one in found.roles if one.facts.role == "answerer_c")
    assert lost.verdict == "unfit"
    assert "does not exist" in lost.reasons[0]
    assert verdicts(found)["writer"] == "fit"


def test_what_the_time_did_not_reach_is_not_called_fit(tmp_path: Path) -> None:
    found = examined(tmp_path, seconds=1.5, latency="1")
    assert not found.fit
    assert {verdicts(found)[role] for role in ("answerer_a", "judge_a")} == {"not seen"}
    assert any(one.missing for one in found.roles)


def test_a_share_of_faults_decides_once_there_are_enough() -> None:
    def facts(replies: int, cut: int) -> RoleFacts:
        made = RoleFacts("answerer", "m", "answerer", replies=replies)
        made.seen("is cut off", of=replies, found=cut)
        return made

    assert fitness(facts(7, 7)).verdict == "not seen"
    assert [fitness(facts(40, cut)).verdict for cut in (2, 8, 30)] == ["fit", "doubtful", "unfit"]
