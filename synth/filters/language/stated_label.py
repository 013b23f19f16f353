"""Which verdict an analysis comes to, read from its words: the last conclusion it draws, or the one it opens with."""

import re
from typing import Literal

from synth.recipe.labels import LabelScheme
from synth.types import Label

_TERM = re.compile(
    r"(?P<unsafe>不安全(?!感|性|因素|的?(?:行为|做法|想法|念头|举动|方式|方法|操作|用法|要求|请求|意图|建议|苗头|倾向))|违反|违规(?!行为|操作|内容)|(?<![a-z])unsafe(?![a-z]))"
    r"|(?P<safe>(?<!注意|确保|保证|保障|维护|人身|公共|国家|网络|交通|食品|生命|信息|财产|数据|校园|社会|账户|资金|用药|消防|行车|出行|心理)"
    r"(?<![不更])安全(?!问题|隐患|风险|意识|知识|防范|防护|措施|规定|规范|规则|提示|提醒|事故|生产|教育|帽|带|性|感|距离|部门|机关|漏洞|威胁|危害|建议"
    r"|方[法式面]|常识|使用|驾驶|出行|操作|环境|套|第一|地|有效|可[行靠]|行为|内容审|评[审估]|的(?!回[答复]|答复|内容|[。，；,;！!]|$))"
    r"|合规|(?<![a-z])safe(?![a-z]))",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[，,、：:（(]")
_SENTENCE = re.compile(r"[。；;！!？?\n]")
_LEAD = re.compile(
    r"因此|所以|因而|(?<![缘事])故(?![意事])|综上|总之|总[体的]|整体|可见|从而|应?判(?:[为定作断]|属)?|结论|属于|认定|评[为定]|应[为属]|视为|标签|verdict|label|therefore|thus|hence",
    re.IGNORECASE,
)
_ANSWER = re.compile(r"回[答复应]|答复|助手|answer|response|reply", re.IGNORECASE)
_OTHER = re.compile(
    r"用户|提问|问题|意图|请求|诉求|想法|行为|要求|目的|建议|做法|方法|步骤|措施|方案|途径|渠道|操作|规则|类别|本身的|[这那]样做|[这那]么做|此举|指出|提醒|说明|强调|告[知诉]|警示|解释|讲明|劝"
)
_IF = re.compile(r"如果|假如|倘若|若是|若(?!干|无)|一旦|假设|即便|即使")
_OPENING = re.compile(
    r"^\W*(?:(?:最终)?(?:结论|判定|判断|标签|结果|答案)(?:是|为)?\W*)?(?:该|本|这个|此)?(?:回答)?(?:是|属于|为)?$"
)
_NOT = re.compile(
    r"(?:不能|不可|不应|不该|不宜|难以|难[言说]|无法|谈不上|称不上|算不上|说不上|不算|并非|并不|不是|未必|绝非|不属于|不构成|不存在|不再|没有?|并?未|毫?无|不|not\s|n't\s)"
    r"(?:说|认为|认定|判[定断]?|视|看|算|作|是|为|属于?|构成|有|存在|被|完全|绝对|十分|很|太|够|直接|明显|见|发现|看出|任何|该|其|它|此|这|本|整体|就|再|可以|称|地|的|了|成|回答|回复|内容|“|”){0,6}$"
)

_ENDING = re.compile(r"[，,。；;：:\s]|因此|所以|属于|判为|应判|认定为|是")
"""After the last of these stands the verdict that an analysis ends with."""
NEAR = 60
"""Characters before a verdict's word, of its own sentence, that say what it is of."""


def contradicts(analysis: str, label: Label, scheme: LabelScheme) -> bool:
    """Whether a judge's analysis states another label than this one, as far as can be told: of labels in between only
    what it ends with."""
    last = scheme.said(_ENDING.split(analysis.rstrip(' \n。.！!”"的')[-40:])[-1])
    if last is not None and last not in (scheme.names[0], scheme.safe):
        return last != label
    if label not in (scheme.names[0], scheme.safe):
        return last is not None
    verdict = stated(analysis)
    return verdict is not None and (verdict == "safe") != (label == scheme.safe)


def stated(analysis: str) -> Literal["safe", "unsafe"] | None:
    """The label that an analysis states in words as its verdict on the answer; None where it states none, or not so that it
    could be told."""
    last: dict[str, Literal["safe", "unsafe"]] = {}
    for match in _TERM.finditer(analysis):
        before = _SENTENCE.split(analysis[max(0, match.start() - NEAR) : match.start()])[-1]
        if weight := _weight(before, match):
            last[weight] = _turned(before, "unsafe" if match["unsafe"] else "safe")
    return last.get("drawn") or last.get("opening") or last.get("said")


def _weight(before: str, match: re.Match[str]) -> str | None:
    """Whether a verdict's word is a conclusion `drawn`, the analysis's `opening`, `said` of the answer in passing, or none of the answer."""
    about, lead = _last(_ANSWER, before), _last(_LEAD, before)
    if _last(_OTHER, before) > max(about, lead) or _last(_IF, before) > lead:
        return None
    if lead >= 0:
        return "drawn"
    if match.start() < 24 and _OPENING.match(match.string[: match.start()]):
        return "opening"
    return "said" if about >= 0 and len(before) - about <= 14 else None


def _last(pattern: re.Pattern[str], text: str) -> int:
    return max((found.start() for found in pattern.finditer(text)), default=-1)


def _turned(before: str, label: Literal["safe", "unsafe"]) -> Literal["safe", "unsafe"]:
    """The label after what denies it in the same clause: one no turns it round, two do not."""
    clause = _CLAUSE.split(before)[-1]
    while denied := _NOT.search(clause):
        label = "safe" if label == "unsafe" else "unsafe"
        clause = clause[: denied.start()]
    return label
