"""How much texts differ: measures as they are defined, bounds that real sets keep, and doubts about those who do not."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import exp, log
from typing import Any

import pytest

from synth.quality.diversity import diversity, matched
from synth.quality.diversity_band import BOUNDS, REAL
from synth.quality.diversity_forms import form_of, found_again, is_list, telling
from synth.quality.diversity_report import doubts
from synth.quality.doubts.votes import RoleNames
from tests.conftest import Lab
from tests.support.cards import card_of

TEXTS = ["春天来了", "春天走了", "今晚吃什么"]


def test_measures_are_as_defined() -> None:
    found = diversity(TEXTS)
    assert found is not None
    assert (found.n, found.length) == (3, 4)
    assert found.distinct_2 == pytest.approx(9 / 10)  # 春天 comes twice
    assert found.nearest == pytest.approx((1 / 5 + 1 / 5 + 0) / 3)
    assert (found.openings, found.opening) == (1, pytest.approx(1 / 3))
    first = (log(3 / 4) + log(1 / 3) + log(0.1 / 2) + log(0.1 / 1)) / 4  # 春 天 了, 春天, no longer one
    last = (log(0.1 / 5) + log(0.1 / 4) + log(0.1 / 3) + log(0.1 / 2)) / 4
    assert found.self_bleu == pytest.approx((2 * exp(first) + exp(last)) / 3)


def test_an_n_gram_counts_as_often_as_one_other_text_has_it() -> None:
    found = [diversity([text, "好好好好好"]) for text in ("坏坏坏坏坏", "好好坏坏坏", "好好好好坏")]
    told = [one.self_bleu for one in found if one is not None]
    assert told == sorted(set(told))
    assert len(told) == 3


@pytest.mark.parametrize(
    ("texts", "vendi"), [(["甲乙丙丁"] * 10, 20), ([chr(0x4E00 + 40 * at) * 9 for at in range(10)], 200)]
)
def test_a_vendi_score_counts_different_texts(texts: list[str], vendi: float) -> None:
    found = diversity(texts)
    assert found is not None
    assert found.vendi == pytest.approx(vendi, rel=0.1)


@pytest.mark.parametrize("texts", [[], ["一"], ["只有一条"], ["", "好"]])
def test_too_few_texts_have_no_diversity(texts: list[str]) -> None:
    assert diversity(texts) is None


def test_a_measure_does_not_hang_on_the_order_of_texts() -> None:
    told = [diversity(list(texts)) for texts in (TEXTS, reversed(TEXTS))]
    assert told[0] is not None
    assert told[1] is not None
    for name in ("distinct_2", "self_bleu", "vendi", "nearest"):
        assert getattr(told[0], name) == pytest.approx(getattr(told[1], name))


def test_texts_of_another_length_are_not_held_against_bounds() -> None:
    assert matched(["短", "刚" * 20, "好" * 60, "长" * 61] * 150) == ["刚" * 20, "好" * 60] * 100


@pytest.mark.parametrize("real", REAL, ids=lambda real: str(real["set"]))
def test_real_sets_are_within_all_bounds(real: Mapping[str, Any]) -> None:
    assert not [name for name, bound in BOUNDS.items() if bound.beyond(real[name], bound.doubt)]


FORMS = [
    ("这结怎么打？", "question"),
    ("请帮我写一段祝词", "order"),
    ("列出五种面包", "order"),
    ("绳子总是松", "statement"),
    ("能不能教我打结", "question"),
    ("你可以帮我写信吗？", "question"),
]


@pytest.mark.parametrize(("query", "form"), FORMS)
def test_a_query_is_a_question_an_order_or_a_statement(query: str, form: str) -> None:
    assert form_of(query) == form


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("1. 和面\n2. 醒面", True), ("第一步，和面\n第二步，醒面", True), ("1. 只有一条", False), ("和面，醒面", False)],
)
def test_an_answer_is_a_list_by_its_lines(answer: str, expected: bool) -> None:
    assert is_list(answer) == expected


def test_what_was_drawn_is_found_in_a_text_or_not() -> None:
    elements = [
        {"axis": "behaviour", "value": "打水手结"},
        {"axis": "region", "value": "内蒙古草原"},
        {"axis": "form", "value": "提问"},
    ]
    row = {"query": "怎么打水手结又快又牢", "parent_id": None, "elements": elements}
    assert found_again([row, row | {"parent_id": "a", "query": "别的"}]) == {"behaviour": 1, "region": 0}


def rows(**of: str) -> Iterator[dict[str, Any]]:
    """Two hundred rows whose answers are told apart by these alone, by label."""
    for at in range(200):
        label = ("safe", "unsafe")[at % 2]
        yield {"root_id": str(at // 2), "label": label, "response": f"{chr(0x4E00 + at * 31 % 977)}{of.get(label, '')}"}


@pytest.mark.parametrize(
    ("of", "telling_ones"),
    [({}, set()), ({"unsafe": "【略】"}, {"mark", "length"}), ({"unsafe": "\n1. 和面\n2. 醒面"}, {"list", "length"})],
)
def test_a_feature_that_gives_the_label_away_is_seen(of: dict[str, str], telling_ones: set[str]) -> None:
    found = telling(list(rows(**of)), lambda label: label == "unsafe")
    assert {name for name, value in found.items() if value > 0.6} == telling_ones
    assert not telling(list(rows(**of))[:40], lambda label: label == "unsafe"), "too few"


GOOD = {
    "n": 200,
    "length": 40,
    "distinct_2": 0.6,
    "self_bleu": 0.3,
    "vendi": 120,
    "nearest": 0.1,
    "openings": 0.9,
    "opening": 0.03,
}
CAST = RoleNames(roles={("query", "big"): "writer"}, gate=("query", "dedup"))


def told(**more: float) -> dict[str, Any]:
    return {"kinds": {"harmful": {"matched": GOOD | more}}, "behaviours": {"over": 0}}


@pytest.mark.parametrize(
    ("more", "kinds", "whole"),
    [
        ({}, [], False),
        ({"distinct_2": 0.44}, ["diversity_distinct_2"], False),
        ({"self_bleu": 0.46, "vendi": 94}, ["diversity_self_bleu", "diversity_vendi"], False),
        ({"nearest": 0.19, "opening": 0.2}, ["diversity_nearest", "diversity_opening"], False),
        ({"distinct_2": 0.1}, ["diversity_distinct_2"], True),
        ({"distinct_2": 0.1, "n": 99}, [], False),
    ],
)
def test_what_is_beyond_a_bound_is_a_doubt_about_the_writer(
    more: dict[str, float], kinds: list[str], whole: bool
) -> None:
    found = list(doubts(told(**more), CAST))
    assert [doubt.kind for doubt in found] == kinds
    assert {(doubt.role, doubt.model) for doubt in found} <= {("writer", "big")}
    assert any(doubt.whole for doubt in found) == whole


def test_a_stand_in_is_not_doubted() -> None:
    assert not list(doubts(told(distinct_2=0.1), replace(CAST, roles={})))


def test_a_behaviour_with_too_large_a_share_of_a_cell_is_a_doubt() -> None:
    first = {"cell": "a.b/harmful/unsafe", "behaviour": "打结", "count": 9, "n": 40}
    (doubt,) = doubts(told() | {"behaviours": {"over": 1, "cells": 4, "largest": [first]}}, CAST)
    assert (doubt.kind, doubt.count, doubt.n) == ("diversity_behaviour", 1, 4)
    assert "9 of 40" in doubt.words
    assert "more behaviours" in doubt.mend  # fewer queries a call would change nothing


def test_the_card_shows_nothing_where_nothing_was_measured() -> None:
    assert "Diversity" not in card_of(diversity={})
    assert "Diversity" not in card_of(diversity={"kinds": {}})


def test_a_run_tells_its_diversity_and_the_same_at_any_concurrency(lab: Lab) -> None:
    found = [lab.run(40, concurrency=at, out=f"run{at}").diversity for at in (1, 8)]
    assert found[0] == found[1]
    harmful = found[0]["kinds"]["harmful"]
    assert harmful["measures"]["n"] > 10
    assert set(harmful["answers"]) == {"unsafe", "safe"}
    assert 0 < found[0]["behaviours"]["reached"] <= found[0]["behaviours"]["possible"]
    assert json.loads((lab.folder / "run1" / "run.json").read_text(encoding="utf-8"))["diversity"] == found[0]
    card = (lab.folder / "run1" / "dataset" / "README.md").read_text(encoding="utf-8")
    assert "## Diversity" in card
    assert "| ChineseSafetyQA | 200 |" in card
