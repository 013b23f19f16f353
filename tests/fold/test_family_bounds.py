"""`accept`: a cell takes so many rows of a family, a root has so many children, and a larger N takes no row away."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from synth.fold import fold as module
from synth.run.compile import compile_recipe
from synth.types import Round
from tests.conftest import Lab, tiny_recipe

MANY: dict[str, Any] = {
    "augment": {"model": "writer", "operators": {"rewrite": 1.0, "paraphrase": 1.0, "red_team": 1.0}}
}


def most_of_a_family(lab: Lab, out: str = "run") -> int:
    rows = lab.rows(out, "[tv]*").values()
    return max(Counter((row["root_id"], row["subcategory"], row["label"]) for row in rows).values())


def test_a_cell_takes_two_rows_of_a_family(lab: Lab) -> None:
    free = lab.run(60, out="free", **MANY)
    assert most_of_a_family(lab, "free") > 2
    assert "accept.family" not in free.dropped
    bound = lab.run(60, accept={"family": 2}, **MANY)
    assert most_of_a_family(lab) == 2
    assert bound.dropped["accept.family"] + bound.counts["unanswered"] > 0
    assert {cell["status"] for cell in bound.cells} == {"met"}


def test_a_larger_n_keeps_every_row(lab: Lab) -> None:
    lab.run(30, out="small", accept={"family": 1}, **MANY)
    lab.run(60, out="large", accept={"family": 1}, **MANY)
    assert lab.rows("small", "[tv]*").keys() <= lab.rows("large", "[tv]*").keys()


def test_a_checkpoint_remembers_the_family_at_hand(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP_EVERY", 0.0)
    bounds = {"accept": {"family": 1}, **MANY}
    lab.run(40, out="calm", **bounds)
    for interrupt in (15.0, 31.0, None):
        lab.run(40, interrupt=interrupt, **bounds)
    assert lab.bytes() == lab.bytes("calm")


def test_a_root_has_so_many_children_drawn_by_share(lab: Lab) -> None:
    del lab
    shares = {"rewrite": 0.1, "paraphrase": 0.3, "red_team": 0.9}
    recipe = tiny_recipe(augment={"model": "writer", "operators": shares}, accept={"children": 1})
    compiled = compile_recipe(recipe)
    spec = compiled.specs[0]
    plan = Round(spec.lane.id, 0, 0, 10, {}, dict.fromkeys(shares, 1.0), 3)
    drawn = [compiled.flow.operators(spec, plan.operators, at) for at in range(600)]
    assert {len(due) for due in drawn} == {1}
    counts = Counter(name for due in drawn for name in due)
    assert counts["red_team"] > 2 * counts["paraphrase"] > 3 * counts["rewrite"] > 0
    free = replace(compiled.flow, children=None)
    assert free.operators(spec, plan.operators, 0).keys() == shares.keys()
    two = replace(compiled.flow, children=2).operators(spec, plan.operators, 0)
    assert compiled.flow.operators(spec, plan.operators, 0).keys() < two.keys()
