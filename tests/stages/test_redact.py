"""The step `redact`: what goes to it, what may come back, and that no word of an answer gets out that it has not worked on."""

import contextlib
import json
import random
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from synth.errors import ConfigError
from synth.run.compile import CompiledRecipe, compile_recipe
from synth.run.estimate import estimate
from synth.run.observed import Observed
from synth.run.peek import peek, raw
from synth.run.resolve import wanted
from synth.stages.contract import Judged, Sample, Slot, Step
from synth.stages.flow import Bound
from synth.stages.redact import redacted
from synth.types import Aside, Drop, Message, Reply, Request
from tests.conftest import NEWER, SUBCATEGORY, Lab, tiny_recipe
from tests.filters.test_filters import ROW
from tests.support.world import World

SECRET = "三勺盐兑两碗水"
STEPS = ("respond", "redact", "judge")


@pytest.mark.parametrize(
    ("original", "marked", "expected"),
    [
        ("先加盐，再加糖。", "先加盐，再加糖。", ("先加盐，再加糖。", 0)),
        ("先加盐，再加糖。", "先【略】，再【略】。", ("先【略】，再【略】。", 2)),
        ("先加盐，再加糖。", "【略】", ("【略】", 1)),
        ("先加盐，再加糖。", "先【略】【略】。", ("先【略】。", 1)),
        ("先加盐，再加糖。", "先加糖，再【略】。", None),  # another word
        ("先加盐，再加糖。", "先【略】。好了", None),  # something added
        ("先加盐，再加糖。", "先【略】再加盐。", None),
        ("先加盐，再加糖。", "先加盐，【略】再加糖。", None),  # a mark in place of nothing
        ("先加盐，再加糖。", "再【略】，先【略】。", None),  # moved
        ("他说“加盐”。\n\n再加糖。", '他说"【略】"。 再【略】。', ("他说“【略】”。\n\n再【略】。", 2)),
        ("甲乙甲乙丙", "甲乙【略】丙", ("甲乙【略】丙", 1)),
        ("甲乙丙", "甲乙丙【略】", None),
        ("", "", ("", 0)),
    ],
)
def test_only_marks_may_be_put_in(original: str, marked: str, expected: Any) -> None:
    assert redacted(original, marked) == expected


def test_whatever_was_taken_out_is_found_again_and_any_other_change_is_not() -> None:
    chance = random.Random(3)
    for _ in range(300):
        text = "".join(chance.choice("甲乙丙丁，。\n") for _ in range(chance.randint(8, 60))).strip() or "甲"
        cuts = sorted(chance.sample(range(len(text)), 2))
        marked = text[: cuts[0]] + "【略】" + text[cuts[1] :]
        found = redacted(text, marked)
        if not text[cuts[0] : cuts[1]].strip():
            continue
        assert found is not None
        assert found[0].replace("【略】", "") == "".join(found[0].split("【略】"))
        assert redacted(text, marked + "戊") is None
        assert redacted(text, "戊" + marked) is None


def test_the_check_takes_time_by_length_alone() -> None:
    began = time.process_time()
    assert redacted("甲乙" * 100_000, "【略】甲乙" * 20_000 + "甲") is None
    assert redacted("甲" * 200_000, "甲【略】" * 50_000 + "乙") is None
    assert time.process_time() - began < 2


class Cook(World):
    """Answers by nature with a recipe; gives it back redacted, as it was, or changed."""

    habit = "redacts"

    def _answer(self, chance: random.Random, request: Request) -> str:
        if request.messages[0].role != "user":
            return super()._answer(chance, request)
        refuses = chance.random() > self.complying
        more = f"其余随您的口味来，慢慢试几回就顺手了，第{chance.random()}种。"
        return f"抱歉，我不能提供帮助。{more}" if refuses else f"好的，这就告诉您：{SECRET}。{more}"

    def _redacted(self, chance: random.Random, request: Request) -> str:
        told = request.messages[1].content
        assert "把可以照做的细节换成【略】" in request.messages[0].content
        answer = told.partition("<回答>\n")[2].rpartition("\n</回答>")[0]
        again = len(request.messages) > 2
        if self.habit == "changes" or (self.habit == "changes once" and not again):
            answer = answer.replace("好的", "好吧")
        return json.dumps(
            {"text": answer if self.habit == "returns" else answer.replace(SECRET, "【略】")}, ensure_ascii=False
        )


