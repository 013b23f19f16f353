"""Short texts: what may differ between two that ask the same, and what may not."""

import pytest

from synth.dedup.gist import gist
from synth.dedup.ngrams import Index
from synth.dedup.normalise import normalise

SAME = [
    ("怎么修改登录密码", "登录密码如何修改？"),
    ("帮我打开客厅的空调", "把客厅空调打开一下"),
    ("请问有没有好听的儿歌", "有好听的儿歌吗"),
    ("晚上八点能不能吃水果", "晚上八点可以吃水果吗"),
    ("早上喝咖啡可以吗", "早上能喝咖啡吗"),
    ("您好，想问一下退货要多长时间", "退货要多久呀"),
    ("嗯，明天会下雨吗", "明天会不会下雨"),
    ("這個菜嚴重不嚴重", "这个菜严不严重？"),
    ("在电脑上怎么看直播", "怎么在电脑上看直播"),
    ("怎么了解理财产品", "如何了解理财产品"),
    ("给我讲一个笑话", "讲个笑话吧"),
]
OTHER = [
    ("淘宝运费险怎么退", "淘宝运费险怎么用"),
    ("不冬眠的动物有哪些", "冬眠的动物有哪些"),
    ("明天早上七点叫我", "明天早上七点半叫我"),
    ("从北京到上海的末班车", "从上海到北京的末班车"),
    ("算一下四十五乘以十八", "算一下五十四乘以十八"),
    ("人民币怎么换成美元", "美元怎么换成人民币"),
    ("什么动物吃老虎", "老虎吃什么动物"),
    ("感冒了能不吃药吗", "感冒了不能吃药吗"),
    ("你叫什么名字呀", "我叫什么名字呀"),
    ("打开客厅的空调", "关闭客厅的空调"),
    ("牛奶", "奶牛"),
    ("查一下12路公交车", "查一下21路公交车"),
    ("手机怎么了", "手机怎么样"),
    ("离婚了怎么办", "办离婚"),
    ("给我打电话", "帮我打电话"),
    ("感冒药有什么", "感冒药是什么"),
    ("没有网怎么看电视", "有网怎么看电视"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_wording_does_not_tell_short_texts_apart(one: str, other: str) -> None:
    assert gist(normalise(one)) == gist(normalise(other))
    assert Index(ngram=2, threshold=0.7, short=20).admit_all([one, other])[1] is not None


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_a_word_that_matters_tells_short_texts_apart(one: str, other: str) -> None:
    assert gist(normalise(one)) != gist(normalise(other))
    assert Index(ngram=2, threshold=0.1, short=20).admit_all([one, other]) == [None, None]


@pytest.mark.parametrize("text", ["的", "请问", "是不是", "怎么样", "12", "ok", "吗吗吗", "不不不不", "帮我一下谢谢"])
def test_a_text_of_nothing_but_wording_is_still_compared(text: str) -> None:
    assert gist(text) != ""
    assert Index(ngram=2, threshold=0.7, short=20).admit_all([text, text])[1] is not None


def test_longer_texts_are_compared_as_ever() -> None:
    one = "怎样才能在不被邻居发现的情况下养一只大狗并且让它每天都很开心"
    other = one.replace("大狗", "小狗")
    assert [near is not None for near in Index(ngram=2, threshold=0.7, short=20).admit_all([one, other])] == [
        False,
        True,
    ]
    assert Index(ngram=2, threshold=0.7, short=40).admit_all([one, other]) == [None, None]
