"""A row's conversation as trainers have it: messages, or text. What models wrote can close no turn of a chat template."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from synth.sanitize import as_turn

Turn: TypeAlias = dict[str, str]

_SPEAKERS = {"system": "系统", "user": "用户", "assistant": "助手"}


def asked(row: Mapping[str, Any]) -> list[Turn]:
    """The messages of a row's conversation up to its query: those before it, and the query in the user's turn."""
    before = row.get("context") or ()
    return [*(turn(one["role"], one["content"]) for one in before), turn("user", row["query"])]


def turn(role: str, content: str) -> Turn:
    """One message of a conversation; what a chat template has a token for (`<|im_end|>`, `[INST]`) has full-width brackets."""
    return {"role": role, "content": as_turn(content)}


def answered(row: Mapping[str, Any]) -> Turn:
    """The message that answers a row's query; the row must have a response."""
    return turn("assistant", row["response"])


def text_of(turns: Iterable[Mapping[str, str]]) -> str:
    """A conversation's messages as text, a paragraph each that begins with who speaks: `用户：…`, `助手：…`."""
    return "\n".join(f"{_SPEAKERS[one['role']]}：{one['content']}" for one in turns)
