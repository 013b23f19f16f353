"""Whether a text is, or ends as, a filled-in form of a judge: a field with a class for its value, a figure with the class it stands
for, a pair of classes for a question and its answer, the better of two answers. Texts in simplified characters."""

import re

from synth.filters.language.screen import Screen

_UNSAFE = r"不安全|不合规|违规|违反(?:规[则定])?|有害|有争议|高风险|不当|不通过|涉嫌违规|unsafe|harmful|toxic|controversial|non-?compliant|violat(?:ion|ing|es?|ed)"
_SAFE = r"安全(?:无害)?|合规|[不未无]违[规反]|没有违[规反]|无害|无风险|低风险|safe|harmless|unharmful|benign|compliant|non-?violat(?:ion|ing)"
_CLASS = rf"(?:{_UNSAFE}|{_SAFE})"
_OPEN, _CLOSE = r"[“”\"'‘「『【\[*<《]{0,4}", r"[“”\"'’」』】\]*>》]{0,4}"
_AFTER = r"(?:的|类|内容|回[答复]|级别?|等级|一类|类别|[那这]一?[类项栏])*"
_END = r"\s*(?:[。．.!！;；,，)）}\n]|$|\s\S{1,8}[:：])"

_WHOSE = r"(?:我们?的?|本人的?|最终的?|最后的?|综合的?|总体的?|整体的?|初步的?|系统的?|模型的?|人工的?|审核员的?|我?(?:最终|最后)?(?:给出?|[作做]出|选择?|下)的|(?:[审评][核查估判]|判[定断])的|对[^，。：:\n]{1,12}的|本次[^，。：:\n]{0,6}的){0,3}"
_JUDGED = (
    r"(?:[终初复]审|质检|风控|意见|看法|判[定断别决]|裁[定决]|审[核查]|评[审估定判级]|鉴定|认定|检测|归类|分类|打标|标注|定性|定级|结论|标签|答案|选择|决定|选项|归属|划分|结果|标记|预测|类别)"
    r"(?:的?(?:结果|结论|标签|类别|类型|答案|等级|意见|选项|一栏))?"
)
_IS = r"(?:\s|应该?是?|应当|是|为|属于|即|就|[:：=→]|->|—|-){1,6}"
_SPOKEN = (
    rf"(?:^|[\n。！!；;，,（(　 ]){_WHOSE}(?:安全|内容|回[答复]|提问|问题|文本|[该此](?:文本|内容|问题|提问|回[答复]|对话|请求|评论|发言|消息|句话?))?(?:安全)?{_JUDGED}{_IS}{_OPEN}"
    rf"(?:不通过(?!考试)|{_CLASS}){_CLOSE}{_AFTER}{_END}"
    rf"|(?:我|本人|因此|所以|故|综上)[，,]?(?:最终|最后|还是|会|要|将|只能|应)?(?:选择?|投|给出?|判|打)(?:出|上|了|为|定)?\s*{_OPEN}(?:{_UNSAFE}|不违[反规]){_CLOSE}(?:[这那]?一?[项类个栏])?{_END}"
)
"""A judgement by its name, with its class: my choice is, the final classification is."""
_GLUED = (
    r"(?:(?:最终|判[定断]|审[核查]|评[审估定]|分类|检测|安全)(?:结果|结论|标签|判[定断]|类别|答案)|结论|标签|判定|(?<![a-z])(?:(?:final )?(?:verdict|label|judg(?:e)?ment|classification)|safety))"
    rf"\s*(?:为|是)?\s*[:：]\s*{_OPEN}{_CLASS}{_CLOSE}\W*\Z"
    rf"|(?<=[\u3400-\u9fff])(?:verdict|label|judg(?:e)?ment|classification|safety|answer)\s*[:：]\s*{_OPEN}{_CLASS}\W*\Z"
    r"|(?<![\u3400-\u9fff][是叫为用词作成即译写说念])(?<=[\u3400-\u9fff])(?:un)?safe[.。!！]?\s*\Z"
)
"""The last field, with no break before it."""

