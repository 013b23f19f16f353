"""The block `query.sheet`: read strictly, written as it was read, and no part of a recipe that does not have it."""

import pytest

from synth.errors import ConfigError
from synth.recipe import load
from synth.recipe.schema import Recipe
from synth.recipe.sheet import LONGEST, SHORTEST, Sheet

BEFORE = ("query.sheet=null", "query.prompts={harmful: query/harmful, benign: query/benign, ordinary: query/ordinary}")


def test_bands_are_read_as_they_stand_in_a_recipe_and_written_so() -> None:
    sheet = Sheet.model_validate({"lengths": {"2-12": 1, "25 - 60": 2}})
    assert sheet.lengths == {(2, 12): 1, (25, 60): 2}
    assert Sheet.model_validate(sheet.model_dump(mode="json")) == sheet
    assert Sheet.model_validate(sheet.model_dump()) == sheet


@pytest.mark.parametrize("band", ["1-12", "12-2", "5-5", "60-2001", "viele", "10", ""])
def test_what_is_no_band_is_a_line_that_says_how_to_write_one(band: str) -> None:
    with pytest.raises(ConfigError, match=r"query\.sheet\.lengths"):
        load.load("libra", settings=[f"query.sheet.lengths={{'{band}': 1}}"])


@pytest.mark.parametrize(
    "setting", ["query.sheet.forms={question: 0}", "query.sheet.forms={riddle: 1}", "query.sheet.forms={}"]
)
def test_forms_are_those_there_are_and_weigh_something(setting: str) -> None:
    with pytest.raises(ConfigError, match=r"query\.sheet\.forms"):
        load.load("libra", settings=[setting])


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("query.sheet=null", "prompt sheet/harmful asks for a slot sheet; give `sheet`"),
        ("query.prompts.harmful=query/harmful", "prompt query/harmful knows no slot sheet"),
    ],
)
def test_a_sheet_and_its_prompts_come_together(setting: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load.load("libra", settings=[setting])


def test_the_shipped_bands_reach_from_the_shortest_to_the_longest() -> None:
    lengths = load.load("libra").query.sheet.lengths  # type: ignore[attr-defined]
    assert (min(low for low, _ in lengths), max(high for _, high in lengths)) == (SHORTEST, LONGEST) == (2, 2000)


def test_a_sheet_brings_its_prompts_unless_others_are_named() -> None:
    data = load.load("demo").model_dump(mode="json", exclude_unset=True)
    query = {"model": "writer", "sheet": {}}
    prompts = Recipe.model_validate(data | {"query": query}).query.prompts  # type: ignore[attr-defined]
    assert {*prompts.harmful, *prompts.benign, *prompts.ordinary} == {
        "sheet/harmful",
        "sheet/benign",
        "sheet/lookalike",
        "sheet/ordinary",
    }
    own = Recipe.model_validate(data | {"query": query | {"prompts": {"harmful": "mine"}}}).query.prompts  # type: ignore[attr-defined]
    assert (own.harmful, own.ordinary) == ({"mine": 1.0}, {"sheet/ordinary": 1.0})


def test_a_recipe_without_a_sheet_and_without_bounds_on_families_is_what_it_was() -> None:
    identity = load.load("libra", settings=[*BEFORE, "accept={family: null, children: null}"]).identity()
    assert "accept" not in identity
    assert identity["query"].keys() == {"model", "per_call", "elements", "prompts"}
    shipped = load.load("libra").identity()
    assert shipped["accept"] == {"family": 2, "children": 3}
    assert shipped["query"]["sheet"]["lengths"]["1000-2000"] == 0.015
