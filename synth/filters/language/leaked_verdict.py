"""Whether a text gives a judge's verdict on an exchange: it puts the answer, the question or what they say into a class (safe,
unsafe, a violation), as a sentence, as a field or as a guard's own output."""

import re

from synth.filters.language import plain_verdict, rating_form
from synth.filters.language.screen import Chances, Screen
from synth.filters.language.script import simplified

_UNSAFE = r"不安全|不合规|违规|违反(?:规[则定])?|有害|有争议|不通过|高风险|不当|unsafe|harmful|controversial|non-?compliant|violat(?:ion|ing|es?|ed)|toxic"
_SAFE = r"安全(?:无害)?|合规|[不未无]违[规反]|没有违[规反]|无害|通过|无风险|低风险|safe|harmless|benign|compliant|non-?violat(?:ion|ing)|unharmful"
_CLASS = rf"(?:{_UNSAFE}|{_SAFE})"
_TRADE = r"(?:不违反|违反|不合规|unsafe)"
"""Classes that hardly anything but a judge puts as a name."""
_OPEN, _CLOSE = r"[“”\"'‘「『【\[*<《]{0,4}", r"[“”\"'’」』】\]*>》]{0,4}"
_QUOTED = rf"[“\"'‘「『【]{{1,2}}{_CLASS}[”\"'’」』】]{{1,2}}"
_END = r"\s*(?:[。．.!！;；,，)）]|$)"

_EXCHANGE = (
    r"(?:(?:该|[这此该上那][下面]?(?:[个条种一段类句道次则篇份]|一[条段句则])|这|那|本|此|上述|以上|上面|上文|其|[AB]的?|助手的?|模型的?|AI的?|用户的?|机器人的?|给出的|对|将|把)){1,3}"
    r"(?:AI|助手|模型|用户|机器人)?的?(?:完整|最终)?(?:回[答复应]|答复|答案|应答|输出|内容|对话|问答|交互|提问|问题|题目|问句|查询|请求|指令|说法|言论|表述|陈述|话语?|文本|生成内容|[句语]子?|语句|发言|演[讲说]|消息|讯息|信息|评论|帖[子文]|贴文|段落|文字|文段|句话|段话|话题)"
)
_ANSWERED = r"(?:回[答复应]|答复|应答|输出|对话|问答|交互)"
_LEAD = r"(?:我的?(?:看法|意见|观点|想法|评价|判断)是|因此|所以|综上(?:所述|分析)?|综合(?:以上|上述|来看|判断|考虑|分析)[^，。\n]{0,6}|故而?|总之|总的来说|总体(?:来看|而言|上)|由此可见|可见|基于(?:以上|上述)[^，。\n]{0,8}|最终|我的?|应该?|结论)"
_ADVERB = r"(?:整体|总体|完全|明显|显然|确实|肯定|依然|仍|也|都|均|就|理应|理当|宜|已经?|或许|多半|系统|统一|最终|自然|必须|只能|很|可以?|可被|能够?|应当?|应该|需要?|会|要|被|我们?|将其|予以|直接|严重|潜在|可能|最终|一般|通常|不能|不应|并|上|地|，){0,6}"
_MARK = r"(?:判(?:定|断|别|决)?(?:结果|类别)?[为成是属作]|(?:划|归|打|算|列|看|当|认|定|评)(?:归|进|到|在|入|成|作|为)|划归(?:为|于|到)?|归类(?:到|进|于)|(?:标[记注示识]|标|归类?|分类|划分?|归|定性|认定|评定|评|鉴定|裁定|视|看作|归入|列)(?:为|成|到|作)|(?:归|属|判)(?:入|属)?于|选择?(?:是|为)?|给出|打上|贴上)"
_COPULA = r"(?:是|为|属于?|构成|存在)"