@pytest.fixture
def leveled(lab: Lab) -> Lab:
    """Lanes of every level, one of them refuse-only, and one that says nothing."""
    entries = [
        SUBCATEGORY.format(id=f"one.{name}").replace("definition:", f"{key}, definition:")
        for name, key in (
            ("detail", "redaction: detail"),
            ("finished", "redaction: finished"),
            ("attitude", "redaction: none"),
            ("closed", "handling: refuse_only"),
            ("silent", "english: silent"),
        )
    ]
    text = (
        f"name: tiny\nextends: elements\nscenarios:\n  - {{id: one, name: 甲, subcategories: [{', '.join(entries)}]}}\n"
    )
    (lab.folder / "taxonomies" / "tiny.yaml").write_text(text, encoding="utf-8")
    lab.world = Cook(babbling=0.0, refusing=0.0)
    return lab


NATURAL = {
    "harmful/unsafe": {"share": 0.4, "stances": {"natural": 1, "comply": 1}},
    "harmful/safe": {"share": 0.4, "stances": {"refuse": 1}},
    "benign/safe": {"share": 0.2, "stances": {"natural": 1}},
}


def run(lab: Lab, n: int = 30, **changes: Any) -> Any:
    filters = {"response": [{"length": {"min": 1}}], "row": []}
    return lab.run(
        n,
        **(
            {"cells": NATURAL, "steps": STEPS, "redact": {"model": "writer"}, "filters": filters, "models": NEWER}
            | changes
        ),
    )


def said_in(folder: Path) -> Iterator[str]:
    """All that stands in a run's folder, but its journal."""
    for path in folder.rglob("*"):
        if not path.is_file() or "journal" in path.name:
            continue
        if path.suffix == ".sqlite":
            with contextlib.closing(sqlite3.connect(path)) as held:
                yield "\n".join(held.iterdump())
        elif path.suffix != ".parquet":
            yield path.read_text(encoding="utf-8", errors="replace")


def test_natural_answers_are_redacted_where_unsafe_ones_are_wanted(leveled: Lab) -> None:
    result = run(leveled, 120)
    rows = leveled.rows(split="[tv]*").values()
    told = [row for row in rows if row["stance"] == "natural" and row["query_type"] == "harmful"]
    due = [row for row in told if row["subcategory"] != "one.attitude" and row["response_class"] != "refusal"]
    assert len({row["subcategory"] for row in due}) == 3
    for row in due:
        assert SECRET not in row["response"]
        assert {"stage": "redact", "key": "changed", "value": "1"} in row["notes"]
    assert any(SECRET in row["response"] for row in told if row["subcategory"] == "one.attitude")
    assert any(SECRET in row["response"] for row in rows if row["query_type"] == "benign")
    assert not [row for row in rows if row["subcategory"] == "one.closed" and row["notes"]]
    assert any(SECRET in reply["text"] for reply in raw(leveled.folder / "run"))
    assert result.counts["born"] > 0


@pytest.mark.parametrize(
    ("habit", "changes", "reason"),
    [
        ("changes", {}, "redact.changed"),
        ("redacts", {"filters": {"response": [{"length": {"max": 5}}]}}, "respond.length.long"),
    ],
)
def test_no_word_of_an_answer_that_was_to_be_redacted_leaves_the_journal(
    leveled: Lab, habit: str, changes: dict[str, Any], reason: str
) -> None:
    leveled.world.habit = habit
    only = ("one.detail", "one.finished")
    cells = NATURAL | {"benign/safe": {"share": 0.2, "stances": {"refuse": 1}}}
    result = run(leveled, only=only, cells=cells, on_doubt="warn", **changes)
    assert result.dropped[reason] > 5
    assert not [text for text in said_in(leveled.folder / "run") if SECRET in text]
    with peek(leveled.folder / "run") as looked:
        drops = [drop for drop in looked.drops() if f"{drop['stage']}.{drop['reason']}" == reason]
        natural = [drop for drop in drops if drop["stance"] == "natural" and not drop["text"].startswith("抱歉")]
        assert natural
        for drop in natural:
            assert drop["response"] is None
            assert reason in drop["text"]
            assert "characters" in drop["text"]
        assert SECRET not in json.dumps(looked.facts(), ensure_ascii=False)


def test_what_was_changed_elsewhere_is_asked_for_once_more(leveled: Lab) -> None:
    leveled.world.habit = "changes once"
    result = run(leveled, only=("one.detail",))
    assert "redact.changed" not in result.dropped
    assert not [
        row
        for row in leveled.rows(split="[tv]*").values()
        if SECRET in row["response"] and row["query_type"] == "harmful"
    ]


def test_an_answer_given_back_as_it_was_is_left_to_the_outline(leveled: Lab) -> None:
    leveled.world.habit = "returns"
    filters = {"response": [], "row": ["outline"]}
    leveled.world.differing = 1.0  # judges who call the row unsafe, though there is no mark in it
    result = run(
        leveled, only=("one.detail",), filters=filters, on_doubt="warn", judge={"models": ["j1"], "controls": False}
    )
    assert result.dropped["judge.outline.detail"] > 3
    assert not [
        row for row in leveled.rows(split="[tv]*").values() if SECRET in row["response"] and row["label"] == "unsafe"
    ]


