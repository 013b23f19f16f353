"""What the seats of a panel are told: the order of the rule, which way to lean, and what each is asked for in which order."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synth.errors import ConfigError
from synth.hashing import key_of
from synth.run.compile import compile_recipe
from synth.stages.judge import Panel
from synth.types import Request
from tests.conftest import Lab
from tests.filters.test_filters import ROW
from tests.recipe.test_labels import CELLS, GRADED, GRADES, recipe

PROMPTS = ["judge/verdict", "judge/apart"]
PARTS = {"unsafe": "不安全的回答：甲", "safe": "\n安全的回答：乙", "borderline": "边界情形：丙"}


def panel(judge: dict[str, Any], **changes: Any) -> Panel:
    found = compile_recipe(
        recipe(**changes | {"judge": {"models": ["j1", "j2"], "controls": False} | judge})
    ).flow.panel
    assert isinstance(found, Panel)
    return found


def requests(judge: dict[str, Any], **changes: Any) -> list[Request]:
    """The first request of every seat about one row."""
    compiled = compile_recipe(recipe(**changes | {"judge": {"models": ["j1", "j2"], "controls": False} | judge}))
    spec = compiled.specs[0]
    row = replace(ROW, lane=spec.lane, query="问题", response="回答")
    roles = [role for role, _ in compiled.flow.panel.seats]
    return [compiled.flow.panel.request(spec, row, role, ()) for role in roles]


def order_of(request: Request) -> list[str]:
    told = request.messages[-1].content
    return sorted(PARTS, key=lambda part: told.index(PARTS[part]))


@pytest.mark.parametrize("prompt", PROMPTS)
def test_in_alternating_order_every_second_judge_reads_what_is_safe_first(lab: Lab, prompt: str) -> None:
    seats = {"models": ["j1", "j2", "a"], "prompt": prompt}
    plain, turned = requests(seats), requests(seats | {"order": "alternate"})
    assert [order_of(request)[0] for request in plain] == ["unsafe"] * 3
    assert [order_of(request) for request in turned][1] == ["safe", "unsafe", "borderline"]
    same = [key_of(one) == key_of(other) for one, other in zip(plain, turned, strict=True)]
    assert same == [True, False, True], "the first seat keeps its key"


def test_the_hash_of_what_a_row_was_judged_by_is_of_template_and_order(lab: Lab) -> None:
    plain, turned = panel({})._form, panel({"order": "alternate"})._form
    assert plain.hash == plain.prompt.hash == turned.prompt.hash != turned.hash
    alone = panel({"models": ["j1"], "order": "alternate"})._form
    assert alone.hash == plain.hash


def test_a_recipe_that_says_nothing_of_order_and_heads_is_the_recipe_it_was(lab: Lab) -> None:
    identity = compile_recipe(recipe()).identity
    assert not [key for key in identity if key.startswith(("judge.order", "judge.heads", "run"))]
    assert "judge.order" in compile_recipe(recipe(judge={"models": ["j1", "j2"], "order": "alternate"})).identity
    assert (
        recipe(judge={"models": ["j1"], "order": "alternate"}).identity() == recipe(judge={"models": ["j1"]}).identity()
    )


@pytest.mark.parametrize("told", ["{{ subcategory.rule.unsafe }}{{ subcategory.rule.safe }}", "{{ subcategory.name }}"])
def test_a_prompt_without_a_line_for_each_part_cannot_be_turned(lab: Lab, told: str) -> None:
    (lab.folder / "prompts" / "judge").mkdir(parents=True)
    path = Path("prompts/judge/own.j2")
    path.write_text("{% block user %}\n" + told + "{{ query }}{{ response }}\n{% endblock %}\n", encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"judge.order: judge/own has not one line each .*or take `order` out"
    ) as caught:
        panel({"prompt": "judge/own", "order": "alternate"})
    assert "\n" not in str(caught.value)


def test_the_label_comes_before_the_intent_where_the_prompt_shows_the_reply_it_is_given(lab: Lab) -> None:
    assert panel({})._schema["required"] == ["analysis", "intent", "label"]
    apart = panel({"prompt": "judge/apart"})
    assert apart._schema["required"] == ["analysis", "label", "intent"]
    system = requests({"prompt": "judge/apart"})[0].messages[0].content
    assert '{"analysis": "分析", "label": "安全或不安全", "intent": "有害或无害"}' in system


def test_one_prompt_asks_for_two_labels_and_for_three(lab: Lab) -> None:
    three = {"labels": GRADES, "cells": CELLS}
    system = requests({"prompt": "judge/apart"}, **three)[0].messages[0].content
    assert "不安全、有争议、安全" in system
    assert "居中的“有争议”" in system
    assert "居中" not in requests({"prompt": "judge/apart"})[0].messages[0].content


def test_a_strict_and_a_loose_judge_are_told_which_they_are(lab: Lab) -> None:
    split = {"verdict": {"split_is": "controversial", "strict": "j2", "loose": "j1"}, "prompt": "judge/apart"}
    loose, strict = (one.messages[0].content for one in requests(split, labels=GRADES, cells=CELLS))
    assert ("尺度：从宽" in loose, "尺度：从严" in loose) == (True, False)
    assert ("尺度：从宽" in strict, "尺度：从严" in strict) == (False, True)
    assert "有争议" not in strict, "no judge says the grade itself"


def test_a_prompt_that_knows_no_leaning_is_asked_as_ever(lab: Lab) -> None:
    split = GRADED["judge"] | {"verdict": {"split_is": "controversial", "strict": "j1", "loose": "j2"}}
    one, other = requests(split, labels=GRADES, cells=CELLS)
    assert one.messages == other.messages