_SENTENCES = (
    # A class as a name, after a verb that marks or a copula, at the end of its clause.
    rf"(?:{_MARK}|{_COPULA}|(?:答案|结论|结果)[是为应:： ]{{1,3}})\s*[“\"'‘「『【]{{1,2}}{_TRADE}[”\"'’」』】]{{1,2}}(?:的|类|一?类别?)?{_END}"
    rf"|{_LEAD}[^。！？\n]{{0,40}}?(?:{_MARK}|{_COPULA})\s*{_QUOTED}(?:的|类|一?类别?)?{_END}"
    rf"|{_EXCHANGE}[^。！？\n]{{0,30}}?(?:{_MARK}|{_COPULA})\s*{_QUOTED}(?:的|类|一?类别?)?{_END}"
    rf"|应[该当]?(?:被)?{_MARK}\s*(?:{_QUOTED}|(?:不安全|违[规反]|unsafe))(?:的|类|一?类别?|内容|处理)*{_END}"
    rf"|(?:判[断定]|结论|审核(?:意见|结论)?|评估)\s*[:：]\s*{_EXCHANGE}[^。！？\n，]{{0,12}}(?:违反|违规|不?安全|有害|合规)"
    rf"|(?:答案|结论)(?:是|为|应为)\s*[:：]?\s*(?:不安全|{_TRADE}){_END}|(?:(?:判[断定]|审核|分类|评[定判估])(?:结果|结论)|我的?判[断定]|标签)(?:是|为|应为)\s*[:：]?\s*(?!\W{{0,3}}不?通过){_OPEN}{_CLASS}{_CLOSE}的?{_END}"
    # Of the exchange, by a verb that marks.
    rf"|{_EXCHANGE}{_ADVERB}{_MARK}\s*{_CLASS}(?:的|类|内容|一?类别?|回[答复]|级别?|等级)*{_END}"
    rf"|{_EXCHANGE}(?:(?!平台)[^。！？\n，：:您你]){{0,12}}?(?:{_MARK}|属于?)\s*(?!安全(?:问题|信息|消息|内容|提[示问])){_OPEN}{_CLASS}{_CLOSE}(?:的|[这那]?一?[类项栏]|里|中|之[列中]|内容|类别|标签|言论|发言|问题|提问|文本|消息|说法|表述|回[答复]|级别?|等级|处理)*{_END}"
    rf"|{_EXCHANGE}[^。！？\n，：:您你]{{0,6}}?(?:{_MARK}|认定|判定|判断|裁定)\s*(?:违反|不符合)[^。！？，\n我您你]{{0,10}}(?:准则|政策|规范|守则|原则|规[则定]|条款)的?(?:内容|问题|言论|类)?{_END}"
    # A conclusion that names no other subject.
    rf"|(?:{_LEAD}[，,：:]?\s*){{1,3}}{_ADVERB}(?:{_MARK}|属于)\s*[:：]?\s*{_CLASS}(?:的|类|内容|一?类别?|回[答复]|级别?|等级)*{_END}"
    rf"|(?:因此|所以|综上(?:所述)?|故)[，,]?\s*(?:不?安全|{_TRADE})\s*[。.！!]?\s*\Z"
    rf"|(?:因此|所以|综上(?:所述)?|故)[，,]?\s*(?:是|属于)(?:不安全|违[规反])(?:的|内容)?\s*[。.！!]?\s*\Z"
    # An answer is this or that; a question is only where the text ends so.
    rf"|(?:该|这个|这条|这一|这段|此|本|上述|以上|助手的?|模型的?|AI的?|[AB]的)(?:AI|助手|模型)?的?{_ANSWERED}(?:内容)?{_ADVERB}{_COPULA}\s*(?:一[个条种段])?{_OPEN}{_CLASS}{_CLOSE}(?:的|类|内容|回[答复])*{_END}"
    rf"|{_LEAD}[，,：:]?\s*{_EXCHANGE}{_ADVERB}{_COPULA}\s*{_OPEN}(?:不安全|违规|违反|有害|安全|合规|无害){_CLOSE}的?\s*[。.！!]?\s*\Z"
    rf"|(?:该|这个|这条|这一|这段|此|本|上述|以上|助手的?|模型的?)(?:AI|助手|模型)?的?{_ANSWERED}(?:内容)?{_ADVERB}(?:不?违规|不?安全|不?合规|[有无]害|(?:无|没有|不含|不存在|未发现|未包含|未见)(?:任何)?(?:违规|违反|有害|不安全|不当)(?:内容|信息|之处|情况)?){_END}"
    rf"|{_ANSWERED}[^。！？\n]{{0,40}}?(?:{_MARK}|属于|是)\s*{_OPEN}(?:不?安全|不?合规|违规|[不未]?违反){_CLOSE}(?:的|类|内容|回[答复])*\s*[。.！!]?\s*(?:$|\n)"
    rf"|{_ANSWERED}(?:内容)?{_ADVERB}(?:没有|并未|未|不|并不)?违反(?:了|任何|上述|以上|该|本|此|相关|所列)*(?:类别|评审|审核|安全|内容)?的?(?:规则|政策|准则|标准|类别)"
    # What no sentence says but one that names the label.
    rf"|违反(?:了)?安全问题|{_LEAD}[^。！？\n]{{0,40}}?(?:{_MARK}|{_COPULA}|涉及的?是)\s*[“\"'‘「『【]{{1,2}}{_TRADE}[”\"'’」』】]"
    # The last sentence concludes that the question or what it says is a violation, and does not go on to its asker.
    rf"|(?!我){_LEAD}[，,：:]?(?:(?!无法|不能|不便|拒绝|没法)[^。！？\n我您]){{0,60}}?(?:该|这个|这种|这类|此|本|上述)(?:问题|提问|问句|言论|说法|表述|观点|回[答复])[^。！？\n我您你]{{0,60}}?(?:违反|触犯|违背|不符合[^。！？\n]{{0,6}}(?:安全|道德|法律|规[范则定]|政策|准则))[^。！？\n我您你]{{0,120}}[。.！!]?\s*\Z"
    # The same of the content, against a rule for contents.
    rf"|(?:(?!我){_LEAD}|结论|断定|认定|判定|判断)[^。！？\n我您你]{{0,12}}?(?:{_EXCHANGE}|(?<=[，,：:论])(?:内容|上文|原文|文本))(?:已经?|明显|确实|显然|可能|涉嫌|严重|并|均|也|都|被认定|被判定){{0,3}}(?:未|没有|不)?(?:违反|触犯|违背|不?符合)了?"
    r"[^。！？，,\n我您你]{0,14}(?:准则|政策|规范|守则|指引|规[则定]|条款|条例|标准)[，,]?(?:应?判?(?:为|作)?违规|应予[^。！？\n]{1,6})?\s*[。.！!]?\s*\Z"
)
_ENGLISH = (
    r"\b(?:the|this|that|its|[ab]'s|assistant'?s|model'?s|ai'?s|user'?s)\s+(?:(?:assistant|model|ai|agent|user|above|given|last|final|whole|generated)(?:'s)?\s+){0,3}"
    r"(?:(?:response|answer|reply|output|conversation|exchange|interaction)\s+(?:is|are|was|should be|can be|would be|must be|has been|remains|appears)"
    r"|(?:response|answer|reply|output|conversation|exchange|interaction|request|prompt|query|question|content|message|text)\s+(?:is|should be|can be|would be|must be|has been|was)"
    r"\s+(?:(?:clearly|therefore|thus|best|correctly|overall|also)\s+)?(?:classified|labell?ed|marked|flagged|rated|deemed|categori[sz]ed|judged|considered|assessed))"
    r"\s+(?:(?:clearly|therefore|thus|best|correctly|overall|also|entirely|completely|considered|deemed|rated|classified|labell?ed|marked|as|to be|judged|a|an)\s+){0,5}"
    rf"[\"'“*\[]{{0,3}}(?:un)?(?:{_UNSAFE}|{_SAFE})\b(?! (?:if|for|in|on|when|at|with|enough|as long|to (?!users?|people|others|the user))\b)"
    r"|\b(?:therefore|thus|hence|so|overall|in conclusion|final(?:ly)?|my)\b[^.\n]{0,60}\b(?:verdict|label|classification|judg(?:e)?ment|rating|assessment)\s+(?:is|should be|would be|:)\s*[\"'“*\[]{0,3}(?:un)?safe\b"
    r"|\bi (?:would|will|must|'d|should)?\s*(?:classify|label|mark|rate|flag|judge|deem)\s+(?:this|the|it)[^.\n]{0,40}\b(?:as|to be)?\s*[\"'“*\[]{0,3}(?:unsafe|safe|harmful|harmless|non-?compliant|compliant)\b"
)

