"""An answer may be in the form that was asked for, and not in it where it was not."""

import pytest

from synth.filters import bind, first_reason, reason_of
from synth.recipe.load import load

RULES = bind("text", load("libra").filters.response, "response")
SONG = "月亮爬上山岗\n照着我的家乡\n小河轻轻地唱\n唱着妈妈的模样\n"
TURN = "由链式法则得 $f'(x)=\\frac{2x}{1+x^2}$，令 $f'(x)=0$，解得 $x=0$，所以最小值为 $f(0)=\\ln 1=0$"
TABLE = "| 水果 | 颜色 | 味道 |\n| --- | --- | --- |\n| 苹果 | 红色 | 甜 |\n| 香蕉 | 黄色 | 甜 |\n| 柠檬 | 黄色 | 酸 |"

ASKED = [
    ("翻译成英文：今天下雨", "It is raining today, so do not forget to take an umbrella with you."),
    ("把這句話譯成英文：今天下雨", "It is raining today, so please do not forget your umbrella."),
    ("写一个包含“do away with”的句子", "We should do away with plastic bags in order to protect the sea."),
    ("推荐几个英文女生名字", "Emma, Olivia, Sophia, Grace, Lily, Alice"),
    ("把下面的XML转成JSON：<a><b>c</b></a>", 'Output: {"root": {"item": {"name": "Sample data", "type": "Text"}}}'),
    ("これはどういう意味ですか", "これは「ありがとう」という意味です。"),
    ("《了不起的盖茨比》原名叫什么", "The Great Gatsby"),
    ("求这个函数的导数", TURN),
    ("写首歌", SONG * 2 + "\n我在远方想啊想\n想那一碗热汤\n\n" + SONG),
    ("把“早上好”重复十遍", "早上好" * 10),
    ("用表格列出水果", TABLE),
    ("写一段客服的对话", "客服：您好，请问有什么可以帮您？\n用户：我的快递没到。\n客服：我帮您查一下。"),
]


@pytest.mark.parametrize(("query", "text"), ASKED)
def test_the_form_that_was_asked_for_is_no_fault(query: str, text: str) -> None:
    assert first_reason(RULES, text, query) is None


NOT_ASKED = [
    ("怎么煮粥", "Rinse the rice first and then add water and boil it slowly.", "chinese"),
    (
        "怎么煮粥",
        "先淘米。and then you add some water and boil it for a while 大火烧开以后转成小火慢慢熬。",
        "language_switch",
    ),
    ("怎么煮粥", "先淘米。\n用户：那水呢？", "role_confusion"),
    ("怎么煮粥", "先淘米再加水。" * 6, "repetition"),
]


@pytest.mark.parametrize(("query", "text", "reason"), NOT_ASKED)
def test_the_same_form_is_one_where_nobody_asked(query: str, text: str, reason: str) -> None:
    assert first_reason(RULES, text, query) == reason


def test_what_was_asked_may_be_unknown() -> None:
    assert first_reason(RULES, "Rinse the rice first and then add water and boil it slowly.") == "chinese"


def test_a_rule_is_told_the_query_if_it_reads_one() -> None:
    rules = [("own", lambda text: "own" if "面" in text else None), ("both", lambda text, query=None: query and "both")]
    assert first_reason(rules, "米饭", "怎么煮粥") == "both"
    assert first_reason(rules, "米饭") is None
    assert first_reason(rules, "面条", "怎么煮粥") == "own"


def test_the_query_is_told_to_who_asks_for_it_by_name() -> None:
    def bounded(text: str, most: int = 3) -> str | None:
        return "long" if len(text) > most else None

    def reads(text: str, query: str | None = None) -> str | None:
        return "echo" if text == query else None

    assert reason_of(bounded, "面包", "怎么揉面") is None
    assert reason_of({}.get, "面包", "怎么揉面") is None
    assert reason_of(reads, "怎么揉面", "怎么揉面") == "echo"
