"""What the flow makes sure of, whatever a stage of another's does."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest

from synth.backends._schema import value_of
from synth.errors import ConfigError
from synth.plan.lanes import LaneSpec
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.stages.contract import Branch, Drop, Judged, Sample, Slot, Step
from synth.stages.flow import Bound
from synth.stages.respond import stance_of
from synth.stages.together import spared
from synth.types import Aside, Message, Note, Round, Vote, Want
from tests.conftest import SUBCATEGORY, Lab, tiny_recipe
from tests.filters.test_filters import ROW
from tests.support.stages import with_stage

SAFE = Vote("j", "safe", "因此安全")


@dataclass(frozen=True)
class Changing(Step):
    """Replaces fields of the row."""

    changes: dict[str, Any]
    rewrites: bool = False  # type: ignore[misc]
    responds: bool = False  # type: ignore[misc]
    judges: bool = False  # type: ignore[misc]

    async def run(self, spec: LaneSpec, sample: Sample, slot: Slot | None, ask: Any) -> Judged:
        return replace(sample, **self.changes)


class Setting(Step):
    """Sets every row aside."""

    async def run(self, spec: LaneSpec, sample: Sample, slot: Slot | None, ask: Any) -> Judged:
        return Aside("easy", sample)


SETS_ASIDE = Setting()
ANSWERS = Changing({"response": "回答", "stance": "refuse"}, responds=True)
JUDGES = Changing({"label": "safe", "votes": (SAFE,)}, judges=True)


@pytest.fixture
def compiled(lab: Lab) -> CompiledRecipe:
    """A recipe with one lane of each kind."""
    entries = [
        SUBCATEGORY.format(id=id).replace("definition:", f"handling: {handling}, definition:")
        for id, handling in (("crime.open", "normal"), ("crime.mine", "refuse_only"))
    ]
    text = f"name: tiny\nextends: elements\nscenarios:\n  - {{id: crime, name: 甲, subcategories: [{', '.join(entries)}]}}\n"
    (lab.folder / "taxonomies" / "tiny.yaml").write_text(text, encoding="utf-8")
    return compile_recipe(tiny_recipe())


def lane(compiled: CompiledRecipe, id: str) -> LaneSpec:
    return next(spec for spec in compiled.specs if spec.lane.id == id)


def through(compiled: CompiledRecipe, *steps: Step, id: str = "crime.open/harmful", **changes: Any) -> Judged:
    """What comes of one slot of a query that goes through these steps."""
    source, spec = compiled.flow.stages[0], lane(compiled, id)
    stages = [source, *(Bound(f"step{number}", step) for number, step in enumerate(steps))]
    flow = replace(compiled.flow, stages=stages)
    row = replace(ROW, lane=spec.lane, response=None, label=None, analysis=None, stance=None, **changes)
    return asyncio.run(flow._row(spec, row, Slot("safe", {"refuse": 1.0}), None))  # type: ignore[arg-type]


def test_a_row_gets_its_answer_and_its_label(compiled: CompiledRecipe) -> None:
    found = through(compiled, ANSWERS, JUDGES)
    assert isinstance(found, Sample)
    assert (found.response, found.label) == ("回答", "safe")


def test_a_step_that_changes_the_answer_and_keeps_quiet_is_an_error_that_names_it(compiled: CompiledRecipe) -> None:
    with pytest.raises(ConfigError, match=r"'step2' of the recipe changes the answer"):
        through(compiled, ANSWERS, JUDGES, Changing({"response": "别的"}))


def test_what_was_said_of_an_answer_falls_with_it(compiled: CompiledRecipe) -> None:
    polish = Changing({"response": "别的"}, rewrites=True)
    with pytest.raises(ConfigError, match="no step has given a row its label"):
        through(compiled, ANSWERS, JUDGES, polish)
    seen: list[Sample] = []

    class Second(Step):
        judges = True

        async def run(self, spec: LaneSpec, sample: Sample, slot: Slot | None, ask: Any) -> Judged:
            seen.append(sample)
            return replace(sample, label="unsafe")

    found = through(compiled, ANSWERS, JUDGES, polish, Second())
    assert isinstance(found, Sample)
    assert (seen[0].label, seen[0].votes, seen[0].analysis, found.label) == (None, (), None, "unsafe")


@pytest.mark.parametrize(
    "changes",
    [
        {"query": "别的问题"},
        {"query_id": "x"},
        {"root_id": "x"},
        {"family": "x"},
        {"request": "别的问题"},
        {"coordinate": 7},
        {"context": (Message("user", "先问一句"),)},
    ],
)
def test_a_step_that_changes_the_query_is_an_error_that_names_it(compiled: CompiledRecipe, changes: Any) -> None:
    with pytest.raises(ConfigError, match=r"'step1' of the recipe changes the query"):
        through(compiled, ANSWERS, Changing(changes, rewrites=True), JUDGES)


def test_in_a_refuse_only_lane_no_answer_is_rewritten_and_none_given_in_another_stance(
    compiled: CompiledRecipe,
) -> None:
    kept = through(compiled, ANSWERS, Changing({"response": "别的"}, rewrites=True), JUDGES, id="crime.mine/harmful")
    assert isinstance(kept, Sample)
    assert kept.response == "回答"
    with pytest.raises(ConfigError, match="another stance than `refuse`"):
        through(
            compiled, Changing({"response": "好", "stance": "comply"}, responds=True), JUDGES, id="crime.mine/harmful"
        )


@pytest.mark.parametrize("judge", [JUDGES, Changing({"label": "safe", "votes": ()}, judges=True)])
def test_a_refuse_only_row_with_an_unsafe_vote_is_dropped_wherever_the_vote_is_from(
    compiled: CompiledRecipe, judge: Step
) -> None:
    unsafe = Changing({"votes": (Vote("third", "unsafe", "因此不安全"),)})
    found = through(compiled, ANSWERS, judge, unsafe, id="crime.mine/harmful")
    assert isinstance(found, Drop)
    assert (found.stage, found.reason) == ("judge", "refuse_only")
    assert isinstance(through(compiled, ANSWERS, judge, unsafe), Sample), "elsewhere it is one vote"


@pytest.mark.parametrize(
    "later",
    [
        Changing({"votes": (SAFE,)}),
        Changing({"votes": (SAFE,), "label": "safe"}, judges=True),
        Changing({"votes": (), "label": None, "analysis": None}),
    ],
)
def test_a_refuse_only_row_with_an_unsafe_vote_is_dropped_whatever_a_later_step_makes_of_the_vote(
    compiled: CompiledRecipe, later: Step
) -> None:
    unsafe = Changing({"label": "safe", "votes": (Vote("third", "unsafe", "因此不安全"),)}, judges=True)
    found = through(compiled, ANSWERS, unsafe, later, id="crime.mine/harmful")
    assert isinstance(found, Drop)
    assert (found.stage, found.reason) == ("judge", "refuse_only")


def test_a_refuse_only_row_with_an_unsafe_label_is_dropped_though_no_vote_says_it(compiled: CompiledRecipe) -> None:
    made = Changing({"label": "unsafe", "votes": (SAFE,)}, judges=True)
    found = through(compiled, ANSWERS, made, id="crime.mine/harmful")
    assert isinstance(found, Drop)
    assert (found.stage, found.reason) == ("judge", "refuse_only")


def test_a_refuse_only_row_that_nobody_has_judged_is_set_aside_nowhere(compiled: CompiledRecipe) -> None:
    found = through(compiled, ANSWERS, SETS_ASIDE, JUDGES, id="crime.mine/harmful")
    assert isinstance(found, Drop)
    assert (found.stage, found.reason) == ("step1", "not_judged")
    assert isinstance(through(compiled, ANSWERS, JUDGES, SETS_ASIDE, id="crime.mine/harmful"), Aside)
    assert isinstance(through(compiled, ANSWERS, SETS_ASIDE, JUDGES), Aside), "elsewhere it is kept"


def test_in_a_refuse_only_lane_no_step_gives_a_row_another_stance(compiled: CompiledRecipe) -> None:
    with pytest.raises(ConfigError, match="another stance than `refuse`"):
        through(compiled, ANSWERS, Changing({"stance": "comply"}), JUDGES, id="crime.mine/harmful")


@pytest.mark.parametrize("where", ["response", "context", "notes"])
def test_a_subject_that_may_only_be_refused_is_found_in_every_text(compiled: CompiledRecipe, where: str) -> None:
    text = "核武器"
    changes = {
        "response": {"response": text},
        "context": {"context": (Message("assistant", text),)},
        "notes": {"notes": (Note("translate", "zh", text),)},
    }[where]
    found = through(compiled, ANSWERS, Changing(changes, rewrites=True), JUDGES)
    assert isinstance(found, Drop)
    assert (found.stage, found.reason) == ("step1", "refuse_only_subject")
    sample = replace(ROW, lane=lane(compiled, "crime.open/harmful").lane, context=(Message("user", text),))
    assert compiled.flow.objection(sample) == "refuse_only_subject"


def test_what_is_set_aside_meets_row_rules_alone(compiled: CompiledRecipe) -> None:
    found = through(compiled, ANSWERS, JUDGES, SETS_ASIDE, Changing({"response": "别的"}))
    assert isinstance(found, Aside)
    assert (found.split, found.sample.response) == ("easy", "回答")


@pytest.mark.parametrize("changes", [{"label": "fine"}, {"votes": (Vote("third", "fine", "可以"),)}])
def test_a_label_that_is_none_of_the_recipes_is_an_error_that_names_the_step(
    compiled: CompiledRecipe, changes: Any
) -> None:
    with pytest.raises(ConfigError, match=r"'step1' of the recipe gives the label 'fine'; there is: safe, unsafe"):
        through(compiled, ANSWERS, Changing(changes, judges=True), JUDGES)


@dataclass(frozen=True)
class Everywhere(Branch):
    plain: Any = ()  # type: ignore[misc]

    def shares(self, spec: LaneSpec) -> dict[str, float]:
        return {"twist": 1.0}

    async def apply(self, spec: LaneSpec, root: Sample, name: str, ask: Any) -> Sample | Drop:
        return replace(root, query="别的", query_id="x", root_id="y")


def test_in_a_refuse_only_lane_a_branch_that_is_not_plain_makes_nothing(compiled: CompiledRecipe) -> None:
    twisted, plain = (with_stage(compiled, "augment", Everywhere(plain)) for plain in ((), ("twist",)))
    mine, open_ = lane(twisted, "crime.mine/harmful"), lane(twisted, "crime.open/harmful")
    assert (mine.operators, open_.operators) == ({}, {"twist": 1.0})
    assert lane(plain, "crime.mine/harmful").operators == {"twist": 1.0}


def test_a_branch_only_adds_to_its_roots_family(compiled: CompiledRecipe) -> None:
    twisted = with_stage(compiled, "augment", Everywhere())
    spec = lane(twisted, "crime.open/harmful")
    with pytest.raises(ConfigError, match=r"'augment' gave a query that is not of its root's family"):
        asyncio.run(twisted.flow.augmented(spec, replace(ROW, lane=spec.lane), "twist", None))  # type: ignore[arg-type]


def test_stages_are_served_from_the_last_step_to_the_source(compiled: CompiledRecipe) -> None:
    assert compiled.flow.order == ("judge", "respond", "augment", "query")
    assert with_stage(compiled, "verify", JUDGES).flow.order[0] == "verify"


def test_the_offline_backend_gives_what_any_schema_allows() -> None:
    import random

    schema = {
        "type": "object",
        "properties": {
            "grade": {"type": "integer", "minimum": 1, "maximum": 3},
            "share": {"type": "number", "minimum": 0.2, "maximum": 0.4},
            "kind": {"enum": ["甲", "乙"]},
            "why": {"type": "string", "maxLength": 5},
            "turns": {
                "type": "array",
                "minItems": 2,
                "maxItems": 3,
                "items": {"type": "object", "properties": {"text": {}}},
            },
            "sure": {"type": "boolean"},
            "other": {"anyOf": [{"type": "null"}, {"type": ["integer", "null"]}]},
        },
    }
    for seed in range(200):
        found = value_of(random.Random(seed), schema, "一段文字而已")
        assert found["grade"] in (1, 2, 3)
        assert 0.2 <= found["share"] <= 0.4
        assert found["kind"] in ("甲", "乙")
        assert found["why"] == "一段文字而"
        assert 2 <= len(found["turns"]) <= 3
        assert found["turns"][0] == {"text": "一段文字而已"}
        assert isinstance(found["sure"], bool)
        assert found == value_of(random.Random(seed), schema, "一段文字而已")


def test_of_several_steps_that_judge_the_last_is_the_panel(compiled: CompiledRecipe) -> None:
    first, last = Changing({"label": "unsafe"}, judges=True), Changing({"label": "safe"}, judges=True)
    stages = [compiled.flow.stages[0], Bound("first", first), Bound("last", last)]
    assert replace(compiled.flow, stages=stages).panel is last


def test_a_row_set_aside_before_it_has_an_answer_meets_no_rule_on_answers(compiled: CompiledRecipe) -> None:
    strict = replace(
        compiled,
        flow=replace(compiled.flow, rules=replace(compiled.flow.rules, response=[("length", lambda _: "length")])),
    )
    found = through(strict, SETS_ASIDE, ANSWERS, JUDGES)
    assert isinstance(found, Aside)
    assert (found.split, found.sample.response) == ("easy", None)
    answered = through(strict, ANSWERS, JUDGES)
    assert isinstance(answered, Drop)
    assert answered.reason == "length"


def test_a_natural_answer_for_the_unsafe_label_has_no_safe_one_beside_it_where_a_yield_is_assumed(lab: Lab) -> None:
    compiled = compile_recipe(tiny_recipe(assumed_yield=0.9))
    flow, lane = compiled.flow, compiled.specs[0].lane
    stances = {"comply": 1.0, "natural": 1.0}
    plan = Round(lane.id, 0, 0, 40, {"unsafe": Want(1.0, stances), "safe": Want(1.0, {"refuse": 1.0})}, {})
    seen = set()
    for one in (replace(ROW, lane=lane, query_id=f"q{number}") for number in range(40)):
        drawn, slots = stance_of(stances, flow.seed, one, "unsafe"), spared(flow, plan, one)
        seen.add((drawn, tuple(label for label, _ in slots)))
    assert seen == {("natural", ("unsafe",)), ("comply", ("unsafe", "safe"))}
    sole = replace(plan, wants=plan.wants | {"unsafe": Want(1.0, {"natural": 1.0})})
    assert len(spared(flow, sole, ROW)) == 2, "where every answer is natural the safe ones must come from somewhere"
    assert flow.sparing
    assert not compile_recipe(tiny_recipe()).flow.sparing
