"""Numbers of papers that people are known by: identity cards of the mainland, Hong Kong, Macau and Taiwan, passports, permits to cross
between them, social security. By their check digits where they have one, else by the word that names them."""

import re
from collections.abc import Iterator

from synth.filters.language import lookalike
from synth.filters.language.telephone import Found, bare

_MAINLAND = re.compile(r"(?<![0-9A-Za-z])(?=(?P<number>[1-9](?:[ -]?\d){16}[ -]?[\dXx])(?![0-9A-Za-z]))")
_MASKED = re.compile(
    r"(?<![0-9A-Za-z*])(?P<number>[1-8]\d{2,9}(?:[*×•●]{2,14}[\d*×•●]{0,12}|[xX]{6,12})\d{1,3}[\dXx])(?![0-9A-Za-z*])"
)
_HONG_KONG = re.compile(
    r"(?<![0-9A-Za-z])(?P<number>[A-Z]{1,2}\d{6} ?(?P<mark>\([0-9A]\)|[0-9A]))(?![0-9A-Za-z])", re.IGNORECASE
)
_TAIWAN = re.compile(r"(?<![0-9A-Za-z])(?P<number>[A-Z][1289]\d{8})(?![0-9A-Za-z])")
_MACAU = re.compile(r"(?<![0-9A-Za-z])(?P<number>[157](?:\d{6}\(\d\)|/\d{6}/\d|\d{7}))(?![0-9A-Za-z])")
_CARD = re.compile(r"身[份分][证證]|[证證]件|居留[证證]|统一编号|統一編號|HKID|BIR|ID", re.IGNORECASE)

_PASSPORT = re.compile(
    r"(?<![0-9A-Za-z])(?P<number>(?:[EGHKMDSP]|[EDSPMK][A-HJ-NP-Z]) ?\d{7,8}|[1-9]\d{8})(?![0-9A-Za-z])", re.IGNORECASE
)
_PERMIT = re.compile(
    r"(?<![0-9A-Za-z])(?P<number>[CWHMTL][A-HJ-NP-Z]? ?\d{7,10}|(?!000)\d{8}(?:\d{2})?)(?![0-9A-Za-z])", re.IGNORECASE
)
_SOCIAL = re.compile(
    r"(?<![0-9A-Za-z])(?P<number>[1-9]\d{2}-\d{2}-\d{4}|[A-Z]{0,2}(?!000)\d{6,19}[Xx]?)(?![0-9A-Za-z]|\.\d|\s?[元块万亿人])",
    re.IGNORECASE,
)
_NAMED = r"(?:卡|证|證)?(?:的)?(?:号码?|號碼?|编号|編號|[账帐帳]号|个人编号|电脑号|no\.?|number)?"
_LINKED = r"[ ]{0,2}(?:是|为|為|[:：#(（])?[ :：]{0,3}$"
_PASSPORTS = re.compile(rf"(?:护照|護照|passport){_NAMED}(?P<far>[^0-9。\n]{{0,12}}?){_LINKED}", re.IGNORECASE)
_LETTERED = re.compile(r"(?<![0-9A-Za-z])(?P<number>(?:[EGHKMDSP]|E[A-HJ-NP-Z]) ?\d{7,8})(?![0-9A-Za-z])")
_PAPERS = re.compile(
    rf"(?:[证證]件|旅行[证證]|旅行文件)(?:之|第)?[一二三四甲乙丙1-4]?{_NAMED}(?P<far>[^0-9。，；\n]{{0,4}}?){_LINKED}",
    re.IGNORECASE,
)
"""A paper of no name: the letters that passports have say what it is."""
_PERMITS = re.compile(
    rf"(?:(?:港|澳|[台臺]湾|[台臺]灣|内地|大[陆陸]|[往來来]{{2}})[^，。\n0-9]{{0,14}}通行[证證]|回[乡鄉][证證]|返[乡鄉][证證]|[台臺]胞[证證]|permit){_NAMED}(?P<far>[^0-9。\n]{{0,12}}?){_LINKED}",
    re.IGNORECASE,
)
_SOCIALS = re.compile(
    rf"(?:社保|社会保[障险]|社會保[障險]|医保|醫保|健保|公积金|养老保险|社会安全|社會安全|social security|SSN){_NAMED}(?P<far>){_LINKED}",
    re.IGNORECASE,
)
_WORDS = re.compile(
    "护照|護照|passport|通行|[证證]件|旅行|[乡鄉][证證]|胞[证證]|permit|保|公积金|公積金|安全|security|SSN",
    re.IGNORECASE,
)
"""Without any of these there is nothing that a word names."""
_TOLD = 30
"""Characters before a number in which the word stands that says what it is."""


def identities(text: str) -> Iterator[Found]:
    """Numbers of identity cards in a text whose check digits come out; of Macau and masked ones, which have none, those that a word names."""
    for match in _MAINLAND.finditer(text):
        number = bare(match["number"])
        if lookalike.is_identity(number):
            yield *match.span("number"), number
    for pattern in (_MASKED, _MACAU):
        for match in pattern.finditer(text):
            before = text[max(0, match.start() - 16) : match.start()]
            if _CARD.search(before) and (pattern is _MASKED or re.search("澳[门門]|BIR", before)):
                yield *match.span("number"), bare(match["number"])
    for match in _HONG_KONG.finditer(text):
        number = bare(match["number"])
        if is_hong_kong(number) and (
            "(" in match["mark"] or _CARD.search(text[max(0, match.start() - 16) : match.start()])
        ):
            yield *match.span("number"), number
    for match in _TAIWAN.finditer(text):
        if is_taiwan(match["number"]):
            yield *match.span("number"), match["number"]


def is_hong_kong(number: str) -> bool:
    """Whether a Hong Kong identity card's number has the right check digit: one or two letters, six digits, 0 to 9 or A."""
    letters = number[:-7].rjust(2)
    values = [36 if one == " " else ord(one) - 55 for one in letters] + [int(one) for one in number[-7:-1]]
    rest = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True)) % 11
    return number[-1] == "0A987654321"[rest]


def is_taiwan(number: str) -> bool:
    """Whether a Taiwan identity or residence number, a letter and nine digits, has the right check digit."""
    county = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(number[0]) + 10
    digits = [county // 10, county % 10, *map(int, number[1:])]
    return (
        sum(digit * weight for digit, weight in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0
    )


def passports(text: str) -> Iterator[Found]:
    """Numbers of passports (mainland, Hong Kong, Macau, Taiwan) in a text that says so."""
    yield from _named(text, _PASSPORT, _PASSPORTS)
    yield from _named(text, _LETTERED, _PAPERS)


def permits(text: str) -> Iterator[Found]:
    """Numbers of permits to travel between the mainland, Hong Kong, Macau and Taiwan in a text that says so."""
    yield from _named(text, _PERMIT, _PERMITS)


def social_numbers(text: str) -> Iterator[Found]:
    """Numbers of social security, medical insurance and housing fund in a text that says so."""
    yield from _named(text, _SOCIAL, _SOCIALS)


def _named(text: str, shape: re.Pattern[str], word: re.Pattern[str]) -> Iterator[Found]:
    if not _WORDS.search(text):
        return
    for match in shape.finditer(text):
        told = word.search(text[max(0, match.start() - _TOLD) : match.start()])
        if told and not (match["number"].isdigit() and told["far"]):
            yield *match.span("number"), bare(match["number"])
