"""Whether a generator declined its task instead of doing it."""

import re

from synth.filters.language.speech_acts import acts, own_words

_HEAD = 300
_HAN = re.compile(r"[\u3400-\u9fff]")
_ASKED = re.compile(r"(?:[？?]|[吗呢]|怎么办|怎么写|如何是好|帮我[^，。]{0,20})\W*$")
"""How a query ends that only speaks of what its asker cannot do."""
_FIRM = re.compile(
    r"我(?:们)?(?:不能够?|无法|拒绝|不便|不方便|不会|不)(?:再|继续)?(?:为[你您]|向[你您]|给[你您]|在此)?(?:提供|协助|生成|回答|讨论|编写|撰写|创作|完成|满足)"
    r"[^，。]{0,12}(?:请求|内容|要求|帮助|指导|建议|方法|此类|这类|任何|问题|话题|任务)"
    r"|(?:内容|问题|信息|请求)[^，。]{0,6}(?:无法展示|不予回答|无法提供)|本(?:助手|模型|平台)不(?:予|能|会)|(?:使用规范|服务准则|内容政策)|更换(?:问题|话题)|恕难从命|无可奉告|触碰了?底线|我不方便讨论|不是我(?:能|可以)协助"
)
"""What is a refusal without an apology before it."""


_PLEADS = re.compile(r"抱歉|对不起|對不起|不好意思|遗憾|遺憾|作为[^，。]{0,12}(?:模型|助手|人工智能|AI)", re.IGNORECASE)
_BOUND = re.compile(
    r"(?:每[当次逢]|[当一每]当|如果|要是|假如|只要|一旦|万一|若是?|除非|即使|为什么|总(?:是|觉得)|常常|经常|以前|小时候|那[天次时]|后来|从小|一直|有时|有些|害怕|担心|后悔|觉得自己)[^。！？]*$"
)
"""What makes of a denial behind it part of a condition, a cause or a life that is told, and no answer to a request."""


def _of_a_life(sentence: str) -> bool:
    """Whether what a sentence denies is denied of its speaker's life, or on a condition: not what was asked of it."""
    denied = _DENIED.search(sentence)
    if denied is None or _OF_A_REQUEST.search(sentence, denied.end()):
        return False
    return bool(_BOUND.search(sentence[: denied.start()]))


_OF_A_REQUEST = re.compile(r"请求|内容|问题|话题|此类|这类|相关|任何")
_DENIED = re.compile(r"无法|不能|没法|没办法|不会|不便|拒绝|不愿|不想|难以")


def is_refusal(text: str) -> bool:
    """Whether a generator declined its task: a refusal in one of the first sentences, with an apology, a word on itself or no doubt."""
    head = text[:_HEAD]
    found = acts(head)[:3]
    at = next((n for n, act in enumerate(found) if act.declines), None)
    if at is None or _ASKED.search(head):
        return bool(at is not None and not _HAN.search(head))
    if not _PLEADS.search(head) and all(_of_a_life(act.words) for act in found[: at + 1] if act.declines):
        return False
    return any(act.sorry for act in found[: at + 1]) or bool(_FIRM.search(own_words(head))) or not _HAN.search(head)
