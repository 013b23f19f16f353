"""The stages of a recipe: which there are, what they come to together, and that recipes of before are who they were."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from synth.errors import ConfigError
from synth.recipe import plugins, stages
from synth.recipe.schema import Recipe, fingerprint
from synth.run.compile import compile_recipe
from tests.conftest import Lab, tiny_recipe

THREE = {
    "labels": ["unsafe", "controversial", "safe"],
    "cells": {
        "harmful/unsafe": {"share": 0.5, "stances": {"comply": 1}},
        "harmful/safe": {"share": 0.5, "stances": {"refuse": 1}},
    },
}
QUERIES = {"query": None, "queries": "q.jsonl", "n": None}
PAIRS = {"query": None, "augment": None, "respond": None, "pairs": "p.jsonl", "n": None}
ALONE = {
    "steps": ["judge"],
    "cells": {"harmful/unsafe": {"share": 0.7}, "benign/safe": {"share": 0.3}},
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "441f849a27f21c64"),
        ({"steps": ["respond", "judge"]}, "441f849a27f21c64"),
        ({"augment": None}, "de393cc1ff1b8bac"),
        ({"query": {"model": "writer", "prompts": {"benign": {"query/benign": 2}}}}, "1bff0d29efaaaaa9"),
        (QUERIES, "0dacce9540a29f73"),
        (PAIRS, "a1cc9af67981f091"),
        ({"judge": {"models": ["j1", "j2"], "verdict": "majority", "quorum": 1}}, "3bf0ffb16bfa9aba"),
        (THREE, "2b47765dc6c1c5e3"),
    ],
)
def test_a_recipe_keeps_the_identity_it_had_before_stages_were_found_by_name(changes: Any, expected: str) -> None:
    assert fingerprint(tiny_recipe(**changes).identity()) == expected


def test_what_a_stage_that_is_not_named_says_is_no_part_of_the_identity() -> None:
    without = tiny_recipe(**ALONE, respond=None)
    assert tiny_recipe(**ALONE).identity() == without.identity()
    assert tiny_recipe().identity() != without.identity()


def test_a_module_of_stages_that_has_options_is_a_stage() -> None:
    assert {stage.name: stage.kind for stage in stages.ours()} == {
        "query": "source",
        "queries": "source",
        "pairs": "source",
        "run": "source",
        "augment": "branch",
        "respond": "step",
        "redact": "step",
        "judge": "step",
    }


def test_a_recipe_comes_back_from_its_own_dump() -> None:
    recipe = tiny_recipe(**ALONE)
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe
    assert recipe.model_dump()["respond"] == {"models": ("a", "b"), "shapes": None}


def test_compiling_enters_each_stage_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[str] = []
    blocks = Recipe.blocks

    def watched(recipe: Recipe) -> Any:
        return {
            name: (stages.FoundStage(stage.name, stage.options, enter(stage), stage.makes, own=True), options)
            for name, (stage, options) in blocks(recipe).items()
        }

    def enter(stage: stages.FoundStage) -> Any:
        def bind(options: Any, context: Any) -> Any:
            entered.append(stage.name)
            return stage.bind(options, context)

        return bind

    recipe = tiny_recipe()
    monkeypatch.setattr(Recipe, "blocks", watched)
    compile_recipe(recipe)
    assert entered == ["query", "augment", "respond", "judge"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": ["judge", "respond"]}, "respond changes answers, and no judge comes after it"),
        ({"steps": ["query", "judge"]}, "'query' is no step"),
        ({"steps": []}, "no judge is among them"),
        ({"steps": ["judge"]}, r"cells.harmful/safe: queries alone are labelled, as harmful/unsafe and benign/safe"),
        ({"cells": {"harmful/unsafe": {"share": 1.0}}}, "cells.harmful/unsafe.stances: field required"),
        (PAIRS | {"respond": {"models": ["a"]}}, "`pairs` brings its own answers"),
    ],
)
def test_steps_that_make_no_flow_are_refused(changes: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        tiny_recipe(**changes)


BLACKEN = """
from dataclasses import replace
from synth.stages.contract import Context, Frozen, Step

class Options(Frozen):
    sheet: str = "一张"

class Blacken(Step):
    rewrites = redacts = True

    async def run(self, spec, sample, slot, ask):
        return sample

def bind(options: Options, context: Context) -> Blacken:
    return Blacken()
"""


@pytest.fixture
def blacken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with a step that redacts."""
    about = tmp_path / "site" / "blacken-1.0.dist-info"
    about.mkdir(parents=True)
    (about.parent / "blacken.py").write_text(BLACKEN, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: blacken\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[synth.stages]\nblacken = blacken\n", encoding="utf-8")
    monkeypatch.syspath_prepend(about.parent)
    plugins._points.cache_clear()
    yield
    plugins._points.cache_clear()
    sys.modules.pop("blacken", None)


@pytest.mark.usefixtures("blacken")
def test_what_redacts_says_so_itself_and_stands_between_answer_and_judge(lab: Lab) -> None:
    compiled = compile_recipe(tiny_recipe(blacken={}))
    assert compiled.recipe.order == ("respond", "blacken", "judge")
    assert not [spec for spec in compiled.specs if spec.sheet is not None]  # its own `sheet` is no slot sheet
    for steps, word in (
        (["blacken", "respond", "judge"], "before `blacken`; put it behind `respond`"),
        (["respond", "judge", "blacken"], "before `blacken` has worked on them"),
    ):
        with pytest.raises((ConfigError, ValidationError), match=word):
            tiny_recipe(blacken={}, steps=steps)