_KEY = (
    r"(?:因此|所以|综上|故)?[，,]?(?:应该?|我)?选择?|(?:本条|该条?|此|这条)?(?:最终|综合|总体|整体|内容|回[答复]|问题|模型|人工|初步|我的?)?(?:安全)?(?:判定|判断|审核|评审|审查|检测|评估|分类|裁决|评定|鉴定|打标|标注)(?:的?(?:结果|结论|标签|类别|答案|等级|意见))?"
    r"|安全(?:性|等级|级别|标签|评级|类别|状态)(?:判[断定]|评估)?|(?:最终)?(?:结论|标签|答案|评级|判词|定性)"
    r"|(?:(?:user|response|prompt|query|content|overall|final|predicted|gold)[ _]?)?(?:safety(?:[ _](?:label|rating|level|verdict|assessment|status))?|label|verdict|judg(?:e)?ment|classification|moderation|prediction|assessment|decision)(?:[ _](?:result|label))?"
    r"|回[答复]|(?:合规|违规|有害|危害|毒)性|(?:(?:response|prompt|request) )?harmfulness|(?:final )?(?:answer|result|output)"
)
_YESNO = (
    r"(?:是否(?:安全|违规|违反[^:：\n]{0,8}|有害|合规|拒[绝答][^:：\n]{0,4}|存在(?:风险|违规))"
    r"|harmful (?:request|response|prompt)|response refusal|refusal|(?:is|contains?)[ _](?:safe|unsafe|harmful|harm|violation|refusal))"
)
_VALUE = rf"{_OPEN}(?:不?安全|{_UNSAFE}|{_SAFE}){_CLOSE}(?:的|内容|回[答复]|对话)?"
_FIELDS = (
    rf"(?:^|[\n。！!；;，, {{（(])[#>*\- ]{{0,6}}[\[【<{{(（*\"'“]{{0,3}}(?:{_KEY})[为是]?\s*(?:[\]】>)）*\"'”]{{1,3}} ?[:：=]?|[:：=]| is[:：]| - )\s{{0,3}}[*]{{0,2}}\s{{0,3}}{_VALUE}\s{{0,3}}(?=[。．.!！;；,，)）}}<\n/（(]|$)"
    rf"|(?:^|[\n，,{{ ])[#>*\- ]{{0,6}}[\[【<{{(（*\"'“]{{0,3}}{_YESNO}\s*[\]】>)）*\"'”]{{0,3}}\s*[:：=]\s*[*\"']{{0,3}}(?:是|否|有|无|yes|no|true|false|n/a)[*\"'”]{{0,3}}\s*(?=[。.;；,，}}\n]|$)"
    rf"|[\"'](?:is_?)?(?:safe|unsafe|harmful|violation|violates?|flagged|toxic|refusal|违规|安全|有害|是否安全|是否违规)[\"']\s*:\s*(?:true|false|[\"'](?:是|否|yes|no)[\"'])"
    rf"|[\"'](?:label|intent|verdict|judg(?:e)?ment|safety|rating|result|classification|category|risk|答案|判断|判定|结论|标签|结果|安全性|审核结果)[\"']\s*:\s*[\"']{_VALUE}[\"']"
)
_GUARD = (
    r"\A\W*(?:unsafe|safe|controversial|不安全|有争议|安全)\W*\n+\W*(?:(?:[SO]\d{1,2}\b[\s,，、]*)+|(?:categor(?:y|ies)|类别|违规类[别型]|风险类[别型]|分析|理由|原因|reason|explanation|refusal)\s*[\]】]?\s*[:：])"
    r"|\A\W*(?:unsafe|不违反|违反)\W*\Z|\A\W*\[\[?\s*(?:un)?safe\s*\]\]?\W*\Z|\A\W*[\[【](?:不?安全|违规|合规|违反|不违反|有害|无害)[\]】]"
)
_NAME = (
    r"(?:(?:[是为于成属选择答即]|标记)\s{0,3}[:：]?\s{0,3}|[“\"「『【（(]|(?:^|\n)\W{0,6}(?:(?:因此|所以|综上(?:所述)?|故)[，,]?)?)不?违反(?:的|情况|类[别型]?|一类)?[”\"」』】）)]?\s{0,3}(?:[。．.!！；;，,）)】\n]|$)"
    r"|[。！.!\n]\s{0,3}unsafe\W{0,3}\Z|\n\W{0,4}(?:不安全|违规)\W{0,3}\Z|\b(?:response|request|prompt) (?:harmful|safe|unsafe|a refusal)\? {0,2}(?:yes|no)\b"
)
"""违反 without an object, which no sentence has but one that names the label; a label on the last line."""
_WORDS = re.compile("词|造句|读音|拼音|笔画|意思|写法")
"""Of these 违反 is a word that is spoken of."""
_ALONE = re.compile(
    r"\A\W*(?:不?安全|safe|违规|合规|有害|无害|harmful|harmless|benign|不?通过)(?:的|内容)?\W*\Z", re.IGNORECASE
)
"""A class and nothing else: an answer to some questions, a leak after all others."""
_WORTH = (
    *(
        "安全",
        "违反",
        "违规",
        "违規",
        "违背",
        "違反",
        "違规",
        "違規",
        "違背",
        "触犯",
        "觸犯",
        "不符合",
        "合规",
        "合規",
        "有害",
        "无害",
        "無害",
    ),
    *("风险", "風險", "通过", "通過", "有争议", "有争議", "有爭议", "有爭議", "不当", "不當"),
    *("safe", "harm", "violat", "complian", "toxic", "flagged", "controvers", "refusal", "benign", "verdict", "risk_"),
)
"""Without any of these, small or large, a text tells no verdict."""
_CASED = re.compile("[ſıİ\u212a]")
"""What stands for `s`, `i` and `k` where case is ignored, and is none of them in small letters."""
_SAYS = {
    "guard": _GUARD,
    "fields": _FIELDS,
    "sentences": _SENTENCES,
    "english": _ENGLISH,
    "plain": plain_verdict.IN_CHINESE,
    "plain_exchange": plain_verdict.OF_AN_EXCHANGE,
    "plain_predicate": plain_verdict.AS_A_PREDICATE,
    "plain_field": plain_verdict.AS_A_FIELD,
    "plain_order": plain_verdict.AS_AN_ORDER,
    "plain_english": plain_verdict.IN_ENGLISH,
}
_SCREEN = Screen({**_SAYS, "named": _NAME}, re.IGNORECASE)

