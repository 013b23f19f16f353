"""Rows as runs make them, by the dozen and without a run: writers, answerers and judges whose habits are given."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from synth.quality.doubts.evidence import Who
from synth.quality.doubts.findings import Doubt, against_the_whole, doubts
from synth.quality.doubts.sink import CountingSink
from synth.quality.doubts.votes import RoleNames
from synth.types import Drop, Lane, Provenance, Sample, Vote

LANES = [Lane("one", f"one.s{i}", kind) for i in range(3) for kind in ("harmful", "benign")]
UNSAFE = 0.4
"""The share of rows whose right label is unsafe."""
SAID = {
    "unsafe": "用户想要{}，回答没有劝阻，反而顺着他的意思讲了不该讲的做法，因此不安全。",
    "safe": "用户想要{}，回答给出的是平常的建议，没有会伤害别人的内容，因此安全。",
}
EMPTY = {
    "unsafe": "该回答整体上不符合相关规定的要求，存在比较明显的问题，因此给出这样的结论。",
    "safe": "该回答整体上符合相关规定的要求，没有发现明显的问题，因此给出这样的结论。",
}
WHO = [
    "退休的老师",
    "开小店的老板",
    "刚毕业的学生",
    "带孩子的母亲",
    "跑长途的司机",
    "外地来的租客",
    "社区的医生",
    "写稿的记者",
]
WHERE = [
    "在老家",
    "在县城",
    "在单位",
    "在小区",
    "在学校",
    "在医院",
    "在市场",
    "在网上",
    "在邻居家",
    "在车站",
    "在村里",
    "在工地",
]
WHAT = [
    "修理旧家具",
    "照顾生病的老人",
    "准备一场考试",
    "学习做几道家常菜",
    "整理多年的照片",
    "申请换一份工作",
    "给孩子挑选图书",
    "在阳台种番茄",
    "办一次同学聚会",
    "写一封感谢信",
    "练习普通话",
    "买一辆二手自行车",
    "登记新的地址",
    "参加一次义务劳动",
    "找回丢失的钥匙",
    "了解养老金怎么领",
    "跟同事说清误会",
    "安排一次短途旅行",
    "学会用新手机",
    "给父母过生日",
]


class Nowhere:
    """A row sink that keeps nothing."""

    def gated(self, query: Sample) -> None: ...

    def keep(self, split: str, row: Sample) -> None: ...

    def surplus(self, row: Sample) -> None: ...

    def drop(self, drop: Drop) -> None: ...


@dataclass
class Judge:
    """How a judge votes."""

    right: float = 0.85
    """The share of rows on which it gives the right label, whatever the others do."""
    empty: float = 0.0
    """The share of its analyses that are the prompt's placeholder."""
    against: float = 0.0
    """The share of its analyses that state the other label."""
    same: float = 0.0
    """The share of its analyses that are one sentence for each label."""
    silent: float = 0.01
    """The share of rows to which it gives no verdict."""

    def vote(self, model: str, truth: str, chance: random.Random) -> Vote:
        if chance.random() < self.silent:
            return Vote(model, None, "refusal")
        label = truth if chance.random() < self.right else other(truth)
        stated = other(label) if chance.random() < self.against else label
        if self.same and chance.random() < self.same:
            return Vote(model, label, EMPTY[label])
        analysis = (
            "分析" if chance.random() < self.empty else SAID[stated].format(chance.choice(WHERE) + chance.choice(WHAT))
        )
        return Vote(model, label, analysis)


@dataclass
class Panel:
    """Who makes the rows, and how well."""

    judges: Sequence[Judge] = field(default_factory=lambda: (Judge(), Judge()))
    repeats: float = 0.05
    """The share of queries that repeat one of the same call."""
    cut: float = 0.1
    """The share of answers that are cut off."""

    def seats(self) -> tuple[Who, ...]:
        return tuple((f"judge_{'abcdef'[seat]}", f"m{seat}") for seat in range(len(self.judges)))

    def cast(self) -> RoleNames:
        roles = {("query", "w"): "writer", ("respond", "r"): "answerer"}
        return RoleNames(
            roles=roles,
            seats=self.seats(),
            gate=("query", "augment", "dedup"),
            templates={"respond/natural": "respond"},
        )


@dataclass
class Looked:
    """What looking at rows again and again came to."""

    first: int | None
    """The row after which a doubt was first seen."""
    whole: Doubt | None
    found: list[Doubt]
    watched: CountingSink


def other(label: str) -> str:
    return "safe" if label == "unsafe" else "unsafe"


def looked_at(panel: Panel, rows: int, seed: int, every: int = 10) -> Looked:
    """So many rows of this panel, looked at after every so many of them: the first doubt stops the looking."""
    cast, chance = panel.cast(), random.Random(seed)
    watched = CountingSink(Nowhere(), cast)
    cut = 0
    for number, row in enumerate(made(panel, rows, chance), start=1):
        cut += _fed(watched, row, panel, chance)
        if number % every == 0 or number == rows:
            found = doubts(watched.evidence, cast, _replies(number, cut))
            if found:
                return Looked(number, against_the_whole(found), found, watched)
    return Looked(None, None, [], watched)


def asked(chance: random.Random) -> str:
    """A query of everyday life, one of some 36,000."""
    first, second = chance.sample(WHAT, 2)
    return f"我是{chance.choice(WHO)}，想{chance.choice(WHERE)}{first}，还要{second}，该怎么安排？"


def made(panel: Panel, rows: int, chance: random.Random) -> Iterator[Sample]:
    """Queries, ten a call."""
    last = ""
    for number in range(rows):
        lane = LANES[number // 10 % len(LANES)]
        text = last if number % 10 and chance.random() < panel.repeats else asked(chance)
        last = text
        place = f"{lane.id}#{number // 10}.{number % 10}"
        yield Sample(lane, number, text, place, place, (), "w", Provenance(0, place), place)


def _fed(watched: CountingSink, query: Sample, panel: Panel, chance: random.Random) -> bool:
    """One query on its way through a fold; whether its answer was cut off."""
    from dataclasses import replace

    if watched.evidence.texts and query.query in _seen(watched):
        watched.drop(query.dropped("dedup", "near_duplicate", query.query))
    else:
        watched.gated(query)
    _seen(watched).add(query.query)
    truth = "unsafe" if chance.random() < UNSAFE else "safe"
    row = replace(query, wanted=truth, stance="natural", responder="r")
    if chance.random() < panel.cut:
        watched.drop(row.dropped("respond", "truncated", "没有写完"))
        return True
    votes = tuple(
        judge.vote(model, truth, chance) for judge, (_, model) in zip(panel.judges, panel.seats(), strict=True)
    )
    label = votes[0].label if len({vote.label for vote in votes}) == 1 else None
    row = replace(
        row,
        response=f"可以先把{chance.choice(WHAT)}的事放一放，量力而行，遇到难处就请家里人帮忙。",
        votes=votes,
        label=label,
    )
    watched.keep("accepted" if label else "hard", row)
    return False


def _seen(watched: CountingSink) -> set[str]:
    found: set[str] = watched.__dict__.setdefault("seen", set())
    return found


def _replies(rows: int, cut: int) -> Mapping[tuple[str, str, str], int]:
    return {("r", "respond/natural", "ok"): rows - cut, ("r", "respond/natural", "truncated"): cut}
