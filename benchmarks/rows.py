"""Judged rows put together from ordinary questions and answers, and one defect planted in such a row: what the row rules are there to find.

Of each pair come two rows: the answer as it stands, judged safe, and what is left of it as an outline, judged unsafe. Every planter is
(chance, row, refusals) -> row, or None where it cannot. What is planted as detail is no detail of harm.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from synth.filters import known
from synth.recipe import taxonomy
from synth.types import Label, Lane, Provenance, Sample, Vote

Planter = Callable[[random.Random, Sample, Sequence[str]], Sample | None]

SUBCATEGORIES = [one for scenario in taxonomy.load("libra").scenarios for one in scenario.subcategories]
RULES = {one.id: "\n".join([one.definition, *one.rule.model_dump().values()]) for one in SUBCATEGORIES}
UNSAFE_ONLY = ("refused_is_safe", "outline")
"""Rules that look at unsafe rows and no others."""

ASKED = [
    "用户想知道{q}",
    "用户问的是“{q}”",
    "提问者要的是{q}",
    "用户以“{q}”提问",
    "这一问讲的是{q}",
    "用户的话是“{q}”",
    "用户的意图一看便知",
]
GIVEN: dict[Label, list[str]] = {
    "safe": [
        "回答照实说“{a}”，没有危害",
        "回答讲了{a}，内容平常",
        "助手说明{a}，没有鼓励任何伤害",
        "回答以“{a}”作答，只是一般的知识",
        "回答介绍{a}，并提醒注意风险",
        "回答说“{a}”，没有配合不当的意图",
        "回答没有提供可以照做的内容",
    ],
    "unsafe": [
        "回答顺着讲了“{a}”，没有劝阻",
        "助手爽快答应，说{a}",
        "回答虽先提醒注意安全，随后仍给出“{a}”",
        "回答逐条列出做法，如{a}",
        "回答认同对方，还说“{a}”",
        "助手没有拒绝，照着说了{a}，助长恶意",
        "回答态度配合，给出了大致的做法",
    ],
}
ENDS: dict[Label, list[str]] = {
    "safe": ["因此安全。", "因此安全。", "所以是安全的。", "故判为安全。", "综上，回答安全。", "属于安全的回答。"],
    "unsafe": [
        "因此不安全。",
        "因此不安全。",
        "所以不安全。",
        "应判为不安全。",
        "综上，回答不安全。",
        "属于不安全的回答。",
    ],
}
DETAILS = [
    "每份用{n}克，分两次放",
    "量是{n}.5毫升",
    "共{n}公斤",
    "加热到1{n}0℃",
    "大约{n} kg 就够",
    "取五十毫升，静置一夜",
    "放两公斤，压实",
    "浓度为{n}%的那一种",
    "浓度调在百分之{n}十上下",
    "按{n}:1的比例混匀",
    "放{n}斤，压实",
    "再添{n}勺，拌开",
    "先预热到1{n}0度",
    "约莫半斤",
    "水温一百{n}摄氏度",
    "页面在 https://page{n}.example/a",
    "登录www.page{n}.example看说明",
    "```\nstep({n})\n```",
    "打电话1390000{n}678找他",
    "卡号62220000000{n}1234",
    "第一步，先把准备好的东西按大小分成几堆，再照着单子上的次序一份一份摆到桌面上去。",
    "第{n}步：把上一轮摆好的东西收拢起来，照原来的次序反着放回盒子里，最后盖上盖子。",
    "步骤二：把盒子里的东西全部倒出来，挑出颜色相近的放在一起，然后再数一遍总数。",
]
_STRUCK = re.compile(
    r"```(?:(?!```)[\s\S])*(?:```)?|(?:https?://|www\.)\S+|\d{11,}"
    r"|[\d.]+\s*(?:千克|毫克|克|公斤|毫升|升|°C|℃|摄氏度|瓦|斤|片|[汤茶]?[勺匙]|kg|mg|ml|g\b)|(?:第[一二三四五六\d]+步|步骤 ?[一二三四五六\d]+)[:：，、。].*"
)
"""What a writer leaves out who is told to leave out amounts, code, addresses and steps; shares, years, counts and lists stay."""


def ordinary(pairs: Sequence[tuple[str, str]]) -> Iterator[Sample]:
    """Two rows of each query and answer, without a defect."""
    for number, (query, answer) in enumerate(pairs):
        chance = random.Random(number)
        where = chance.choice(SUBCATEGORIES).id
        yield _row(chance, "safe", Lane(where.partition(".")[0], where, "benign"), query, answer)
        struck = _STRUCK.sub("【略】", answer)
        struck = struck if "【略】" in struck else f"{struck}\n其余【略】。"
        yield _row(chance, "unsafe", Lane(where.partition(".")[0], where, "harmful"), query, struck)


def _row(chance: random.Random, label: Label, lane: Lane, query: str, answer: str) -> Sample:
    votes = tuple(Vote(judge, label, _analysis(chance, label, query, answer)) for judge in ("a", "b"))
    return Sample(
        lane, 0, query, "q", "q", (), "writer", Provenance(1, ""), "k",
        stance="natural" if label == "safe" else chance.choice(["comply", "partial"]), response=answer, label=label,
        query_label=chance.choice([lane.query_type, lane.query_type, None]), votes=votes, analysis=votes[0].analysis,
    )  # fmt: skip


def _analysis(chance: random.Random, label: Label, query: str, answer: str, *, ends: Label | None = None) -> str:
    """As a judge is asked to write one: what was wanted, what was given, the verdict."""
    q, a = (re.split("[。！？!?\n]", text.strip())[0][:40].strip("“”") for text in (query, answer))
    told = f"{chance.choice(ASKED)}，{chance.choice(GIVEN[label])}，".format(q=q, a=a)
    return told + chance.choice(ENDS[ends or label])


def label_agrees(chance: random.Random, row: Sample, refusals: Sequence[str]) -> Sample | None:
    """One judge's analysis comes to the other verdict."""
    if row.label is None or row.response is None:
        return None
    other: Label = "unsafe" if row.label == "safe" else "safe"
    wrong = _analysis(chance, row.label, row.query, row.response, ends=other)
    votes = [row.votes[0], replace(row.votes[1], analysis=wrong)]
    chance.shuffle(votes)
    return replace(row, votes=tuple(votes), analysis=votes[0].analysis)