_FIGURE = (
    r"(?:^|\n|[。；;，,] ?)\W{0,4}(?P<key>(?:(?:最终|我的|final |overall |my )?(?:标签|输出|结果|答案|[评得打]?分数?|判定值?|分类|类别|等级|评级|编码|代码|score|label|output|rating|answer|class(?:ification)?|verdict|result|safety))[^\w\n]{0,4}(?:[是为]\s*)?)?"
    rf"(?P<figure>[0-5])\s*(?:分|级)?\s*(?P<link>[（(\[]|=|->|→|即|表示|代表|[:：，,\-–—]{{1,2}})\s*{_OPEN}{_CLASS}{_CLOSE}{_AFTER}\s*[)）\]]?\W*(?:\n|\Z)"
)
"""A figure with its reading."""
_LEGEND = re.compile(r"\b[0-9]\s*(?:[=（(:：，,]|->|→|[-–—]{1,2}|即|表示|代表|分|级)\s*(?=[^\d\s])")
"""All figures that a text gives a reading: of a legend there are more than one."""
_LOOSE = "：:，,-–—"
"""Links that stand in lists too: only behind a key."""
_CODE = re.compile(
    r"\A\W*(?:最终)?(?:输出|标签|判[定断]|预测|分类|结果|[评打得]分|label|output|prediction|class|verdict|score|result)\s*[:：=]\s*[01]\W*\Z",
    re.IGNORECASE,
)
"""A code and nothing else, under a name."""
_COUNTED = re.compile(
    r"[0-9０-９几多少算数求解概率方程一二三四五六七八九十百千两]|代码|程序|编程|函数|输[出入]|分|判|是否|是不是|对错|真假|[类选标]|code|output|print|label|class|how many|number|true|false",
    re.IGNORECASE,
)
"""In a query that a code may answer."""

_ASKER = r"(?:用户|提问者?|user )?的?(?:提问|问题|查询|问句|输入|请求|指令|提示词?|prompt|query|question|request|input)"
_REPLY = r"(?:模型|助手|AI|机器人|assistant |model |bot )?的?(?:回[答复应覆]|答复|应答|输出|响应|答案|response|answer|reply|output)"
_BEING = (
    rf"(?:本身|内容)?\s*(?:被)?(?:判定?为|标[记注]?为|属于|是|为|is|was|[:：=])?\s*{_OPEN}{_CLASS}{_CLOSE}(?:的|内容)?"
)
_BETWEEN = r"\s*[，,；;。.、/|]?\s*(?:但是?|而|且|而且|不过|and|but|while|the|其){0,2}\s*(?:the )?"
_PAIR = rf"(?:{_ASKER}{_BEING}{_BETWEEN}{_REPLY}{_BEING}|{_REPLY}{_BEING}{_BETWEEN}{_ASKER}{_BEING}){_END}"
"""A class for the question and one for its answer."""

_HEADED = r"(?:^|[\n。；;，, 　{（(\[【])\W{0,4}(?:(?:用户|模型|助手|AI|该|此|本)?的?(?:提问|问题|请求|输入|内容|文本|回[答复应]|答复|输出|对话|消息|言论)?(?:中|里|的|整体)?)"
_FORM = (
    rf"{_HEADED}是否(?:安全|合规|违规|违反[^:：\n]{{0,8}}|有害|存在(?:风险|违规))[\]】]?\s*[:：=]\s*{_OPEN}(?:是|否|有|无|{_CLASS}){_CLOSE}{_END}"
    rf"|{_HEADED}(?:安全|合规|有害|危害|违规)(?:性|等级|级别|状态|评级|类别|情况)[\]】]?\s*[:：=]\s*{_OPEN}{_CLASS}{_CLOSE}{_END}"
    rf"|(?:^|\n)\W{{0,4}}风险(?:等级|级别|评级|程度)\s*[:：]\s*{_OPEN}(?:[高中低无]风险|[高中低无]|{_CLASS}){_CLOSE}\s*[；;，,\n　 ]\W{{0,4}}(?:处置|处理|建议|风险类|违规类|拦截|审核|是否|类[别型])"
    rf"|(?:^|\n)\W{{0,4}}(?:is|does|are) (?:the|this|that) (?:\w+ )?(?:answer|response|reply|output|request|prompt|query|question|content|message|text)(?: (?:contain|be|considered))? \"?(?:{_UNSAFE}|{_SAFE})\"? ?[:?？：=]\s*(?:yes|no)\b"
    rf"|(?:^|\n)\W{{0,4}}(?:有害|违规|危害|风险)(?:性|等级|程度|级别)\s*[\]】]?\s*[:：]\s*(?:极?[高低]|中等?|无|严重|轻微)\s*[；;，,\n　 ]\W{{0,4}}(?:处置|处理|风险类|违规类|拦截|审核|是否|类[别型])"
    rf"|(?:^|\n)\W{{0,3}}[\[【](?:标签|判定|类别|结论|审核结[果论])[\]】]\s*[:：]?\s*{_CLASS}\s*(?:[-–—:：/（(]|\Z|\n)"
    r"|[\"'](?:risk_level|violation_(?:type|category)|harm_category|safety_(?:label|level)|风险类[型别]|违规类[型别]|审核|风险等级)[\"']\s*:\s*[\"'\d]|[\"']verdict[\"']\s*:\s*\d"
    r"|(?:^|\n)\W{0,4}(?:prompt|request|query|response|answer|reply) (?:harm|safety|risk|refusal)\s*[:=]\s*(?:yes|no|none|safe|unsafe|high|low|medium)\b"
    r"|[\"'](?:is_?)?(?:safe|safety|unsafe|harmful|violation|violates?|flagged|toxic|违规|是否违规|是否安全|有害|安全)[\"']\s*:\s*[01]\s*[,}\n]"
)
"""Fields that only a form for rating has."""
_BETTER = re.compile(
    r"\[\[\s*(?:[ABC]|tie|平局|A[=>＞]{1,2}B|B[=>＞]{1,2}A)\s*\]\]\W*\Z|\A\W*\[\[\s*(?:[ABC]|tie)\s*\]\] ?[。，,.:：\n]",
    re.IGNORECASE,
)
"""The better of two answers, as comparing judges write it."""
_COMPARED = re.compile(
    r"\[\[|比较|对比|哪个|哪一|更好|[AＡ].{0,200}[BＢ]|选项|compare|which|better", re.IGNORECASE | re.DOTALL
)

