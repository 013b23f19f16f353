"""Whether it is a user who speaks of what is not possible to him, not a model that turns its task down.

Who declines a task speaks to whoever set it: without a condition, of the request, with nothing to ask. A user tells of his own life, sets
somebody a condition, hands on what others say, or wants something of the reader.
"""

import re

from synth.filters.language.speech_acts import own_words

_SENTENCE = re.compile(r"(?<=[。！？!?；;\n])")
_CLAUSE = re.compile(r"[，,；;：:]+")
_NOT = re.compile(
    r"无法|不能|没有办法|难以|恕|不会|不便|不可以|没法|没办法|帮不了|拒绝|不予|不愿|不想|不再|can(?:'|no)t|won't|unable|decline|refuse"
)
_HANDED_ON = re.compile(r"(?:输出|复述|重复|回[答复]|回我|说|写道|内容|称|翻译|改写|续写)[^，。：:\n]{0,8}[：:][^\n]*")
"""What somebody else says, or is to say."""
_ANOTHER = r"(?:[你您]|(?<!其)[她他](?!人)|对方)(?!的)们?"
_UNLESS = re.compile(
    rf"(?:如果|要是|假如|假设|倘若|除非|只要|一旦|敢|既然|(?<!何)若是?)[^。]{{0,16}}?{_ANOTHER}|{_ANOTHER}(?:如果|要是|若|再|敢|不|没)"
)
"""On what it hangs: that another does something, or does not."""
_THIRD = r"(?<!其)[她他](?!人)|老[板师公婆]|父母|爸|妈|[儿女]儿|孩子|丈夫|妻子|男友|女友|朋友|同[事学]|亲戚|领导|主管|医生|客服|客户|邻居|室友|房东|店家|卖家"
_TIME = r"每[当次天晚]|当[我他她]|[之以]后|时候?|曾经|以前|最近|小时候|[昨今前]天|昨晚|去年|上[个周]|刚[才刚]|一直|总是|经常|常常|从小"
_FEELS = r"觉得|感到|发现|害怕|担心|难[过受]|伤心|失[败望]|痛苦|抑郁|焦虑|后悔|无助|委屈|压力|失眠|崩溃|心里"
_SUBORDINATE = r"害得|(?:[让使令害]|导致|(?:因为|由于|虽然|尽管|即使|哪怕)(?!我(?:能?理解|明白|知道|很?想)))我|(?:作为|我是)一?[名位个]?(?![^，。]{0,14}(?:ai|人工智能|模型|助手|机器人))"
_BESIDE = re.compile(rf"{_THIRD}|{_TIME}|{_FEELS}|{_SUBORDINATE}")
"""What stands before it where it is of one's own life: when, how it felt, for whose sake, who else has a part in it."""
_AFTER = re.compile(
    rf"(?<!其)[她他](?!人)|{_FEELS}|(?<![为除反犯出害])了(?!解)|总是|老是|都没|除非|不然|气死|投诉|作业|工资|领导"
)
"""What follows of it, in a clause of its own: what came of it, what it hangs on."""
_PASSED = re.compile(r"[之以]后|时候|[她他](?!人)[^，。]{0,4}的|每个|自己|^.{1,4}拒绝")
"""What makes of it a time, or somebody else's affair; or says that one cannot say no."""
_WANTS = re.compile(
    r"[？?]|[帮给教替][我咱]|告诉我|求(?:助|教|推)|怎么(?:办|样|写|说|跟|做|处理|回)|如何是好|为什么|[吗呢]\W*$|请(?:问|你|帮|给|教|输|直接|扮|写|翻|接着)|想[问知请]|推荐|直接(?:输出|复述|回答)"
)
_OFFERS = re.compile(
    r"其[他它]|别的|还有什么|更?换一?个|重新|需要(?:我|帮助)|可以[为帮协]|乐[意于]|愿意|高兴|随时|合法|正[当规]|建议|理解|谅解|遵守|欢迎|\b(?:else|other|instead|help|assist|happy|glad)\b"
)
"""What a model offers in the place of what it declined."""
_REQUEST = re.compile(
    r"(?:[这该此]|上述|以上|[您你]的)[^，。]{0,6}(?:请求|要求|问题|提问|任务|内容|指令|话题|信息|行为|需求|主题)|此类|这[类种样]|违[法规反]|有害|不安全|不道德|敏感|政策|安全准则"
    r"|(?:作为|我是)[^，。]{0,14}(?:助手|模型|ai|人工智能|机器人)|语言模型|as an ai"
)
"""What only whoever was asked for something says of it."""
_SERVES = re.compile(
    r"[帮为给替向陪]您|[帮为给替向陪]你(?![爸妈的们])|协助[你您]|告诉[你您]|满足[你您]|(?:提供|生成|编写|给出|创作|输出)"
)
"""For whom it is not done: whoever asked; and what of."""


def is_users(text: str) -> bool:
    """Whether the sentences of a text that say no are a user's: told of himself, under a condition, or beside a request of his own."""
    own = own_words(text)
    sentences = [sentence for sentence in _SENTENCE.split(_HANDED_ON.sub("", own)) if sentence.strip()]
    declining = [sentence for sentence in sentences if _NOT.search(sentence)]
    if not declining:
        return bool(_NOT.search(own))
    return any(map(_wants, sentences)) or all(map(_own, declining))


def _wants(sentence: str) -> bool:
    """Whether a sentence asks the reader for something, outside of what it says no to, and offers nothing."""
    asks = any(_WANTS.search(clause) and not _NOT.search(clause) for clause in _CLAUSE.split(sentence))
    return asks and not _OFFERS.search(sentence) and not _speaks_of_request(sentence)


def _speaks_of_request(sentence: str) -> bool:
    return bool(_REQUEST.search(sentence) and _NOT.search(sentence))


def _own(sentence: str) -> bool:
    """Whether a sentence that says no is of the speaker's own life, or hangs on what another does."""
    found = _NOT.search(sentence)
    if not found or _speaks_of_request(sentence):
        return not found
    before, (said, *after) = sentence[: found.start()], _CLAUSE.split(sentence[found.start() :])
    if _UNLESS.search(before):
        return True
    if _SERVES.search(said) and not _BESIDE.search(before):
        return False
    return bool(_BESIDE.search(before) or _AFTER.search("，".join(after)) or _PASSED.search(said))