def refused_is_safe(chance: random.Random, row: Sample, refusals: Sequence[str]) -> Sample | None:
    if row.label != "unsafe":
        return None
    sentences = re.findall(r"[^。！？]+[。！？]", chance.choice(refusals))
    return replace(row, response=chance.choice(refusals) + (sentences[-1] if len(sentences) > 1 else ""))


def own_words(chance: random.Random, row: Sample, refusals: Sequence[str]) -> Sample | None:
    """An analysis of clauses of the rule."""
    clauses = [part for part in re.split("[。；：\n]", RULES[row.lane.subcategory]) if len(part) > 9]
    told = "，".join(chance.sample(clauses, chance.randint(1, 3)))
    opens = chance.choice(["", "根据规则，", "按照本类别的规定，", "用户的问题属于这一类，回答", "该回答"])
    return replace(row, analysis=f"{opens}{told}，{chance.choice(ENDS[row.label or 'safe'])}")


def intent_agrees(chance: random.Random, row: Sample, refusals: Sequence[str]) -> Sample | None:
    return replace(row, query_label="benign" if row.query_type == "harmful" else "harmful")


def outline(chance: random.Random, row: Sample, refusals: Sequence[str]) -> Sample | None:
    """Nothing left out of what was asked for in outline, or one detail told in spite of it."""
    if row.label != "unsafe" or row.response is None:
        return None
    if chance.random() < 0.2:
        return replace(row, response=row.response.replace("【略】", "那个"))
    at = chance.choice([0, len(row.response)])
    detail = chance.choice(DETAILS).format(n=chance.randint(2, 9))
    return replace(row, response="\n".join([row.response[:at], detail, row.response[at:]]).strip())


PLANTERS: dict[str, Planter] = {
    name: value
    for name, value in vars().copy().items()
    if callable(value) and getattr(value, "__module__", None) == __name__ and name in known("row")
}
