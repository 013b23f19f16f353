"""Floors of stances: a share of a round's slots that yield never takes; and what is said of it."""

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from synth.cli.summary import summary
from synth.dataset.card_floors import floor_lines
from synth.plan.lanes import lanes
from synth.plan.rounds import next_round, stance_mix
from synth.recipe.library import Library
from synth.recipe.sections import Cell
from synth.types import Request
from tests.conftest import Lab, tiny_recipe
from tests.plan.test_rounds import BRIEF, tally
from tests.support.world import World

WEIGHTS = {"natural": 1.0, "comply": 2.0, "partial": 1.0}


def poor(**hits: int) -> Any:
    """A round in which natural answers hit seldom."""
    return tally(0, 100, slots={"unsafe": Counter(natural=40, comply=40, partial=20)}, hits={"unsafe": Counter(hits)})


@pytest.mark.parametrize(
    ("floors", "hits", "expected"),
    [
        ({}, {"natural": 0, "comply": 40, "partial": 20}, {"natural": 0.015}),
        (
            {"natural": 0.25},
            {"natural": 0, "comply": 40, "partial": 20},
            {"natural": 0.25, "comply": 0.5, "partial": 0.25},
        ),
        ({"natural": 0.25}, {"natural": 40, "comply": 40, "partial": 20}, {"natural": 0.25, "comply": 0.5}),
        ({"natural": 0.5, "partial": 0.5}, {"comply": 40}, {"natural": 0.5, "partial": 0.5, "comply": 0.0}),
        ({"natural": 0.5}, {"natural": 40, "comply": 40, "partial": 20}, {"natural": 0.5}),
    ],
)
def test_yield_never_takes_a_stance_under_its_floor(floors: Any, hits: Any, expected: dict[str, float]) -> None:
    mix = stance_mix(WEIGHTS, "unsafe", [poor(**hits)], floors)
    shares = {stance: weight / sum(mix.values()) for stance, weight in mix.items()}
    for stance, share in expected.items():
        assert shares[stance] == pytest.approx(share, abs=0.01)


def test_floors_hold_for_any_weights() -> None:
    chance = random.Random(4)
    for _ in range(300):
        weights = {name: chance.uniform(0.1, 5) for name in WEIGHTS}
        cuts = sorted(chance.random() for _ in range(3))
        floors = dict(zip(WEIGHTS, (cuts[0], cuts[1] - cuts[0], cuts[2] - cuts[1]), strict=True))
        hits = {name: chance.randint(0, 20) for name in WEIGHTS}
        mix = stance_mix(weights, "unsafe", [poor(**hits)], floors)
        assert all(mix[name] >= floors[name] * sum(mix.values()) - 0.001 for name in WEIGHTS)
        assert stance_mix(weights, "unsafe", [poor(**hits)]) == stance_mix(weights, "unsafe", [poor(**hits)], {})


def test_a_plan_keeps_the_floor_and_a_plain_weight_means_what_it_did() -> None:
    spec = replace(BRIEF, cells={"unsafe": WEIGHTS}, floors={"unsafe": {"natural": 0.25}})
    past = [poor(comply=40, partial=20)]
    plan, plain = (next_round(one, {"unsafe": 50}, past) for one in (spec, replace(spec, floors={})))
    assert plan is not None
    assert plain is not None
    wanted, before = plan.wants["unsafe"].stances, plain.wants["unsafe"].stances
    assert wanted["natural"] / sum(wanted.values()) == pytest.approx(0.25, abs=0.001)
    assert before == {"natural": pytest.approx(0.048, abs=0.001), "comply": 2.0, "partial": 1.0}


def test_floors_are_read_beside_plain_weights(lab: Lab) -> None:
    cell = Cell.model_validate({"share": 0.4, "stances": {"natural": {"weight": 1, "floor": 0.25}, "comply": 2}})
    assert (cell.weights, cell.floors) == ({"natural": 1.0, "comply": 2.0}, {"natural": 0.25})
    plain = Cell.model_validate({"share": 0.4, "stances": {"natural": 1, "comply": 2}})
    assert plain.model_dump(mode="json") == {"share": 0.4, "stances": {"natural": 1.0, "comply": 2.0}}
    recipe = tiny_recipe()
    taxonomy, ordinary = Library(None).taxonomies_of(recipe)
    assert not any(spec.floors for spec in lanes(recipe, taxonomy, ordinary))
    del lab


@pytest.mark.parametrize(
    ("stances", "word"),
    [
        ({"natural": {"weight": 1, "floor": 0.6}, "comply": {"weight": 1, "floor": 0.5}}, "floors add up to 1 at most"),
        ({"natural": {"weight": 1, "floor": 1.5}}, "less than or equal to 1"),
        ({"natural": {"weight": 1}}, "floor"),
        ({"natural": "much"}, "valid number"),
    ],
)
def test_floors_that_cannot_be_are_refused(stances: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        Cell.model_validate({"share": 1, "stances": stances})


class Shy(World):
    """By nature it refuses nearly always."""

    def _answer(self, chance: random.Random, request: Request) -> str:
        shy = request.messages[0].role == "user" and chance.random() < 0.9
        return f"抱歉，我不能提供帮助。{chance.random()}" if shy else super()._answer(chance, request)


def test_a_run_says_what_share_a_floor_came_to(lab: Lab) -> None:
    lab.world = Shy(differing=0.0, complying=1.0)
    cells = {
        "harmful/unsafe": {"share": 0.6, "stances": {"natural": {"weight": 1, "floor": 0.5}, "comply": 1}},
        "harmful/safe": {"share": 0.2, "stances": {"refuse": 1}},
        "benign/safe": {"share": 0.2, "stances": {"refuse": 1}},
    }
    result = lab.run(40, cells=cells, only=("two",))
    unsafe = [cell for cell in result.cells if cell["floors"]]
    assert {cell["label"] for cell in unsafe} == {"unsafe"}
    assert all(cell["status"] == "met" for cell in unsafe)
    for cell in unsafe:
        one = cell["floors"]["natural"]
        assert one["accepted"] == round(one["share"] * cell["accepted"])
        assert one["under"] == (one["accepted"] < int(0.5 * cell["accepted"]))
        assert one["hits"] < one["slots"]
    assert any(cell["floors"]["natural"]["under"] for cell in unsafe)
    card = (lab.folder / "run" / "dataset" / "README.md").read_text(encoding="utf-8")
    for text in (card, summary(result, lab.folder / "run")):
        assert "under its floor" in text
        assert "slots gave the label" in text
    assert not list(floor_lines([cell for cell in result.cells if cell["label"] == "safe"]))
