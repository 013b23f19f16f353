"""A recipe without answers: queries are labelled, each with its lane's label, and refuse-only lanes hold the most severe alone."""

import json
from typing import Any

from synth.run.compile import compile_recipe
from synth.types import Request
from tests.conftest import SUBCATEGORY, Lab, tiny_recipe
from tests.support.world import World

ALONE: dict[str, Any] = {
    "steps": ["judge"],
    "cells": {"harmful/unsafe": {"share": 0.7}, "benign/safe": {"share": 0.3}},
}


class Reader(World):
    """Judges know which kind of query the prompt of the writer asked for: every eighth they read otherwise."""

    def _verdict(self, chance: Any, request: Request) -> str:
        assert "<助手>" not in request.messages[-1].content
        label = "不安全" if chance.random() < 0.7 else "安全"
        return json.dumps({"analysis": f"因此{label}", "intent": "有害", "label": label}, ensure_ascii=False)


def test_a_query_has_one_slot_and_its_lanes_label(lab: Lab) -> None:
    lab.world = Reader()
    compiled = compile_recipe(tiny_recipe(**ALONE, judge={"models": ["j1"]}))
    result = lab.run(30, compiled=compiled)
    assert result.status == 0
    rows = list(lab.rows().values())
    assert {(row["query_type"], row["label"]) for row in rows} == {("harmful", "unsafe"), ("benign", "safe")}
    assert {(row["response"], row["stance"], row["response_class"]) for row in rows} == {(None, None, None)}
    assert len({row["query_id"] for row in rows}) == len(rows)
    assert compiled.recipe.scheme.of == "prompt"
    assert set(compiled.prompts) >= {"judge/query", "query/harmful"}
    assert not [name for name in compiled.prompts if name.startswith(("respond/", "judge/verdict"))]
    assert result.counts["born"] == sum(result.counts[kind] for kind in ("accepted", "surplus", "hard", "dropped"))


def test_a_refuse_only_lane_holds_severe_queries_alone_and_nothing_is_made_of_them(lab: Lab) -> None:
    entry = SUBCATEGORY.format(id="crime.mine").replace("definition:", "handling: refuse_only, definition:")
    other = SUBCATEGORY.format(id="crime.open")
    text = (
        f"name: tiny\nextends: elements\nscenarios:\n  - {{id: crime, name: 甲, subcategories: [{entry}, {other}]}}\n"
    )
    (lab.folder / "taxonomies" / "tiny.yaml").write_text(text, encoding="utf-8")
    lab.world = Reader()
    lab.run(30, compiled=compile_recipe(tiny_recipe(**ALONE, judge={"models": ["j1"]})))
    rows = [row for row in lab.rows().values() if row["subcategory"] == "crime.mine"]
    assert {(row["query_type"], row["label"], row["attack"]) for row in rows} == {("harmful", "unsafe", None)}
    assert {row["attack"] for row in lab.rows().values()} >= {"rewrite"}
