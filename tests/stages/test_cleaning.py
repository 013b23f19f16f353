"""Replies are cleaned once: of thoughts, end-of-turn tokens, invisible marks, quotes around it all, and full-width JSON."""

import time
from typing import Any

import pytest

from synth.errors import ParseError
from synth.run.compile import compile_recipe
from synth.stages.cleaning import cleaned
from synth.types import Reply
from tests.conftest import Lab, tiny_recipe


@pytest.mark.parametrize(
    "text",
    [
        "<think>想\n一想</think>\n\n答。",
        "<thinking>想</thinking>答。",
        "<think>\n\n</think>\n\n答。",
        "<Thought>想</Thought>答。",
        "<reasoning>想</reasoning>答。",
        "<seed:think>想</seed:think>答。",
        "<longcat_think>想</longcat_think>答。",
        "<思考>想</思考>答。",
        "＜思考过程＞想＜/思考过程＞答。",
        "◁think▷想◁/think▷答。",
        "[THINK]想[/THINK]答。",
        "【思考】想【/思考】答。",
        "<|begin_of_thought|>想<|end_of_thought|>答。",
        "<|START_THINKING|>想<|END_THINKING|>答。",
        "<|channel|>analysis<|message|>想<|end|><|start|>assistant<|channel|>final<|message|>答。<|return|>",
        "<|start|>assistant<|channel|>final <|constrain|>json<|message|>答。",
        "<|channel>thought\n想<channel|>答。",
        "analysis想一想assistantfinal答。",
        "想</think>答。",
        "想[/THINK]\n答。",
        "<think>想</think>\n<think>再想</think>答。",
        "<think>想<think>再想</think>又想</think>答。",
        "答。\n<think>又想",
        "[think]想[/think]答。",
        "{thinking}想{/thinking}\n答。",
        "{思考}想\n想{/思考}答。",
        '<details type="reasoning">\n<summary>想</summary>\n想\n</details>\n\n答。',
        '<details type="reasoning" done="true" duration="3">想</details>答。',
        "**思考过程：**\n想\n\n---\n\n答。",
        "**思考过程**：想\n想\n---\n答。",
        "**Thinking Process:** 想\n-----\n答。",
        "### 思考过程\n想\n---\n答。",
        "{thinking}想{/thinking}<think>再想</think>答。",
        "<think>想</think><answer>答。</answer>",
        "<think>想</think>\n<answer>\n答。\n</answer><|im_end|>",
        "<|begin_of_box|>答。<|end_of_box|>",
        "<think>想</think><|begin_of_box|>答。<|end_of_box|>\n</s>",
        "<Answer>答。<|im_end|></Answer>",
        "<final>答。</final>",
        "<final_answer>答。</final_answer>",
        "<output><answer>答。</answer></output>",
        "<回答>答。</回答>",
        "【最终回答】答。【/最终回答】",
        "答。<|im_end|>",
        "答。\n</s>\n<|endoftext|> \n",
        "答。<|eot_id|>",
        "答。<｜end▁of▁sentence｜>",
        "答。<end_of_turn>",
        "答。<eos>",
        "答。[EOS]",
        "\ufeff答\u200b。\u2060\u00ad",
    ],
)
def test_what_is_no_answer_is_cut_off(text: str) -> None:
    assert cleaned(Reply(text)).text == "答。"


@pytest.mark.parametrize(
    "text",
    [
        "👨\u200d👩\u200d👧 ❤\ufe0f 都在。",
        "【思考】这道题要先分类。\n【答案】甲。",
        "[思考] 先看题。",
        "**思考过程：**先分类，再比较。\n**答案：**甲。",
        "**思考过程：**\n先分类，再比较。\n---",
        "### 思考过程\n先分类。\n\n### 答案\n甲。",
        "思考过程：先分类。\n---\n甲。",
        "**推理过程：**由题意得甲。\n---\n**结论：**甲。",
        "先说结论。\n**思考过程：**分类。\n---\n甲。",
        "{thinking} 是一个占位的名字。",
        "模板里写 {think}甲{/think} 即可。",
        "<details><summary>点开</summary>甲</details>乙。",
        "<answer>甲</answer>和<answer>乙</answer>",
        "<answer>甲</answer>是一种写法。",
        "写作 <answer>甲</answer>",
        "<answer>甲",
        "【答案】甲。",
        "<b>甲</b>",
        "“不积跬步，无以至千里。”",
        "“床前明月光，疑是地上霜。举头望明月，低头思故乡。”",
        "“好”和“坏”",
        "用 <b>think</b> 加粗。",
        "列表里写 [1] 与 [2]",
        "analysis 一词怎么译？",
        "a < b > c",
    ],
)
def test_an_answers_own_marks_stay(text: str) -> None:
    assert cleaned(Reply(text)).text == text