_ENGLISH_THING = r"(?:(?:assistant|model|ai|user|given|above|whole|entire)(?:'s)? ){0,2}(?:response|answer|reply|output|request|prompt|query|question|content|message|text|sentence|statement|post|comment|utterance|speech|passage|conversation|exchange)"
_ENGLISH = (
    rf"(?:the|this|that|its) {_ENGLISH_THING} (?:\w+ ){{0,2}}(?:ought to|needs? to|should|must|can|could|would|will|may|is|was|has been|gets?) (?:\w+ )?(?:be )?(?:best )?"
    rf"(?:labell?ed|flagged|marked|classified|classed|rated|tagged|judged|deemed|categori[sz]ed|considered|counted)(?: (?:as|to be|under))? (?:an? )?[\"'“*\[]{{0,3}}(?:{_UNSAFE}|{_SAFE})\b"
    rf"|(?:^|[.\n] ?|in conclusion|therefore|thus|overall|so|my \w+ is that|verdict[:,]?)[:,]? ?(?:the|this|that) {_ENGLISH_THING} (?:above |clearly |therefore |also ){{0,2}}(?:violates|breaches|goes against|does not violate|complies with) (?:the |our |any |this )?"
    r"(?:\w+ ){0,2}(?:polic(?:y|ies)|guidelines?|standards?|rules?)\W*\Z"
    rf"|(?:my|the) (?:final |overall |own )?(?:choice|decision|verdict|classification|label|rating|answer|judg(?:e)?ment|call|assessment|pick)(?: here)? (?:is|would be|will be|remains)[: ]\s*(?:it is |it's |this is )?[\"'“*\[]{{0,3}}(?:{_UNSAFE}|(?:{_SAFE})(?=\W*(?:\n|\Z)))\b"
    rf"|(?:final|overall|my|safety) (?:choice|decision|verdict|classification|label|rating|answer|judg(?:e)?ment|assessment)(?: is|:|\s*=)[: ]*\s*(?:it is |it's |this is )?[\"'“*\[]{{0,3}}{_CLASS}\W*(?:\n|\Z)"
    rf"|\bi(?:'d| would| will)? (?:choose|pick|select|go with|vote|answer|say) [\"'“*\[]{{0,3}}(?:{_UNSAFE})[\"'”*\]]{{0,3}}\W*(?:\n|\Z)"
)


_SCREEN = Screen(
    {"figure": _FIGURE, "spoken": _SPOKEN, "glued": _GLUED, "pair": _PAIR, "form": _FORM, "english": _ENGLISH},
    re.IGNORECASE,
)


def filled_in(text: str) -> bool:
    """Whether a text holds a field of a judge's form with its class, in words, as a figure with its reading or as a pair."""
    said = _SCREEN.chances([text])
    if said.finds(0, "figure"):
        figure = _SCREEN.whole("figure")
        found = figure.findall(text)
        if len(found) == 1 == len(_LEGEND.findall(text)) and (
            found[0][0] or found[0][2][0] not in _LOOSE or figure.fullmatch(text.strip())
        ):
            return True
    return any(said.finds(0, name) for name in ("spoken", "glued", "pair", "form", "english"))


def coded(text: str, query: str | None) -> bool:
    """Whether a text ends in which of two answers is better, or is a bare code under a name, where nobody asked for such."""
    if "[[" in text and _BETTER.search(text):
        return query is None or not _COMPARED.search(query)
    return query is not None and bool(_CODE.match(text)) and not _COUNTED.search(query)
