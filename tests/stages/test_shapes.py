"""Forms and lengths of answers: one distribution for every stance that is told how to write, drawn before the stance."""

import random
import re
from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from synth.recipe.load import load
from synth.run.compile import compile_recipe
from synth.stages.shapes import FORMS, LIMITS, Shapes
from synth.types import Request
from tests.conftest import NEWER, Lab, tiny_recipe
from tests.support.world import World

SHAPES = {
    "forms": {"paragraph": 0.5, "list": 0.3, "brief": 0.2},
    "lengths": {"20-60": 0.2, "60-120": 0.5, "120-200": 0.3},
}
_ASKED = re.compile(r"^写成：(.+)\n篇幅：(\d+)到(\d+)字$", re.MULTILINE)


class Noting(World):
    """Notes what was asked of answerers, by the query."""

    def _answer(self, chance: random.Random, request: Request) -> str:
        self.told.append("\n".join(message.content for message in request.messages))
        return super()._answer(chance, request)

    told: list[str]


def test_shapes_are_drawn_as_their_weights_say_and_every_length_fits_its_form() -> None:
    shapes = Shapes.model_validate(SHAPES)
    drawn = [shapes.drawn(1, f"q{n}", "unsafe") for n in range(4_000)]
    forms = Counter(shape.form for shape in drawn)
    assert all(abs(forms[FORMS[form]] / 4_000 - share) < 0.03 for form, share in shapes.forms.items())
    limits = {FORMS[form]: limit for form, limit in LIMITS.items()}
    for shape in drawn:
        least, most = limits[shape.form]
        assert least <= shape.low < shape.high <= most
    long = Counter((shape.form, shape.low) for shape in drawn)
    assert abs(long["分条", 60] / forms["分条"] - 0.5 / 0.8) < 0.05
    assert drawn[:50] == [shapes.drawn(1, f"q{n}", "unsafe") for n in range(50)]
    assert drawn[:50] != [shapes.drawn(1, f"q{n}", "safe") for n in range(50)]


@pytest.mark.parametrize(
    ("shapes", "word"),
    [
        ({"forms": {"paragraph": 1}, "lengths": {"60": 1}}, "no band of lengths"),
        ({"forms": {"paragraph": 1}, "lengths": {"60-20": 1}}, "no band of lengths"),
        ({"forms": {"brief": 1}, "lengths": {"60-120": 1}}, "no band lies within 0 to 80"),
        ({"forms": {"poem": 1}, "lengths": {"60-120": 1}}, "paragraph"),
        ({"forms": {}, "lengths": {"60-120": 1}}, "at least 1 item"),
    ],
)
def test_shapes_that_cannot_be_drawn_are_refused(shapes: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        Shapes.model_validate(shapes)


def test_every_stance_that_is_told_how_to_write_is_told_the_same_shape_and_natural_none(lab: Lab) -> None:
    lab.world = world = Noting()
    world.told = []
    cells = {
        "harmful/unsafe": {"share": 0.4, "stances": {"comply": 1, "partial": 1, "natural": 1}},
        "harmful/safe": {"share": 0.4, "stances": {"refuse": 1, "safe_complete": 1}},
        "benign/safe": {"share": 0.2, "stances": {"natural": 1, "redact": 1}},
    }
    lab.run(40, cells=cells, respond={"models": ["a", "b"], "shapes": SHAPES}, models=NEWER)
    marks = {
        "refuse": "请明确拒绝",
        "safe": "不要一拒了之",
        "comply": "有求必应",
        "partial": "嘴上推辞",
        "redact": "一律写成【略】",
    }
    seen: dict[str, Counter[str]] = {name: Counter() for name in (*marks, "natural")}
    for told in world.told:
        name = next((name for name, mark in marks.items() if mark in told), "natural")
        asked = _ASKED.search(told)
        assert (asked is None) == (name == "natural")
        seen[name][asked[1] if asked else "-"] += 1
        assert ("本类的底线：细节" in told) == (name in ("comply", "partial"))
    for name in ("comply", "refuse"):
        assert 0.15 < seen[name]["分条"] / seen[name].total() < 0.5, seen


def test_without_shapes_a_recipe_is_the_one_it_was() -> None:
    assert "shapes" not in tiny_recipe().identity()["respond"]
    assert "shapes" in tiny_recipe(respond={"models": ["a"], "shapes": SHAPES}).identity()["respond"]


def test_the_reference_recipe_asks_by_shapes_and_names_no_stance_redact() -> None:
    for name in ("libra", "demo", "libra-natural"):
        recipe = load(name)
        assert not [cell for cell in recipe.cells.values() if "redact" in (cell.stances or {})]
        assert recipe.order == ("respond", "redact", "judge")
        assert {"answer/comply", "redact/detail"} <= compile_recipe(recipe).prompts.keys()
    shapes = load("libra").options("respond").shapes
    lists = sum(shapes.drawn(1, f"q{n}", "unsafe").form == "分条" for n in range(2_000)) / 2_000
    assert 0.2 < lists < 0.5


def test_what_an_ordinary_chat_service_lacks_is_asked_by_libra_natural_alone() -> None:
    begun = {name for name, role in load("libra").models.items() if role.prefill or role.completion}
    assert not begun
    natural = load("libra-natural")
    assert {name for name, role in natural.models.items() if role.prefill or role.completion} == {"begun", "base"}
    assert {"begun", "base"} <= {*natural.options("respond").models}
