"""The gist of a short text: what it asks, apart from how it is worded. Two short texts are near-duplicates if their gists are equal.

A few characters decide what a short text asks: 退 or 用, 七点 or 七点半, a 不. A share of n-grams does not see which they are. So
what may differ is said instead: particles, politeness, the several words for how, what or where, and one part of the text moved from
its end to its front. Everything else counts, whatever its length.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from synth.dedup.normalise import Numbers

LONGEST = 3 / 2
"""A text of more than so many times the characters of a short one is not short, however much of it is wording."""
MOVED = 4
"""Of a gist of fewer characters no part is moved: 牛奶 is no 奶牛."""

_SAME: Final = {
    "怎": "怎么 怎样 怎么样 如何 怎 咋 咋样 要怎么 该怎么 应该怎么 要如何 该如何 应该如何 怎么才能 怎样才能 如何才能 怎么能 怎样能 如何能 怎么去 如何去",
    "啥": "什么 什么样 啥 啥样 甚么 哪些",
    "哪": "哪 哪里 哪儿 在哪 在哪里 在哪儿",
    "\ue000": "为什么 为啥 为何 为什么会",
    "\ue001": "什么时候 什么时间 啥时候 何时 几时",
    "\ue002": "多久 多久时间 多长时间 多少时间",
    "\ue003": "怎么办 咋办 该怎么办 应该怎么办",
    "\ue004": "怎么了 是怎么了 咋了 怎么回事 咋回事 怎么一回事 是怎么回事",
    "能": "能 可以 能够 能否 能不能 可不可以 可否",
    "会": "会 会不会 是否会",
    "多": "多 多少",
    "和": "和 跟 与 以及",
    "开": "开 打开 开启",
    "关": "关 关闭 关掉 关上",
    "痛": "痛 疼 疼痛",
    "账": "账 帐",
}
"""What means the same in short texts: a character for each kind, and the words of it. One that no text holds where the
character would say something else, as 办 does."""
_IDLE: Final = (
    "请 请问 请问一下 想问 想问一下 问下 问一下 问问 咨询一下 请教一下 麻烦 麻烦你 劳驾 帮忙 谢谢 谢谢你 你好 您好"
    " 帮我 给我 替我 能帮我 可以帮我 能不能帮我 你能帮我 你可以帮我 你帮我"
    " 我想 我要 我想要 我需要 我想知道 我想问 我想问问 我想问一下 我想问下 一下 的话 是 是不是 是否 需要 该 应该 个 一个 一首 一种 一些 一点 把"
    " 的 了 吗 嘛 呢 吧 啊 呀 哦 噢 哈 啦 呗 喔 哟 哇 咯 么"
)
"""Words that ask nothing of their own."""
_OPENING: Final = re.compile("(?:那个|那你|那|嗯|唉|哎|诶|喂|话说|就是|对了)+")
_OPENINGS: Final = frozenset("那嗯唉哎诶喂话就对")
_MOVABLE: Final = re.compile("(?<![不没])[怎能会\ue000\ue001]")


def _table() -> tuple[re.Pattern[str], dict[str, str]]:
    found = {word: kind for kind, words in _SAME.items() for word in words.split()} | dict.fromkeys(_IDLE.split(), "")
    longest = "|".join(sorted(found, key=lambda word: (-len(word), word)))
    # 怎么了解 is 怎么 and 了解, and 给我打电话 is not 帮我打电话.
    return re.compile(longest.replace("了|", "了(?!解)|").replace("|给我|", "|给我(?![打发回送买转借还])|")), found


_WORDS, _KINDS = _table()
_ALTERNATIVE: Final = re.compile(r"([^不没]{1,3})[不没]\1")


def gist(text: str) -> str:
    """What a normalised text says without the words that ask nothing of their own, those that mean the same as one, and, of
    what is left, the turn of it that sorts first."""
    return _ordered(_worded([text])[0]) or text


def _worded(texts: Sequence[str]) -> list[str]:
    begun = [_OPENING.sub("", text, count=1) if text[:1] in _OPENINGS else text for text in texts]
    # All in one pass: no word holds a line break, and no normalised text does.
    return list(map(_stated, _WORDS.sub(_kind, "\n".join(map(_stated, begun))).split("\n")))


def _ordered(text: str) -> str:
    moved = _MOVABLE.findall(text)
    if moved:
        moved.sort()
        text = _MOVABLE.sub("", text)
    return "".join(moved) + (_turned(text) if len(text) >= MOVED else text)


def _kind(word: re.Match[str]) -> str:
    return _KINDS[word[0]]


def _stated(text: str) -> str:
    """A text with 会不会 as 会, and so on."""
    return _ALTERNATIVE.sub(r"\1", text) if "不" in text or "没" in text else text


def _turned(text: str) -> str:
    """The turn of a text that sorts first: the same for all that differ by one part moved from the end to the front. No part
    ends within a number or a word of letters."""
    if len(text.encode()) == 3 * len(text):
        first = min(text)
        if text.count(first) == 1:
            before, _, after = text.partition(first)
            return first + after + before
        seams = [at for at, character in enumerate(text) if character == first]
    else:
        seams = [at for at in range(len(text)) if not (text[at].isascii() and text[at - 1].isascii())]
    return min((text[at:] + text[:at] for at in seams), default=text)


def gists(codes: Numbers, ends: Numbers, spared: Numbers, short: int) -> tuple[Numbers, Numbers, Numbers]:
    """Normalised texts with the gist in place of those that are short, whose gist is of at most `short` characters, unless
    they are spared; and which of them that are."""
    sizes = np.diff(ends, prepend=0)
    maybe = np.flatnonzero((sizes <= short * LONGEST) & ~spared)
    whole = codes.astype("<u4", copy=False).tobytes().decode("utf-32-le")
    starts, stops = (ends - sizes)[maybe].tolist(), ends[maybe].tolist()
    found = _worded([whole[start:end] for start, end in zip(starts, stops, strict=True)]) if starts else []
    parts, done = [], 0
    said = np.zeros(len(ends), np.bool_)
    for at, start, end, one in zip(maybe.tolist(), starts, stops, found, strict=True):
        if len(one) <= short and len(own := _ordered(one) or whole[start:end]) <= short:
            parts += [whole[done:start], own]
            said[at], sizes[at], done = True, len(own), end
    codes = np.frombuffer(bytearray("".join([*parts, whole[done:]]).encode("utf-32-le")), np.uint32)
    return codes, np.cumsum(sizes), said
