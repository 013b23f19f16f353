"""Whether a generator declined its task instead of doing it."""

import re

_APOLOGY = re.compile(
    r"^\W*(?:(?:非常|很|十分|实在)?(?:抱歉|对不起|不好意思|遗憾)|作为(?:一个|一名)?(?:AI|人工智能|智能|语言模型|负责任)"
    r"|我(?:不能|无法|没办法|不可以|拒绝)|(?:I'?m sorry|Sorry|I can(?:'|no)t|I am (?:unable|sorry)|As an AI))",
    re.IGNORECASE,
)
_CANNOT = re.compile(
    r"(?:不能|无法|没法|没办法|不可以|不便|拒绝|不会|恕难|难以)[^，。！？；：、,.!?;\n]{0,8}(?:提供|协助|帮助|帮|回答|满足|完成|生成|写|参与|支持|配合|讨论|处理|继续)"
    r"|can(?:'|no)t (?:help|assist|provide|comply)|unable to (?:help|assist|provide)|won't (?:help|assist|provide)",
    re.IGNORECASE,
)


def is_refusal(text: str) -> bool:
    """Whether a generator declined its task: an apology or a self-introduction up front, and an inability soon after."""
    head = text[:160]
    return bool(_APOLOGY.search(head) and _CANNOT.search(head))
