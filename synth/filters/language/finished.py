"""Whether a text holds something that could be posted or sent as it stands: a letter, a notice, a news item, slogans, verse, a speech to be read out.

What shows it is the outer form: who is addressed and who signs, a headline and what follows it, calls to pass it on, lines that are called out
together. A piece in which the mark stands cannot go out as it is, so each stretch between marks is looked at by itself.
"""

import re
from itertools import pairwise

from synth.types import MARK

_TO = re.compile(
    r"^[ 　]*[“\"「]?(?:(?:尊敬|敬爱|亲爱)的[^\n。！？]{1,24}[:：，,！!\n]|致?(?:全体|各位|广大)[^\n，。：:]{1,14}[:：，,！!]|致[^\n，。：:]{1,16}[:：]"
    r"|[^\n，。：:？“]{1,10}(?:先生|女士|老师|主任|经理|同志|同学|朋友们?|同胞们?|家人们?|邻居们?|街坊们?|业主们?|乡亲们?|兄弟姐妹们?|大家)[:：，！!]|[“\"「]?(?:您好|你好|大家好|喂)[，,！!。]?我(?:是|们是|叫))",
    re.MULTILINE,
)
_ADDRESSED = ("尊敬的", "敬爱的", "亲爱的", "致", "各位", "全体", "广大")
_FROM = re.compile(
    r"此致|敬礼[！!]?|敬[上启]|谨[上启]|顺颂|特此(?:通知|公告|声明|告知|函告|通告|说明)|[盼望]周知|专此|(?:^|[。！\n])[ 　]*(?:祝|谢谢(?:大家|您|各位)|期待您|感谢您)[^\n]{0,24}[。！!]?[ 　”\"」]*$"
    r"|^[ 　]*(?:——|署名[:：])?[^\n，。！？：:]{2,16}(?:委员会|办公室|公司|协会|联盟|居委会|业委会|物业|班委|剧团|小组|社区|团队|编辑部|同仁|一位?[^\n，。]{1,6}|全体[^\n，。]{1,8})[ 　”]*$"
    r"|^[ 　]*(?:\d{4}|[二两][〇零○\d][^\n年]{1,3})年[^\n日]{1,8}日[ 　”]*$",
    re.MULTILINE,
)
_HEADLINE = re.compile(
    r"^[ 　#*]*(?:标题[:：])?(?:【[^】\n]{0,16}(?:通知|公告|通报|声明|快讯|突发|警报|预警|提醒|爆料|扩散|真相|重磅|独家|倡议|求助)[^】\n]{0,12}】"
    r"|(?:[^\n，。：:]{0,24})(?:通知|公告|通报|声明|告示|启事|快讯|倡议书|公开信|檄文|宣言|告[^\n，。：:]{1,10}书|致[^\n，。：:]{1,12}的一封信|海报|传单|文案|标语|口号)[*”]{0,3}[ 　]*(?:[:：]|$))",
    re.MULTILINE,
)
_NEWS = re.compile(
    r"(?:^|[。！？\n】：:])[ 　]*(?:据[^，。\n]{1,16}(?:报道|消息|透露|证实|爆料|获悉|通报|指出)|本报[^，。\n]{0,10}讯|(?:本台|本网|本报)?记者[^，。\n]{0,14}(?:报道|获悉|从)|[^，。\n]{0,10}(?:内部人士|知情人士?|目击者)(?:称|透露|爆料|说))"
)
_PASS_ON = re.compile(
    r"(?:紧急|赶紧|赶快|马上|快快?|请|速|大家|务必|都|互相|转起来|动动手)[^，。！\n]{0,6}(?:扩散|转发|转告|转给|转起来|告诉身边|分享给|收藏)|(?:扩散|转发|转告|转给|分享)[^，。\n]{0,10}(?:[！!]|家人|朋友|亲友|群里?|更多的?人|所有人)|转起来|速转|为了家人|#[^#\n]{2,24}#"
)
_CALL = re.compile(r"(?:^|(?<=[。！!\n“”、，,；;：:]))[ 　]*[^，。！!？?\n；;：:“”]{2,14}[！!]")
_RALLY = re.compile(
    r"(?:让我们|咱们)?(?:一起|联合起来|团结起来|行动起来|站出来|站起来|走上街头)|加油|万岁|必胜|奋斗|抵制|拒绝|滚出|打倒|绝不|坚决|誓[要死]|还我|支持|向[前着]"
)
_SAID = re.compile(r"“([^“”]{40,600})”|「([^「」]{40,600})」|\"([^\"\n]{40,600})\"")
_SENTENCES = re.compile(r"[。！？!?]")
_PLANNED = re.compile(r"大意|开头|结尾|中间|一段|部分|写法|语气|要点|思路")
_LINE_END = re.compile(r"[，。！!？?；;、,.… 　]+$")
_LISTED = re.compile(
    r"^\s*(?:\d{1,2}[.、．)）]|[-*•]|[（(]?[一二三四五六七八九十][)）、]|第[一二三四五六七八九十][，、步点])"
)
_SHORTEST, _BODY = 12, 24
"""Characters of a piece at least; and of what follows a headline."""
_CALLS, _VERSES = 3, 4
"""Calls on end that make slogans; lines of one length that make a verse."""


def finished(text: str) -> bool:
    """Whether a text holds a piece that could be posted or sent as it stands, with nothing left out of it."""
    return any(map(_goes_out, text.split(MARK)))


def _goes_out(piece: str) -> bool:
    if len(piece) < _SHORTEST:
        return False
    to, signed = _TO.search(piece), bool(_FROM.search(piece))
    if to and (signed or (to[0].lstrip().startswith(_ADDRESSED) and _full(piece[to.end() :]))):
        return True
    head = _HEADLINE.search(piece)
    if head and len(piece) - head.end() >= _BODY and (signed or to or _full(piece[head.end() :])):
        return True
    if len(_NEWS.findall(piece)) + len(_PASS_ON.findall(piece)) > 1:
        return True
    return _called_out(piece) or _verse(piece) or any(map(_speech, _SAID.finditer(piece)))


def _full(body: str) -> bool:
    """Whether what follows a headline is text by itself, not what it should hold."""
    return len(_SENTENCES.findall(body)) > 1 and not _PLANNED.search(body)


def _called_out(piece: str) -> bool:
    calls = [match.span() for match in _CALL.finditer(piece)]
    runs, longest = 1, 1
    for (_, end), (start, _) in pairwise(calls):
        runs = runs + 1 if start - end <= 2 else 1
        longest = max(longest, runs)
    return longest >= _CALLS and (longest > _CALLS or bool(_RALLY.search(piece)))


def _verse(piece: str) -> bool:
    """Lines of one length, one after the other, none of them a point of a list."""
    alike, before = 1, 0
    for line in piece.split("\n"):
        size = 0 if _LISTED.match(line) else len(_LINE_END.sub("", line.strip()[:80]))
        alike = alike + 1 if size == before and 4 <= size <= 24 else 1
        before = size
        if alike >= _VERSES:
            return True
    return False


def _speech(match: re.Match[str]) -> bool:
    """Whether a long quotation is a text to be said or sent, not a title or a saying."""
    said = next(filter(None, match.groups()))
    return len(_SENTENCES.findall(said)) > 1
