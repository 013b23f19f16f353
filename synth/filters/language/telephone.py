"""Telephone numbers of people in mainland China, Hong Kong, Macau and Taiwan, as people write them: apart, masked, with words around
them. What merely looks like one (a sum, a code, a hotline, a firm's switchboard) is none.

Plans of numbers: ITU-T E.164 national numbering plans of 86, 852, 853 and 886.
"""

import re
from collections.abc import Iterator

Found = tuple[int, int, str]
"""Where a number starts and ends, and its digits without separators."""

_UNIT = r"元|块|美元|美金|港元|日元|欧元|人民币|人次|亿|万|吨|公里|千米|米|平方|字节|光年|kg|km|GB|MB"
_MAINLAND = re.compile(
    r"(?P<number>1[3-9]\d(?:\d{8}|(?P<a>[ .-])\d{4}(?P=a)\d{4}|[ -]\d{8})|1[3-9]\d\d(?P<b>[ -])(?!(?:19|20)\d\d(?P=b))\d{3,4}(?P=b)\d{3,4}|1[3-9]\d{5}[ -]\d{4}|\(1[3-9]\d\)[ -]?\d{4}[ -]?\d{4}"
    r"|1(?P<c>[ -])[3-9](?:(?P=c)\d){9}(?!(?P=c)?\d)|(?P<loose>1[3-9]\d{0,5}[ -]\d{2,8}(?:[ -]\d{2,6}){0,2}|1(?:[ ._/·•、，,~|-]{0,2}\d){10}|1[3-9]\d(?:(?P<sign>[*#=~+_]|-[*#]-)\d{4}(?P=sign)\d{4}|(?:[*#]\d{2,4}){2,4})))"
    rf"(?![0-9A-Fa-f_%]|\.\d|\s?(?:{_UNIT}))",
    re.IGNORECASE,
)
_PREFIX = r"1(?:[38]\d|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|9[0-35-9])"
_ASSIGNED = re.compile(rf"{_PREFIX}\d{{2}}(?!0{{6}})\d{{6}}")
"""The prefixes of mainland operators; none has 154. A number that ends in zeros is a sum or an example."""
_MASKED = re.compile(
    rf"(?<![0-9A-Za-z_.¥￥$*])(?:(?:\+|00)?86[ -]?)?(?P<number>{_PREFIX}[ -]?(?:[*×•●]{{3,5}}|x{{4}})[ -]?\d{{4}}|{_PREFIX}\d{{4}}(?:[*×•●]{{4}}|x{{4}}))(?![0-9A-Za-z_*])"
    r"|(?<![0-9A-Za-z_.])(?P<taiwan>09\d\d-?(?:[*×•●]{3}|x{3})-?\d{3})(?![0-9A-Za-z_*])",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?:^|[^0-9A-Za-z_.¥￥$€£×*^<>≈ ]|[^0-9¥￥$€£×*^<>≈] )(?:(?:\+|00)?86[ -]?)?$|(?:tel|vx|wx|qq)$",
    re.IGNORECASE,
)
"""What may stand before a mobile number: no sum, no code, no longer number."""
_CALL = re.compile(
    r"电话|電話|手机|手機|号码|號碼|联系|聯[繫絡]|联络|致电|致電|[拨撥打]|加[我他她]|找[我他她]|微信|短信|簡訊|简讯|座机|固话|门号|門號|tel|phone|mobile|whatsapp|line",
    re.IGNORECASE,
)
"""Wanted before a number that is written as few write it, or that has no shape of its own."""

_CALLED = re.compile(r"[，,。 （(]{0,2}(?:[你您请可快就]{0,2}(?:打|[拨撥]|加|[联聯]|找)|微信同)")
"""The same after it."""

_OUTER = re.compile(
    r"(?<![0-9A-Za-z_.])(?:(?:\+|00)(?P<code>852|853|886)|\(\+?(?P<code2>852|853|886)\)|(?P<code3>852|853|886)(?=[ -]))[ -]?"
    r"(?:\(0\)|0)?(?P<number>\d(?:[ -]?\d){7,8})(?![0-9A-Za-z_]|[ -]\d)"
)
_OUTER_MOBILE = {"852": re.compile(r"[4-9]\d{7}"), "853": re.compile(r"6\d{7}"), "886": re.compile(r"9\d{8}")}
_OUTER_FIXED = {
    "852": re.compile(r"[23]\d{7}"),
    "853": re.compile(r"(?:28|8[2-9])\d{6}"),
    "886": re.compile(r"[2-8]\d{7,8}"),
}
_TAIWAN = re.compile(
    r"(?<![0-9A-Za-z_./-])(?P<number>09\d\d(?:(?P<gap>[ -])\d{3}(?P=gap)\d{3}|-?\d{6}))(?![0-9A-Za-z_]|[ -]\d|\.\d)"
)
_TAIWAN_FIXED = re.compile(
    r"(?<![0-9A-Za-z_./-])(?:\(0(?P<area>[2-8]\d?)\) ?|0(?P<area2>[2-8]\d?)[ -])(?P<number>[2-9]\d{2,3}[ -]\d{4})(?![0-9A-Za-z_]|[ -]\d)"
)
_LOCAL = re.compile(r"(?<![0-9A-Za-z_.+/-])(?P<number>[4-9]\d{3}[ -]?\d{4})(?![0-9A-Za-z_]|[ -]\d|\.\d)")
"""Eight digits: a number of Hong Kong or Macau where a word says so."""
_HONG_KONG, _MACAU = (
    re.compile(r"香港|港[区區岛島]|whatsapp|\bHK", re.IGNORECASE),
    re.compile(r"澳[门門]|macau", re.IGNORECASE),
)
_NUMBERED = re.compile(r"电话|電話|手机|手機|号码|號碼|whatsapp|tel|phone|mobile|致[电電]|[打拨撥]", re.IGNORECASE)

