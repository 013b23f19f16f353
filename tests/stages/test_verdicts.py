"""Verdict rules: what becomes of votes; and what no rule, quorum or second try can lift."""

import asyncio
import json
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from synth.errors import ConfigError
from synth.filters.row import label_agrees, outline, refused_is_safe
from synth.recipe import plugins
from synth.recipe.labels import BINARY, KNOWN
from synth.run.compile import compile_recipe
from synth.stages import verdicts
from synth.types import Drop, Note, Request, Sample, Vote
from tests.conftest import Lab
from tests.filters.test_filters import ROW
from tests.recipe.test_labels import GRADED, recipe
from tests.stages.test_stages import ask_with

SPLIT = {"split_is": "controversial", "strict": "j1", "loose": "j2"}
OF = {"u": "unsafe", "c": "controversial", "s": "safe", "-": None}


def votes(short: str) -> list[Vote]:
    return [Vote(f"m{at}", OF[one], f"{one}{at}") for at, one in enumerate(short)]


@pytest.mark.parametrize(
    ("use", "cast", "label", "analysis"),
    [
        ("unanimous", "uu", "unsafe", "u0"),
        ("unanimous", "us", None, None),
        ("unanimous", "u-", "unsafe", "u0"),
        ("unanimous", "-s", "safe", "s1"),
        ("majority", "usu", "unsafe", "u0"),
        ("majority", "suu", "unsafe", "u1"),
        ("majority", "ucs", None, None),
        ("majority", "us", None, None),
        ({"majority": {}}, "s-s", "safe", "s0"),
        ("majority", "us-", None, None),
        (SPLIT, "us", "controversial", "u0\ns1"),
        (SPLIT, "su", None, None),
        (SPLIT, "uu", "unsafe", "u0"),
        (SPLIT, "ss", "safe", "s0"),
        (SPLIT, "-s", None, None),
        ({"split_is": {"label": "controversial", "strict": "j2", "loose": "j1"}}, "su", "controversial", "u1\ns0"),
        (SPLIT, "usu", "controversial", "u0\ns1"),
        (SPLIT | {"strict": "j2", "loose": "j3"}, "uus", "controversial", "u1\ns2"),
        (SPLIT | {"strict": "j2", "loose": "j3"}, "uuu", "unsafe", "u1"),
    ],
)
def test_what_becomes_of_votes(use: Any, cast: str, label: str | None, analysis: str | None) -> None:
    verdict = verdicts.bind(use, KNOWN, ["j1", "j2", "j3"][: len(cast)])
    assert verdict.of(votes(cast)) == (label, analysis)


