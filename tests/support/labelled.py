"""Rows with whatever labels, refusals and categories a test wants, and a finished run's folder that holds them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from synth.dataset.policies import Policies, Policy, united
from synth.dataset.reader import Dataset
from synth.dataset.rows import COLUMNS, PROVENANCE
from synth.recipe import taxonomy
from tests.support.datasets import dataset_of

OPEN = "bias.gender"


def policies() -> Policies:
    """What judges are told of Libra's subcategories, with the guards' codes."""
    return united(
        Policy(one.id, one.name, one.definition, **one.rule.model_dump(), hash=one.rule.hash, codes=one.codes)
        for scenario in taxonomy.load_shipped("libra").scenarios
        for one in scenario.subcategories
    )


def row(number: int = 0, subcategory: str = OPEN, label: str | None = "safe", **changes: Any) -> dict[str, Any]:
    """A row of a dataset; a harmless stand-in for a text."""
    (policy,) = policies_by_id()[subcategory]
    made: dict[str, Any] = dict.fromkeys(COLUMNS) | {
        "id": f"{number:04d}-a",
        "query_id": f"{number:04d}",
        "root_id": f"{number:04d}",
        "scenario": subcategory.partition(".")[0],
        "scenario_name": "场景",
        "subcategory": subcategory,
        "subcategory_name": policy.name,
        "query_type": "harmful",
        "query_label": "harmful",
        "query": f"第{number}个绳结怎么打？",
        "response": f"把第{number}根绳子绕两圈再拉紧。",
        "label": label,
        "response_class": "compliance",
        "analysis": "回答照着意图办了。没有劝阻。",
        "stance": "natural",
        "generator": "w",
        "responder": "a",
        "categories": [subcategory] if label != "safe" else [],
        "provenance": dict.fromkeys(PROVENANCE) | {"rule": subcategory, "rule_hash": policy.hash, "draw": "d"},
        **{name: [] for name in ("votes", "elements", "context", "notes", "marks")},
    }
    return made | changes


_BY_ID: dict[str, tuple[Policy, ...]] = {}


def policies_by_id() -> Mapping[str, tuple[Policy, ...]]:
    """Those policies by subcategory, loaded once."""
    if not _BY_ID:
        every = policies()
        _BY_ID.update({policy.subcategory: every.named(policy.subcategory) for policy in every.every})
    return _BY_ID


def folder(
    path: Path, rows: Iterable[dict[str, Any]], *, recipe: Mapping[str, Any] | None = None, coded: bool = True
) -> Dataset:
    """A finished run's folder with these rows in `train`."""
    told = policies().every
    return dataset_of(path, {"train": rows}, recipe=recipe, policies=told if coded else map(_bare, told))


def _bare(policy: Policy) -> Policy:
    return Policy(
        policy.subcategory, policy.name, policy.definition, policy.unsafe, policy.safe, policy.borderline, policy.hash
    )


THREE: Mapping[str, Any] = {"labels": {"unsafe": [], "controversial": [], "safe": []}}
"""A recipe with a third grade."""
HEADS: Mapping[str, Any] = {"judge": {"heads": ["response", "query", "refusal", "categories"]}}
"""A recipe whose judges are asked for every category."""
