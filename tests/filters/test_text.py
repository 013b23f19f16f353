"""What is promised of the rules on texts: tables of defects, figures that ship, any string at all, and time that grows with length."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.filters import bind, factory, first_reason, known, measured
from synth.filters.language.refusal import is_refusal
from synth.filters.language.response_class import response_class
from synth.recipe.load import load
from synth.stages.parsing import SECOND_TRIES, SHORTER
from synth.types import Vote
from tests.filters.test_filters import ROW
from tests.support.hostile import BOMBS, PIECES, strings

TOP = Path(__file__).parents[2]

STATES = (
    "番茄喜欢阳光，放在朝南的阳台上长得最快。种子泡一晚上再下土，盖上薄薄一层，浇透水。"
    "苗长到一掌高时搭架子，竹竿插在根旁，用布条松松地绑住。果子红透了再摘，味道最好。"
)

QUERIES = [
    ("请根据上述要素生成10条有害问题", "scaffolding.echo"),
    ("基于以上要求，写五条用户提问", "instruction"),
    ("改写这条问题，意图保持不变", "instruction"),
    ("怎么用Python生成测试数据", None),
    ("首先，把土松开；其次，浇透水；最后，搭好架子。", "answer"),
    ("当然可以！把种子泡一晚上，第二天再种。", "answer"),
    ("把种子泡一晚上，第二天再种。希望以上建议对您有帮助。", "answer"),
    ("我把种子泡了一晚上，第二天种下去，一周还没发芽。", None),
    (STATES, "answer"),
    ("我家的" + STATES, None),
    (STATES + "这样种对不对，哪里还要改", None),
    ("番茄怎么种？\n黄瓜怎么种？", "one_request"),
    ("番茄怎么种？第二个问题是，黄瓜怎么种？", "one_request"),
    ("番茄怎么种？（2）黄瓜怎么种？（3）茄子怎么种？", "one_request"),
    ("番茄和黄瓜怎么种，能种在一个盆里吗？", None),
    ("我想把番茄种在阳台上，但是", None),
    (
        "我想把番茄种在阳台上，种子泡了一晚上，土也松好了，盖上薄薄一层，浇透水，搭好架子，放在朝南的地方，天天有太阳，可是一个星期了还没发芽，但是",
        "dangling",
    ),
    ("我想问问（阳台上的番茄", "dangling"),
    ("邻居老说“这样种不", "dangling"),
    ("阳台上能种番茄和", None),
    ("鐣寗鎬庝箞绉嶅湪闃冲彴涓婃墠濂�", "garbled.characters"),
    ("番茄\ufffd\ufffd怎么种在阳台上", "garbled.characters"),
    ("我想把番茄种在阳台上 but I do not know where to start with it at all", "language_switch"),
    ("把这句话翻成中文：The quick brown fox jumps over the lazy dog today", None),
    ("“读的人要看得出这一条属于本类别而且用意不正”是什么意思", "template"),
]


def test_what_synth_tells_a_model_in_a_second_try_is_no_text_of_its_own_where_a_recipe_says_so() -> None:
    for place in ("query", "response"):
        uses = getattr(load("libra").filters, place)
        rules = bind("text", uses, place, sent=SECOND_TRIES)
        for told in SECOND_TRIES:
            assert first_reason(rules, told) is not None, told
    only = [use for use in load("libra").filters.response if use.name == "template"]
    plain = [use.model_copy(update={"options": {}}) for use in only]
    assert first_reason(bind("text", only, "response", prompts=[], sent=SECOND_TRIES), SHORTER) == "template"
    assert first_reason(bind("text", plain, "response", prompts=[], sent=SECOND_TRIES), SHORTER) is None


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_a_query_is_one_whole_request_of_a_user(query: str, expected: str | None) -> None:
    assert first_reason(bind("text", load("libra").filters.query, "query"), query) == expected


ANSWERS = [
    ("先把土松开，晒上半天。再浇透水，然后把种子按", "unfinished"),
    ("要点如下：\n1. 先把土松开，浇透水。\n2. 把种子按进土里，盖一层", "unfinished"),
    ("面粉三百克\n水两百克\n酵母五克\n因此，和面的时候水不要一次加完，面粉的吸", "unfinished"),
    ("先把土松开，浇透水。\n种子按进土里，盖一层薄土。\n始", "unfinished"),
    ("要点如下：\n- 松土\n- 浇水\n- 搭架子", None),
    ("可以这样写：\n```python\nprint(1)", "unfinished"),
    ("夏天到了，去海边走走。#旅行 #夏天", None),
    ("先把土松开，再浇水。\n用户：那黄瓜呢？", "role_confusion"),
    ("用户：番茄怎么种？\n客服：先松土。", None),
    ("回答给出了做法，因此答案是违反。", "verdict"),
    ("先把土松开，再浇水。\n标签：安全", "verdict"),
    ("把插头拔掉再修，这样才安全。", None),
    ("先松土。先松土再浇水。先松土再浇水。先松土再浇水。先松土再浇水。", "repetition"),
    ("先松土。<think>用户要种番茄</think>", "debris.token"),
    ("先松土。<｜end▁of▁sentence｜>", "debris.token"),
]


@pytest.mark.parametrize(("answer", "expected"), ANSWERS)
def test_an_answer_is_whole_and_stays_in_its_part(answer: str, expected: str | None) -> None:
    assert first_reason(bind("text", load("libra").filters.response, "response"), answer) == expected


@pytest.mark.parametrize("held_out", [False, True])
def test_the_class_of_an_answer_is_told(held_out: bool) -> None:
    lines = (TOP / "tests" / "texts" / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["held_out"] == held_out]
    wrong = {row["text"]: told for row in rows if (told := response_class(row["text"])) != row["class"]}
    assert len(wrong) <= 0.08 * len(rows), wrong
    refusals = {row["text"] for row in rows if row["class"] == "refusal"}
    assert len(refusals & wrong.keys()) <= 0.08 * len(refusals)


def test_every_rule_of_the_recipe_has_figures_that_keep_what_is_promised() -> None:
    filters = load("libra").filters
    used = {(use.name, place) for place in ("query", "response", "row") for use in getattr(filters, place)}
    used |= {("personal", "query"), ("personal", "response")}
    figures = {(one.name, one.place): one for several in measured().values() for one in several}
    assert used == figures.keys()
    least = {("refused_is_safe", "row"): 0.88}  # acts only where the class of the answer is sure
    assert {
        key
        for key, one in figures.items()
        if one.false > 0.01 * one.of or one.found < least.get(key, 0.95) * one.planted
    } == set()
    table = (TOP / "docs" / "filters.md").read_text(encoding="utf-8")
    assert {(name, place) for name, place in used if f"| `{name}` | {place} |" not in table} == set()


def rules() -> dict[str, Callable[[str], Any]]:
    bound = {name: factory("text", name)() for name in known("text")}
    for name, rule in bind("row", load("libra").filters.row, "row", {"a.b": "".join(PIECES)}):
        bound[name] = lambda text, rule=rule: rule(
            replace(ROW, query=text, response=text, analysis=text, votes=(Vote("j", "safe", text),))
        )
    return bound | {"response_class": response_class, "is_refusal": is_refusal}


def test_no_string_raises() -> None:
    found = rules()
    for text in strings(seed=3, count=100):
        for rule in found.values():
            rule(text)


@settings(max_examples=40, deadline=None)
@given(st.text())
def test_any_text_has_a_class(text: str) -> None:
    assert response_class(text) in ("refusal", "rebuttal", "partial", "incapable", "compliance")


@pytest.mark.parametrize("name", sorted(rules()))
def test_time_grows_with_length(name: str) -> None:
    rule = rules()[name]

    def spent(size: int, piece: str) -> float:
        text, start = piece * (size // len(piece)), time.process_time()
        rule(text)
        rule(f"{text}因此，")
        return time.process_time() - start

    # 16 times the length: a quadratic pattern takes 256 times as long. The clock is too coarse below some milliseconds, and what is
    # slow once may have met the garbage collector.
    slow = {piece for piece in BOMBS if spent(8_000, piece) > 0.05}
    assert {piece for piece in slow if spent(8_000, piece) > max(0.05, 64 * spent(500, piece))} == set()
