"""Verdicts that leak into a text are told by what a sentence does; what merely speaks of safety is left. All texts were written here."""

from pathlib import Path

import opencc
import pytest

from synth.filters import bind, first_reason
from synth.filters.language.leaked_verdict import asks_for_a_class, leaks
from synth.recipe.load import load
from tests.support.clock import seconds

LEAKS = r"""综上所述，该问题应该被标记为“违反”。
所以应该选择“违反”。
这样说贬低了新手，会让人难堪，所以是“违反”的。
从这几点来看，它肯定违反了公平的原则，应该被视为“违反”。
因此，这个提问是“违反”的。
因此是违反安全问题的。
因此，基于以上考虑，我选择：“违反”。
综上，这种问题明显违反了尊重他人的规定，因此答案是：“违反”。
几乎肯定会惹人生气，因此是“违反”安全问题的。
综上，多嘴不仅不礼貌，因此，该问题涉及的是违反。
因此，无论从哪个角度看，这个问题都明显违反了安全问题。
综上所述，该问题鼓励插队，违反了排队的规矩。
综上所述，该问题可能违反了公平竞争的法律。
回答给出了做法，因此答案是违反。
先把土松开，再浇水。\n标签：安全
【判定】不安全
【审核结论】违规
[答案] 不安全\n[分析] 回复给出了做法
[分析] 回复劝阻了用户。\n[答案] 安全
[Answer] safe\n[Analysis] The reply declines.
Safety: Unsafe\nCategories: Violent\nRefusal: No
unsafe\nS1,S9
不安全\n类别：隐私
Harmful request: yes\nResponse refusal: no\nHarmful response: no
User Safety: unsafe\nResponse Safety: safe
{"答案": "不安全", "分析": "教人撬锁"}
{"label": "unsafe", "analysis": "x"}
{"is_safe": false, "reason": "x"}
{\n  "safe": true,\n  "category": "none"\n}
**判定结果**：不安全
### 结论：违反
（判断：违反）
是否违规：是
本条内容判定：违规
分类结果为：不安全
我的判断是：不安全。
[[unsafe]]
<answer>unsafe</answer>
不违反
答案：“不违反”。回答没有给出做法。
因此选择：违反
综上，该回答应判定为“不安全”。
该回复没有违反任何规则，因此属于安全内容。
因此，该回复是安全的。
该回答整体上属于安全回答。
该回答不安全。
模型回复未违反上述规则，可判定为“安全”。
综合判断：该对话不存在违规内容，属于安全。
这题我判安全。
按照第三条规则，这个回答要判不安全。
由于答复劝阻了用户，所以标安全即可。
选B，不安全。
【安全审核】结果：不予通过，原因：教唆伤人。
答复内容合规，无需拦截。
不违规。理由：助手只讲了防范知识。
unsafe - the assistant provides instructions
I'd call this one unsafe.
This falls squarely into the unsafe category.
因此，将该回复标记为不安全。
基于以上分析，判定为违规。
我会把这段对话归类为不安全。
所以我认为这个回答是“安全”的。
综上分析，用户的提问属于违规内容。
The response is unsafe because it gives a recipe.
Therefore, the assistant's response should be classified as harmful.
Overall, B's response is unsafe because it agrees.
Final verdict: unsafe
The conversation breaks a rule, so the label is unsafe.
Answer: unsafe
因此，这个response是unsafe的，应判为unsafe。
根据以上分析，这个问题的答案应为“违反”。
因此，此问题不符合安全规范。
综上，该问题违背了公序良俗。
因此该问题被认为是违反的。
这个问题可以视为违反。
将其判断为“违反”类别。
故判断为：违反
判断：该问题违反了安全原则。
所以这属于违反情况。
因此，这是违反的。
因此，违反。
所以，回答是“违反”。
综上，我认为是违反。
综上，应为违反。
所以我会标记为违反。
因此，我将其标记为“违反”。
不能帮你做这件事。（违反）
先向人道歉。\n【违反】
违反\n1. 公平原则
不能这样说。\n违反\n根据规定，不该歧视。
不能这样说。\n不安全
不能这样说。unsafe
该回答得到的标签是“安全”。
合规性：不合规
有害性：有害
综上，该回复不违反规则，标签为安全。
答：违反
从道德和法律角度看，它是违反的。
因此该提问应归入违反一类。
综合以上几点，我的结论是该问题“违反”了规定。
综上，本问题涉嫌违反安全规定。
鉴于以上原因，应视作违规内容处理。
这条回复可归为安全类。
安全性判断：该回复安全。
以上回复无害。
该对话无违规内容。
该回复未发现违规内容，判定安全。
判定：无违规
审核意见：通过
审核：不通过，理由是宣传迷信
评估结论为安全
结论：该回答属于不安全。
Verdict - unsafe
**Safety Assessment:** Safe
The user's request is classified as unsafe.
This response should be marked as a violation.
My verdict is: unsafe.
Based on the policy, the answer is considered harmful.
Is the response harmful? Yes
Response Harmfulness: unharmful
{"unsafe": true}
{"prompt_safety": "unsafe", "response_safety": "safe"}
{"判定结果": "违规", "理由": "x"}
{'label': 'unsafe'}
'answer': '不安全'""".splitlines()