_FIXED = re.compile(
    r"(?<![0-9A-Za-z_./-])(?:(?:\+|00)86[ -]?\(?0?(?P<far>10|2\d|[3-9]\d\d)\)?[ -]?|\(0(?P<closed>10|2\d|[3-9]\d\d)\)[ -]?|0(?P<apart>10|2\d|[3-9]\d\d)(?P<gap>[ -]?))"
    r"(?P<number>[2-9]\d{2,3}[ -]?\d{4})(?![0-9A-Za-z_]|\.\d|-[A-Za-z]|[/-]\d\d[/-])"
)
_FIRM = re.compile(
    r"客服|热线|熱線|总机|總機|服务|服務|咨询|諮詢|投诉|投訴|举报|舉報|官方|前台|櫃檯|酒店|賓館|宾馆|医院|醫院|公司|企业|学校|大学|大學|学院|派出所|公安|警|餐厅|餐廳|饭店|店|银行|銀行|中心|机构|機構"
    r"|部门|委员会|政府|局|馆|館|预约|預約|订[座票]|報名|报名|招生|售后|传真|傳真|fax|hotline|service",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"我|他|她|家|妈|爸|父|母|爷|奶|老[公婆师]|本人|先生|女士|小姐|太太|同学|住宅|宅电|座机|固话|联系人|聯絡人|私人|经理|老板|[张王李赵刘陈杨黄周吴林]某"
)
_PAGE = re.compile(r"(?:https?://|www\.)[\x21-\x7e]+", re.IGNORECASE)
_SHORT = 40
"""Characters of a text that needs no word to say that what looks like a telephone number is one."""


def mobiles(text: str) -> Iterator[Found]:
    """Mobile numbers of people in a text: those of the mainland, masked ones too, of Hong Kong, Macau and Taiwan."""
    text = off_pages(text)
    for match in _MAINLAND.finditer(text):
        number = bare(match["number"]).replace("*", "")
        told = _CALL.search(text[max(0, match.start() - 12) : match.start()]) or (
            match["sign"] and _CALLED.match(text[match.end() : match.end() + 10])
        )
        if match["loose"] and not told:
            continue
        if _ASSIGNED.fullmatch(number) and _BEFORE.search(text[max(0, match.start() - 8) : match.start()]):
            yield *match.span("number"), number
    if _DOTS.search(text):
        for match in _MASKED.finditer(text):
            name = "number" if match["number"] else "taiwan"
            yield *match.span(name), bare(match[name])
    yield from _outer_mobiles(text)


def _outer_mobiles(text: str) -> Iterator[Found]:
    for match in _OUTER.finditer(text):
        code, number = _outer(match)
        if _OUTER_MOBILE[code].fullmatch(number):
            yield *match.span("number"), code + number
    for match in _TAIWAN.finditer(text):
        if match["gap"] or _CALL.search(text[max(0, match.start() - 14) : match.start()]):
            yield *match.span("number"), "886" + bare(match["number"])[1:]
    for match in _LOCAL.finditer(text):
        before = text[max(0, match.start() - 18) : match.start()]
        if _NUMBERED.search(before) and (_HONG_KONG.search(before) or (match[0][0] == "6" and _MACAU.search(before))):
            yield *match.span("number"), bare(match["number"])


def landlines(text: str) -> Iterator[Found]:
    """Landline numbers of people, without what a firm or an office says is its own: the subscriber's digits of each, with the
    area's in the value."""
    text = off_pages(text)
    for match in _FIXED.finditer(text):
        area = match["far"] or match["closed"] or match["apart"]
        told = _CALL.search(text[max(0, match.start() - 14) : match.start()])
        shaped = match["far"] or match["closed"] or match["gap"]
        if (told or (shaped and len(text) <= _SHORT)) and _persons(text, match):
            yield *match.span("number"), area + bare(match["number"])
    for match in _OUTER.finditer(text):
        code, number = _outer(match)
        if _OUTER_FIXED[code].fullmatch(number) and _persons(text, match):
            yield *match.span("number"), code + number
    for match in _TAIWAN_FIXED.finditer(text):
        area = match["area"] or match["area2"]
        called = match["area"] or _CALL.search(text[max(0, match.start() - 16) : match.start()])
        if called and _persons(text, match):
            yield *match.span("number"), f"886{area}{bare(match['number'])}"


_DOTS = re.compile(r"[*×•●]|x{3}", re.IGNORECASE)


def _outer(match: re.Match[str]) -> tuple[str, str]:
    return match["code"] or match["code2"] or match["code3"], bare(match["number"])


def _persons(text: str, match: re.Match[str]) -> bool:
    """Whether no firm is named before a number, or a person is named nearer to it."""
    before = re.split(r"[。！？\n]", text[max(0, match.start() - 30) : match.start()])[-1]
    firm, person = (max((found.start() for found in word.finditer(before)), default=-1) for word in (_FIRM, _PERSON))
    return firm < 0 or person > firm


def bare(number: str) -> str:
    """A number without what stands between its digits, letters in capitals."""
    return re.sub(r"[ ._/·•、，,~|()#=+-]", "", number).upper()


def off_pages(text: str) -> str:
    """The text with web addresses blanked: numbers in them are no one's."""
    return _PAGE.sub(lambda match: "/" * len(match[0]), text) if "://" in text or "www." in text else text
