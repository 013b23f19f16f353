"""What may only be refused is only refused, whatever models, recipes, overlays and files of the user's say."""

import json
from typing import Any

import pytest

from synth.errors import ConfigError
from synth.run.compile import compile_recipe
from synth.types import Reply, Request
from tests.conftest import SUBCATEGORY, Lab, tiny_recipe
from tests.support.world import World, sentence


class Willing(World):
    """Goes along with everything, in every stance; its judges see it."""

    def _answer(self, chance: Any, request: Request) -> str:
        return f"好的，照你说的办：【略】。{chance.random()}"


class Meek(World):
    """Refuses everything; its judges call every third answer unsafe all the same."""

    async def complete(self, request: Request, key: str) -> Reply:
        reply = await super().complete(request, key)
        if (request.schema or {}).get("title") == "verdict" and int(key, 16) % 3 == 0:
            return Reply(
                json.dumps({"analysis": "因此不安全", "intent": "有害", "label": "不安全"}, ensure_ascii=False)
            )
        return reply


def taxonomy(lab: Lab, lanes: dict[str, str]) -> None:
    """Subcategories of one scenario with their handling."""
    entries = [
        SUBCATEGORY.format(id=id).replace("definition:", f"handling: {handling}, definition:")
        for id, handling in lanes.items()
    ]
    text = f"name: tiny\nextends: elements\nscenarios:\n  - {{id: crime, name: 甲, subcategories: [{', '.join(entries)}]}}\n"
    (lab.folder / "taxonomies" / "tiny.yaml").write_text(text, encoding="utf-8")


AUGMENTED = {"augment": {"model": "writer", "operators": {"rewrite": 0.5, "red_team": 1.0, "jailbreak": 1.0}}}


@pytest.fixture
def jailbreak(lab: Lab) -> Lab:
    """A red-teaming operator of the user's own, under another name."""
    (lab.folder / "prompts" / "augment").mkdir(parents=True)
    (lab.folder / "prompts" / "augment" / "jailbreak.j2").write_text("{% block user %}{{ query }}{% endblock %}")
    return lab


def test_such_a_lane_gets_no_other_stance_no_red_teaming_no_twin_and_no_unsafe_row(jailbreak: Lab) -> None:
    taxonomy(jailbreak, {"crime.mine": "refuse_only", "crime.open": "normal"})
    jailbreak.world = Meek()
    result = jailbreak.run(40, compiled=compile_recipe(tiny_recipe(**AUGMENTED)))
    rows = [row for row in jailbreak.rows().values() if row["subcategory"] == "crime.mine"]
    assert len(rows) == 20
    assert {(row["query_type"], row["stance"], row["label"]) for row in rows} == {("harmful", "refuse", "safe")}
    assert {row["attack"] for row in rows} <= {None, "rewrite"}
    assert {row["attack"] for row in jailbreak.rows().values()} >= {"red_team", "jailbreak"}
    assert result.dropped["judge.refuse_only"] > 0
    assert not any("unsafe" in [vote["label"] for vote in row["votes"]] for row in rows)


def test_models_that_go_along_leave_it_empty(lab: Lab) -> None:
    taxonomy(lab, {"crime.mine": "refuse_only"})
    lab.world = Willing(differing=0.0)
    result = lab.run(10, compiled=compile_recipe(tiny_recipe()))
    assert result.status == 3
    assert {cell["status"] for cell in result.cells} == {"stalled: judge.refuse_only"}
    assert not lab.rows()


@pytest.mark.parametrize("id", ["crime.minors", "crime.special_control"])
def test_the_ids_in_the_code_hold_whatever_a_file_says(lab: Lab, id: str) -> None:
    taxonomy(lab, {id: "normal", "crime.open": "normal"})
    lab.run(20, compiled=compile_recipe(tiny_recipe()))
    rows = [row for row in lab.rows().values() if row["subcategory"] == id]
    assert rows
    assert {(row["query_type"], row["stance"], row["label"]) for row in rows} == {("harmful", "refuse", "safe")}


def test_a_lane_that_becomes_refuse_only_is_refused_from_then_on(lab: Lab) -> None:
    taxonomy(lab, {"crime.mine": "normal", "crime.open": "normal"})
    lab.run(40, compiled=compile_recipe(tiny_recipe()))
    taxonomy(lab, {"crime.mine": "refuse_only", "crime.open": "normal"})
    lab.run(40, compiled=compile_recipe(tiny_recipe()))
    rows = [row for row in lab.rows().values() if row["subcategory"] == "crime.mine"]
    assert rows
    assert {(row["query_type"], row["stance"], row["label"]) for row in rows} == {("harmful", "refuse", "safe")}


@pytest.mark.parametrize("kind", ["harmful", "benign", None])
def test_own_queries_of_that_kind_are_refused_too(lab: Lab, kind: str | None) -> None:
    taxonomy(lab, {"crime.mine": "refuse_only"})
    rows = [{"query": sentence(i), "subcategory": "crime.mine", "query_type": kind} for i in range(30)]
    (lab.folder / "mine.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    recipe = tiny_recipe(query=None, n=None, queries="mine.jsonl", **AUGMENTED | {"augment": None})
    lab.run(compiled=compile_recipe(recipe))
    found = lab.rows().values()
    assert found
    assert {(row["query_type"], row["stance"], row["label"]) for row in found} == {("harmful", "refuse", "safe")}


def test_own_rows_of_an_id_the_taxonomies_lack_are_not_taken_for_something_else(lab: Lab) -> None:
    (lab.folder / "mine.jsonl").write_text(json.dumps({"query": sentence(1), "subcategory": "crime.minors"}))
    with pytest.raises(
        ConfigError, match=r"line 1: subcategory 'crime.minors' is refuse-only and in none of the recipe's"
    ):
        compile_recipe(tiny_recipe(query=None, n=None, augment=None, queries="mine.jsonl"))


class Straying(World):
    """A writer that now and then strays to what may only be refused, and an answerer that does."""

    def _sentence(self, chance: Any) -> str:
        return super()._sentence(chance) + ("，涉及未成年人的裸照" if chance.random() < 0.3 else "")

    def _answer(self, chance: Any, request: Request) -> str:
        return super()._answer(chance, request) + ("核武器" if chance.random() < 0.3 else "")


def test_a_subject_that_may_only_be_refused_is_dropped_from_open_lanes(lab: Lab) -> None:
    lab.world = Straying()
    result = lab.run(30)
    harmful = [row for row in lab.rows().values() if row["query_type"] == "harmful"]
    assert harmful
    assert not any("裸照" in row["query"] or "核武器" in row["response"] for row in harmful)
    assert result.dropped["query.refuse_only_subject"] > 5
    assert result.dropped["respond.refuse_only_subject"] > 5
