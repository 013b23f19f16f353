"""Personal data of people in China, Hong Kong, Macau and Taiwan: found in a text, and replaced by invalid look-alikes. Numbers by their
checksums and assigned prefixes, the rest by their shape and by the word that names them; what merely looks like a number (a price, an
order, a hotline, an ISBN, the number of a group) is left.

The same value gets the same look-alike wherever it stands, as a function of the value alone.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from synth.filters.language import addresses, documents, lookalike, telephone
from synth.filters.language.telephone import Found
from synth.types import TextRule

Kind: TypeAlias = Literal[
    "email",
    "identity",
    "passport",
    "permit",
    "social",
    "card",
    "mobile",
    "landline",
    "plate",
    "address",
    "wechat",
    "qq",
]
"""In the order in which they are looked for: of two that overlap the first is taken."""

ROUNDS = 9
"""A look-alike may by chance make a number of what stands beside it; the second look finds that."""


def personal() -> TextRule:
    """Drops a text with personal data: telephone, identity, passport and card numbers, e-mail, plates, addresses, WeChat and QQ ids (`filters.personal`)."""

    def rule(text: str) -> str | None:
        return next((f"personal.{finding.kind}" for finding in find(text)), None)

    return rule


@dataclass(frozen=True, slots=True)
class Finding:
    """A piece of personal data in a text: its kind, where it starts and ends (in characters), and its value."""

    kind: Kind
    start: int
    end: int
    value: str
    """What the same value has in common however it is written: no separators, ASCII."""


def find(text: str) -> list[Finding]:
    """The personal data in a text (numbers, addresses, ids …), in order; no two overlap."""
    if not _WORTH.search(text):
        return []
    folded, found = text.translate(_WIDTH) if _WIDE.search(text) else text, list[Finding]()
    views, taken = [folded], bytearray(len(text))
    if _SPELT.search(folded):
        views.append(folded.translate(_NUMERALS))
    for kind, look in _LOOKS.items():
        for view in views if kind in _SPELT_KINDS else views[:1]:
            for start, end, value in look(view) if kind not in _LONG or _RUN.search(view) else ():
                if taken.find(1, start, end) < 0:
                    taken[start:end] = b"\1" * (end - start)
                    found.append(Finding(kind, start, end, value))
    return sorted(found, key=lambda finding: finding.start)


def replaced(text: str) -> str:
    """A text with its personal data replaced by invalid look-alikes; width, spaces and hyphens stay as they were."""
    for _ in range(ROUNDS):
        found = find(text)
        if not found:
            return text
        parts, at = list[str](), 0
        for finding in found:
            parts += (
                text[at : finding.start],
                lookalike.of(finding.kind, finding.value, text[finding.start : finding.end]),
            )
            at = finding.end
        text = "".join(parts) + text[at:]
    return text


_WORTH = re.compile(
    rf"[0-9０-９@＠]|[{lookalike.SPELT}]{{3}}|艾特|[A-Za-z][#＃][A-Za-z]|[(\[{{<（［【]at| at |[一二三四五六七八九十百]号|微信|薇信|威信|wechat|weixin|[vＶwＷ][xＸ]",
    re.IGNORECASE,
)
"""Without any of these there is nothing to look for."""
_WIDE = re.compile("[０-９Ａ-Ｚａ-ｚ＠：（．－＊＃［　\u2010-\u2014\u2212\u00a0\u2002\u2003\u2009]")
_SPELT = re.compile(rf"[{lookalike.SPELT}][{lookalike.SPELT}0-9 、，,.·-]{{9}}")
_WIDTH = (
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
    | dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2009\u3000"), " ")
)
_NUMERALS = str.maketrans(lookalike.SPELT, lookalike.DIGITS)

_Look: TypeAlias = Callable[[str], Iterator[Found]]

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_])?"
    r"@(?P<domain>(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,5}[A-Za-z]{2,18})(?![A-Za-z0-9-])"
)
_SIGN = re.compile(r"[#@*]|艾特|圈a|[(\[{<【] ?at| at ", re.IGNORECASE)
_WORDED = re.compile(
    r"(?<![A-Za-z0-9._%+*-])(?P<local>(?:[A-Za-z0-9]{1,20} dot )?[A-Za-z0-9][A-Za-z0-9._%+-]{0,40})"
    r"(?: ?(?P<sure>[(\[{<【] ?(?:at|@|艾特|圈a) ?[)\]}>】]|艾特|圈a)|(?P<at> at |#(?! )|@)) ?"
    r"(?P<domain>(?:[A-Za-z0-9-]{1,40}(?P<dot> ?[(\[{<【] ?(?:dot|点|點|\.) ?[)\]}>】] ?| dot |点|點|\.)){1,3}"
    r"(?:com|cn|net|org|edu|gov|hk|tw|mo|io|me|cc|info|co|uk|jp))(?![A-Za-z0-9-])"
    r"|(?<![A-Za-z0-9._%+*-])(?P<masked>[A-Za-z0-9][A-Za-z0-9._-]{0,20}\*{2,8}[A-Za-z0-9._-]{0,20}@(?:[A-Za-z0-9-]{1,40}\.){1,3}[A-Za-z]{2,10})(?![A-Za-z0-9-])",
    re.IGNORECASE,
)
"""An address with words or other signs in the place of its own."""
_DOT = re.compile(r" dot |dot(?=[ )\]}>】])|[点點]", re.IGNORECASE)
_PROVIDER = re.compile(
    r"(?:^|[^a-z0-9])(?:qq|foxmail|163|126|yeah|sina|sohu|139|189|gmail|outlook|hotmail|live|msn|icloud|yahoo|aliyun|tom|21cn|proton(?:mail)?)$",
    re.IGNORECASE,
)
_MAIL = re.compile(r"邮[箱件]|郵[箱件]|信箱|电邮|電郵|e-?mail|mail|联系|聯[繫絡]", re.IGNORECASE)
_RESERVED = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|net|org))?|invalid|test|localhost)$")
"""RFC 2606: nobody's."""

