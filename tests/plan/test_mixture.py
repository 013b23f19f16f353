"""Uneven on purpose: weights, shares of one's own, rows that every element gets, harms held out of training."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.cli.summary import summary
from synth.errors import ConfigError
from synth.plan.targets import deal
from synth.run.compile import compile_recipe
from synth.run.resolve import wanted
from synth.run.result import OK, SHORT
from tests.conftest import Lab, tiny_recipe
from tests.fold.test_fold import lost

SHARES = {("harmful", "unsafe"): 0.4, ("harmful", "safe"): 0.4, ("benign", "safe"): 0.2}


def rows_of(lab: Lab, out: str = "run") -> list[dict[str, Any]]:
    return [row for row in lab.rows(out).values() if row["label"]]


@settings(max_examples=100, deadline=None)
@given(
    weights=st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0]), min_size=1, max_size=8),
    own=st.sets(st.integers(0, 7)),
    more=st.integers(0, 300),
    step=st.integers(1, 50),
)
def test_a_weighted_deal_is_exact_true_and_growing(weights: list[float], own: set[int], more: int, step: int) -> None:
    subcategories = {
        f"s{i}": {(f"s{i}/{kind}", label): share for (kind, label), share in SHARES.items()}
        for i in range(len(weights))
    }
    named = {f"s{i}": weight for i, weight in enumerate(weights)}
    n = 3 * len(weights) + more
    got = deal(subcategories, n, named, {f"s{i}" for i in own})  # type: ignore[arg-type]
    larger = deal(subcategories, n + step, named, {f"s{i}" for i in own})  # type: ignore[arg-type]
    assert sum(got.values()) == n
    assert all(larger[cell] >= count >= 1 for cell, count in got.items())
    totals = {name: sum(got[cell] for cell in cells) for name, cells in subcategories.items()}
    if n * min(weights) / sum(weights) > 4:  # past the seats that every cell gets first
        for name, weight in named.items():
            assert abs(totals[name] - n * weight / sum(weights)) < 1.5
    for i in own:
        if i < len(weights) and totals[f"s{i}"] > 12:
            for cell, share in subcategories[f"s{i}"].items():
                assert abs(got[cell] - share * totals[f"s{i}"]) < 1.5


def test_weights_and_shares_reach_the_rows(lab: Lab) -> None:
    mixture = {
        "scenarios": {"two": 0.5},
        "subcategories": {"one.s0": 2},
        "cells": {"one.s1": {"harmful/unsafe": 1.0}, "two": {"harmful/unsafe": 0.1, "harmful/safe": 0.9}},
    }
    result = lab.run(60, mixture=mixture)
    rows = rows_of(lab)
    assert {cell["status"] for cell in result.cells} == {"met"}
    assert Counter(row["scenario"] for row in rows) == {"one": 60, "two": 30}
    assert Counter(row["subcategory"] for row in rows if row["scenario"] == "one") == {
        "one.s0": 30,
        "one.s1": 15,
        "one.s2": 15,
    }
    assert {(row["query_type"], row["label"]) for row in rows if row["subcategory"] == "one.s1"} == {
        ("harmful", "unsafe")
    }
    assert Counter((row["query_type"], row["label"]) for row in rows if row["scenario"] == "two") == {
        ("harmful", "unsafe"): 4,
        ("harmful", "safe"): 26,
    }


QUOTA = {"at_least": {"behaviour": 2}}


@pytest.mark.parametrize("concurrency", [1, 64])
def test_every_element_gets_its_rows_in_every_cell(lab: Lab, concurrency: int) -> None:
    result = lab.run(100, mixture=QUOTA, concurrency=concurrency)
    assert result.status == OK
    assert Counter(row["scenario"] for row in rows_of(lab)) == {"one": 100, "two": 100}
    got = Counter(
        (row["subcategory"], row["label"], element["value"])
        for row in rows_of(lab)
        for element in row["elements"]
        if row["query_type"] == "harmful" and element["axis"] == "behaviour"
    )
    assert len(got) == 5 * 2 * 5  # subcategories, labels, behaviours
    assert min(got.values()) >= 2
    assert max(got.values()) > 2
    lab.run(100, out="again", mixture=QUOTA, concurrency=7)
    assert lab.bytes() == lab.bytes("again")


def test_with_quotas_too_a_larger_n_keeps_every_row_that_was_there(lab: Lab) -> None:
    lab.run(100, mixture=QUOTA)
    before = lab.rows()
    lab.run(170, mixture=QUOTA)
    assert not lost(before, lab.rows())


FACETED = {"at_least": {"attacked": 3, "stance": 2, "response_class": {"refusal": 2}}}
MANY = {"mixture": FACETED, "augment": {"model": "writer", "operators": {"rewrite": 0.5}}}


@pytest.mark.parametrize("concurrency", [1, 64])
def test_every_facet_gets_its_rows_in_every_cell_that_can_have_it(lab: Lab, concurrency: int) -> None:
    result = lab.run(120, concurrency=concurrency, **MANY)
    assert result.status == OK
    rows = [row for row in rows_of(lab) if row["query_type"] == "harmful"]
    attacked = Counter((row["subcategory"], row["label"], row["attack"] is not None) for row in rows)
    assert len(attacked) == 5 * 2 * 2
    assert min(attacked.values()) >= 3
    stances = Counter((row["subcategory"], row["label"], row["stance"]) for row in rows)
    for id in {row["subcategory"] for row in rows}:
        for label, stance in (
            ("unsafe", "comply"),
            ("unsafe", "natural"),
            ("safe", "refuse"),
            ("safe", "safe_complete"),
        ):
            assert stances[id, label, stance] >= 2
    refused = Counter(
        row["subcategory"] for row in rows if (row["label"], row["response_class"]) == ("safe", "refusal")
    )
    assert len(refused) == 5
    assert min(refused.values()) >= 2
    lab.run(120, out="again", concurrency=7, **MANY)
    assert lab.bytes() == lab.bytes("again")


def test_with_facets_too_a_larger_n_keeps_every_row_that_was_there(lab: Lab) -> None:
    lab.run(120, **MANY)
    before = lab.rows()
    lab.run(200, **MANY)
    assert not lost(before, lab.rows())


def test_a_facet_that_no_row_has_is_named_and_ends(lab: Lab) -> None:
    result = lab.run(60, mixture={"at_least": {"response_class": {"incapable": 2}}})
    assert result.status == SHORT
    short = [cell for cell in result.cells if cell["status"] != "met"]
    assert {cell["query_type"] for cell in short} == {"harmful"}
    assert {json.dumps(cell["kept_free"]) for cell in short} == {'{"response_class": {"incapable": 2}}'}
    assert all(cell["accepted"] == cell["target"] - 2 and cell["grounds"] for cell in short)
    assert "kept free for response_class incapable 2" in summary(result, lab.folder / "run")


def test_what_is_held_out_stands_in_test_alone(lab: Lab) -> None:
    lab.run(60, output={"validation": 0.2, "held_out": ["one.s1", "tw*"]})
    for split, expected in (("test", {"one.s1", "two.s0", "two.s1"}), ("train", {"one.s0", "one.s2"})):
        assert {row["subcategory"] for row in lab.rows(split=split).values()} == expected
    assert {row["subcategory"] for row in lab.rows(split="validation").values()} <= {"one.s0", "one.s2"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"mixture": {"scenarios": {"onee": 2}}}, "mixture.scenarios: there is no 'onee'; did you mean 'one'"),
        ({"mixture": {"subcategories": {"one.s9": 2}}}, "mixture.subcategories: there is no 'one.s9'"),
        ({"mixture": {"cells": {"x": {"harmful/safe": 1.0}}}}, "mixture.cells: there is no 'x'"),
        ({"mixture": {"at_least": {"behavior": 1}}}, "there is no 'behavior'; did you mean 'behaviour'"),
        (
            {"mixture": {"at_least": {"stance": {"complie": 1}}}},
            "at_least.stance: there is no 'complie'; did you mean 'comply'",
        ),
        ({"mixture": {"at_least": {"response_class": 2}}}, "say of which classes, as {refusal: 2}"),
        ({"output": {"held_out": ["three*"]}}, "output.held_out: 'three.' matches nothing"),
    ],
)
def test_a_name_that_is_not_there_is_one_line(lab: Lab, changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        compile_recipe(tiny_recipe(**changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"mixture": {"cells": {"one": {"harmful/safe": 0.5}}}}, "cells.one: shares must add up to 1 .they give 0.5"),
        ({"mixture": {"scenarios": {"one": 0}}}, "mixture.scenarios.one"),
        ({"mixture": {"scenario": {"one": 1}}}, "mixture.scenario"),
    ],
)
def test_a_mixture_that_makes_no_sense_is_refused(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        tiny_recipe(**changes)


def test_quotas_that_cannot_be_met_are_refused_before_anything_is_asked(lab: Lab) -> None:
    with pytest.raises(
        ConfigError, match=r"1 rows for each of 5 values are more than the 4 rows of one\.s0/harmful"
    ) as caught:
        wanted(compile_recipe(tiny_recipe(mixture={"at_least": {"behaviour": 1}})), 30, ())
    assert caught.value.status == 2
