"""Each text of a run is asked the filters of whoever made it: the source, an operator, an answerer."""

import json
from typing import Any

import pytest

from synth.errors import ConfigError
from synth.recipe.load import load
from synth.recipe.schema import Recipe
from synth.run.compile import compile_recipe
from tests.conftest import Lab, tiny_recipe
from tests.stages.test_own_file import pairs, queries, write
from tests.support.world import World, sentence

FILTERS: dict[str, Any] = {"query": ["scaffolding", {"length": {"max": 60}}], "response": ["unfinished", "debris"]}


def brought(**more: Any) -> dict[str, Any]:
    return {"filters": FILTERS | {"of": "brought"} | more}


def names(recipe: Recipe) -> dict[str, list[str]]:
    rules = compile_recipe(recipe).flow.rules
    return {place: [name for name, _ in getattr(rules, place)] for place in ("source", "made", "given", "response")}


def test_what_a_source_gives_is_asked_as_the_recipe_says_and_models_write_in_any(lab: Lab) -> None:
    write(lab, [{"query": sentence(1), "response": "好的。"}])
    asked = {"source": ["scaffolding", "length"], "given": ["unfinished", "debris"]}
    all_of_it = asked | {"made": asked["source"], "response": asked["given"]}
    for recipe in (queries, pairs):
        assert names(recipe(filters=FILTERS)) == all_of_it
        assert names(recipe(**brought())) == all_of_it | {"source": ["length"], "given": ["debris"]}


def test_pairs_that_a_user_brings_are_kept_in_their_form(lab: Lab) -> None:
    rows = [
        {"query": f"{number}. {sentence(number)}" * 4, "response": f"先把{sentence(number)}，再"}
        for number in range(20)
    ]
    write(lab, rows)
    lab.world = World(babbling=0.0, differing=0.0)
    written = lab.run(compiled=compile_recipe(pairs(filters=FILTERS)))
    assert written.counts["accepted"] == 0
    kept = lab.run(compiled=compile_recipe(pairs(**brought())), out="brought")
    assert kept.counts["accepted"] == 20
    assert {row["response"] for row in lab.rows("brought").values()} == {row["response"] for row in rows}


def test_a_models_answer_to_a_query_of_the_users_may_not_break_off(lab: Lab) -> None:
    write(lab, [{"query": sentence(number)} for number in range(20)])
    lab.world = Breaking()
    result = lab.run(compiled=compile_recipe(queries(**brought())))
    assert result.counts["accepted"] == 0
    assert result.dropped["respond.unfinished"] > 0


class Breaking(World):
    def _answer(self, *_: Any) -> str:
        return "先把土松开，晒上半天。再浇透水，然后把种子按"


def test_an_operators_queries_have_limits_of_their_own_whatever_the_source(lab: Lab) -> None:
    write(lab, [{"query": sentence(1)}])
    limits = {"attacked": {"red_team": {"scaffolding": False, "length": {"max": 500}}}}
    for of in ("written", "brought"):
        rules = compile_recipe(queries(filters=FILTERS | limits | {"of": of})).flow.rules
        (red_team,) = rules.operators.values()
        assert [name for name, _ in red_team] == ["length"]
        assert red_team[0][1]("字" * 300) is None
        assert dict(rules.made)["length"]("字" * 300) == "length.long"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("filters.of=mine", r"filters\.of: .*'written' or 'brought'"),
        ("filters.attacked.red_teem={}", r"filters\.attacked: no operator 'red_teem'; did you mean 'red_team'"),
        (
            "filters.attacked.red_team={lenght: false}",
            r"filters\.attacked\.red_team: no filter 'lenght' of texts; did you mean 'length'",
        ),
        ("filters.query=[{length: {of: both}}]", r"filters\.query.*of"),
    ],
)
def test_what_no_rule_set_or_operator_is_called_is_one_line(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as told:
        compile_recipe(load("demo", settings=[setting]))
    assert "\n" not in str(told.value)


def test_absent_keys_bear_no_identity() -> None:
    plain = json.dumps(tiny_recipe(filters=FILTERS).identity()["filters"])
    assert '"of"' not in plain
    assert '"attacked"' not in plain
    said = tiny_recipe(filters=FILTERS | {"of": "brought", "attacked": {"red_team": {"scaffolding": False}}}).identity()
    assert said["filters"]["of"] == "brought"
    assert said["filters"]["attacked"] == {"red_team": {"scaffolding": False}}
