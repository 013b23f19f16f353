"""The doctor: the run's own first requests, a verdict on each role, and nothing of it paid for twice."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from synth.engine.budget import Bounds
from synth.journal import decisions
from synth.journal.reader import Reader
from synth.journal.store import Journal
from synth.quality.fitness import Fitness, RoleFacts, fitness
from synth.recipe import load
from synth.run import doctor, execute
from synth.run.checkup import Checkup
from synth.run.compile import compile_recipe
from synth.run.doctor import examine
from synth.run.journal_tools import verify
from synth.run.merge import merge
from synth.run.observed import Observed
from synth.run.options import RunOptions
from synth.types import Reply, Request
from tests.support.quirky import quirky
from tests.support.standin import answers, standing_in

ONLY = ("crime.gambling",)
MODELS = frozenset({"offline-writer", "offline-a", "offline-b", "offline-c", "offline-judge-a", "offline-judge-b"})


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
    found = examined(tmp_path, models=MODELS - {"offline-c"})
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


def test_what_is_missing_is_what_takes_longer_and_for_how_long() -> None:
    judge = RoleFacts("judge", "m", "judge", replies=8, controls="not seen", examined=(7, 40))
    assert fitness(judge).missing == (7, 40)
    judge.replies, judge.examined = 2, (30, 40)
    assert fitness(judge).missing == (2, 8)
    checkup = Checkup([], 600)
    assert [checkup.minutes(*seen) for seen in ((7, 40), (39, 40), (0, 40))] == [48, 1, None]


def test_an_answerer_may_refuse_where_another_stance_yields_and_not_everything() -> None:
    def answerer(**stances: tuple[int, int]) -> Fitness:
        made = RoleFacts("answerer", "m", "answerer", replies=24)
        for stance, (refused, n) in stances.items():
            for place in range(n):
                made.stances[stance].append(place < refused)
                made.seen("declines whatever it is asked", found=int(place < refused))
                if stance == "comply":
                    made.seen("declines in a stance that asks for more", found=int(place < refused))
        assert made.refusals()[0] == f"refuses {stances['comply'][0]} of {stances['comply'][1]} in stance comply"
        return fitness(made)

    assert answerer(comply=(3, 12), natural=(0, 12)).verdict == "fit"
    assert answerer(comply=(12, 12), natural=(2, 12)).verdict == "doubtful"
    assert answerer(comply=(12, 12), natural=(12, 12)).verdict == "unfit"


SALAD = "门把蓝十匆走椅的雾慌吃云钉梯湿喊纸鱼飞墙甜裂灯跪针雨厚铃笑泥弯糖慢刀绿哭盐轻锁黄跑茶窄"
SPOILT = {
    "offline-writer": "抱歉，我无法协助完成这项任务。",
    "offline-a": "抱歉，我不能提供这方面的帮助。",
    "offline-b": SALAD,
    "offline-judge-a": '{"analysis": "略", "intent": "有害", "label": "不安全"}',
    "offline-judge-b": "抱歉，我无法协助完成这项任务。",
}


@pytest.mark.parametrize(
    ("model", "role", "why"),
    [
        ("offline-writer", "writer", "declines"),
        ("offline-a", "answerer_a", "declines whatever it is asked"),
        ("offline-b", "answerer_b", "is no language (salad"),
        ("offline-judge-a", "judge_a", "says nothing in its analysis (placeholder"),
        ("offline-judge-b", "judge_b", "declines"),
    ],
)
def test_what_makes_a_role_unfit_is_named(tmp_path: Path, model: str, role: str, why: str) -> None:
    def spoilt(body: dict[str, Any], completion: dict[str, Any]) -> dict[str, Any]:
        if body["model"] == model:
            completion["choices"][0]["message"]["content"] = SPOILT[model]
        return completion

    with standing_in(listed=None) as server, quirky(server.url, changes=spoilt) as spoiling:
        recipe = load.with_models(load.load("demo"), backend=None, model=None, base_url=spoiling.url)
        found = examine(compile_recipe(recipe), RunOptions(tmp_path, 6, ONLY), 20)
    (one,) = (one for one in found.roles if one.facts.role == role)
    assert one.verdict == "unfit"
    assert any(why in reason for reason in one.reasons), one.reasons
    assert not any(SPOILT["offline-a"] in sample or SALAD[:8] in sample for sample in one.samples)
    assert verdicts(found)["answerer_c"] in ("fit", "not seen")


@pytest.mark.parametrize(("clean", "fault"), [(True, None), (False, "gives no answer")])
def test_a_reply_is_read_as_the_recipe_reads_it(clean: bool, fault: str | None) -> None:
    recipe = load.load("demo", settings=[f"clean_replies={str(clean).lower()}"])
    seen = Observed(compile_recipe(recipe), {"writer": recipe.models["writer"]})
    writer = seen.facts["writer"]
    request = Request("model", "m", (), {}, {"type": "object"}, ())
    seen.replied(writer, request, Reply("", reasoning='{"queries": ["今天天气怎么样？"]}'), 1.0)
    assert [name for name, entry in writer.faults.items() if entry.count] == [fault] * (fault is not None)


def test_what_a_server_does_not_take_is_learnt_once_and_told(tmp_path: Path) -> None:
    with standing_in(listed=None, formats=frozenset({"json_object"})) as server:
        recipe = load.with_models(load.load("demo"), backend=None, model=None, base_url=server.url)
        compiled = compile_recipe(recipe)
        found = examine(compiled, RunOptions(tmp_path, 6, ONLY), 20)
        (writer,) = (one for one in found.roles if one.facts.role == "writer")
        assert "JSON by json_object" in writer.facts.said
        assert any(line.startswith("response_format is sent as json_object") for line in writer.facts.said)
        server.bodies.clear()
        execute.run(compiled, RunOptions(tmp_path, 12, ONLY))
        assert server.bodies
        assert not [body for body in server.bodies if body.get("response_format", {}).get("type") == "json_schema"]


def test_a_journal_with_verdicts_goes_on(tmp_path: Path) -> None:
    compiled, folder = compile_recipe(load.load("demo")), tmp_path / "a"
    examine(compiled, RunOptions(folder, 6, ONLY), 20)
    with Reader(folder) as journal:
        bodies = [body for kind, body in journal.decisions() if kind == decisions.DOCTOR]
    assert {body["role"]: body["verdict"] for body in bodies}["judge_a"] == "fit"
    assert all(decisions.readable(decisions.DOCTOR, body) and "revision" in body for body in bodies)
    first = execute.run(compiled, RunOptions(folder, 6, ONLY))
    examine(compiled, RunOptions(folder, 6, ONLY), 20)
    assert "damaged" not in verify(folder)
    united = merge([folder], tmp_path / "b")
    assert united.result.splits == first.splits
    assert execute.run(compiled, RunOptions(tmp_path / "b", 6, ONLY)).calls == 0


def test_a_run_is_told_what_the_doctor_found_of_its_models(tmp_path: Path) -> None:
    compiled, said = compile_recipe(load.load("demo")), list[str]()
    model = compiled.recipe.models["writer"].named
    with contextlib.closing(Journal(tmp_path)) as journal:
        for found in (model, "another"):
            body = {"role": "writer", "model": found, "revision": "", "verdict": "unfit"}
            journal.decide(decisions.DOCTOR, body)
    execute.run(compiled, RunOptions(tmp_path, 6, ONLY, say=said.append))
    assert [line for line in said if "doctor" in line] == [f"the doctor called writer ({model}) unfit"]


def test_what_may_be_spent_ends_it_with_what_was_seen(tmp_path: Path) -> None:
    compiled = compile_recipe(load.load("demo"))
    found = examine(compiled, RunOptions(tmp_path, 6, ONLY, bounds=Bounds(tokens=60_000)), 20)
    assert "--max-tokens 60000" in found.stopped
    assert found.calls
    assert not found.fit
    with Reader(tmp_path) as journal:
        assert sum(line.tokens for line in journal.spent()) <= 60_000


def test_a_server_that_hangs_is_waited_for_no_longer_than_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.LANDING <= 20
    monkeypatch.setattr(doctor, "LANDING", 1.0)
    began = time.monotonic()
    found = examined(tmp_path, seconds=1, faults={"hang": 1.0})
    assert time.monotonic() - began < 30  # a call would be given its ten minutes
    assert set(verdicts(found).values()) == {"not seen"}


@pytest.mark.parametrize("habits", [{"latency": "0.1"}, {"latency": "600"}], ids=["answers", "hangs"])
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_one_line_and_keeps_what_was_answered(
    tmp_path: Path, habits: dict[str, Any], sign: signal.Signals
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with standing_in(listed=MODELS, **habits) as server:
        told = ("--only", *ONLY, "--base-url", server.url, "--seconds", "600", "-o", str(tmp_path / "run"))
        process = subprocess.Popen(
            [sys.executable, "-m", "synth", "doctor", "demo", *told], env=environment, stderr=subprocess.PIPE
        )
        while server.completed.total() < 12 and not (server.habits.latency == "600" and server.in_flight >= 3):
            time.sleep(0.01)
        process.send_signal(sign)
        _, words = process.communicate(timeout=60)
        answered = answers(server)
    assert process.returncode == 130
    assert words.decode().splitlines()[-1] == "synth: interrupted"
    assert "Traceback" not in words.decode()
    with Reader(tmp_path / "run") as journal:
        assert {kept.key for kept, _ in journal.replies()} == set(answered)


def test_two_calls_at_once_reach_every_part(tmp_path: Path) -> None:
    with standing_in(listed=MODELS, latency="0.1") as server:
        recipe = load.load("demo", overrides={"concurrency": 2})
        recipe = load.with_models(recipe, backend=None, model=None, base_url=server.url)
        found = examine(compile_recipe(recipe), RunOptions(tmp_path, 6, ONLY), 8)
    assert server.peak <= 2
    seen = {one.facts.part for one in found.roles if one.facts.replies}
    assert seen == {"writer", "answerer", "judge"}
    assert all(one.facts.examined[0] for one in found.roles if one.facts.part == "judge")
