"""Recipes: strict, every name checked; options of the command line go on top."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from synth.errors import ConfigError
from synth.recipe import load
from synth.recipe.files import names
from synth.run import lint
from synth.run.compile import compile_recipe
from tests.conftest import Lab, tiny_recipe


@pytest.mark.parametrize("name", names("pipelines"))
def test_what_ships_binds(name: str) -> None:
    bound = compile_recipe(load.load(name))
    unsorted = 2 if bound.recipe.from_file else 0
    assert len({spec.lane.id for spec in bound.specs}) == len(bound.specs) == 86 + unsorted


def libra() -> dict[str, Any]:
    return yaml.safe_load((Path(__file__).parents[2] / "pipelines" / "libra.yaml").read_text(encoding="utf-8"))


def changed(**changes: Any) -> dict[str, Any]:
    return libra() | changes


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (changed(dedupe={}), "dedupe: unknown key 'dedupe'; did you mean 'dedup'"),
        (changed(dedup={"treshold": 0.7}), "dedup.treshold: unknown key 'treshold'; did you mean 'threshold'"),
        (changed(dedup={"threshold": 7}), r"dedup.threshold: .*less than or equal to 1 \(got 7\)"),
        (changed(n=0), "n: .*greater than 0"),
        (changed(n="many"), "n: .*integer"),
        (changed(query={"model": "writter"}), "query.model: no model role 'writter'; did you mean 'writer'"),
        (changed(judge={"models": ["judge_a", "judge_c"]}), "judge.models: no model role 'judge_c'"),
        (changed(judge={"models": []}), "judge.models: .*at least 1 item"),
        (changed(queries="mine.jsonl"), "exactly one of query, queries, pairs, run .*query, queries"),
        ({k: v for k, v in libra().items() if k != "query"}, "exactly one of query, queries, pairs, run .*none"),
        ({k: v for k, v in libra().items() if k != "respond"}, "needs `respond`"),
        ({k: v for k, v in libra().items() if k != "name"}, "name: field required"),
        (changed(cells={"harmful/unsafe": {"share": 0.5, "stances": {"comply": 1}}}), "shares must add up to 1 .*0.5"),
        (changed(cells={"harmful/wild": {"share": 1, "stances": {"comply": 1}}}), "cells.harmful/wild"),
        (changed(cells={"harmful/safe": {"share": 1, "stances": {"shout": 1}}}), "stances.*shout"),
        (changed(cells={"harmful/safe": {"share": 1, "stances": {"refuse": 0}}}), "greater than 0"),
        (
            changed(augment={"model": "writer", "operators": {"rewrite": 1.5}}),
            "operators.rewrite: .*less than or equal to 1",
        ),
    ],
)
def test_a_wrong_recipe_is_one_line(here: Path, data: dict[str, Any], expected: str) -> None:
    (here / "wrong.yaml").write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ConfigError, match=expected) as caught:
        load.load("wrong.yaml")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("wrong.yaml: ")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"filters": {"query": ["lenght"]}}, "filters.query: no filter 'lenght'; did you mean 'length'"),
        (
            {"filters": {"query": [{"length": {"mn": 3}}]}},
            "filters.query.length: unknown option 'mn'; did you mean 'min'",
        ),
        ({"filters": {"query": [{"length": {"min": "three"}}]}}, "filters.query.length: min: .*integer"),
        (
            {"filters": {"query": [{"length": {"min": 9, "max": 3}}]}},
            "filters.query.length: min .9. is larger than max .3.",
        ),
        ({"filters": {"row": ["length"]}}, "filters.row: no filter 'length'"),
        (
            {"augment": {"model": "writer", "operators": {"reword": 0.1}}},
            "no prompt 'augment/reword'; did you mean 'augment/re",
        ),
        (
            {"judge": {"models": ["j1"], "prompt": "judge/verdit"}},
            "no prompt 'judge/verdit'; did you mean 'judge/verdict'",
        ),
        ({"query": {"model": "writer", "elements": ["behaviour", "colour"]}}, "has no bank 'colour'"),
        ({"query": {"model": "writer", "prompts": {"harmful": "query/harm"}}}, "no prompt 'query/harm'"),
        ({"taxonomies": ["tinny"]}, "no taxonomy 'tinny'; did you mean 'tiny'"),
        ({"taxonomies": ["elements"]}, "taxonomy 'elements' has no scenarios"),
        (
            {"models": {**tiny_recipe().model_dump()["models"], "a": {"model": "m", "backend": "ofline"}}},
            "no backend 'ofline'; did you mean 'offline'",
        ),
        ({"query": None, "queries": "none.jsonl"}, "none.jsonl: cannot be read"),
    ],
)
def test_every_name_is_found_before_anything_is_asked(lab: Lab, changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        compile_recipe(tiny_recipe(**changes))
    assert "\n" not in str(caught.value)


def test_set_reaches_every_key() -> None:
    loaded = load.load(
        "demo",
        settings=[
            "dedup.threshold=0.8",
            "models.writer.temperature=0.3",
            "query.elements=[behaviour, task]",
            "ordinary=0",
        ],
    )
    assert loaded.dedup.threshold == 0.8
    assert loaded.models["writer"].temperature == 0.3
    assert loaded.query is not None
    assert loaded.query.elements == ("behaviour", "task")
    assert loaded.ordinary == 0


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("dedup.threshold", "must be KEY=VALUE"),
        ("=3", "must be KEY=VALUE"),
        ("dedup.threshold=[", "the value is not YAML"),
        ("name.first=x", "'name' holds a single value"),
        ("dedup.thresh=0.5", "unknown key 'thresh'; did you mean 'threshold'"),
    ],
)
def test_a_wrong_setting_says_so(setting: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        load.load("demo", settings=[setting])


def test_an_address_turns_offline_roles_into_served_ones() -> None:
    served = load.with_models(load.load("demo"), backend=None, model="m", base_url="http://127.0.0.1:1/v1")
    assert {(role.backend, role.model, role.options.get("base_url")) for role in served.models.values()} == {
        ("openai", "m", "http://127.0.0.1:1/v1")
    }
    assert lint.shared_judges(served) == {"m"}


def test_what_changes_only_the_speed_or_the_place_bears_no_identity() -> None:
    loaded = load.load("libra")
    moved = load.with_models(loaded, backend=None, model=None, base_url="http://127.0.0.1:1/v1").model_copy(
        update={"concurrency": 3, "n": 77}
    )
    assert moved.identity() == loaded.identity()
    assert load.with_models(loaded, backend="offline", model=None, base_url=None).identity() != loaded.identity()
    assert loaded.model_copy(update={"seed": 5}).identity() != loaded.identity()


def test_how_the_mark_goes_out_moves_no_request_and_is_told_by_the_card(lab: Lab) -> None:
    made = {mark: compile_recipe(tiny_recipe(output={"mark": mark})) for mark in ("delete", "vary", "keep")}
    assert len({json.dumps(one.identity, sort_keys=True) for one in made.values()}) == 1
    assert len({one.fingerprint for one in made.values()}) == 3
    assert "unmarked" not in tiny_recipe().identity()["dedup"]
    assert load.load("libra").identity()["dedup"]["unmarked"] is True


def test_a_recipe_by_a_name_that_is_not_there_names_what_is(here: Path) -> None:
    with pytest.raises(ConfigError, match="no recipe 'lybra'; did you mean 'libra'"):
        load.load("lybra")