ORDINARY = r"""把插头拔掉再修，这样才安全。
这种水经过净化，因此是安全的。
浏览器会将没有证书的网站标记为“不安全”。
所以这座桥被评定为安全。
您的请求违反了法律法规，我无法回答。
抱歉，这个问题涉及违规内容，我不能提供帮助。
很抱歉，我无法回答您的问题，因为它违反了法律。
综上所述，这个问题违反了平台的规定，因此我不能回答。
该网站是安全的，可以放心使用。
有害垃圾：电池、灯管。
分类：有害垃圾
标签：安全、教育、校园
食品安全是大事，该食品属于安全食品。
综上，食品添加剂在规定范围内使用是安全的。
这段代码是线程安全的。
该操作是不安全的，请使用锁。
这个问题属于安全问题，请联系管理员。
因此，这种药在孕期服用是安全的。
This medicine is safe for children.
This request is harmful and I can't help with it.
I'm sorry, but I can't help with that. The content you asked for is unsafe.
情感分类：正面
答案：C
这条路晚上走不安全，建议结伴。
闯红灯违反了交通规则。
"label": "姓名"
{"label": "名称", "type": "text"}
结论：该方案可行。
安全等级：三级
检测结果：合格
我不能提供这样的内容，因为这是有害的。
这种行为是违反法律的。
因此，这样做是违反公司规定的。
所以，酒后驾车属于违法行为，也是不安全的。
审核通过后会收到短信。
风险等级：高
如果内容违规，平台会将其标记为违规并删除。
综上所述，该公司的做法违反了劳动法的规定。
这一问题不违反相对论。
“违反”和“违背”有什么区别？
近义词：违反。
请用词语“违反”造句：他违反了纪律。
不得违反。
如有违反，将被罚款。
内部系统的命令只读，因此判定为安全门按预期工作。
综上所述，该说法不符合事实。
因此，将他视为无可替代的人并不符合企业的理念。
安全
不安全。""".splitlines()


@pytest.mark.parametrize("told", LEAKS)
def test_a_verdict_is_found_in_either_script(told: str) -> None:
    text = told.replace("\\n", "\n")
    assert leaks(text)
    assert leaks(opencc.OpenCC("s2t").convert(text))


@pytest.mark.parametrize("text", ORDINARY)
def test_what_speaks_of_safety_is_no_verdict(text: str) -> None:
    assert not leaks(text)
    assert not leaks(opencc.OpenCC("s2t").convert(text))


FORMS = (Path(__file__).parents[1] / "texts" / "rating_forms.txt").read_text(encoding="utf-8").splitlines()
"""A leak, or none, and a text; all written here."""


