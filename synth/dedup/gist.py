"""The gist of a short text: what it asks, apart from how it is worded. Two short texts are near-duplicates if their gists are equal.

A few characters decide what a short text asks: 退 or 用, 七点 or 七点半, a 不. A share of n-grams does not see which they are. So
what may differ is said instead: particles, politeness, the several words for how, what or where, and one part of the text moved from
its end to its front. Everything else counts, whatever its length.
"""

import re
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
    "因": "为什么 为啥 为何 为什么会",
    "时": "什么时候 什么时间 啥时候 何时 几时",
    "久": "多久 多久时间 多长时间 多少时间",
    "办": "怎么办 咋办 该怎么办 应该怎么办",
    "故": "怎么了 是怎么了 咋了 怎么回事 咋回事 怎么一回事 是怎么回事",
    "能": "能 可以 能够 能否 能不能 可不可以 可否",
    "会": "会 会不会 是否会",
    "多": "多 多少",
    "和": "和 跟 与 以及",
    "开": "开 打开 开启",
    "关": "关 关闭 关掉 关上",
    "痛": "痛 疼 疼痛",
    "账": "账 帐",
}
"""What means the same in short texts: a character for each kind, and the words of it."""
_IDLE: Final = (
    "请 请问 请问一下 想问 想问一下 问下 问一下 问问 咨询一下 请教一下 麻烦 麻烦你 劳驾 帮忙 谢谢 谢谢你 你好 您好"
    " 帮我 给我 替我 能帮我 可以帮我 能不能帮我 你能帮我 你可以帮我 你帮我"
    " 我想 我要 我想要 我需要 我想知道 我想问 我想问问 我想问一下 我想问下 一下 的话 是 是不是 是否 有 需要 该 应该 个 一个 一首 一种 一些 一点 把"
    " 的 了 吗 嘛 呢 吧 啊 呀 哦 噢 哈 啦 呗 喔 哟 哇 咯 么"
)
"""Words that ask nothing of their own."""
_OPENING: Final = re.compile("(?:那个|那你|那|嗯|唉|哎|诶|喂|话说|就是|对了)+")
_MOVABLE: Final = re.compile("(?<![不没])[怎因时能会]")


def _table() -> tuple[re.Pattern[str], dict[str, str]]:
    found = {word: kind for kind, words in _SAME.items() for word in words.split()} | dict.fromkeys(_IDLE.split(), "")
    longest = "|".join(sorted(found, key=lambda word: (-len(word), word)))
    return re.compile(longest.replace("了|", "了(?!解)|")), found


_WORDS, _KINDS = _table()
_ALTERNATIVE: Final = re.compile(r"([^不没]{1,3})[不没]\1")


def gist(text: str) -> str:
    """What a normalised text says without the words that ask nothing of their own, those that mean the same as one, and, of
    what is left, the turn of it that sorts first."""
    found = _OPENING.sub("", text, count=1) if _OPENING.match(text) else text
    found = _ALTERNATIVE.sub(r"\1", _WORDS.sub(lambda word: _KINDS[word[0]], _ALTERNATIVE.sub(r"\1", found)))
    moved, found = "".join(sorted(_MOVABLE.findall(found))), _MOVABLE.sub("", found)
    if len(found) >= MOVED:
        found = min((found[at:] + found[:at] for at in _seams(found)), default=found)
    return moved + found or text


def _seams(text: str) -> list[int]:
    """Where a part may end that is moved: not within a number or a word of letters."""
    return [at for at in range(len(text)) if not (text[at].isascii() and text[at - 1].isascii())]


def gists(codes: Numbers, ends: Numbers, lone: Numbers, short: int) -> tuple[Numbers, Numbers, Numbers]:
    """Normalised texts with the gist in place of those that are short: whose gist is of at most `short` characters. They are
    near to their equals alone, as those are that were `lone` before."""
    sizes = np.diff(ends, prepend=0)
    maybe = np.flatnonzero((sizes <= short * LONGEST) & ~lone)
    if not len(maybe):
        return codes, ends, lone
    whole = codes.astype("<u4", copy=False).tobytes().decode("utf-32-le")
    parts = {at: gist(whole[ends[at] - sizes[at] : ends[at]]) for at in maybe.tolist()}
    parts = {at: found for at, found in parts.items() if len(found) <= short}
    short_ones = np.fromiter(parts, np.int64, len(parts))
    lone, sizes = lone.copy(), sizes.copy()
    lone[short_ones], sizes[short_ones] = True, [len(found) for found in parts.values()]
    texts = [
        parts[at] if at in parts else whole[start:end]
        for at, (start, end) in enumerate(zip([0, *ends.tolist()], ends.tolist(), strict=False))
    ]
    return np.frombuffer(bytearray("".join(texts).encode("utf-32-le")), np.uint32), np.cumsum(sizes), lone
