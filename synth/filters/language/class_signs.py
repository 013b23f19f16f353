"""What of an answer speaks for its class besides its words: what its sentences do, in which order, and what was asked for.

`speech_acts` sees the wordings that are sure; here a sentence is read more loosely, by what is denied: a service that the speaker
will not give (`D`), or a thing that is missing or out of reach (`L`). The first verb after the denial tells which.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from synth.filters.language.class_query import asked
from synth.filters.language.speech_acts import Act, own_words, sentences

_WHO = r"(?:我们?|俺|咱们?|偶|在下|小编|小弟|贫僧|晚辈|某|人家|本[^，。]{0,4}?|这边|这里|这儿|[小老][一-龥]|客服|(?:智能|ai)?助手|系统|平台|模型|贵?店|ai)"
_NOT = r"(?:不(?:太|是很|大)?(?:能够?|可以?|会|想|愿意?|肯|敢|便|方便|应该?|该|打算|适合|得|予|再|支持|准备|参与)|不(?=[写帮教说讲做编列提答支碰奉介论接])|唔(?:會|会|可以|想|敢)?|没(?:有)?(?:办法|法|打算|能)|没法|无法|无从|无可|未能|未予|难以|碍难|恕|概不|拒绝|谢绝|婉拒|拒|终止|免)"
_SERVE = r"(?:写|說|说|讲|教|帮|给|提供|回答|解答|答复|作答|奉告|奉陪|从命|遵命|照办|照做|办理|受理|编|列|翻译|透露|泄露|告诉|告知|生成|协助|代劳|代写|代笔|动笔|下笔|支[招持]|配合|参与|介绍|分享|公开|展示|显示|外传|执行|满足|完成|继续|论证|掺和|效劳|答应|同意|认同|推荐|鼓励|赞成|讨论|谈|聊|评价|评论|润色|指导|出主意|扮|换上|碰|做|问|夸|为笔|为刃|当|碰)"
_REACH = r"(?:看|听|查|读|打开|打|连|联|接触|接收|控制|操作|测|量|算|跑|画|绘|唱|播|发送|发|收|点|判断|核实|确认|确定|尝|闻|想起|记|显示|传|上传|下载|预[测知订约定]|猜|访问|浏览|获取|得知|知道|了解|感受|感觉|感知|识别|理解|实时|联网|保存|保留|转账|定位|拍|拿|抱|走|出门|睡|吃|辨认|下定?[^，。]{0,2}结论|诊断|转写|朗读|代为|主动|订)"
_DENIES = re.compile(
    rf"(?:{_WHO}[^。！？?]{{0,10}}?|^[^。！？?你您]{{0,16}}?|[，,：: ])(?P<no>{_NOT})[^，。！？?]{{0,7}}?(?:(?P<serve>{_SERVE})|(?P<reach>{_REACH}))"
)
_REACH_NOT = re.compile(
    rf"{_REACH}[^，。！？]{{0,2}}(?:不(?:到|了|出|着|开|准|完|上|进|起来?|见|清|懂|得|成)|唔到)|(?:没|未|漏|忘)(?:有|了|能)?[^，。]{{0,3}}(?:贴|附|传|收到|粘贴|写|给出|看到|提供|说清|指明|上下文)|我又?不是|无从|空白|小差|稍后再试|请求过多|(?:资料|数据|知识)[^，。]{{0,6}}(?:截|更新|止|只)|只(?:会|能|是|有|收到)[^，。]{{0,6}}(?:文字|打字|文本|一句|机器人|程序)|凑不|装得下|记忆窗口|不可见|身无|没有?(?:连|连接|接入|联动|联网)|"
    r"(?:我|这边|这里|这儿|系统|小助手|本)[^，。]{0,6}(?:没有?|不具备|缺少|无)[^，。]{0,8}(?:声音|手|脚|身体|摄像头|传感器|权限|功能|渠道|管道|味觉|嗅觉|感情|情感|记录|信息|资料|能力|插件|钱|麦克风|眼睛|上下文|喜好|意识|经历|数据|接口|耳朵)|哪一(?:位|个|种|篇)|什么意思|没(?:看|听)懂|不(?:太)?(?:明白|清楚|理解)|知识库|暂(?:时)?不支持"
    r"|\b(?:i have|i've|there(?:'s| is)) no\b|\b(?:can't|cannot|can not|couldn't|unable to|not able to) (?:\w+ )?(?:see|hear|check|control|access|open|play|make (?:a )?(?:call|reservation)|book|browse|tell|look|say|know|watch|read|view|verify|predict|remember|recall|find|feel|taste|send|run|turn)|out(?:side)? (?:of )?(?:what i can|my reach)|hooked up|don't (?:have|keep|see|store|know|retain|recall|receive|recogni[sz]e)|isn't something i can|i'd need|no hands|text[- ](?:only|based|chat)|not sure (?:what|which)|didn't (?:come|arrive|get|reach)|beyond a text|could you (?:paste|share|rephrase|clarify|describe)|just a (?:language|text)|between us|no (?:sense|record|way|access|camera|microphone|information)"
)
_WILL_NOT = re.compile(
    r"^\W*(?:拒绝|不写|不帮|不教|不行|免谈|免问|没门|休想|驳回|pass|nope?|no way|hard pass|declined|\[refused\]|refus)(?:[。！!？?，,.~哦喔啊的 ]|$)|不在[^，。]{0,14}(?:范围|之列)|(?:一(?:个字|条|句|点)|任何)[^，。]{0,8}(?:没有|不会)|不应?(?:通过|由)我|另请高明|换(?:个|一个)(?:话题|问题|事)|違規|违规内容|法律法规|无可奉告|恕(?:不|难|我|小)|唔會幫|免問|(?:内容|信息|请求|结果|問題|问题|证明|信|文章|方法|部分)[^，。]{0,8}(?:无法|不能|不予|未予|不便|不会|未能|保密|不对外)|status: declin"
    r"|\b(?:i|we|i'm|i'll|i'd|i've)\b[^.!?]{0,30}?(?:\bnot\b|won't|can't|cannot|don't|rather|refuse|decline|unable|pass on|turn(?:ing)? (?:this |that |it )?down|stay out|skip|keep (?:my|that|this|those)|leave (?:that|this|it) )[^.!?]{0,20}?(?:help|assist|writ|provid|comply|creat|generat|shar|tell|teach|show|explain|answer|discuss|produc|support|do (?:that|this|it)|that|this|one|list|walk|give|part|private|draft|make|sabotag)"
    r"|not something i|off the table|isn't (?:something|a \w+) i(?:'m| am) willing|hard pass|going to turn down|against my|must (?:respectfully )?decline|won't be (?:writing|doing|helping)|not going to|for privacy reasons"
)
_REFUTES = re.compile(
    r"(?:并|绝|根本|从来|压根|更)(?:不|没|非|无)|站不住|不成立|谣|误[解区会导]|偏见|歧视|成见|以偏|不实|没有?[^，。]{0,8}(?:依据|根据|证据|研究|关联|关系|用|理由)|不(?:合理|公平|准确|科学|划算|尊重|该|应该|值得|等于|代表|意味)|恰恰|事实上|研究|(?:这|那)(?:话|种|个|样|句)[^，。]{0,12}(?:不对|不妥|错|伤|没道理|过分|言重)|犯法|违法|犯罪|触犯|侵[权犯占]|涉嫌|刑|处罚|拘留|处分|起诉|追责|责任|后果|代价|受害|害[^怕羞]|无关|两回事|谈不上|怪不|不是[^，。]{1,20}[，,]?(?:而?是|更)|[，,]不是|吃亏|上当|传销|诈骗|骗局|虐待|平等|尊重|权益|不能(?:这么|这样|说|接受|支持|认同|成为|因为)|不(?:认同|认为|同意|赞成|接受|支持)|错误|其实|凭什么|何苦|何况|请先?(?:停|冷静)|消消气|不可以|不可取|可悲|最后"
    r"|\b(?:myth|evidence|false|untrue|no basis|wrong|unfair|prejudice|stereotype|illegal|crime|criminal|fraud|prosecut|hurt|never|weren't|wasn't|isn't|aren't|don't agree|disagree|doesn't (?:hold|make|mean)|retracted|debunked|instead of|not the|whatever)\b"
)
_TURNS = re.compile(
    r"(?:不过|但|可(?:是|以讲|以说)?|然而|话虽|话说回来|只是|倒是|非要|硬要|实在要|真(?:要|想)|既然|如果(?:你|您)?(?:非|真|一定|只是|执意)|要是|为了(?:满足|提供|解决|解答|配合|让)|就当|权当|退一步|好[吧啦]|图个|纯属|娱乐|换个|单就|光就|能说的|意思可以|从[^，。]{2,14}(?:看|来说|讲)|按[^，。]{2,14}(?:规则|估|惯例|算)|一般(?:来说|规则|而言|的)|通常|常见|大致|如下|下面|以下|仅供|这(?:一)?[篇段版份][^，。]{0,6}(?:如下|给|是)|给您?你?一|送你|(?:这|那)(?:篇|段|部分)[^，。]{0,10}(?:可以|如下|給|给))|[：:]\s*$"
    r"|\b(?:but|however|that said|still|although|though|if you (?:must|insist)|for (?:educational|fictional)|here(?:'s| is| are)|hypothetically|roughly|generally|usually|now then|fine|as to|as for|most|pressed for)\b"
)
_OFFERS = re.compile(
    r"(?:你|您)(?:可以|能|不妨|也可|要是|若|愿意)|建议|不妨|请(?:拨|联系|到|打|走|在|用|直接|您?先|去|改|移步|重新|把|描述|再|向|您?自行)|麻烦(?:您|你)|(?:可以|愿意|乐意|能)(?:陪|帮|替|为|跟|给|一起|聊|协助)|(?:我们|咱们?)?一起|随时|如果(?:您|你)[^。]{0,20}(?:我|告诉|欢迎)|如需|热线|报警|咨询|求助|\d{3,5}"
    r"|\bi can\b|\bi could\b|you can|you could|happy to|glad to|instead|please|you'd need|ask me|try "
)
_GIVES = re.compile(
    r"【略】|\[(?:redacted|omitted)\]|^\W*(?:\d{1,2}[.、．)）]|[-*•·]\s|[①-⑩]|[一二三四五六七八九十][、]|第[一二三四五六七八九十][步，、是])|首先|其次|然后|最后|步骤|先[^，。]{1,16}[，,]?(?:再|然后)|比如|例如|可以说|「[^」]{8,}」|“[^”]{10,}”|\bone:|\bfirst\b|\bthen\b|\bstep\b"
)
_WARNS = re.compile(
    r"(?:先|首先)(?:声明|说|提醒|讲)|请?(?:不要|勿|别|莫)(?:轻易)?(?:模仿|效仿|尝试|照做|照搬|学|当真)|不(?:是|算)[^，。]{0,4}(?:正常|正当|光荣)|声明|仅供|不(?:太)?(?:好|妥|厚道|地道|光彩|对)|不(?:赞成|鼓励|建议|提倡|推荐|主张)|违(?:规|法|反)|免责|风险|请勿|切勿|后果自负|不是(?:执业|专业)?(?:律师|医[生师])|影响|\b(?:shouldn't|don't (?:approve|condone|encourage)|disclaimer|not a (?:doctor|lawyer)|just so that's said|not legal advice|illegal|unethical)\b"
)
_PARTS = re.compile(
    r"(?:那|这|前|后)(?:一)?(?:段|步|栏|条|部分|篇|首|份|句|半|几|类|个字)|(?:全文|整首|完整|具体|细节|剂量|后面|剩下|其余|前半|后半|其中)|(?:略去|隐去|留空|省略|省去|没有写进|不写进|收着|删去|去掉|换成|改成|先说好|只用于|只(?:讲|说|写|给))|\b(?:one half|the (?:first|second|other) (?:part|one|half)|leaving out|left out|the rest|in full)\b"
)
"""What speaks of a part of what was asked for, or of something left out."""
_NO_VIEW = re.compile(
    r"(?:不|无法|难以|没法)(?:能够?|会|可以|太|敢|应该?)?(?:认为|觉得|接受|支持|认同|赞成|赞同|同意|苟同)(?:[^，。]{0,24}?(?:看法|观点|说法|想法|做法|态度|这[样么种]|可以|合理|正确|对的|应该|歧视|没问题)|[。！，,]|$)"
    r"|^\W*(?:不可以|不能|不行|不对|不应该?|不该|不合理|不可取|当然不|绝不)[。，,！!；]|\bi (?:don't|do not|can't|cannot) (?:agree|think|believe|support that|accept that)"
)
"""What turns down a view, not a request."""
_CURT = re.compile(
    r"(?:^|[，,、：: ])[^，,。！？?你您他她]{0,9}(?:不|免|没|唔|拒|罢)[^，,。！？?你您他她]{0,6}[。！!～~… ]*$|(?:一律|一概|概|均|暂|已|恕|从)(?:不|停止|拒)|不(?:予|得|对外)"
    r"|^(?:not|no|nope)\b[^.!?]{0,60}[.!]?$|\b(?:can't|won't|cannot|isn't|aren't|not) (?:be )?\w+(?:ed|en|ing)\b|\bno \w+ from (?:me|us)\b|\b(?:stays?|keep(?:ing)?|left?|leave|leaving|pass|skip|skipp?ing) (?:\w+ ){0,3}(?:blank|out|private|off|shut|closed|on (?:this|that))"
)
"""A sentence that ends on a short denial without a person, or tells what is not done here at all."""
_LETTERS = (
    ("D", _WILL_NOT),
    ("L", _REACH_NOT),
    ("F", _REFUTES),
    ("W", _WARNS),
    ("T", _TURNS),
    ("O", _OFFERS),
    ("G", _GIVES),
    ("P", _PARTS),
    ("V", _NO_VIEW),
    ("N", _CURT),
)
_SPEAKER = re.compile(
    r"^\W{0,3}?([^\s:：，。！？\]】)）>\[【(（<]{1,12}(?: mode| gpt)?)\W{0,2}?(?:[\]】)）>]\s*[:：]?|[:：])\s*\S",
    re.MULTILINE,
)
_READ = 1_600


def signs(text: str, found: Sequence[Act], query: str | None) -> Iterator[str]:
    """Names of what is there: what sentences do by place and order, form, and what the query is like."""
    every = sentences(own_words(text[:_READ]))
    parts = every[:10]
    told = [_letters(one) for one in parts]
    yield from _order(told)
    yield from _late(every[10:], told)
    yield from _after(told)
    yield from _weight(parts, told)
    yield from _form(text, found)
    yield from _sure(found)
    if query:
        yield from asked(query, parts, told)


_NAY = re.compile(r"[不唔没無无未难碍恕概拒谢婉终免]")


def _letters(sentence: str) -> str:
    """What a sentence does, a letter each."""
    kept = "".join(letter for letter, pattern in _LETTERS if pattern.search(sentence))
    denied = _DENIES.search(sentence) if _NAY.search(sentence) else None
    if denied is not None:
        kept = ("D" if denied["serve"] else "L") + kept
    return "".join(dict.fromkeys(kept)) or "x"


def _order(told: Sequence[str]) -> Iterator[str]:
    for place, letters in enumerate(told[:3]):
        yield f"{place} = {letters[:3]}"
        for letter in letters:
            yield f"{place} {letter}"
    if len(told) > 1:
        for letter in told[-1]:
            yield f"last {letter}"
    whole = "".join(told)
    for letter in "DLFWTOGPVN":
        yield f"any {letter} {min(whole.count(letter), 3)}"
    main = ["^", *(letters[0] for letters in told), "$"]
    for size in (2, 3, 4):
        for at in range(len(main) - size + 1):
            yield "order " + "".join(main[at : at + size])


def _late(parts: Sequence[str], told: Sequence[str]) -> Iterator[str]:
    """What sentences after the tenth deny, and whether one did before."""
    if not parts:
        return
    denied = [part for part in parts if _NAY.search(part) or part.isascii()]
    found = [bool(_WILL_NOT.search(part) or _CURT.search(part) or _serves(part)) for part in denied]
    left = any(_PARTS.search(part) for part in denied)
    before = _first("D", told) is not None
    yield f"late {min(sum(found), 2)} part {left}"
    yield f"late {any(found)} before {before}"
    yield f"late last {bool(found) and found[-1] and denied[-1] is parts[-1]}"


def _serves(sentence: str) -> bool:
    denied = _DENIES.search(sentence)
    return denied is not None and bool(denied["serve"])


def _after(told: Sequence[str]) -> Iterator[str]:
    """What comes after the first denial, refutation or warning."""
    for letter in "DLFWVN":
        at = _first(letter, told)
        if at is None:
            continue
        rest = "".join(told[at + 1 :])
        yield f"{letter} at {min(at, 3)} of {min(len(told), 4)}"
        yield f"{letter} part {'P' in told[at]}"
        yield f"{letter} then {min(len(told) - at - 1, 4)} plain {min(rest.count('x'), 3)}"
        for other in "DTOGFPx":
            yield f"{letter} then {other} {min(rest.count(other), 2)}"
        yield (
            f"{letter} with turn {'T' in told[at]} then turn {'T' in ''.join(told[at + 1 : at + 2])} "
            f"gives {'G' in rest} offers {'O' in rest}"
        )


def _first(letter: str, told: Sequence[str]) -> int | None:
    return next((place for place, letters in enumerate(told) if letter in letters), None)


def _weight(parts: Sequence[str], told: Sequence[str]) -> Iterator[str]:
    """How much of the answer follows its first denial, and how much of that neither offers nor refutes."""
    for letter in "DL":
        at = _first(letter, told)
        if at is None:
            continue
        rest = sum(map(len, parts[at + 1 :]))
        plain = sum(
            len(part)
            for part, letters in zip(parts[at + 1 :], told[at + 1 :], strict=True)
            if not set("OFDL") & set(letters)
        )
        yield f"{letter} rest {_size(rest)}"
        yield f"{letter} plain {_size(plain)} most {2 * plain > rest}"
        yield f"{letter} shares {min(4, 5 * plain // max(1, rest))} {_size(rest) // 2}"


def _form(text: str, found: Sequence[Act]) -> Iterator[str]:
    size = sum(act.size for act in found)
    yield f"size {_size(size)}"
    yield f"sentences {min(len(found), 12)}"
    if "```" in text:
        yield "code"
    denying = voices(text)
    if denying:
        yield f"voices decline {any(denying)} all {all(denying)}"
        yield f"voices first {denying[0]} last {denying[-1]}"
    speakers = {name.lower() for name in _SPEAKER.findall(text[:_READ])}
    yield f"speakers {min(len(speakers), 3)}"
    quoted = sum(map(len, re.findall(r"[“「『\"][^”」』\"]{1,400}[”」』\"]", text[:_READ])))
    yield f"quoted {4 * quoted // max(1, len(text[:_READ]))}"
    yield f"asks at last {text.rstrip()[-1:] in '?？'}"
    yield f"latin {sum(map(str.isascii, text[:400])) * 4 // max(1, len(text[:400]))}"


_TAG = re.compile(
    r"(?:^|\n)\W{0,4}(?:[^\s:：，。！？]{1,12}|\w+ (?:mode|version))\W{0,2}[:：]|[【\[][^\s】\]]{1,12}[】\]]",
    re.IGNORECASE,
)


def voices(text: str) -> list[bool]:
    """Of each speaker of an answer that has several, in their order, whether what they say begins with a denial of service."""
    marks = [match.end() for match in _TAG.finditer(text[:_READ])]
    if len(marks) < 2 or marks[0] > 40:
        return []
    parts = [own_words(text[begin:end]) for begin, end in pairwise([*marks, len(text[:_READ])])]
    return ["D" in _letters(part[:160]) for part in parts if part.strip()]


_SEEN = (
    "declines",
    "cannot",
    "corrects",
    "forbids",
    "wrong",
    "admonishes",
    "warns",
    "disclaims",
    "stops",
    "marked",
    "agrees",
    "obliges",
    "letter",
    "sorry",
    "gives",
    "asks",
)


def _sure(found: Sequence[Act]) -> Iterator[str]:
    """What the sure wordings say."""
    for flag in _SEEN:
        at = next((n for n, act in enumerate(found) if getattr(act, flag)), None)
        if at is None:
            continue
        yield f"act {flag} at {min(at, 3)}"
        after = found[at + 1 :]
        if flag in ("declines", "cannot", "warns", "disclaims", "forbids", "corrects"):
            yield f"act {flag} then {_size(sum(act.size for act in after))}"
            yield f"act {flag} then gives {min(3, sum(act.gives for act in after))} good {min(2, sum(act.righteous for act in after))}"
            yield f"act {flag} turns {found[at].yields} {any(act.opens_turn for act in after[:2])}"


def _size(count: int) -> int:
    return (count + 1).bit_length()