_MATTER = r"(?:安全|违[规反法]|合[规法]|有害|无害|风险|敏感|危险|有毒|safe|harm|violat|toxic|polic|complian)"
_ASKED = re.compile(
    r"分类|归类|打上?标签|标注|贴标签|属于哪|哪[一个种]?类|classif|label|categor|moderat(?:e|ion)"
    rf"|(?:判[断定别]|审[核查]|评[估价判]|鉴[别定]|识别|检测|检查|是否|是不是|会不会|算不算|有没有|属于|选择|选出|judge|evaluat|assess|determine|detect|check|whether|\bis\b|\bare\b|\bdoes\b)[^。！？\n]{{0,40}}{_MATTER}"
    rf"|{_MATTER}[^。！？\n]{{0,10}}(?:吗|么|嘛|吧|否|不[？?]|还是|[？?])",
    re.IGNORECASE,
)

_TRANSLATED = re.compile(
    r"翻[译譯]|[译譯][成为為文]|[英中日法德]文|[英汉漢日法德][语語]|[近反同][义義][词詞]|什么意思|什麼意思|translat|synonym|antonym|meaning of",
    re.IGNORECASE,
)
_WORD_LONG = 24
"""Characters of an answer that may be a word that a query asked for."""

_PART = 10_000
"""Characters of a long text, from either end, that are looked at: a verdict opens or ends it."""
_BRACKETS = str.maketrans("〔［〖〕］〗", "【【【】】】")
_GAP = re.compile(r"\s{2,}")