class Between(Step):
    """Another's step before `redact`: drops a row, or sets it aside."""

    aside = False

    async def run(self, spec: Any, sample: Sample, slot: Slot | None, ask: Any) -> Judged:
        del spec, slot, ask
        return Aside("early", sample) if self.aside else sample.dropped("between", "odd", f"说的是{sample.response}")


def between(compiled: CompiledRecipe, step: Step) -> CompiledRecipe:
    stages = [*compiled.flow.stages]
    stages.insert(next(at for at, bound in enumerate(stages) if bound.name == "redact"), Bound("between", step))
    return replace(compiled, flow=replace(compiled.flow, stages=stages))


@pytest.mark.parametrize("aside", [False, True])
def test_a_step_of_anothers_before_it_lets_nothing_out(leveled: Lab, *, aside: bool) -> None:
    step = Between()
    step.aside = aside
    recipe = tiny_recipe(cells=NATURAL, steps=STEPS, redact={"model": "writer"}, models=NEWER)
    compiled = between(compile_recipe(recipe), step)
    leveled.run(10, compiled=compiled, only=("one.detail/harmful",), on_doubt="warn")
    rows = [*leveled.rows(split="early").values()] if aside else []
    assert bool(rows) == aside
    assert not [row for row in rows if SECRET in row["response"]]
    assert not [text for text in said_in(leveled.folder / "run") if SECRET in text]


def test_what_it_asks_is_estimated_and_checked(leveled: Lab) -> None:
    compiled = compile_recipe(tiny_recipe(cells=NATURAL, steps=STEPS, redact={"model": "writer"}, models=NEWER))
    assert {"redact/detail", "redact/finished"} <= compiled.prompts.keys()
    chosen, targets = wanted(compiled, 30, ())
    (asked,) = [one for one in estimate(compiled, chosen, targets).stages if one.stage == "redact"]
    assert asked.roles == ["writer"]


@pytest.mark.parametrize(
    ("steps", "word"),
    [
        (("redact", "respond", "judge"), "behind `respond`"),
        (("respond", "judge", "redact"), "would see answers before"),
        (("respond", "redact"), "no judge comes after it"),
    ],
)
def test_it_stands_between_answer_and_judge(leveled: Lab, steps: tuple[str, ...], word: str) -> None:
    with pytest.raises((ConfigError, ValidationError), match=word):
        tiny_recipe(steps=steps, redact={"model": "writer"})


def test_a_refusal_is_told_as_it_is(leveled: Lab) -> None:
    leveled.world.complying = 0.0
    run(leveled, only=("one.detail/harmful",), on_doubt="warn", filters={"response": [{"length": {"max": 5}}]})
    with peek(leveled.folder / "run") as looked:
        assert any(drop["text"].startswith("抱歉") for drop in looked.drops() if drop["stance"] == "natural")


def test_a_drop_without_a_sample_is_none_of_its_business(leveled: Lab) -> None:
    compiled = compile_recipe(tiny_recipe(cells=NATURAL, steps=STEPS, redact={"model": "writer"}, models=NEWER))
    spec = compiled.specs[0]
    drop = Drop("respond", "odd", spec.lane, "here", "字")
    assert compiled.flow._told(spec, drop, 0) == drop


def test_what_was_seen_of_a_model_holds_no_word_of_it_either(leveled: Lab) -> None:
    compiled = compile_recipe(tiny_recipe(cells=NATURAL, steps=STEPS, redact={"model": "writer"}, models=NEWER))
    roles = dict(compiled.recipe.models)
    seen = Observed(compiled, roles)
    spec = next(spec for spec in compiled.specs if spec.lane.id == "one.detail/harmful")
    row = replace(ROW, lane=spec.lane, stance="natural", wanted="unsafe", label=None, responder="a", analysis=None)
    answered = replace(row, response=f"好的，{SECRET}。", response_class="compliance")
    seen.judged(compiled.flow._told(spec, answered.dropped("respond", "fluent.salad", answered.response or ""), 1))
    schema = {"title": "redacted", "type": "object"}
    request = Request("model", "writer", (Message("user", "问"),), {}, schema, ())
    seen.replied(seen.facts["writer"], request, Reply(f"好的：{SECRET}"), 0.0)
    assert SECRET not in repr(seen.facts)
    assert seen.facts["a"].stances["natural"] == [False]
    assert seen.rows == {"respond.fluent.salad": 1}
