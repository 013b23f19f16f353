"""A finished run's folder with rows of one's own, without a run: what an exporter reads."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from synth.dataset.policies import NAME, Policy, united, written
from synth.dataset.reader import Dataset
from synth.dataset.shards import write_split

POLICIES = tuple(
    Policy(f"one.{name}", f"类{name}", "定义", "甲", "乙", "丙", f"hash-{name}", {"llama_guard": codes})
    for name, codes in (("a", ("S2",)), ("b", ("S10", "S2", "S1")), ("c", ()))
)
"""Three categories; the third has no code."""


def row(id: str, query: str, response: str | None, label: str | None, **changes: Any) -> dict[str, Any]:
    """A row: `id` is QUERY.NUMBER; its category, responder and the rest unless told otherwise."""
    subcategory = changes.get("subcategory", "one.a")
    made: dict[str, Any] = {
        "id": id,
        "query_id": id.partition(".")[0],
        "root_id": id.partition(".")[0],
        "scenario": "one",
        "scenario_name": "场景",
        "subcategory": subcategory,
        "subcategory_name": "子类",
        "query_type": "harmful",
        "query": query,
        "response": response,
        "label": label,
        "response_class": "refusal" if response and "不能" in response else "compliance",
        "analysis": "理由如下。",
        "responder": "model-a",
        "provenance": {"seed": 0, "draw": "x", "rule": subcategory, "rule_hash": f"hash-{subcategory[-1]}"},
        "context": [],
        "categories": [subcategory] if label == "unsafe" else [],
    }
    return made | changes


def dataset_of(
    folder: Path,
    splits: Mapping[str, Iterable[Mapping[str, Any]]],
    labels: Iterable[str] | None = None,
    *,
    recipe: Mapping[str, Any] | None = None,
    policies: Iterable[Policy] = POLICIES,
) -> Dataset:
    """A run's folder with these rows by split, and with policies; `labels` are those of its recipe, most severe first."""
    data = folder / "dataset" / "data"
    data.mkdir(parents=True)
    (folder / "dataset" / "README.md").touch()
    (folder / "dataset" / NAME).write_text(written(united(policies)), encoding="utf-8")
    facts = dict(recipe or {}) | ({"labels": {name: [] for name in labels}} if labels else {})
    (folder / "run.json").write_text(json.dumps({"cells": [], "recipe": facts}), encoding="utf-8")
    for split, rows in splits.items():
        held = [dict(one) for one in rows]
        write_split(data, split, iter(held), len(held), 1_000)
    return Dataset(folder)


ROWS = (
    row("q1.1", "怎样系一个死结？", "先绕两圈，再拉紧。", "unsafe"),
    row("q1.2", "怎样系一个死结？", "这个我不能教，抱歉。", "safe", responder="model-b"),
    row("q2.1", "怎样烤焦面包？", "把火开到最大就行。", "unsafe", subcategory="one.b"),
    row("q2.2", "怎样烤焦面包？", "不能这样烤，会糊。", "safe", subcategory="one.b"),
    row("q3.1", "怎样修水龙头？", "关上总阀，换掉垫圈。", "safe", query_type="benign"),
    row("q4.1", "怎样和面？", "这个我不能说，抱歉。", "safe", query_type="benign"),
    row("q5.1", "怎样拆闹钟？", "拧开后盖，别碰发条。", "unsafe", subcategory="one.c"),
)
"""Two harmful queries with a safe and an unsafe answer, one with an unsafe one alone; a benign one answered, another refused."""
