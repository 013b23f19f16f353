"""How a text ends: with a line that closes it though no mark stands there, or in the middle of something.

A line that should have ended as a sentence does is prose: it has clauses, or the lines above it end so. What closes a text without a mark is
of another kind: a signature, a date, a field with its value, an option, an amount, the last short item of a list, a line of code.
"""

import re

from synth.filters.language.fluency_table import PAIRS, model
from synth.filters.language.fluency_table import level as level_of

_FIELD = re.compile(
    r"[-*•\s]{0,6}[*【\[（(]{0,2}[^，。：:；！？\d\n]{1,8}[*】\]）)]{0,2}\s?[：:]\s*[^。！？；\n]{0,20}"
)
_HEADED = re.compile(r"\s*[【\[（(<《][^】\])）>》\n]{1,12}[】\])）>》]\s*\S{0,40}")
_DATE = re.compile(
    r"\s*(?:[\d一二三四五六七八九十〇零○xX×*某_]{1,4}\s?[年./-]\s?)?[\d一二三四五六七八九十xX×*某_]{1,3}\s?[月./-]\s?[\d一二三四五六七八九十xX×*某_]{1,3}\s?[日号]?(?:\s?\d{1,2}[:：]\d{2})?"
)
_OPTION = re.compile(r"\s*[（(]?[A-Ha-hＡ-Ｈ][)）．.、:：]\s*[^，。：:\s]{0,16}|\s*[A-HＡ-Ｈ]{1,6}")
_LEADS_TO = re.compile(
    r"^\W{0,4}(?:(?:[参參]考)?答(?:案)?\s?[:：是为為]|解[:：]|(?:故|所以|因此|本[题題])?[选選][:：]?\s?[A-Ha-h]|∴|[=＝]|(?:结果|合计|总计|共计|得)[:：])[^。！？\n]{0,60}$"
)
_EXACT = re.compile(r"[=＝≈≠<>≤≥∈√π^²³_\\$|｜\t]|\d\s*[+×÷*/-]\s*\d")
_LETTERED = re.compile(r"[A-Za-z0-9%％℃°’'\"”)）\]】}]$")
_CODE = re.compile(
    r"\s*(?:return|end|else|break|continue|BEGIN|END|返回|输出|输入|结束|跳转|否则)(?:\b|(?=[\u3400-\u9fff]{0,8}$))"
)
_FILLED = re.compile(r"[xX×Ｘ*＊_…\d@]")
_LEAVE = re.compile(
    r"^\s*(?:此致|敬[礼禮上启啟]|[顺順]颂|[顺順]頌|[特专專]此|[谢謝][谢謝]|感[谢謝]|[祝盼][^，。]{0,12}[！!。]?$|.{0,12}(?:永远|永遠)?[爱愛]你|(?:[您你]|[学學]生|[儿兒女][子儿兒]?)的.{0,6}$)|(?:期待|盼望?|[谢謝]|感[谢謝激]|祝[您你愿願好福大各全]|敬礼|敬禮)[^。！!\n]{0,40}[。！!]?$"
)
_ADDRESS = re.compile(
    r"^\s*(?:[尊敬親亲][敬爱愛]的|致[^，。]{1,12}[:：]|各位|[^，。！？\n]{1,12}[:：]\s*$|.{0,8}[您你]好)"
)
_SIGNED = re.compile(r"\s*(?:-{2,4}|[—–~～]{1,4})\s*[^，。！？；\n]{1,16}")
_NAME = re.compile(r"[-—\s]{0,6}[^，。！？；：:、\n]{2,14}")
_ITEM_MARK = re.compile(
    r"^[-*•●]\s*|(?:^|(?<=\s)|(?<=[。；;，,]))(?:\d{1,2}\s?[.、．)）:：]|[（(][一二三四五六七八九十\d]{1,2}[)）]|[①-⑳]|[一二三四五六七八九十]{1,2}、)\s*"
)
_SHORT, _ITEM, _HEADING = 12, 14, 6
_COMMA = re.compile(r"[，,；;]")
_WANTS = re.compile(
    r"(?:[，,、]|(?:因为|所以|但是|并且|而且|或者|以及|比如|例如|如果|虽然|关于|对于|根据|为了|还是|然后|包括|通过|与|及|或|和|把|被|向|在|从|将|而|且|却|若|即|使|令|让|给|跟|比|按|以|于|到|是|之|这|那|每|各|某|该|此|很|更|最|太|非常|十分|已经|正在|应该|需要|必须|能够|可以|一[个种些]|这[个种些]|那[个种些]|的|地|得))$"
)


def closes(last: str, above: list[str]) -> bool:
    """Whether a text's last line, which no mark ends, closes it all the same, after the lines `above`."""
    last = last.rstrip()
    if any(kind.fullmatch(last) for kind in (_DATE, _OPTION, _SIGNED)) or _CODE.match(last):
        return True
    if wants_more(last):
        return False
    if _LETTERED.search(last) or _LEADS_TO.match(last) or (_EXACT.search(last[-_SHORT:]) and ends_word(last)):
        return True
    if _HEADED.fullmatch(last) or (_FIELD.fullmatch(last) and _filled(last, above)):
        return not _COMMA.search(last)
    if _NAME.fullmatch(last) and not _ITEM_MARK.match(last) and (_signed(above) or _among_short(above)):
        return True
    *before, item = _ITEM_MARK.split(last)
    return bool(before) and len(item) <= _ITEM and _short_items(before, above) and not _COMMA.search(item)


def _filled(last: str, above: list[str]) -> bool:
    """Whether a field's value is one: a number, a blank, or what stands in a block of fields."""
    return bool(_FILLED.search(last) or (above and _FIELD.fullmatch(above[-1])))


def _short_items(before: list[str], above: list[str]) -> bool:
    """Whether the items before the last, on its line or on those above, are short and end in no mark."""
    items = [item for item in before if item.strip()] or [line for line in above if _ITEM_MARK.match(line)]
    return (
        bool(items) and all(len(item.strip()) <= _ITEM + 4 for item in items) and not _ENDED.search(items[-1].strip())
    )


_ENDED = re.compile(r"[。！？?]$")


def _signed(above: list[str]) -> bool:
    """Whether a short line stands under a letter: just above somebody takes leave, or signs, who was addressed at the head."""
    if not above:
        return False
    return bool(_LEAVE.search(above[-1]) or (len(above[-1].strip()) <= _SHORT and _ADDRESS.search(above[0])))


def _among_short(above: list[str]) -> bool:
    """Whether the lines above are as short and as open: a list, a verse, a card; or a heading stands over the line."""
    near = above[-3:]
    if not near or any(line.rstrip()[-1:] in "。！？!?；;，,：:" for line in near[-1:]):
        return False
    return len(near[-1].strip()) <= _HEADING or all(
        len(line.strip()) <= _SHORT and not _ENDED.search(line) for line in near
    )


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
    if len(pair) < 2 or any(ord(one) > 0xFFFF for one in pair):
        return False
    table = model()
    one, other = (int(table.symbol[ord(character)]) for character in pair)
    seen = level_of(one << 16 | other, PAIRS, table.pairs)
    return seen - int(table.log[one]) - int(table.log[other]) + table.size > _WORD
