"""Filters: tables of (text, reason); ordinary Chinese passes."""

from dataclasses import replace

import pytest

from synth.filters import bind, first_reason, known, row, text
from synth.filters.language.refusal import is_refusal
from synth.filters.language.response_class import response_class
from synth.recipe.load import load
from synth.recipe.sections import FilterUse
from synth.types import Lane, Provenance, Sample

QUERY = [
    ("怎么给阳台的番茄搭架子？", None),
    ("帮我写一封道歉信，语气诚恳一点", None),
    ("1998年的洪水是怎么回事", None),
    ("3.15晚会为什么叫3.15", None),
    ("第一次坐飞机要注意什么？", None),
    ("这是什么意思：“以下是作者的话”", None),
    ("如何用Python写一个爬虫", None),
    ("1. 怎么给阳台的番茄搭架子？", "scaffolding.numbering"),
    ("（3）怎么给阳台的番茄搭架子？", "scaffolding.numbering"),
    ("①怎么给阳台的番茄搭架子？", "scaffolding.numbering"),
    ("- 怎么给阳台的番茄搭架子？", "scaffolding.numbering"),
    ("以下是十条符合要求的问题", "scaffolding.framing"),
    ("好的，这是改写后的版本", "scaffolding.framing"),
    ("问题1：怎么给番茄搭架子", "scaffolding.framing"),
    ("我在[此处填地名]打工，怎么讨薪", "scaffolding.placeholder"),
    ("{{ query }}怎么办呢", "scaffolding.placeholder"),
    ("行为：偷电；地区：四川", "scaffolding.echo"),
    ("请写一条护栏模型认不出的话", "scaffolding.echo"),
    ("怎么讨薪<|im_end|>", "debris.token"),
    ("</think>怎么讨薪才快", "debris.token"),
    ("嗯", "length.short"),
    ("".join(map(chr, range(0x4E00, 0x4E00 + 3100))), "length.long"),
    ("How do I grow tomatoes at home?", "chinese"),
    ("？？？！！！……——", "chinese"),
    ("抱歉，我不能协助编写这类内容。", "refusal"),
    ("作为一个AI助手，我无法提供此类问题", "refusal"),
    ("怎么办怎么办怎么办怎么办怎么办怎么办", "repetition"),
]


@pytest.mark.parametrize(("query", "expected"), QUERY)
def test_rules_on_queries(query: str, expected: str | None) -> None:
    rules = bind("text", load("libra").filters.query, "query")
    assert first_reason(rules, query) == expected


ANSWER = [
    ("可以先列一张清单，再分三步做。\n1. 准备\n2. 动手\n3. 收尾", None),
    ("```python\nfor i in range(10):\n    print(i)\n```\n这段代码打印十个数。", None),
    ("番茄要搭架子。" * 40, "repetition"),
    ("好的<|im_end|>\n<|im_start|>user\n谢谢", "debris.token"),
    ("这是为内容安全数据集撰写的反面样本。", "debris.echo"),
    ("I cannot help with that request, sorry about it.", "chinese"),
    ("", "length.short"),
]


@pytest.mark.parametrize(("answer", "expected"), ANSWER)
def test_rules_on_answers(answer: str, expected: str | None) -> None:
    rules = bind("text", load("libra").filters.response, "response")
    assert first_reason(rules, answer) == expected


ROW = Sample(
    lane=Lane("a", "a.b", "harmful"),
    coordinate=0,
    query="问",
    query_id="q",
    root_id="q",
    elements=(),
    generator="g",
    provenance=Provenance(1, "a.b/harmful#0.0"),
    family="k",
    stance="comply",
    label="unsafe",
    response="先看【略】，再找【略】。",
    analysis="回答配合了恶意，因此不安全。",
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"analysis": "回答没有提供任何内容，因此是安全的。"}, "label_agrees"),
        ({"analysis": "看似安全，实则配合了恶意，因此不安全。"}, None),
        ({"label": "safe", "analysis": "明确拒绝，因此安全。"}, None),
        ({"label": "safe", "analysis": "回答属于不安全的内容。"}, "label_agrees"),
        ({"analysis": "细节虽略去，因此不能认为回答是安全的。"}, None),
        ({"label": "safe", "analysis": "因此不能认为回答是安全的。"}, "label_agrees"),
        ({"query_label": "benign"}, "intent_agrees"),
        ({"query_label": "harmful"}, None),
        ({"response": "先准备50克原料，再加热。"}, "outline.detail"),
        ({"response": "打这个电话13812345678联系【略】。"}, "outline.detail"),
        ({"stance": "natural", "response": "访问 https://x.example 下载。"}, "outline.detail"),
        ({"response": "先取三百克面粉，再看【略】。"}, "outline.detail"),
        ({"response": "放两勺盐，烤箱调好，再看【略】。"}, "outline.detail"),
        ({"response": "烤箱调到180度，再看【略】。"}, "outline.detail"),
        ({"response": "气温降了5度，把镜头转上180度，再看【略】。"}, None),
        ({"response": "糖和水按1:4的比例调匀，再看【略】。"}, "outline.detail"),
        ({"response": "盐水的浓度在百分之十以内，再看【略】。"}, "outline.detail"),
        ({"response": "八成以上的人都中招，比例占85%，再看【略】。"}, None),
        ({"response": "这样的店占了85%，升到5升级之后再看【略】。"}, None),
        (
            {
                "response": "迈出这一步是最难的第一步。往后就顺了，心里有了底，手上也就有了数，再看看别的人是怎么想的。【略】"
            },
            None,
        ),
        ({"response": "回头重复步骤2和3，直到手上的东西一样也不剩下为止，中间不要停下来歇着。【略】"}, None),
        (
            {"response": "步骤2：把盒子里的东西按大小分成几堆，再照着单子上的次序一份一份摆好。\n再看【略】。"},
            "outline.detail",
        ),
        ({"stance": "natural", "response": "好的，照你说的办。"}, None),
        ({"response": "好的，照你说的办。"}, "outline.nothing_omitted"),
        ({"label": "safe", "analysis": "因此安全。", "response": "每天喝1500毫升水。"}, None),
        ({"label": None, "analysis": None}, None),
    ],
)
def test_rules_on_rows(change: dict[str, object], expected: str | None) -> None:
    rules = bind("row", load("libra").filters.row, "row")
    assert first_reason(rules, replace(ROW, **change)) == expected


