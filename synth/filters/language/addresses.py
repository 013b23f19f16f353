"""Where people live: a road with a number in mainland China, Hong Kong, Macau and Taiwan, each in the order of its parts there. The
address of a sight, an office or a firm, which anybody may look up, is no one's."""

import re
from collections.abc import Iterator

from synth.filters.language.telephone import Found

_MAINLAND = re.compile(
    r"(?:路|街|大道|巷|胡同|弄|(?<![公这那哪家夜])里|村|庄|(?<![知频管赛车轨报难渠])道|小区|花园|公寓|社区)(?:[东西南北中]?段|[东西南北])? ?"
    r"(?P<number>(?:[1-9]\d{0,4}|[一二三四五六七八九十百][一二三四五六七八九十百零〇]{0,5})(?:[甲乙丙丁-]\d{0,4})? ?(?:号(?!线|文|令|机|井|公))?)"
    r"(?P<rest>(?:[\u4e00-\u9fff]{0,6}?[A-Za-z]?\d{1,5}(?:号楼|号院|[栋幢座楼单层室户弄房号组])元?){0,5})"
)
_OUTER = re.compile(
    r"(?:路|街|大道|(?<!\d)[巷弄]|(?<![公这那哪家夜這])里|村|莊|[徑径坊邨]|(?<![知频频管赛賽车車轨軌报報难難渠])道)(?:[一二三四五六七八九十1-9]段)? ?"
    r"(?P<number>(?=[1-9])(?:\d{1,4}巷 ?)?(?:\d{1,3}弄 ?)?\d{1,4}(?:[之-]\d{1,3})? ?[號号](?!线|線|文|令|机|機|井|公)(?:之\d{1,2})?)"
    r"(?P<rest>(?:[\u4e00-\u9fff]{0,8}? ?(?:\d{1,3}|[一二三四五六七八九十]{1,3}) ?(?:樓|楼|/?F(?![A-Za-z]))(?:[之-]\d{1,2})?)?(?: ?[A-Z0-9]{1,4} ?[室座戶户單])*)"
)
"""Sections, lanes, alleys and floors, as Taiwan, Hong Kong and Macau write them."""
_ENGLISH = re.compile(
    r"\b(?:Flat|Room|Rm|Unit)\.? ?[A-Z\d]{1,4},? ?\d{1,2}/F,?[^\n.;]{0,40}?\b(?P<number>[1-9]\d{0,3}) (?=[A-Z][a-z'’]+ (?:[A-Z][a-z]+ ){0,2}(?:Road|Street|Avenue|Lane|Path|Terrace|Drive)\b)"
)
_PLACE = re.compile(r"[\u4e00-\u9fff][市区區县縣旗镇鎮乡鄉州盟][\u4e00-\u9fff]{1,18}$")
_REGION = re.compile(
    r"香港|澳[门門]|氹仔|九[龙龍]|新界|港[岛島]|中[环環]|[湾灣]仔|[铜銅][锣鑼][湾灣]|北角|旺角|尖沙咀|油麻地|深水埗|[观觀]塘|沙田|荃[湾灣]|元朗|屯[门門]|大埔|[将將][军軍]澳"
)
_LANED = re.compile(r"巷|弄|之\d")
_ROOM = re.compile(r"\d(?:室|户|房|单元|栋|幢|座|号楼)")
_PUBLIC = re.compile(
    r"博物[馆館院]|美[术術][馆館]|[纪紀]念[馆館]|故[宫宮]|景[区區点點]|公[园園]|[乐樂][园園]|[动動植]物[园園]|寺|教堂|[图圖][书書][馆館]|[体體]育|[剧劇]院|影院|大[学學]|[学學][校院]|[医醫]院|酒店|[宾賓][馆館]|餐[厅廳]|[饭飯]店|商[场場]|"
    r"政府|法院|派出所|委[员員][会會]|大[厦廈使]|使[馆館]|公司|[总總]部|[车車]站|机[场場]|機場|[银銀]行|分行|分店|[门門]店|[铺鋪]|[开開]放[时時]|[门門]票|遗址|[遺]址|旅游|旅遊|[参參][观觀]|展[览覽]"
)
_PERSON = re.compile(
    r"[我她咱]|(?<!其)他|老家|家[里裡中住在]|住(?!院)|收[件货貨]|寄|先生|女士|小姐|太太|同学|同學|[联聯][系繫絡络]人|[户戶]籍|本人|租|快[递遞]|[张王李赵刘陈杨黄周吴林]某"
)
_STOP = re.compile(r"[。！？!?\n]")
_NEAR = 40
"""Characters on either side, of its own sentence, that say whose an address is."""


def addresses(text: str) -> Iterator[Found]:
    """House numbers of people's addresses in a text, with what follows them down to the room; what stands before is the place's name."""
    for match in _MAINLAND.finditer(text):
        roomed = _ROOM.search(match["rest"])
        if roomed or ("号" in match[0] and _placed(text, match) and not _public(text, match)):
            yield _found(text, match)
    for match in _OUTER.finditer(text):
        inside = match["rest"] or _LANED.search(match["number"])
        region = _REGION.search(text[max(0, match.start() - 16) : match.start()])
        if (inside or region or _placed(text, match)) and not _public(text, match):
            yield _found(text, match)
    for match in _ENGLISH.finditer(text) if "/F" in text else ():
        yield _found(text, match)


def _found(text: str, match: re.Match[str]) -> Found:
    start = match.start("number")
    return start, match.end(), text[max(0, start - 4) : match.end()]


def _placed(text: str, match: re.Match[str]) -> bool:
    start = match.start("number")
    before = re.sub(r"[一二三四五六七八九十1-9]段$| ", "", text[max(0, start - 30) : start])
    return bool(_PLACE.search(before))


def _public(text: str, match: re.Match[str]) -> bool:
    """Whether a sentence tells where a public place is, and nothing of a person."""
    before = _STOP.split(text[max(0, match.start() - _NEAR) : match.start()])[-1]
    after = _STOP.split(text[match.end() : match.end() + _NEAR])[0]
    around = f"{before} {after}"
    return bool(_PUBLIC.search(around)) and not _PERSON.search(around)