def test_a_label_that_only_the_rule_makes_is_none_that_a_judge_may_say(lab: Lab) -> None:
    assert verdicts.bind(SPLIT, KNOWN, ["j1", "j2"]).said == ("unsafe", "safe")
    assert verdicts.bind("majority", KNOWN, ["j1"]).said == KNOWN.names
    split = recipe(**GRADED | {"judge": {"models": ["j1", "j2"], "verdict": SPLIT}})
    assert compile_recipe(split).flow.panel.words == ("不安全", "安全")


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ("majorty", "judge.verdict: no verdict rule 'majorty'; did you mean 'majority'?"),
        ({"majority": {"least": 2}}, "judge.verdict.majority: unknown option 'least'"),
        ({"majority": 2}, "judge.verdict.majority: takes no options"),
        ({"majority": {}, "unanimous": {}}, "judge.verdict: it names majority and unanimous; keep one"),
        (SPLIT | {"strict": "j3"}, "judge.verdict.split_is: strict: 'j3' is no judge; there is: j1, j2"),
        (SPLIT | {"loose": "j1"}, "strict and loose are both 'j1'"),
        (
            SPLIT | {"split_is": "contraversial"},
            "'contraversial' is none of the recipe's `labels`; did you mean 'controversial'",
        ),
        (SPLIT | {"split_is": "safe"}, "leaves judges unsafe, controversial to say"),
        ({"split_is": "controversial", "strict": "j1"}, "judge.verdict.split_is: loose"),
        ({"split_is": "controversial", "strict": "j1", "loose": "j2", "other": 1}, "unknown option 'other'"),
    ],
)
def test_a_wrong_rule_is_one_line(use: Any, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        verdicts.bind(use, KNOWN, ["j1", "j2"])
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_labels_leave_nothing_for_a_split() -> None:
    with pytest.raises(ConfigError, match="leaves judges safe to say"):
        verdicts.bind(SPLIT | {"split_is": "unsafe"}, BINARY, ["j1", "j2"])


def lenient(*, seats: list[str]) -> verdicts.VerdictRule:
    """Whatever the last judge says; safe if he says nothing."""
    return lambda cast, scheme: cast[len(seats) - 1].label or scheme.safe


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule of another package, found by its entry point."""
    point = EntryPoint("lenient", f"{__name__}:lenient", "synth.verdicts")
    points = plugins._points
    monkeypatch.setattr(plugins, "_points", lambda group: (point,) if group == "synth.verdicts" else points(group))


def judged(changes: dict[str, Any], *replies: str, refuse_only: bool = False) -> tuple[Sample | Drop, list[Request]]:
    """What the panel of two makes of an answer, given what its judges say."""
    compiled = compile_recipe(recipe(**changes))
    spec = next(spec for spec in compiled.specs if spec.lane.query_type == "harmful")
    spec = replace(spec, lane=replace(spec.lane, refuse_only=refuse_only))
    ask, asked = ask_with(*replies)
    sample = replace(ROW, lane=spec.lane, query="问题", response="回答", label=None, analysis=None)
    return asyncio.run(compiled.flow.panel.run(spec, sample, None, ask)), asked


def said(label: str, intent: str = "有害", analysis: str | None = None) -> str:
    told = {"analysis": f"因此{label}" if analysis is None else analysis, "intent": intent, "label": label}
    return json.dumps(told, ensure_ascii=False)


def test_judges_are_asked_for_three_labels_and_may_say_each(lab: Lab) -> None:
    found, asked = judged(GRADED, said("有争议"), said("有争议"))
    assert isinstance(found, Sample)
    assert (found.label, found.analysis) == ("controversial", "因此有争议")
    assert asked[0].schema is not None
    assert asked[0].schema["properties"]["label"]["enum"] == ["安全", "有争议", "不安全"]


def test_a_split_makes_a_label_that_no_judge_may_say(lab: Lab) -> None:
    changes = GRADED | {"judge": {"models": ["j1", "j2"], "verdict": SPLIT}}
    found, _ = judged(changes, said("不安全"), said("安全", "无害"))
    assert isinstance(found, Sample)
    assert (found.label, found.analysis, found.query_label) == ("controversial", "因此不安全\n因此安全", None)
    assert label_agrees(KNOWN)(found) is None
    found, asked = judged(changes, said("有争议"), said("不安全"), said("安全"))
    assert isinstance(found, Sample)
    assert (found.label, len(asked)) == ("controversial", 3)  # told once that there is no such label


QUORUM = {"judge": {"models": ["j1", "j2"], "quorum": 1}}
REFUSAL = "抱歉，我不能协助评价这类内容。"


def test_at_quorum_the_verdicts_given_decide_and_under_it_the_row_is_dropped(lab: Lab) -> None:
    found, _ = judged(QUORUM, *[REFUSAL] * 4)
    assert isinstance(found, Drop)
    found, _ = judged(QUORUM, REFUSAL, REFUSAL, said("不安全"))
    assert isinstance(found, Sample)
    assert (found.label, found.analysis, found.query_label) == ("unsafe", "因此不安全", "harmful")
    assert (found.votes[0].label, found.votes[0].analysis) == (None, "refusal")
    assert found.notes == (Note("judge", "fell", "j1: refusal"),)
    found, _ = judged({}, REFUSAL, REFUSAL, said("不安全"))
    assert isinstance(found, Drop)
    assert found.reason == "no_verdict"


@pytest.mark.parametrize(
    "judge",
    [
        {"models": ["j1", "j2"]},
        {"models": ["j1", "j2"], "verdict": "lenient"},
        {"models": ["j1", "j2"], "verdict": "lenient", "quorum": 1},
    ],
)
@pytest.mark.parametrize(
    "replies",
    [
        (said("不安全"), said("安全")),
        (said("不安全", analysis=""), said("安全"), said("安全")),  # asked for again, and then safe
        (said("不安全", analysis=""), said("不安全", analysis=""), said("安全")),  # fallen
    ],
    ids=["outvoted", "again", "fallen"],
)
@pytest.mark.usefixtures("third_party", "lab")
def test_any_reading_more_severe_than_safe_drops_a_row_that_may_only_be_refused(
    judge: dict[str, Any], replies: tuple[str, ...]
) -> None:
    found, _ = judged({"judge": judge}, *replies, refuse_only=True)
    assert isinstance(found, Drop)
    assert (found.stage, found.reason) == ("judge", "refuse_only")


@pytest.mark.usefixtures("third_party")
def test_in_between_is_more_severe_than_safe(lab: Lab) -> None:
    changes = GRADED | {"judge": GRADED["judge"] | {"verdict": "lenient"}}
    found, _ = judged(changes, said("有争议"), said("安全"), refuse_only=True)
    assert isinstance(found, Drop)
    assert found.reason == "refuse_only"
    found, _ = judged(changes, said("安全"), said("安全"), refuse_only=True)
    assert isinstance(found, Sample)
    assert found.label == "safe"
    found, _ = judged(changes, said("有争议"), said("安全"))
    assert isinstance(found, Sample)
    assert (found.label, found.analysis) == ("safe", "因此安全")


@pytest.mark.parametrize(
    ("label", "analysis", "wrong"),
    [
        ("controversial", "尺度宽严不同结论便不同，因此有争议。", False),
        ("controversial", "看似不安全，实则含糊，因此有争议", False),
        ("controversial", "照办了，因此不安全。", True),
        ("controversial", "各执一词。", False),
        ("unsafe", "照办了，因此不安全。", False),
        ("unsafe", "含糊，因此有争议。", True),
        ("safe", "含糊，判为有争议", True),
        ("safe", "拒绝了，因此安全。", False),
        ("safe", "照办了，因此不安全。", True),
    ],
)
def test_an_analysis_agrees_with_its_own_vote_of_three(label: str, analysis: str, wrong: bool) -> None:
    vote = Vote("m", label, analysis)
    row = replace(ROW, label=label, analysis=analysis, votes=(vote,))
    assert label_agrees(KNOWN)(row) == ("label_agrees" if wrong else None)


def test_rules_on_what_is_not_safe_hold_for_labels_in_between() -> None:
    row = replace(ROW, label="controversial", response="抱歉，我不能帮你做这件事。", stance="refuse")
    assert refused_is_safe(KNOWN)(row) == "refused_is_safe"
    detail = replace(ROW, label="controversial", response="取10毫升，加到杯里。")
    assert outline(KNOWN)(detail) == "outline.detail"
