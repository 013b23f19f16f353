"""What a reply amounts to: a JSON object to use, or a reason why not. Found out afresh at every reading, never stored."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import json_repair

from synth.errors import ParseError
from synth.filters.refusal import is_refusal
from synth.plain import plain
from synth.types import Ask, Message, Reply, Request

Read = TypeVar("Read")

FEEDBACK = {
    "unreadable": "你上一次的输出不是合法的 JSON。请重新回答，只输出一个 JSON 对象，前后不要有任何别的文字。",
    "shape": "你上一次输出的 JSON 缺少要求的字段，或字段的类型、取值不对。请严格按要求的字段重新输出一个 JSON 对象。",
    "truncated": "你上一次的输出过长，没有写完就被截断了。请写得短一些，重新输出一个完整的 JSON 对象。",
}
"""What a second try is told. Fixed texts: they are part of the request's key, and an exception's own words change with versions."""


_NO_ANSWER = {"rejected": "rejected", "gave_up": "gave_up", "content_filter": "filtered"}
"""What replies that are none come to, by how they ended."""


def checked(reply: Reply) -> str:
    """The reply's text. Raises ParseError for a reply that is no answer at all: rejected, given up on, filtered, empty."""
    if reason := _NO_ANSWER.get(reply.finish):
        raise ParseError(reason)
    if not reply.text.strip():
        raise ParseError("empty")
    return reply.text


def read_object(reply: Reply) -> Mapping[str, Any]:
    """The JSON object in a reply, repaired if it can be. Raises ParseError: refusal, truncated, unreadable and those of `checked`."""
    text = checked(reply)
    try:
        found = json.loads(text, strict=False)
    except ValueError:
        start = text.find("{")
        found = json_repair.loads(text[start:]) if start >= 0 else None
    if isinstance(found, Mapping) and found:
        return found
    if is_refusal(text):
        raise ParseError("refusal")
    raise ParseError("truncated" if reply.finish == "length" else "unreadable")


def read_strings(reply: Reply, field: str) -> list[str]:
    """The list of strings under `field`; of a truncated list the last item, likely cut short, is left out."""
    items = read_object(reply).get(field)
    if not isinstance(items, list):
        raise ParseError("truncated" if reply.finish == "length" else "shape")
    if reply.finish == "length":
        items = items[:-1]
    texts = [plain(item).strip() for item in items if isinstance(item, str) and item.strip()]
    if not texts:
        raise ParseError("truncated" if reply.finish == "length" else "shape")
    return texts


def read_string(reply: Reply, field: str) -> str:
    value = read_object(reply).get(field)
    if reply.finish == "length":
        raise ParseError("truncated")
    if not isinstance(value, str) or not value.strip():
        raise ParseError("shape")
    return plain(value).strip()


async def ask_until_read(ask: Ask, stage: str, role: str, request: Request, read: Callable[[Reply], Read]) -> Read:
    """What `read` makes of the reply; a reply it cannot use costs one more try, told what was wrong. Raises its ParseError."""
    reply = await ask(stage, role, request)
    try:
        return read(reply)
    except ParseError as error:
        if error.reason not in FEEDBACK:
            raise
        told = (Message("assistant", reply.text[:2000]), Message("user", FEEDBACK[error.reason]))
    return read(await ask(stage, role, replace(request, messages=request.messages + told)))