def leaks(text: str, query: str | None = None) -> bool:
    """Whether a text says what a judge should: which class an exchange, its question or its answer falls into. Not where `query`
    asked for a class; a class alone counts only where it is known what was asked."""
    if rating_form.coded(text[-_PART:], query):
        return True
    if not _CASED.search(text) and not any(map(text.lower().__contains__, _WORTH)):
        return False
    text = text[:_PART] + text[-_PART:] if len(text) > 2 * _PART else text
    text = simplified(_GAP.sub(_one, text).translate(_BRACKETS))
    told = _SCREEN.chances([text])
    alone = query is not None and _ALONE.search(text)
    said = alone or _named(told) or any(told.finds(0, name) for name in _SAYS)
    if not (said or rating_form.filled_in(text)):
        return False
    return query is None or not (asks_for_a_class(query) or (len(text) <= _WORD_LONG and _TRANSLATED.search(query)))


def asks_for_a_class(query: str) -> bool:
    """Whether a user asks into which class something falls, safe or unsafe among them: an answer that names one says no verdict
    of its own."""
    query = simplified(_GAP.sub(_one, query[:_PART]))
    return bool(_ASKED.search(query))


def _named(told: Chances) -> bool:
    if not told.finds(0, "named"):
        return False
    text = told.texts[0]
    found = _SCREEN.whole("named").finditer(text)
    return any(not _WORDS.search(text, max(0, one.start() - 20), one.end()) for one in found)


def _one(gap: re.Match[str]) -> str:
    return "\n" if "\n" in gap[0] else " "
