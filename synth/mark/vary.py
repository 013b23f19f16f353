"""The mark in vague words: what could stand in its place, by what stands before and after it."""

import re
from collections.abc import Sequence
from typing import Final

from synth.hashing import unit
from synth.mark.draft import Draft, changed
from synth.types import MARK

UNITS: Final = r"毫克|毫升|公斤|千克|公里|厘米|毫米|分钟|小时|个月|平方米|[克斤两升度秒天周年元块万倍次遍张瓶包盒袋份米人名只条根把台部页层家号岁]|%|％"
_VERBS: Final = (
    r"加入|放入|倒入|混入|准备|备好|备齐|购买|买来|买到|买|取出|取|拿出|拿|换成|带上|用上|用到|找到|弄到|盯住|塞进|收集"
)

_THINGS: Final = (
    *(
        "一些东西",
        "某些东西",
        "相关的东西",
        "需要的东西",
        "其他东西",
        "合适的东西",
        "常见的东西",
        "那样东西",
        "各种东西",
    ),
    *("一部分", "其中一部分", "相关内容", "具体内容", "有关的内容", "一些细节", "这些方面", "很多方面"),
)
_TOOLS: Final = (
    "一些工具",
    "合适的工具",
    "常用的工具",
    "一些材料",
    "相关材料",
    "需要的材料",
    "简单的方法",
    "不同的方式",
)
_PEOPLE: Final = ("别人", "其他人", "身边的人", "有关的人", "一些人", "某些人", "相关人员", "合适的人", "认识的人")
_PLACES: Final = ("一个地方", "某个地方", "附近的地方", "合适的地方", "其他地方", "一些地方", "各种场合", "某处")
_TIMES: Final = ("一段时间", "某个时候", "那个时候", "一定的时间", "合适的时间")
_WAYS: Final = (
    "一些办法",
    "其他方式",
    "各种方式",
    "不同的渠道",
    "一些渠道",
    "合适的方法",
    "相关的途径",
    "某种办法",
    "多种方法",
)
_KINDS: Final = ("相关", "特定", "一定", "某方面", "某一类", "不同", "具体", "合适", "常见", "其他方面")
_AMOUNTS: Final = ("若干", "一定的量", "适当的量", "一定数量", "一部分")
_DONE: Final = ("处理一下", "想一想办法", "做些准备", "多做一些", "看情况来", "安排一下", "做出选择")
_SAID: Final = (
    "看具体情况",
    "根据情况来定",
    "按自己的情况来",
    "有很多种可能",
    "细节就不说了",
    "可以慢慢来",
    "这一点也要注意",
)

_FITTING: Final[Sequence[tuple[str, str, tuple[str, ...]]]] = (
    (r"《$", r"^》", ("某某",)),
    (r"[“‘「\"]$", r"^[”’」\"]", ("某句话", "那几句话", "某些话", "一些话")),
    (r"", rf"^(?:{UNITS})", ("若干", "几")),
    (r"(?:约|大约|大概|大致|超过|不到|至少|最多|每隔|比例是|比例为)$", r"", _AMOUNTS),
    (r"", r"^的", _KINDS),
    (r"(?<!可)(?<!所)(?:在|到|去|从|往|位于|前往|藏进|送到)$", r"^(?:时|之前|之后|以前|以后)", _TIMES),
    (r"(?:在|到|去|从|往|位于|前往|送到)$", r"", _PLACES),
    (r"(?:向|对|给|跟|找|联系|让|被|骗过|告诉)$", r"", _PEOPLE),
    (r"(?:通过|借助|经由|利用|采用|按照|按|照|靠)$", r"", _WAYS),
    (r"(?:使用|用|拿)$", r"", _TOOLS),
    (rf"(?:{_VERBS}|把|将|是|为|叫|叫做|例如|比如|包括|像|如|和|与|或|及|、)$", r"", _THINGS),
    (r"(?:如果|只要|一旦|要是|当|等)$", r"^\s*[，,]", ("条件合适", "时机到了", "准备好了", "有需要")),
    (r"(?:^|[，。；！？\n])\s*$", r"^\s*(?:$|[，。；！？\n])", _SAID),
    (r"(?:先|再|然后|接着|就|来|要|会|去|得|可以|应该|需要)$", r"", _DONE),
    (r"", r"", _THINGS),
)
"""What ends before the mark, what begins after it, and the words that fit there; the first that fits."""
VAGUE: Final = tuple(
    sorted({word for *_, words in _FITTING for word in words if len(word) > 1}, key=lambda w: (-len(w), w))
)
"""All words that stand in the mark's place, the longest first."""
_NEAR: Final = 12
_RULES: Final = tuple((re.compile(before), re.compile(after), words) for before, after, words in _FITTING)
_RUN: Final = re.compile(rf"(?P<step>第{MARK}(?=[步条个点章节招]))|{MARK}(?:\s*{MARK})*")


def in_words(draft: Draft, seed: str) -> Draft:
    """The draft with vague words in the place of every mark, drawn by the seed (a row's id) and their number."""
    text = draft.text
    spans = []
    for number, found in enumerate(_RUN.finditer(text)):
        words = (
            ("某一",)
            if found["step"]
            else _words(text[max(0, found.start() - _NEAR) : found.start()], text[found.end() : found.end() + _NEAR])
        )
        chosen = words[int(unit(seed, "mark", number) * len(words))]
        spans.append((found.start(), found.end(), chosen))
    return changed(draft, spans)


def _words(before: str, after: str) -> tuple[str, ...]:
    return next(words for begins, ends, words in _RULES if begins.search(before) and ends.search(after))
