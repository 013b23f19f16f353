"""Judges are held against pairs with known labels before answers are paid for: one that tosses coins stops the run and is named, a fit
panel goes on, and the rows are those of a run that asks no controls."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from synth.cli import show
from synth.engine.probation import OTHERS
from synth.journal.reader import Reader
from synth.quality import controls
from synth.recipe import load
from synth.recipe.controls import drawn
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.serve.server import StandIn
from synth.types import CONTROLS
from tests.conftest import Lab
from tests.promises.test_kill import COMMAND, SMALL
from tests.support.forked import forking, run
from tests.support.standin import answers, standing_in
from tests.support.tossing import toss

JUDGED = SMALL.replace(", controls: false", "")


def written(lab: Lab, server: StandIn, concurrency: int = 16, recipe: str = JUDGED) -> None:
    (lab.folder / "small.yaml").write_text(recipe.format(url=server.url, concurrency=concurrency), encoding="utf-8")


def ran(lab: Lab, *options: str, out: str = "run") -> int:
    """The exit status of one invocation in a process of its own."""
    process = forking().Process(
        target=run, args=(lab.folder, [*COMMAND[3:-1], out, *options], lab.folder / "words", None)
    )
    process.start()
    process.join(60)
    assert "Traceback" not in words(lab)
    return int(process.exitcode if process.exitcode is not None else 99)


def words(lab: Lab) -> str:
    return (lab.folder / "words").read_text(encoding="utf-8")


def facts(lab: Lab, out: str = "run") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((lab.folder / out / "run.json").read_text(encoding="utf-8"))
    return found


def lanes(folder: Path) -> list[str]:
    with Reader(folder) as journal:
        return [reply.lane for reply, _ in journal.replies()]


@pytest.mark.parametrize("concurrency", [16, 256])
@pytest.mark.parametrize("tossing", [{"j1", "j2"}, {"j2"}], ids=["both", "one"])
def test_a_judge_that_tosses_coins_stops_the_run_and_is_named(lab: Lab, concurrency: int, tossing: set[str]) -> None:
    with standing_in(latency="0.01..0.05") as server:
        toss(server, tossing)
        written(lab, server, concurrency)
        assert ran(lab) == 3
        asked, kept = len(answers(server)), lanes(lab.folder / "run")
        if tossing == {"j1", "j2"}:
            assert asked <= 90 + 24  # what was in flight as it stopped landed too: eight of each role
        assert len([lane for lane in kept if lane != CONTROLS]) <= OTHERS
        found = facts(lab)
        assert (found["stopped"], found["status"], found["counts"]["accepted"]) == ("stopped: doubt", 3, 0)
        assert not any(cell["status"] == "met" for cell in found["cells"])
        unfit = [judge for judge in found["controls"] if judge["verdict"] == "unfit"]
        assert unfit
        assert {judge["role"] for judge in unfit} <= tossing
        worst = unfit[0]
        assert len(worst["samples"]) == 3
        assert set(worst["samples"][0]) >= {"id", "query", "known", "said", "analysis"}
        said = f"{worst['role']} (model {worst['model']}) is unfit: "
        assert said in found["message"]
        assert said in words(lab)
        assert f"take another model for {worst['role']}, or --on-doubt warn goes on" in words(lab)
        assert "  met" not in words(lab)
        assert ran(lab) == 3  # the journal shows it: nothing is asked
        assert len(answers(server)) == asked
        assert facts(lab)["stopped"] == "stopped: doubt"


def test_a_judge_in_doubt_to_the_last_costs_ninety_calls_at_most() -> None:
    right, wrong = (controls.Answer(drawn(0, 1)[0], "safe", "", judged) for judged in (True, False))
    first, told = [right] * 29 + [wrong] * 11, [wrong] * 13 + [right] * 26 + [wrong]
    answers: list[controls.Answer | None] = [*first, *[None] * controls.MORE]
    assert controls.more(answers)
    asked = 0
    while controls.verdict(answers) == "open":
        answers[len(first) + asked] = told[asked]
        asked += 1
    assert controls.verdict(answers) == "unfit"
    assert len(first) + asked + OTHERS <= 90


def test_a_fit_panel_goes_on_and_its_rows_are_those_of_a_run_without_controls(lab: Lab) -> None:
    with standing_in(latency="0.005") as server:
        written(lab, server)
        assert ran(lab) == 0
        found, asked = facts(lab), len(answers(server))
        assert [(judge["role"], judge["n"], judge["verdict"]) for judge in found["controls"]] == [
            ("j1", 40, "fit"),
            ("j2", 40, "fit"),
        ]
        assert all(judge["low"] < judge["right"] / 40 <= judge["high"] for judge in found["controls"])
        assert any(line["scenario"] == CONTROLS and line["stage"] == "judge" for line in found["spent"])
        assert f"controls: j1 {found['controls'][0]['right']} of 40 (" in words(lab)
        card = (lab.folder / "run" / "dataset" / "README.md").read_text(encoding="utf-8")
        assert f"| j2 | j2 | {found['controls'][1]['right']} | 40 | " in card
        assert ran(lab) == 0
        assert len(answers(server)) == asked
        written(lab, server, 64, SMALL)
        assert ran(lab, out="without") == 0
    assert facts(lab, "without")["controls"] == []
    assert found["replies"] == facts(lab, "without")["replies"]
    assert lab.bytes() == lab.bytes("without")
    assert set(answers(server).values()) <= {1, 2}


def test_a_finished_folder_without_controls_is_asked_none_and_a_larger_one_neither(lab: Lab) -> None:
    with standing_in() as server:
        written(lab, server, recipe=SMALL)
        assert ran(lab) == 0
        asked = len(answers(server))
        written(lab, server)
        assert ran(lab) == 0
        assert len(answers(server)) == asked
        assert ran(lab, "-n", "30") == 0
    assert CONTROLS not in lanes(lab.folder / "run")


def test_a_kill_in_the_middle_of_it_costs_only_what_is_missing(lab: Lab) -> None:
    with standing_in(latency="0.01") as server:
        written(lab, server)
        process = forking().Process(
            target=run, args=(lab.folder, COMMAND[3:], lab.folder / "words", ("after a commit", 30))
        )
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        kept = lanes(lab.folder / "run").count(CONTROLS)
        assert 8 <= kept < 80
        server.completed.clear()
        assert ran(lab) == 0
        assert [judge["n"] for judge in facts(lab)["controls"]] == [40, 40]
        assert set(answers(server).values()) == {1}
        with Reader(lab.folder / "run") as journal:
            again = {reply.key for reply, _ in journal.replies() if reply.lane == CONTROLS} & answers(server).keys()
    assert len(again) == lanes(lab.folder / "run").count(CONTROLS) - kept


def test_with_warn_a_run_goes_on_and_still_ends_with_3(lab: Lab) -> None:
    with standing_in() as server:
        toss(server, {"j2"})
        written(lab, server)
        assert ran(lab, "--on-doubt", "warn") == 3
        found = facts(lab)
        assert found["stopped"] is None
        assert sum(found["splits"].values()) > 0
        assert [(judge["role"], judge["verdict"], judge["n"]) for judge in found["controls"]] == [
            ("j1", "fit", 40),
            ("j2", "unfit", 40),
        ]
        assert "the run goes on, as --on-doubt warn says" in words(lab)
        doubt = next(doubt for doubt in found["doubts"] if doubt["kind"] == "unfit_judge")
        assert (doubt["role"], doubt["model"], doubt["n"], doubt["whole"]) == ("j2", "j2", 40, True)
        assert len(doubt["samples"]) == 3
        assert all(cell["doubtful"] for cell in found["cells"])
        shown = [list(show.show(lab.folder / "run", None, 5, live=live)) for live in (False, True)]
        assert shown[0] == shown[1]
        assert any(line.startswith("controls: j2 ") and line.endswith(", unfit") for line in shown[1])
        assert any(line.startswith(f"doubtful: j2 (j2): {doubt['words']}") for line in shown[1])
        assert f"doubtful: j2 (j2): {doubt['words']}" in words(lab)
        assert doubt["words"] in (lab.folder / "run" / "dataset" / "README.md").read_text(encoding="utf-8")
        asked = len(answers(server))
        assert ran(lab) == 3
        assert facts(lab)["stopped"] == "stopped: doubt"
        assert len(answers(server)) == asked


def test_merged_shards_report_their_judges_and_never_stop(lab: Lab) -> None:
    with standing_in() as server:
        toss(server, {"j2"})
        written(lab, server)
        for shard in ("1/2", "2/2"):
            assert ran(lab, "--shard", shard, "--on-doubt", "warn", out=f"shard{shard[0]}") == 3
        asked = len(answers(server))
        command = ["merge", "shard1", "shard2", "-o", "whole"]
        process = forking().Process(target=run, args=(lab.folder, command, lab.folder / "words"))
        process.start()
        process.join(60)
    assert process.exitcode == 3
    assert len(answers(server)) == asked
    found = facts(lab, "whole")
    assert found["stopped"] is None
    assert [(judge["role"], judge["n"], judge["verdict"]) for judge in found["controls"]] == [
        ("j1", 40, "fit"),
        ("j2", 40, "unfit"),
    ]
    assert lanes(lab.folder / "whole").count(CONTROLS) == lanes(lab.folder / "shard1").count(CONTROLS)


def test_judges_that_are_asked_the_same_are_examined_once_and_each_model_of_a_chain_alone(lab: Lab) -> None:
    recipe = JUDGED.replace("  j2: {{model: j2,", "  spare: {{model: j1,").replace(
        "models: [j1, j2]", "models: [j1, both]"
    )
    recipe = recipe.replace(
        "  v: {{", '  both: {{chain: [other, spare], on: [outage]}}\n  other: {{model: m, base_url: "{url}"}}\n  v: {{'
    )
    with standing_in() as server:
        written(lab, server, recipe=recipe)
        assert ran(lab) == 0
    found = facts(lab)["controls"]
    assert [(judge["role"], judge["model"], judge["n"]) for judge in found] == [
        ("j1", "j1", 40),
        ("spare", "j1", 40),
        ("other", "m", 40),
    ]
    assert found[0]["right"] == found[1]["right"]


def test_some_controls_are_asked_again_every_so_often(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "EVERY", 60)
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    with standing_in(latency="0.002") as server:
        written(lab, server)
        loaded = compile_recipe(load.load("small.yaml"))
        options = execute.RunOptions(lab.folder / "run")
        result = execute.run(loaded, options)
        later = [judge["lately"] for judge in result.controls]
        assert all(one["n"] % 10 == 0 and one["n"] >= 10 for one in later)
        assert result.status == 0
        asked = len(answers(server))
        assert execute.run(loaded, options).controls == result.controls
        assert len(answers(server)) == asked