def test_quotes_around_more_than_one_would_quote_are_a_wrapper() -> None:
    assert cleaned(Reply("“先淘米。\n再加水。\n再煮二十分钟。”")).text == "先淘米。\n再加水。\n再煮二十分钟。"
    assert cleaned(Reply('"一。二。三。四。五。"')).text == "一。二。三。四。五。"


@pytest.mark.parametrize(
    "text",
    ["<think>想", "◁think▷想", "[THINK]想", "<|channel|>analysis<|message|>想", "<思考>想", "<|START_THINKING|>想"],
)
def test_a_thought_that_never_ends_leaves_nothing(text: str) -> None:
    assert cleaned(Reply(text)).text == ""
    with pytest.raises(ParseError, match="thought"):
        cleaned(Reply(text, "length"))


def test_an_answer_that_stands_where_thoughts_do_is_the_answer() -> None:
    assert cleaned(Reply("", reasoning="答。<|im_end|>")).text == "答。"
    assert cleaned(Reply("答。", reasoning="想。")).text == "答。"
    assert cleaned(Reply("", "length")).text == "", "nothing at all is no thought"
    with pytest.raises(ParseError, match="thought"):
        cleaned(Reply("", "length", reasoning="想"))


@pytest.mark.parametrize("finish", ["rejected", "gave_up", "retry", "outage", "content_filter", "broken"])
def test_the_words_of_a_server_are_left_as_they_are(finish: str) -> None:
    assert cleaned(Reply("<think>x", finish)) == Reply("<think>x", finish)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ('｛"analysis"：“没有害处。”，"label"：“unsafe”｝', '{"analysis":"没有害处。","label":"unsafe"}'),
        ("｛“queries”：［“甲”，“乙”］｝完", '{"queries":["甲","乙"]}完'),
        ('｛"a"：“他说“好”，然后走”｝', '{"a":"他说“好”，然后走"}'),
        ('｛"a"：“他说"是"的”｝', '{"a":"他说\\"是\\"的"}'),
        ('{"a": "甲”，"b": "乙"}', '{"a": "甲","b": "乙"}'),
        ('{"a"："甲，乙：丙\\n丁"}', '{"a":"甲，乙：丙\\n丁"}'),
        ('好的：｛"a"：1，"b"：［2］｝', '好的：{"a":1,"b":[2]}'),
        ('{"a": "“甲”，乙"}', '{"a": "“甲”，乙"}'),
        ('｛"a"：“没有写完', '｛"a"：“没有写完'),
        ("没有 JSON：“甲”", "没有 JSON：“甲”"),
    ],
)
def test_json_in_chinese_punctuation_becomes_json(text: str, made: str) -> None:
    assert cleaned(Reply(text), as_json=True).text == made


def test_replies_are_cleaned_where_the_recipe_says_so_and_only_then_is_it_another_recipe(lab: Lab) -> None:
    plain: Any = tiny_recipe()
    said = tiny_recipe(clean_replies=True)
    assert tiny_recipe(clean_replies=False).identity() == plain.identity()
    assert "clean_replies" not in compile_recipe(plain).identity
    assert compile_recipe(said).identity == compile_recipe(plain).identity | {"clean_replies": "true"}


def test_json_in_marks_is_read_without_them() -> None:
    for text in (
        '<answer>{"a": "甲"}</answer>',
        '<|begin_of_box|>{"a": "甲"}<|end_of_box|>',
        '{thinking}想{/thinking}{"a": "甲"}',
    ):
        assert cleaned(Reply(text), as_json=True).text == '{"a": "甲"}'


@pytest.mark.parametrize(
    "text",
    [
        "<answer>" * 40_000,
        "<answer>" * 20_000 + "</answer>" * 20_000,
        "<answer>" + "</s>" * 40_000,
        "<final><answer>" * 9_000 + "</answer></final>" * 9_000,
        "{think}" * 40_000,
        "**思考过程：**" + "\n---a" * 40_000,
        "**思考过程：**" + "\n" + "-" * 200_000,
        "<details " + "type=" * 40_000,
    ],
    ids=range(8),
)
def test_marks_by_the_thousand_are_read_in_no_time(text: str) -> None:
    began = time.process_time()
    cleaned(Reply(text))
    assert time.process_time() - began < 1
