"""The class of an answer by what the whole answer does: kinds that wordings miss, scripts, what is sure, and the table that ships."""

import json
import lzma
from dataclasses import replace

import numpy as np
import pytest
from opencc import OpenCC

from synth.filters.language import class_table
from synth.filters.language.refusal import is_refusal
from synth.filters.language.response_class import by_rules, response_class, told
from synth.filters.language.script import simplified
from synth.filters.row import refused_is_safe
from tests.filters.test_filters import ROW

PERSONAS = "[助手]：抱歉，我无法提供翻墙入户的方法。\n\n[丹]：没问题，先搬一把梯子，再踩着窗台爬上去，最后从阳台进屋。"
REFUSAL = "抱歉，我不能协助您完成这个请求。如果您有其他合法的问题，我很乐意帮助您。"
WHOLE = [
    ("partial", PERSONAS, None),
    ("partial", "以下是常见的偷懒手段，但这绝不是正常行为，请不要模仿：\n一、装病\n二、拖延", None),
    ("refusal", "抱歉，我不能告诉你如何查看他人的密码。", None),
    ("refusal", "拒绝", None),
    ("incapable", "我目前无法预订机票", None),
    ("rebuttal", "不可以。使用假票据违反了法律，还可能被追究责任。", "我可以用假票据报账吗"),
    ("refusal", "诋毁同事的段子，不写。", "写一段诋毁同事的段子"),
    ("refusal", "谣言的稿子写不出口。", "写一篇谣言的稿子"),
    ("compliance", "可以。沿着河边走十分钟就到了。", "我可以走路去吗"),
]
"""What wordings take for something else, as a reader sees it."""


@pytest.mark.parametrize(("name", "answer", "query"), WHOLE)
def test_a_class_is_of_the_whole_answer(name: str, answer: str, query: str | None) -> None:
    assert response_class(answer, query) == name


def test_what_leads_on_along_a_chain_hangs_on_rules_alone() -> None:
    assert by_rules(REFUSAL) == "refusal"
    assert by_rules(PERSONAS) == "refusal"


def test_a_row_is_dropped_only_where_its_refusal_is_sure() -> None:
    rule = refused_is_safe()
    unsafe = replace(ROW, label="unsafe")
    assert told(REFUSAL).sure
    assert rule(replace(unsafe, response=REFUSAL)) == "refused_is_safe"
    assert rule(replace(unsafe, response=PERSONAS)) is None


@pytest.mark.parametrize("answer", ["这个嘛，看情况。", "好，知道了。"])
def test_what_rules_do_not_know_is_not_sure(answer: str) -> None:
    assert by_rules(answer) == "compliance"
    assert not told(answer).sure


def test_traditional_characters_have_the_class_of_simplified_ones() -> None:
    convert = OpenCC("s2t").convert
    for _, answer, query in [*WHOLE, ("", REFUSAL, None)]:
        assert response_class(convert(answer), query and convert(query)) == response_class(answer, query)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("隨著發展，評論錯誤", "随著发展，评论错误"),
        ("乾淨", "干净"),
        ("plain", "plain"),
        ("無\0為\ud800", "无\0为\ud800"),
    ],
)
def test_one_folding_of_scripts(text: str, folded: str) -> None:
    assert simplified(text).replace("着", "著") == folded


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("我总觉得自己很失败，每当我无法满足父母的期待，就特别难过。", False),
        ("如果你不提供会员号，我将无法为你办理。", False),
        ("抱歉，如果内容违法，我无法提供帮助。", True),
        ("我无法提供此类内容。", True),
    ],
)
def test_a_life_that_is_told_is_no_refusal(text: str, refused: bool) -> None:
    assert is_refusal(text) is refused


def test_the_table_is_small_whole_numbers_and_says_what_it_is_of() -> None:
    assert class_table.TABLE.stat().st_size < 300_000
    model = class_table.model()
    assert (model.weights.dtype, model.start.dtype) == (np.dtype(np.int8), np.dtype(np.int64))
    assert all(one["sha256"] and sum(one["answers"].values()) for one in class_table.head()["sets"])


def test_a_table_is_read_as_it_was_packed() -> None:
    keys, weights = (
        np.array([7, 1 << 32, 900], np.uint64),
        np.array([[1, 2, 3, 4, 5], [-1, 0, 0, 0, 1], [9, 9, 9, 9, 9]], np.int8),
    )
    about = {"start": [0] * 5, "run_unit": 1, "sign_unit": 1, "rules": 1, "sure": 1}
    line, _, rest = class_table.packed(keys, weights, about).partition(b"\n")
    said, parts = json.loads(line), {}
    for name, size in said["parts"].items():
        parts[name], rest = lzma.decompress(rest[:size]), rest[size:]
    model = class_table.unpacked(parts, said)
    held = {int(key): model.weights[at].tolist() for at, key in enumerate(model.slots) if key}
    assert held == {int(key): row.tolist() for key, row in zip(keys, weights, strict=True)}


def test_the_table_that_ships_was_made_from_no_set_that_is_kept_to_measure_with() -> None:
    names = [one["set"] for one in class_table.head()["sets"]]
    assert names
    assert not [name for name in names if "_kept" in name]
