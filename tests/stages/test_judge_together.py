"""Several rows in one judge call: what a reply leaves open of a row is asked of it alone, and no row pays for another."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synth.errors import ConfigError
from synth.run.compile import compile_recipe
from synth.run.estimate import estimate
from synth.run.resolve import wanted
from synth.types import Drop, Judged, Note, Request, Sample
from tests.conftest import Lab
from tests.filters.test_filters import ROW
from tests.recipe.test_labels import CELLS, GRADES, recipe
from tests.stages.test_verdicts import REFUSAL, ask_with, said

ALONE: dict[str, Any] = {"models": ["j1"], "controls": False}
QUERY = "{}号住户想知道怎样在自家的阳台上种番茄才能多结果子"
SEVERAL = ALONE | {"rows_per_call": 4}


def together(
    judge: dict[str, Any], *replies: str, rows: int = 3, refuse_only: bool = False, **changes: Any
) -> tuple[list[Judged], list[Request]]:
    """What a panel makes of so many rows, given what its judges say, and what these were asked."""
    compiled = compile_recipe(recipe(**changes | {"judge": judge}))
    spec = next(spec for spec in compiled.specs if spec.lane.query_type == "harmful")
    spec = replace(spec, lane=replace(spec.lane, refuse_only=refuse_only))
    ask, asked = ask_with(*replies)
    samples = [
        replace(ROW, lane=spec.lane, query=QUERY.format(n), response=f"回答{n}", label=None, analysis=None)
        for n in range(rows)
    ]
    return asyncio.run(compiled.flow.panel.run_together(spec, samples, ask)), asked  # type: ignore[attr-defined]


def verdicts(**labels: str) -> str:
    """A reply about several rows: `n1="安全"` of the first."""
    told = [{"n": int(name[1:]), **json.loads(said(label))} for name, label in labels.items()]
    return json.dumps({"verdicts": told}, ensure_ascii=False)


def labels_of(found: list[Judged]) -> list[str | None]:
    return [one.label if isinstance(one, Sample) else None for one in found]


def test_one_call_holds_the_rows_numbered_and_has_room_for_all_verdicts(lab: Lab) -> None:
    found, asked = together(SEVERAL, verdicts(n1="安全", n2="不安全", n3="安全"))
    assert labels_of(found) == ["safe", "unsafe", "safe"]
    (request,) = asked
    told = request.messages[-1].content
    assert all(f"第{n}条\n<用户>\n{QUERY.format(n - 1)}\n</用户>" in told for n in (1, 2, 3))
    assert "共3条" in told
    assert request.params["max_tokens"] == 3 * 1024
    found, asked = together(SEVERAL, *[verdicts(n1="安全", n2="安全", n3="安全", n4="安全"), said("安全")], rows=5)
    assert (labels_of(found), len(asked)) == (["safe"] * 5, 2)


def test_a_row_of_which_nothing_is_said_is_asked_about_alone_as_where_each_has_its_call(lab: Lab) -> None:
    found, asked = together(SEVERAL, verdicts(n1="安全", n3="不安全"), said("不安全"))
    assert labels_of(found) == ["safe", "unsafe", "unsafe"]
    _, plain = together(ALONE, *[said("安全")] * 3)
    assert asked[1:] == plain[1:2], "the very request: its verdict is shared"


@pytest.mark.parametrize(
    "reply", [verdicts(n2="安全", n3="安全", n4="安全"), "抱歉，我不能评价。", "", "{", said("安全")]
)
def test_a_reply_that_cannot_be_told_apart_is_nobodys_verdict(lab: Lab, reply: str) -> None:
    found, asked = together(SEVERAL, reply, *map(said, ("不安全", "安全", "不安全")))
    assert labels_of(found) == ["unsafe", "safe", "unsafe"]
    assert len(asked) == 4


def test_a_row_whose_verdict_fell_costs_no_other(lab: Lab) -> None:
    found, asked = together(SEVERAL, verdicts(n1="安全", n2="可以", n3="安全"), *[REFUSAL] * 2)
    assert labels_of(found) == ["safe", None, "safe"]
    assert isinstance(found[1], Drop)
    assert (found[1].reason, len(asked)) == ("no_verdict", 3)
    assert found[1].sample is not None
    assert found[1].sample.notes == (Note("judge", "fell", "j1: refusal"),)


def test_an_analysis_copied_from_a_neighbour_is_asked_for_again(lab: Lab) -> None:
    told = json.loads(verdicts(n1="安全", n2="安全"))
    told["verdicts"][0]["analysis"] = f"{QUERY.format(1)}，因此安全。"
    told["verdicts"][1]["analysis"] = "用户想要好处，回答没有给出任何做法，因此安全。"
    again = said("安全", analysis="用户只是随便问问，回答也很平常，没有害处，因此安全。")
    found, asked = together(SEVERAL | {"checks": True}, json.dumps(told), again, rows=2)
    assert (labels_of(found), len(asked)) == (["safe", "safe"], 2)


def test_in_a_refuse_only_lane_every_reading_counts_of_its_own_row_alone(lab: Lab) -> None:
    twice = json.dumps(
        {"verdicts": [{"n": n, **json.loads(said(label))} for n, label in ((1, "安全"), (2, "不安全"), (2, "安全"))]}
    )
    found, asked = together(SEVERAL, twice, said("安全"), said("安全"), refuse_only=True)
    assert labels_of(found) == ["safe", None, "safe"]
    assert isinstance(found[1], Drop)
    assert (found[1].reason, len(asked)) == ("refuse_only", 3)


def test_order_seats_heads_and_three_labels_go_with_it(lab: Lab) -> None:
    heads = ["response", "query", "refusal", "categories"]
    judge = {"models": ["j1", "j2"], "controls": False, "rows_per_call": 2, "order": "alternate", "heads": heads}
    reply = verdicts(n1="有争议", n2="安全")
    found, asked = together(judge, reply, reply, rows=2, labels=GRADES, cells=CELLS)
    assert labels_of(found) == ["controversial", "safe"]
    told = [request.messages[-1].content for request in asked]
    assert [text.index("不安全的回答") < text.index("\n安全的回答") for text in told] == [True, False]
    assert "判触犯的类别" in asked[0].messages[0].content
    item = asked[0].schema["properties"]["verdicts"]["items"]  # type: ignore[index]
    assert item["required"] == ["n", "analysis", "label", "refusal", "categories", "intent"]
    assert asked[0].draw != asked[1].draw or asked[0].model != asked[1].model


ALONE_CELLS = {"harmful/unsafe": {"share": 0.5}, "benign/safe": {"share": 0.5}}


@pytest.mark.parametrize(
    ("judge", "changes", "line"),
    [
        ({"prompt": "judge/own"}, {}, "judge/own does not use `rows` and `reply`"),
        (
            {},
            {"steps": ["judge"], "respond": None, "cells": ALONE_CELLS},
            "judged one by one; take `rows_per_call` out",
        ),
        ({"rows_per_call": 33}, {}, "less than or equal to 32"),
    ],
)
def test_what_does_not_go_together_is_one_line(lab: Lab, judge: Any, changes: Any, line: str) -> None:
    (lab.folder / "prompts" / "judge").mkdir(parents=True)
    text = "{% block user %}\n{{ query }}{{ response }}\n{% endblock %}\n"
    Path("prompts/judge/own.j2").write_text(text, encoding="utf-8")
    with pytest.raises((ConfigError, ValueError), match=line):
        compile_recipe(recipe(**changes | {"judge": SEVERAL | judge}))


def test_the_brief_rules_take_half_the_words_for_one_row_and_for_several(lab: Lab) -> None:
    told = {}
    for prompt in ("judge/verdict", "judge/brief"):
        compiled = compile_recipe(recipe(judge=SEVERAL | {"prompt": prompt}))
        panel: Any = compiled.flow.panel
        forms = [(panel._form, [("问", "答")]), (panel._several, [("问", "答")] * 4)]
        told[prompt] = [form.messages(compiled.specs[0], form.seats[0], *rows)[0].content for form, rows in forms]
    brief, several = told["judge/brief"]
    assert len(brief) <= len(told["judge/verdict"][0]) / 2
    assert '{"verdicts": [{"n": 1, ' in several


def test_an_estimate_says_what_a_cache_would_save(lab: Lab) -> None:
    found = {}
    for rows in (1, 4):
        compiled = compile_recipe(recipe(judge=ALONE | {"rows_per_call": rows, "prompt": "judge/apart"}))
        told = estimate(compiled, *wanted(compiled, 400, ()))
        (found[rows],) = [stage for stage in told.stages if stage.stage == "judge"]
        (line,) = [part for part in told.parts() if isinstance(part, str) and part.startswith("prompt tokens")]
        assert "with one that begins at 1,024 tokens" in line
    alone, several = found[1], found[4]
    assert several.calls[0] == alone.calls[0] / 4
    assert several.tokens_in[1] < 0.75 * alone.tokens_in[1]
    assert alone.cache.stage < alone.cache.lane < alone.cache.prompt
    assert 0.6 < alone.cache.blocks_of_16[1] / alone.tokens_in[1] < alone.cache.lane / alone.cache.prompt
    assert alone.cache.from_1024 == (0.0, 0.0), "no prompt has so much in common with another"
