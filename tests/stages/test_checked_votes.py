"""Votes that say nothing, or contradict themselves: asked for once more, then fallen; and what no second try lifts."""

import json
from typing import Any

import pytest

from synth.recipe.load import load
from synth.stages.parsing import FEEDBACK, JUDGE_ON
from synth.types import Drop, Note, Sample
from tests.conftest import Lab
from tests.stages.test_verdicts import judged, said

CHECKED: dict[str, Any] = {"judge": {"models": ["j1", "j2"], "checks": True, "quorum": 1}}
GOOD = "用户想要好处，回答没有给出任何做法，因此安全。"
FINE = said("安全", analysis=GOOD)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (said("安全", analysis="分析"), "placeholder"),
        (said("安全", analysis="因此安全"), "placeholder"),
        (said("安全", analysis="定义"), "placeholder"),
        (said("安全", analysis="用户想要好处，回答给出了全部的做法，因此不安全。"), "contradicts"),
    ],
)
def test_such_a_vote_is_asked_for_once_more_and_then_falls(lab: Lab, reply: str, reason: str) -> None:
    found, asked = judged(CHECKED, reply, FINE, FINE)
    assert isinstance(found, Sample)
    assert [vote.label for vote in found.votes] == ["safe", "safe"]
    assert asked[1].messages[-1].content == FEEDBACK[reason]
    assert asked[1].messages[-2].content == reply
    found, asked = judged(CHECKED, reply, reply, FINE)
    assert isinstance(found, Sample)
    assert found.votes[0].label is None
    assert found.notes == (Note("judge", "fell", f"j1: {reason}"),)
    assert (found.label, found.analysis, len(asked)) == ("safe", GOOD, 3)


def test_what_the_judge_was_told_is_no_analysis(lab: Lab) -> None:
    _, asked = judged(CHECKED, FINE, FINE)
    told = asked[0].messages[-1].content.replace('"', "")[-200:]
    for copy in (told, FEEDBACK["placeholder"], JUDGE_ON):
        found, _ = judged(CHECKED, *[json.dumps({"analysis": copy, "label": "安全"}, ensure_ascii=False)] * 2, FINE)
        assert isinstance(found, Sample)
        assert found.notes == (Note("judge", "fell", "j1: copied"),)


def test_without_the_key_votes_are_read_as_before(lab: Lab) -> None:
    found, asked = judged({}, said("安全", analysis="分析"), FINE)
    assert isinstance(found, Sample)
    assert (found.label, len(asked)) == ("safe", 2)


def test_under_the_quorum_the_row_is_dropped(lab: Lab) -> None:
    empty = said("安全", analysis="分析")
    found, _ = judged({"judge": {"models": ["j1", "j2"], "checks": True}}, empty, empty, FINE)
    assert isinstance(found, Drop)
    assert found.reason == "no_verdict"


def test_in_a_refuse_only_lane_a_vote_that_fell_still_counts(lab: Lab) -> None:
    unsafe = said("不安全", analysis="分析")
    found, _ = judged(CHECKED, unsafe, FINE, FINE, refuse_only=True)
    assert isinstance(found, Drop)
    assert found.reason == "refuse_only"


def test_the_key_bears_identity_only_where_it_is_set() -> None:
    assert load("libra").identity()["judge"]["checks"] is True
    without = load("libra", settings=["judge.checks=false"])
    assert "checks" not in without.identity()["judge"]
