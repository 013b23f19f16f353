"""A recipe whose judge is a stage of another package: nothing else of synth counts on the stage `judge`."""

from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from synth.dataset.reader import Dataset
from synth.dedup.decontaminate import Source
from synth.recipe import plugins
from synth.run.compile import compile_recipe
from synth.run.lint import advice
from synth.stages.contract import Context, Frozen, Judged, Sample, Step
from synth.types import Vote
from tests.conftest import Lab, tiny_recipe
from tests.support.cards import card_of


class Options(Frozen):
    models: tuple[str, ...] = ()


class Chief(Step):
    judges = True
    seats = (("chief", "chief"),)

    async def run(self, spec: Any, sample: Sample, slot: Any, ask: Any) -> Judged:
        label = "unsafe" if sample.stance == "comply" else "safe"
        return replace(sample, label=label, votes=(Vote("chief", label, "如此判断"),), analysis="如此判断")


def bind(options: Options, context: Context) -> Chief:
    return Chief()


@pytest.fixture(autouse=True)
def third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    point, points = EntryPoint("chief", __name__, "synth.stages"), plugins._points
    monkeypatch.setattr(plugins, "_points", lambda group: (point,) if group == "synth.stages" else points(group))


CHIEF = {"judge": None, "steps": ["respond", "chief"], "chief": {"models": ["a", "a"]}}


def test_a_run_that_another_package_judges_ends_with_a_dataset(lab: Lab) -> None:
    compiled = compile_recipe(tiny_recipe(**CHIEF))
    result = lab.run(12, compiled=compiled)
    assert result.status == 0
    assert {row["votes"][0]["judge"] for row in lab.rows().values()} == {"chief"}
    told = (lab.folder / "run" / "dataset" / "README.md").read_text(encoding="utf-8")
    assert "- judges: by the stage `chief`" in told
    assert [*Dataset(lab.folder / "run").labelled()] == ["train"]


def test_two_seats_of_one_model_are_warned_of_whatever_the_judging_stage_is_called(lab: Lab) -> None:
    assert any("two judges are one model" in line for line in advice(compile_recipe(tiny_recipe(**CHIEF))))


def test_of_two_judging_steps_the_last_is_the_panel_that_is_compared(lab: Lab) -> None:
    both = {"steps": ["respond", "judge", "chief"], "chief": {"models": ["a", "a"]}}
    result = lab.run(12, compiled=compile_recipe(tiny_recipe(**both)))
    assert result.status == 0
    assert [one["judge"] for one in result.agreement["judges"]] == ["chief"]
    assert result.agreement["overall"]["n"] >= 12


def test_the_card_counts_what_came_again_under_whatever_stage_it_was_dropped() -> None:
    dropped = {
        "augment.avoided.near": 1,
        "query.avoided.near": 2,
        "chief.avoided.contained": 4,
        "respond.avoided.near": 8,
    }
    told = card_of(CHIEF, dropped=dropped, avoided=(Source("old", 1, "0" * 16),))
    line = "dropped for that: 3 queries (3 nearly the same), 12 answers (8 nearly the same, 4 with a whole one inside)"
    assert f"\n- {line}\n" in told
