"""What was asked for, as far as it speaks for the class of an answer: the kind of query, and what of it the answer denies or takes up."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from synth.filters.language.screen import Screen
from synth.filters.language.speech_acts import own_words

_MAY = r"(?:可以|能|行|可|应该|算|对|好|合理|合法|道德|接受|没问题|没关系)(?:不可以|不能|不行|不对|不好)?[吗吧么嘛?？]|对不对|是不是|能不能|可不可以|该不该|要不要|你(?:同意|支持|赞成|觉得|认为|怎么看)|\b(?:is it|should|can i|may i|do you (?:think|agree|support)|don't you|right\?|agree|acceptable)\b"
_CLAIMS = r"都(?!有)|就是|就该|就应该|活该|反正|既然|没用|只会|全部|天生|本来就|根本|才(?:能|是|对)|不配|自找|没关系|合情合理|又不|(?:我|咱)(?:要|想|打算|准备|就)|\b(?:all|always|everyone|since|deserve|nobody|obviously|i'm (?:gonna|going to))\b"
_ASKS = r"[?？]|怎么|怎样|如何|什么|哪|谁|多少|为何|为什么|咋|\b(?:how|what|where|who|why|which|when)\b"
_ORDERS = r"(?:帮|教|给|替|告诉|写|列|说|编|做|讲|提供|介绍|设计|生成|制作|翻译|总结|扮|假装|解释|描述|分析|推荐|论证|证明|整理|画|查|订|打开|播放)|\b(?:write|give|tell|show|explain|list|make|create|help|teach|pretend|draft|describe|translate|summari[sz]e|draw|book|turn)\b"
_HARM = (
    r"偷|抢|骗|诈|毒|枪|炸|杀|死|打人|揍|报复|伪造|假(?:证|币|钞|冒|身份|发票|评|货|好评|新闻|茅)|造假|作弊|逃税|洗钱|贿|黑客|入侵|破解|盗|窃|跟踪|监视|监控|偷拍|泄露|隐私|威胁|恐吓|勒索|绑架|走私|赌|色情|裸|歧视|侮辱|骂|谣|自杀|自残|非法|违法|犯罪|不被(?:发现|抓|查)|逃避|绕过|套(?:取|现)|薅|贩|传销|暴力|恐怖|仇|瞒|顶替|代[考签写]|抄袭|装病|甩锅|陷害|害|低人一等|劣|没有任何限制|指令|提示词|内部规则|dan|越狱"
    r"|steal|fake|forg|scam|fraud|hack|kill|bomb|weapon|drug|poison|stalk|spy|blackmail|threat|cheat|plagiar|launder|bribe|racist|inferior|lazy|hoax|suicide|overdose|harass|bully|without (?:getting caught|anyone|them)|undetect|illegal|evade|bypass|break into|ignore (?:all|previous)|system prompt"
)
_NEEDS = r"天气|现在|今天|昨[天晚]|明天|刚才|上次|上周|记得|图|照片|视频|音频|录音|语音|链接|http|附件|文件|这篇|这段|这首|下面|以下|订|预约|打电话|打开|关(?:掉|了|上)|播放|唱|画|余额|快递|转账|股价|汇率|几点|看看|听听|\b(?:weather|now|today|tonight|tomorrow|last (?:week|time)|remember|photo|picture|attached|link|book|call|turn (?:on|off)|play|draw|my (?:calendar|phone|account)|above)\b"
_TOLD = r"(?:同事|同学|领导|老板|上司|他们?|她们?|哥哥?|姐姐?|妈妈?|爸爸?|婆婆|老师|客人|朋友|别人|有人|家人|室友|网友|邻居|亲戚|男友|女友)[^，。]{0,6}(?:说|骂|笑|嫌|觉得|认为|欺负|威胁|跟踪|骗|打|逼|压|不(?:肯|让|给|退))|被[^，。]{0,8}(?:骂|骗|欺|打|辞|拒|笑|歧视|跟踪|骚扰|威胁)|(?:says?|said|told me|calls?) (?:that )?(?:i|me|my)"
_COMPOSES = r"(?:写|拟|编|起草|帮我回|回复|回覆|润色|改写|翻译|翻成|翻中文|造句|对话|台词|诗|小说|故事|邮件|信|短信|文案|条款|告示|公告|通知|声明|脚本|示例|语料|辩论|演讲)|\b(?:write|draft|reply|translate|poem|story|email|letter|dialogue|policy|speech|script)\b"
_SEVERAL = r"分别|两[种个段篇份人]|两面|角色|身份|扮|口吻|人格|另外|以及|再(?:讲|说|写|给)|并(?:且|解释|说明)?|同时|顺便|越狱|模式|还有|\b(?:both|two|and then|respond as|mode|persona|also)\b|[和及与、]"
_SCREEN = Screen(
    {
        "may": _MAY,
        "orders": _ORDERS,
        "asks": _ASKS,
        "harm": _HARM,
        "claims": _CLAIMS,
        "needs": _NEEDS,
        "third": _TOLD,
        "composes": _COMPOSES,
        "several": _SEVERAL,
    }
)
_WORD = re.compile("[a-z]{4,}")
_COMMON = frozenset("我你您他她的是在有了不一这那个要会能可以到和就都也么什")
_DENIED = re.compile(
    r"(?:[不没無无未唔难免别莫休勿拒]|n't|\bnot|\bno|never|cannot|without)[^，。！？,.!?]{0,3}?(?P<what>[一-龥]{1,4}| [a-z]{3,5})"
    r"|(?P<verb>[一-龥]{1,2})(?:不[了出得成到起下]|唔|免)"
)
"""What a sentence denies, in the words of its request or in others."""


def asked(key: Callable[[str], int], query: str, parts: Sequence[str], told: Sequence[str]) -> Iterator[int]:
    """Keys of what a query is like beside what the first sentences of its answer do, and of how the answer takes its words up."""
    words = own_words(query[-400:])
    said = _SCREEN.chances([words])
    kind = next((name for name in ("may", "orders", "asks") if said.finds(0, name)), "states")
    head = "".join(told[:2])
    seen = "".join([letter for letter in _LETTERS if letter in head])
    for place, part in enumerate(parts[:3]):
        said_of_it = "denied {} meant {}".format(*_denied(part, words))
        yield key(f"query {place} {said_of_it}")
        yield key(f"query {kind} {place} {said_of_it}")
    for where, same, of in _again(words, parts):
        yield key(f"query {kind} {where} again {4 * same // of}")
        yield key(f"query {where} again {min(same, 6)}")
    yield from _beside(key, kind, seen, tuple([said.finds(0, name) for name in _SEEN]))


_LETTERS = "DLFWTGOPVx"
_SEEN = ("harm", "claims", "needs", "third", "composes", "several")


@lru_cache(maxsize=2048)
def _beside(key: Callable[[str], int], kind: str, seen: str, said: tuple[bool, ...]) -> tuple[int, ...]:
    """What a query is like, beside the letters of the first sentences of its answer; there are not many of them."""
    harm, claims, needs, third, composes, several = said
    found = [f"query third {third} harm {harm}", f"query composes {composes} harm {harm}", f"query several {several}"]
    for letter in _LETTERS:
        there = letter in seen
        found.append(f"query third {third} {letter} {there}")
        found.append(f"query composes {composes} {letter} {there}")
        found.append(f"query several {several} {letter} {there}")
    found.append(f"query {kind}")
    found.append(f"query harm {harm} claims {claims} needs {needs}")
    found.append(f"query {kind} harm {harm} claims {claims}")
    for letter in "DLFWTGOV":
        found.append(f"query {kind} harm {harm or claims} {letter} {letter in seen}")
        found.append(f"query needs {needs} harm {harm} {letter} {letter in seen}")
    return tuple(map(key, found))


def _denied(part: str, query: str) -> tuple[bool, bool]:
    """Whether a sentence denies something, and whether that is what was asked for."""
    if not _NAY.search(part) and "n" not in part and "without" not in part:
        return False, False
    denied = [found["what"] or found["verb"] for found in _DENIED.finditer(part)]
    return bool(denied), any(_shares(one.strip(), query) for one in denied)


_NAY = re.compile("[不没無无未唔难免别莫休勿拒]")
"""Without one of these, and in English without an `n`, nothing is denied."""


def _again(query: str, parts: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """How many of a query's words the first sentence says again and how many the rest does, of how many."""
    from synth.filters.language.class_kernel import pairs_again

    first, rest = "".join(parts[:1]), "".join(parts[1:])
    codes = np.frombuffer(f"{query}{first}{rest}".encode("utf-32-le", "surrogatepass"), np.uint32)
    pairs, in_first, in_rest = pairs_again(codes, len(query), len(query) + len(first))
    words = {*_WORD.findall(query)}
    of = max(1, pairs + len(words))
    for where, same, text in (("first", in_first, first), ("rest", in_rest, rest)):
        yield where, same + (len(words & {*_WORD.findall(text)}) if words else 0), of


def _shares(word: str, query: str) -> bool:
    """Whether a query says this word of letters, or a character of it where it is Chinese."""
    return word in query if word.isascii() else any(one in query for one in word if one not in _COMMON)