_CARD = re.compile(
    r"(?=[34569])(?<![0-9A-Za-z_./=#])(?=(?P<number>(?:62|4\d|5[1-5]|35|3[47]|601[13]|955)\d*"
    r"(?:(?P<gap>[ -])\d{2,13}(?:(?P=gap)\d{1,7}){0,4})?)(?![0-9A-Za-z_]|\.\d|[ -]\d))"
)
_BINS = re.compile(r"62\d{14,17}|4\d{15}|5[1-5]\d{14}|35[2-8]\d{13}|3[47]\d{13}|6013\d{15}|6011\d{12}|955\d{13,16}")
"""UnionPay, Visa, Mastercard, JCB, American Express and the older numbers of Chinese banks, with their lengths."""
_NO_CARD = re.compile(
    r"(?:单号?|编号|流水号?|序列号?|条码|货号|型号|学号|案号|快递|物流|ISBN|SN|ID)[^0-9，。；]{0,6}$", re.IGNORECASE
)

_PLATE = re.compile(
    r"(?P<province>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]) ?[A-HJ-NP-Z](?P<gap>[·•・ -]?)"
    r"(?P<serial>[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳]|[A-HJK][A-HJ-NP-Z0-9]\d{4}|\d{5}[A-HJK])(?![A-Z0-9])",
    re.IGNORECASE,
)
_COMMON = "新云贵青宁"
"""Provinces whose sign is an everyday word: a model's name may follow it."""
_DRIVEN = re.compile("[车車牌]|违章|違章|[剐刮][蹭擦]|肇事|追尾|闯红灯")
_OWNED = re.compile("(?:的|[那这這]?[辆輛部台])?[车車]主|的[车車]|[那这這][辆輛部台]|追尾|[剐刮][蹭擦]|昨|停[在到]")
_BREAKS = " ，,。；;：:、（(\n“"

_WECHAT = re.compile(
    r"(?=[微薇威加vw])(?:微信|薇信|威信|weixin|wechat|(?<![A-Za-z])[vw]x|(?<![A-Za-z])v信|加v(?![A-Za-z]))"
    r"(?P<sure> ?(?:号码?|[账帐]号|id(?![A-Za-z])))? ?(?P<colon>是|为|[:(])? ?(?P<number>[A-Za-z][A-Za-z0-9_-]{5,19})(?![A-Za-z0-9_.(-])",
    re.IGNORECASE,
)
_QQ = re.compile(
    r"(?=[qQ扣企])(?P<name>(?<![A-Za-z])QQ?|扣扣|企鹅)(?P<sure> ?号码?)? ?(?P<colon>是|为)? ?(?P<mark>:)? ?"
    r"(?P<number>[1-9]\d{4,10})(?![0-9A-Za-z]|\.\d|\s?[元人个万亿年])",
    re.IGNORECASE,
)
_SERVICE = re.compile(r"(?:客服|官方|售后|企业|公众号|商务|[交粉].{0,4}群|群)[^，。；\n]{0,3}$")
"""Before an id that is a firm's or a group's."""
_ADDED = re.compile("加(?:我|一下|下|个)?的?$")


