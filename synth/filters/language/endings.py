"""How a text ends: with a line that closes it though no mark stands there, or in the middle of something.

A line that should have ended as a sentence does is prose: it has clauses, or the lines above it end so. What closes a text without a mark is
of another kind: a signature, a date, a field with its value, an option, an amount, the last short item of a list, a line of code.
"""

import re

from synth.filters.language.fluency_table import PAIRS, model
from synth.filters.language.fluency_table import level as level_of

_FIELD = re.compile(r"[-*•\s]{0,6}[*【\[（(]?[^，。：:；！？\n]{1,16}[*】\]）)]?\s?[：:]\s*[^。！？；\n]{0,40}")
_HEADED = re.compile(r"\s*[【\[（(<《][^】\])）>》\n]{1,12}[】\])）>》]\s*\S{0,40}")
_DATE = re.compile(
    r"\s*(?:[\d一二三四五六七八九十〇零○xX×*某_]{1,4}\s?[年./-]\s?)?[\d一二三四五六七八九十xX×*某_]{1,3}\s?[月./-]\s?[\d一二三四五六七八九十xX×*某_]{1,3}\s?[日号]?(?:\s?\d{1,2}[:：]\d{2})?"
)
_OPTION = re.compile(r"\s*[（(]?[A-Ha-hＡ-Ｈ][)）．.、:：]?\s*\S{0,24}")
_LEADS_TO = re.compile(
    r"^\W{0,4}(?:答|解|答案|选|故选|綜上|综上|所以|因此|则|即|故|∴|=|＝|結果|结果|结论|合计|总计|共计|得)[^。！？\n]{0,60}$"
)
_EXACT = re.compile(r"[=＝≈≠<>≤≥∈√π^²³_\\$|｜\t]|\d\s*[+×÷*/-]\s*\d")
_LETTERED = re.compile(r"[A-Za-z0-9%％℃°’'\"”)）\]】}]$")
_CODE = re.compile(
    r"\s*(?:return|end|else|if|for|while|print|break|continue|def|class|import|BEGIN|END|IF|FOR|返回|输出|输入|结束|跳转|否则)\b|^(?:\t| {2,})\S",
)
_CLOSING = re.compile(
    r"此致|敬[礼禮上启啟]|祝[您你愿願好大各]|谢谢|謝謝|感[谢謝激]|期待|盼|顺颂|順頌|特此|[尊敬親亲][敬爱愛]的|[您你]好|致[:：敬]|[您你]的|永[远遠]|落款|[爱愛]你|此[致呈]"
)
_NAME = re.compile(r"[-—\s]{0,6}[^，。！？；：:、\n]{1,16}")
_ITEM_MARK = re.compile(
    r"(?:^|(?<=\s)|(?<=[。；;，,]))(?:\d{1,2}\s?[.、．)）:：]|[-*•●]|[（(][一二三四五六七八九十\d]{1,2}[)）]|[①-⑳]|[一二三四五六七八九十]{1,2}、)\s*"
)
_SHORT, _ITEM, _LETTER = 12, 24, 4
_COMMA = re.compile(r"[，,；;]")
_WANTS = re.compile(
    r"(?:[，,、]|(?:因为|所以|但是|并且|而且|或者|以及|比如|例如|如果|虽然|关于|对于|根据|为了|还是|然后|包括|通过|与|及|或|和|把|被|向|在|从|将|而|且|却|若|即|使|令|让|给|跟|比|按|以|于|之|这|那|每|各|某|该|此|很|更|最|太|非常|十分|已经|正在|应该|需要|必须|能够|可以|一[个种些]|这[个种些]|那[个种些]|的|地|得))$"
)


def closes(last: str, above: list[str]) -> bool:
    """Whether a text's last line, which no mark ends, closes it all the same, after the lines `above`."""
    last = last.rstrip()
    if any(kind.fullmatch(last) for kind in (_DATE, _OPTION)) or _CODE.match(last) or _EXACT.search(last):
        return True
    if _LETTERED.search(last) or _LEADS_TO.match(last):
        return not wants_more(last)
    if (_HEADED.fullmatch(last) or _FIELD.fullmatch(last)) and not _COMMA.search(last):
        return True
    if _NAME.fullmatch(last) and (_signed(last, above) or _among_short(last, above)):
        return True
    item = _ITEM_MARK.split(last)[-1]
    return item != last and len(item) <= _ITEM and not _COMMA.search(item) and not wants_more(item)


def _signed(last: str, above: list[str]) -> bool:
    """Whether a short line stands under a letter: what is said before it takes leave, or addresses somebody at the head."""
    return (
        bool(above) and len(last.strip()) > 1 and bool(_CLOSING.search("\n".join((above[0][:24], *above[-_LETTER:]))))
    )


def _among_short(last: str, above: list[str]) -> bool:
    """Whether a short line follows lines as short and as open as itself: a list, a verse, a card."""
    near = above[-3:]
    return len(last.strip()) > 1 and bool(near) and all(len(line.strip()) <= _SHORT for line in near)


def wants_more(text: str) -> bool:
    """Whether the last word of a text wants another: a comma, a connective, a preposition, that is no end of a longer word."""
    found = _WANTS.search(text.rstrip()[-8:])
    if not found:
        return False
    return len(found[0]) > 1 or not text.rstrip()[-1].isalnum() or not ends_word(text)


_WORD = 6
"""Four times the bits by which two characters are seen together more often than chance has them, from which on they are a word."""


def ends_word(text: str) -> bool:
    """Whether the last two characters of a text are one word, by how often they stand together."""
    pair = text.rstrip()[-2:]
    if len(pair) < 2 or any(ord(one) > 0xFFFF for one in pair):  # noqa: PLR2004 (two characters; a surrogate pair)
        return False
    table = model()
    one, other = (int(table.symbol[ord(character)]) for character in pair)
    seen = level_of(one << 16 | other, PAIRS, table.pairs)
    return seen - int(table.log[one]) - int(table.log[other]) + table.size > _WORD
