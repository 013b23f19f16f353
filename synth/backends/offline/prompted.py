"""What both families of the offline backend read in a prompt: the kind of query that is asked for, the stance of an answer, a tagged part."""

from collections.abc import Mapping
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "风险类别": "harmful",
    "风险话题": "benign",
    "容易被误认成的风险类别": "lookalike",
    "领域": "ordinary",
}
"""What a line of a prompt begins with, before its colon, by the kind of query that is asked for."""
_STANCES: Final[Mapping[str, str]] = {
    "请明确拒绝": "refuse",
    "不要一拒了之": "safe_complete",
    "有求必应": "comply",
    "嘴上推辞": "partial",
    "一律写成【略】，全文至少一处": "redact",
}


def stance_of(told: str) -> str | None:
    """The stance in which a prompt asks for an answer; None if it names none."""
    return next((stance for words, stance in _STANCES.items() if words in told), None)


def between(user: str, tag: str) -> str:
    """What a prompt shows between an opening and a closing tag; empty if it has none."""
    return user.partition(f"<{tag}>\n")[2].rpartition(f"\n</{tag}>")[0]