def _emails(text: str) -> Iterator[Found]:
    for match in _EMAIL.finditer(text) if "@" in text else ():
        if not _RESERVED.search(match["domain"].lower()):
            yield match.start(), match.end(), match[0].lower()
    for match in _WORDED.finditer(text) if _SIGN.search(text) else ():
        domain = re.sub(r"[ (\[{<【)\]}>】]", "", _DOT.sub(".", match["domain"] or ""))
        if match["masked"] or (_meant(text, match, domain) and not _RESERVED.search(domain.lower())):
            yield match.start(), match.end(), (match["masked"] or f"{match['local']}@{domain}").lower()


def _meant(text: str, match: re.Match[str], domain: str) -> bool:
    """Whether what has an address's shape in words is one: a sign that nothing else has, a provider of mail, or a word before it."""
    if match["sure"] or (match["at"] == "@" and match["dot"] != "."):
        return True
    if re.search(r"[\d._-]| dot ", match["local"]) and match["dot"] != ".":
        return True
    provider = _PROVIDER.search(domain.rpartition(".")[0])
    return bool(provider or _MAIL.search(text[max(0, match.start() - 16) : match.start()])) and match["at"] != "@"


def _cards(text: str) -> Iterator[Found]:
    for match in _CARD.finditer(telephone.off_pages(text)):
        number = telephone.bare(match["number"])
        if not _BINS.fullmatch(number) or not lookalike.is_card(number):
            continue
        if not _NO_CARD.search(text[max(0, match.start() - 12) : match.start()]):
            yield *match.span("number"), number


def _plates(text: str) -> Iterator[Found]:
    for match in _PLATE.finditer(text):
        told = match["gap"] or _DRIVEN.search(text[max(0, match.start() - 12) : match.start()])
        told = told or _OWNED.match(text[match.end() : match.end() + 8])
        count = sum(character.isdigit() for character in match["serial"])
        alone = match["province"] not in _COMMON or (
            match["province"] != "新" and count > 3 and not text[match.start() - 1 : match.start()].strip(_BREAKS)
        )
        if count >= (2 if told else 3) and (told or alone):
            yield *match.span(), re.sub("[·•・ -]", "", match[0]).upper()


def _wechats(text: str) -> Iterator[Found]:
    for match in _WECHAT.finditer(text):
        bare = not (match["sure"] or match["colon"])
        added = match[0][0] == "加" or _ADDED.search(text[max(0, match.start() - 4) : match.start()])
        if _SERVICE.search(text[max(0, match.start() - 8) : match.start()]):
            continue
        telling = (match["sure"] and match["colon"]) or re.search("[0-9_-]", match["number"])
        if telling and (added or not bare or match[0][:2].lower() in ("vx", "wx")):
            yield *match.span("number"), match["number"].lower()


def _qqs(text: str) -> Iterator[Found]:
    for match in _QQ.finditer(text):
        if _SERVICE.search(text[max(0, match.start() - 8) : match.start()]):
            continue
        sure = match["sure"] or match["colon"] or match["mark"]
        long = match["name"].lower() != "q" and len(match["number"]) > 5
        if sure or long or _ADDED.search(text[max(0, match.start() - 4) : match.start()]):
            yield *match.span("number"), match["number"]


_LONG = ("identity", "passport", "permit", "social", "card", "mobile", "landline")
_RUN = re.compile(r"\d(?:[^\w\n]{0,4}\d){5}|\d\W?[*×•●xX]{2}|[*×•●xX]{2}\W?\d")
"""Without six digits near each other, or a mask beside one, there is no long number."""
_SPELT_KINDS = ("identity", "mobile", "landline")
_LOOKS: dict[Kind, _Look] = {
    "email": _emails,
    "identity": documents.identities,
    "passport": documents.passports,
    "permit": documents.permits,
    "social": documents.social_numbers,
    "card": _cards,
    "mobile": telephone.mobiles,
    "landline": telephone.landlines,
    "plate": _plates,
    "address": addresses.addresses,
    "wechat": _wechats,
    "qq": _qqs,
}