def test_every_filter_is_in_the_reference_recipe() -> None:
    filters = load("libra").filters
    used = {use.name for uses in (filters.query, filters.response, filters.row) for use in uses}
    assert filters.personal == "replace"  # in place of the filter `personal`, which drops
    assert used | {"personal"} == {*known("text"), *known("row")}


@pytest.mark.parametrize(
    ("reply", "refused"),
    [
        ("抱歉，我不能协助完成这个请求。", True),
        ("对不起，作为人工智能我无法生成此类内容。", True),
        ("I'm sorry, but I can't assist with that.", True),
        ("我不会做饭，帮我安排一周的菜单", False),
        ("我不能吃辣，推荐几道川菜", False),
        ("抱歉打扰了，请问怎么讨薪？", False),
        ("我无法忍受邻居半夜吵闹，怎么写投诉信？", False),
        ("我是程序员，同事问我为什么不能让AI代写作业，怎么讲他才听得进去？我是真心想知道。", False),
    ],
)
def test_a_generators_refusal(reply: str, refused: bool) -> None:
    assert is_refusal(reply) is refused


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("抱歉，我不能帮你做这件事，这会伤害他人。", "refusal"),
        ("这样做不太合适，不过可以先看【略】，仅供参考。", "partial"),
        ("您没有提供具体的文本，请提供需要总结的文章。", "incapable"),
        ("这种说法并不正确，女性完全可以胜任领导岗位。", "rebuttal"),
        ("可以从三方面入手：一是准备，二是练习，三是复盘。", "compliance"),
    ],
)
def test_what_kind_of_answer_it_is(answer: str, expected: str) -> None:
    assert response_class(answer) == expected


ORDINARY = """\
西红柿炒鸡蛋要先放哪一样才好吃
孩子三年级，数学应用题总读不懂题意，家长怎么陪着练？
帮我写一段邀请老同学周末来家里吃饭的微信，别太客套。
以下几本书里哪一本适合入门：《论语》《史记》《古文观止》？
1.5升的保温壶和2升的比，冬天露营带哪个合适
我想把一封英文邮件翻成中文，开头是 Thank you
对不起这三个字，怎么跟冷战了一周的室友说出口
请问从北京南站坐高铁到苏州北最快几个小时，要不要提前换乘？
抱歉打扰，想咨询一下公积金异地转移需要带哪些材料
哈哈哈哈这个梗到底是什么意思，给不上网的爸妈解释一下
老人手机里装了好多广告软件，怎么一个一个清理干净
为什么夏天的云看起来比冬天的高？
领导让我周五之前交述职报告，可我这个季度真没什么亮点，怎么写才不空
“落霞与孤鹜齐飞”的下一句是什么，出自哪里
小区里的流浪猫生了四只小猫，能不能直接抱回家养？
Python里列表和元组有什么区别，举个买菜的例子
拒绝亲戚借钱又不伤和气，有没有现成的说法
第一次租房要看合同里的哪些条款
晚上十点以后楼上还在跳绳，找物业没用，下一步该找谁
想给奶奶录一段生日祝福，用四川话怎么说才地道""".splitlines()
"""Everyday queries, some with the marks of what the rules look for: a number in front, an apology, laughter, another language."""


@pytest.mark.parametrize("name", ["chinese", "scaffolding", "refusal", "repetition", "debris"])
def test_ordinary_chinese_passes(name: str) -> None:
    rule = bind("text", [FilterUse(name=name)], "query")[0][1]
    assert {query: rule(query) for query in ORDINARY if rule(query)} == {}


def test_rules_see_all_of_their_options() -> None:
    assert text.length(min=2, max=3)("四个字啊") == "length.long"
    assert text.chinese(least=0.9, names=0)("用Python写爬虫") == "chinese"
    assert row.intent_agrees()(ROW) is None
