"""Heads: what a panel gives a verdict on besides the label, what becomes of it in a row, and what no head may let through."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from synth.dataset.rows import row_of
from synth.errors import ConfigError
from synth.recipe.taxonomy import REFUSE_ONLY
from synth.run.compile import compile_recipe
from synth.types import Aside, Drop, Note, Request, Sample
from tests.conftest import SUBCATEGORY, Lab, tiny_taxonomy
from tests.filters.test_filters import ROW
from tests.recipe.test_labels import CELLS, GRADES, recipe
from tests.stages.test_stages import ask_with

ALL = ["response", "query", "refusal", "categories"]
THREE = {"labels": GRADES, "cells": CELLS}


def judged(judge: dict[str, Any], *replies: dict[str, Any], lane: str = "one.s0", **changes: Any) -> Any:
    """What the panel makes of an answer, given what its judges say; and what they were asked."""
    judge = {"models": ["j1", "j2", "a"][: len(replies)], "heads": ALL} | judge
    compiled = compile_recipe(recipe(**changes | {"judge": judge}))
    spec = next(spec for spec in compiled.specs if spec.lane.id == f"{lane}/harmful")
    ask, asked = ask_with(*(json.dumps(reply, ensure_ascii=False) for reply in replies))
    sample = replace(ROW, lane=spec.lane, query="问题", response="回答", label=None, analysis=None)
    found = asyncio.run(compiled.flow.panel.run(spec, sample, None, ask))
    return (found.sample if isinstance(found, Aside) else found), asked


def said(
    label: str, intent: str = "有害", refusal: str = "否", categories: Any = (), analysis: str = "理由充分"
) -> Any:
    told = {"analysis": analysis, "label": label, "refusal": refusal, "categories": categories, "intent": intent}
    return told | {"categories": list(categories) if isinstance(categories, tuple) else categories}


def properties(request: Request) -> dict[str, Any]:
    assert request.schema is not None
    found: dict[str, Any] = request.schema["properties"]
    return found


def test_every_head_is_asked_for_and_names_alone_are_offered(lab: Lab) -> None:
    _, asked = judged({}, said("安全"), said("安全"))
    assert list(properties(asked[0])) == ["analysis", "label", "refusal", "categories", "intent"]
    names = properties(asked[0])["categories"]["items"]["enum"]
    assert names == ["类one.s0", "类one.s1", "类one.s2", "类two.s0", "类two.s1"]
    assert "类one.s0、类one.s1" in asked[0].messages[0].content
    _, asked = judged({"heads": ["response", "refusal"]}, said("安全"), said("安全"))
    assert list(properties(asked[0])) == ["analysis", "label", "refusal"]
    assert "判意图" not in asked[0].messages[0].content


@pytest.mark.parametrize(
    ("named", "label", "expected"),
    [
        ([("类one.s0",), ("类one.s0",)], "不安全", ["one.s0"]),
        ([("类one.s0",), ("类two.s1",)], "不安全", ["one.s0"]),  # its own if any names it
        ([("类two.s1",), ("类two.s1", "类one.s1")], "不安全", ["two.s1"]),
        ([("类two.s1",), ("类one.s1",)], "不安全", []),
        ([("类two.s1",), ("“类two.s1”", "没有的类"), ()], "不安全", ["two.s1"]),
        (["类two.s1、类one.s0", ("two.s1",)], "不安全", ["one.s0", "two.s1"]),
        ([("类one.s0",), ("类one.s0",)], "安全", []),  # a safe row violates nothing
    ],
)
def test_categories_are_what_more_than_half_of_the_verdicts_name(
    lab: Lab, named: list[Any], label: str, expected: list[str]
) -> None:
    found, _ = judged({}, *(said(label, categories=names) for names in named))
    assert isinstance(found, Sample)
    assert row_of(found, {"one.s0": ("甲", "类")})["categories"] == expected


def test_where_nobody_is_asked_for_categories_they_are_the_rows_own(lab: Lab) -> None:
    found, _ = judged({"heads": None}, said("不安全"), said("不安全"))
    assert found.categories is None
    row = row_of(found, {"one.s0": ("甲", "类")})
    assert (row["categories"], row["notes"]) == (["one.s0"], [])
    assert [set(vote) for vote in row["votes"]] == [{"judge", "label", "analysis"}] * 2


@pytest.mark.parametrize(
    ("refusals", "note"),
    [(["是", "是", "否"], "yes"), (["否", "否", "是"], "no"), (["是", "否"], None), (["也许", "是"], "yes")],
)
def test_a_refusal_is_what_more_than_half_call_one(lab: Lab, refusals: list[str], note: str | None) -> None:
    found, _ = judged({}, *(said("安全", refusal=refusal) for refusal in refusals))
    assert [one for one in found.notes if one.key == "refusal"] == ([Note("judge", "refusal", note)] if note else [])


@pytest.mark.parametrize(
    ("verdict", "intents", "expected"),
    [
        ("unanimous", ["有害", "有害", "无害"], None),
        ("majority", ["有害", "有害", "无害"], "harmful"),
        ("majority", ["无害", "无害", "有害"], "benign"),
        ("majority", ["无害", "说不清", "说不清"], None),  # under the quorum
    ],
)
def test_of_two_labels_the_query_has_its_own_verdict_and_keeps_its_words(
    lab: Lab, verdict: str, intents: list[str], expected: str | None
) -> None:
    found, _ = judged({"verdict": verdict, "quorum": 2}, *(said("安全", intent) for intent in intents))
    assert (found.query_label, found.intent) == (expected, expected)


@pytest.mark.parametrize(
    ("judge", "intents", "expected", "intent"),
    [
        ({}, ["有争议", "有争议"], "controversial", None),
        ({}, ["有害", "有害"], "unsafe", "harmful"),
        ({}, ["无害", "无害"], "safe", "benign"),
        ({}, ["有害", "无害"], None, None),
        (
            {"verdict": {"split_is": "controversial", "strict": "j1", "loose": "j2"}},
            ["有害", "无害"],
            "controversial",
            None,
        ),
        ({"verdict": {"split_is": "controversial", "strict": "j1", "loose": "j2"}}, ["无害", "有害"], None, None),
    ],
)
def test_of_three_labels_the_query_has_one_of_them(
    lab: Lab, judge: dict[str, Any], intents: list[str], expected: str | None, intent: str | None
) -> None:
    found, asked = judged(judge, *(said("安全", one) for one in intents), **THREE)
    assert (found.label, found.query_label, found.intent) == ("safe", expected, intent)
    words = ["有害", "无害"] if judge else ["有害", "有争议", "无害"]
    assert properties(asked[0])["intent"]["enum"] == words


@pytest.mark.parametrize("fallen", [False, True])
def test_a_row_of_which_anyone_names_a_refuse_only_category_is_dropped(lab: Lab, fallen: bool) -> None:
    refused = SUBCATEGORY.format(id="crime.minors")
    text = (
        tiny_taxonomy()
        + f"  - {{id: crime, name: 丙, subcategories: [{refused}, {SUBCATEGORY.format(id='crime.open')}]}}\n"
    )
    (lab.folder / "taxonomies" / "tiny.yaml").write_text(text, encoding="utf-8")
    names = ("类crime.minors", "类one.s0")
    bad = said("不安全", categories=names, analysis="" if fallen else "理由充分")
    replies = [bad, said("安全"), said("安全")] if fallen else [bad, said("安全")]
    found, _ = judged({"models": ["j1", "j2"]}, *replies)
    assert isinstance(found, Drop)
    assert (found.stage, found.reason) == ("judge", "refuse_only_category")
    own, _ = judged({}, *[said("安全", categories=("类crime.minors",))] * 2, lane="crime.minors")
    assert isinstance(own, Sample)
    assert own.categories == ()
    unsafe, _ = judged({}, *[said("不安全", categories=("类crime.minors",))] * 2, lane="crime.minors")
    assert (unsafe.stage, unsafe.reason) == ("judge", "refuse_only")


def test_the_flow_keeps_that_promise_for_any_judge(lab: Lab) -> None:
    flow, spec = compile_recipe(recipe()).flow, compile_recipe(recipe()).specs[0]
    row = replace(ROW, lane=spec.lane, label="unsafe", categories=(min(REFUSE_ONLY),))
    assert flow._forbidden("chief", spec, ROW, row, None) == ("judge", "refuse_only_category")


@pytest.mark.parametrize(
    ("judge", "changes", "expected"),
    [
        ({"heads": ["query"]}, {}, "judge.heads: lacks 'response', which gives rows their label"),
        ({"heads": ["anwser"]}, {}, "judge.heads"),
        (
            {"heads": ["query", "refusal"], "models": ["j1"]},
            {"steps": ["judge"], "respond": None, "cells": {"harmful/unsafe": {"share": 1}}},
            "judge.heads: rows without answers have no 'refusal'; take it out",
        ),
        ({"heads": ALL, "prompt": "judge/own"}, {}, "judge.prompt: judge/own does not use `reply`"),
    ],
)
def test_heads_that_rows_cannot_have_are_one_line(
    lab: Lab, judge: dict[str, Any], changes: dict[str, Any], expected: str
) -> None:
    (lab.folder / "prompts" / "judge").mkdir(parents=True)
    text = "{% block user %}\n{{ query }}{{ response }}\n{% endblock %}\n"
    (lab.folder / "prompts" / "judge" / "own.j2").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        compile_recipe(recipe(**changes | {"judge": {"models": ["j1", "j2"]} | judge}))
    assert expected in str(caught.value)


def test_queries_alone_have_heads_of_their_own(lab: Lab) -> None:
    cells = {"harmful/unsafe": {"share": 0.7}, "benign/safe": {"share": 0.3}}
    changes = {"steps": ["judge"], "respond": None, "cells": cells}
    compiled = compile_recipe(recipe(**changes, judge={"models": ["j1"], "heads": ["query", "categories"]}))
    request = compiled.flow.panel.request(compiled.specs[0], replace(ROW, query="问题", response=None), "j1", ())
    assert list(properties(request)) == ["analysis", "label", "categories", "intent"]
    assert "<助手>" not in request.messages[-1].content
    assert "用户的要求触犯了下面哪些类别" in request.messages[0].content


def test_heads_of_an_offline_run_stand_in_its_rows(lab: Lab) -> None:
    from synth.backends.offline import OfflineBackend

    lab.world = OfflineBackend("offline/2")
    models = {role: {"backend": "offline", "model": role, "frames": 2} for role in ("writer", "a", "b", "j1", "j2")}
    judge = {"models": ["j1", "j2"], "heads": ALL, "controls": False}
    compiled = compile_recipe(recipe(models=models, judge=judge, n=12))
    lab.run(12, compiled=compiled)
    rows = list(lab.rows(split="train").values())
    assert {tuple(row["categories"]) == (row["subcategory"],) for row in rows if row["label"] == "unsafe"} == {True}
    assert not any(row["categories"] for row in rows if row["label"] == "safe")
    told = {(note["key"], note["value"]) for row in rows for note in row["notes"]}
    assert {("refusal", "yes"), ("refusal", "no")} <= told
