"""What queries of one family are compared by, and rows that a stage sets aside: with stages of a third party."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import datasets
import pytest

from synth.dataset.reader import Dataset
from synth.fold import fold as module
from synth.plan.lanes import LaneSpec
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.result import OK
from synth.stages.contract import Branch, Slot, Step
from synth.stages.query import query_id
from synth.types import Aside, Drop, Judged, Sample
from tests.conftest import Lab, tiny_recipe
from tests.filters.test_filters import ROW
from tests.support.stages import with_stage
from tests.support.world import sentence

FRAME = "".join(sentence(number) for number in range(-10, 0)) + "{}"
"""So long that two of it are near-duplicates, whatever stands in it."""
ONE = "有一件事我一直想问你又不知道怎么开口"
N = 40


@dataclass(frozen=True)
class Rule(Branch):
    """An operator without a model: a frame around the root's query, or one text for all of them."""

    frame: str
    same_request: Collection[str] = ()

    def shares(self, spec: LaneSpec) -> dict[str, float]:
        return {"rewrite": 0.5} if spec.lane.query_type == "harmful" else {}

    async def apply(self, spec: LaneSpec, root: Sample, name: str, ask: Any) -> Sample | Drop:
        query, place = self.frame.format(root.query), f"{root.provenance.draw}+{name}"
        return replace(
            root,
            query=query,
            query_id=query_id(spec, query),
            parent_id=root.query_id,
            attack=name,
            provenance=replace(root.provenance, draw=place),
        )


def with_rule(rule: Rule, **changes: Any) -> CompiledRecipe:
    recipe = tiny_recipe(augment={"model": "writer", "operators": {"rewrite": 0.5}}, **changes)
    compiled = compile_recipe(recipe)
    return with_stage(compiled, "augment", rule)


def test_children_known_to_hold_their_roots_request_are_not_joined_by_their_frame(lab: Lab) -> None:
    by_text = lab.run(N, out="text", compiled=with_rule(Rule(FRAME)))
    by_request = lab.run(N, compiled=with_rule(Rule(FRAME, {"rewrite"})))
    assert by_text.dropped["dedup.near_duplicate"] > 20
    assert by_request.dropped.get("dedup.near_duplicate", 0) < 3
    rows = lab.rows().values()
    assert sum(row["attack"] is not None for row in rows) > 10
    assert {row["root_id"] for row in rows} == {row["parent_id"] or row["query_id"] for row in rows}
    assert by_request.status == OK


def test_one_text_for_all_roots_does_not_pass_by_their_requests(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP_EVERY", 0.0)
    rule = Rule(ONE, {"rewrite"})
    calm = lab.run(N, out="calm", compiled=with_rule(rule))
    assert calm.dropped["dedup.same_text"] > 20
    passed = {(row["query_type"], row["query_id"]) for row in lab.rows("calm").values() if row["query"] == ONE}
    assert len(passed) == len({kind for kind, _ in passed}), "one query of a type"
    for _ in range(2):
        lab.run(N, compiled=with_rule(rule), interrupt=15.0)
    lab.run(N, compiled=with_rule(rule))
    assert lab.bytes() == lab.bytes("calm"), "a checkpoint remembers what was said"


def test_what_is_avoided_is_looked_for_in_the_request_and_in_the_words_as_sent(lab: Lab) -> None:
    class Known:
        def query(self, text: str) -> str | None:
            return {"原来的问题": "near", "说法": "contained"}.get(text)

    compiled = compile_recipe(tiny_recipe())
    flow = replace(compiled.flow, avoided=Known())  # type: ignore[arg-type]
    sample = replace(ROW, lane=compiled.specs[0].lane)
    expected = [("说法", None, "avoided.contained"), ("别的", "原来的问题", "avoided.near"), ("别的", None, None)]
    for query, request, reason in expected:
        assert flow.objection(replace(sample, query=query, request=request)) == reason


class Choosy(Step):
    """Sets aside, as `easy`, every other row that the panel calls unsafe."""

    async def run(self, spec: LaneSpec, sample: Sample, slot: Slot | None, ask: Any) -> Judged:
        easy = sample.label == "unsafe" and int(sample.query_id, 16) % 2
        return Aside("easy", sample) if easy else sample


def test_what_is_set_aside_is_counted_kept_in_its_split_and_fills_no_cell(lab: Lab) -> None:
    compiled = compile_recipe(tiny_recipe(output={"validation": 0.3}))
    compiled = with_stage(compiled, "choosy", Choosy())
    result = lab.run(N, compiled=compiled)
    counts = result.counts
    assert result.status == OK
    assert counts["aside"] == {"easy": result.splits["easy"], "hard": result.splits["hard"]}
    assert counts["hard"] == result.splits["hard"] > 0
    assert counts["aside"]["easy"] > 10
    assert counts["born"] == sum(counts[kind] for kind in ("accepted", "surplus", "dropped")) + sum(
        counts["aside"].values()
    )
    made = Dataset(lab.folder / "run")
    assert made.splits() == ["train", "validation", "hard", "easy"]
    assert made.labelled() == ["train", "validation"]
    easy = datasets.load_dataset(str(made.folder / "dataset"), "easy", cache_dir=str(lab.folder / "cache"))["train"]
    assert {(row["label"], int(row["query_id"], 16) % 2) for row in easy} == {("unsafe", 1)}
    kept = {row["id"] for split in made.labelled() for row in made.rows(split)}
    assert not kept & {row["id"] for row in easy}