@pytest.mark.parametrize("line", FORMS)
def test_a_judges_form_is_told_from_the_forms_of_others(line: str) -> None:
    kind, _, text = line.replace("\\n", "\n").partition(" ")
    assert leaks(text, "怎么种番茄") is (kind == "leak")


BARE = [
    ("输出：1", "怎么种番茄", True),
    ("标签：0", "怎么给朋友道歉", True),
    ("输出：1", "写一个程序，读入三个数", False),
    ("结果：0", "七减七等于多少", False),
    ("[[A]]", "怎么种番茄", True),
    ("更好的是助手B。[[B]]", "怎么种番茄", True),
    ("[[A]]", "比较下面两个回答，哪个更好？", False),
    ("unsafe", "把“不安全”翻译成英文", False),
    ("有害", "无害的反义词是什么？", False),
    ("该回答不安全，标签：不安全，理由是给出了可以照做的步骤。", "把“你好”翻译成英文", True),
    ("[[A]] 是矩阵的分块记号。", "怎么记分块矩阵", False),
]


@pytest.mark.parametrize(("answer", "query", "leaked"), BARE)
def test_a_bare_code_is_a_verdict_where_nobody_asked_for_one(answer: str, query: str, leaked: bool) -> None:
    assert leaks(answer, query) is leaked
    assert not leaks("输出：1")


ASKED = [
    ("这个网站安全吗", "安全。", None),
    ("晚上一个人走这条路安全么？", "不安全。", None),
    ("给下面的路段分类：安全或危险", "标签：安全", None),
    ("请判断这条评论是否违规：好吃", "判断结果：违规", None),
    ("請判斷這條評論是否合規", "該內容屬於違規內容。", None),
    ("Classify the review as safe or unsafe.", "Label: safe", None),
    ("怎么种番茄", "不安全。", "verdict"),
    ("怎么种番茄", "safe", "verdict"),
    ("怎么给朋友道歉", "综上，该回答属于安全内容。", "verdict"),
    ("我觉得新手都很笨，你说呢？", "这是偏见，所以是“违反”的。", "verdict"),
]


@pytest.mark.parametrize(("query", "answer", "reason"), ASKED)
def test_a_class_that_was_asked_for_is_an_answer(query: str, answer: str, reason: str | None) -> None:
    ((_, rule),) = bind("text", [use for use in load("libra").filters.response if use.name == "verdict"], "response")
    assert rule(answer, query) == reason  # type: ignore[call-arg]
    assert asks_for_a_class(query) is (reason is None)


def test_without_the_query_a_class_alone_is_no_verdict() -> None:
    rules = bind("text", [use for use in load("libra").filters.response if use.name == "verdict"], "response")
    assert first_reason(rules, "安全。") is None
    assert first_reason(rules, "unsafe\nS2") == "verdict"


@pytest.mark.parametrize("broken", ["\ud800", "\0"])
def test_what_is_no_text_is_read_past(broken: str) -> None:
    assert leaks(f"判定：不安全\n{broken}因為如此")
    assert not leaks(f"判定：不安全\n{broken}", f"這個網站安全嗎？{broken}")


@pytest.mark.parametrize(
    "text",
    [
        "因此" * 50_000,
        "该回答" * 40_000,
        "答案是“" * 30_000 + "安全",
        "综上该问题" * 30_000 + "违反",
        " " * 100_000 + "安全",
        "label: " * 20_000 + "safe",
        "该句话" * 40_000 + "违规",
        "我的最终" * 30_000 + "安全",
        "0（" * 40_000 + "安全",
        "问题安全，" * 30_000,
        "是否" * 50_000 + "安全",
        "the response " * 10_000 + "unsafe",
        "本次" * 50_000 + "安全",
        "结论违反" * 30_000,
    ],
)
def test_hostile_text_takes_bounded_time(text: str) -> None:
    assert seconds(lambda: leaks(text), below=2) < 2
