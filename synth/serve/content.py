"""Faults of content: what a model may do to the answer it would have given. Each a function of the answer."""

import json
from collections.abc import Callable
from dataclasses import replace

from synth.types import Reply

HUGE = 350_000
"""Characters of filling, a megabyte in UTF-8."""


def spoilt(reply: Reply, fault: str) -> Reply:
    """The stand-in's reply to a request, its content spoilt by this fault of `serve.faults.CONTENT`."""
    if fault in _LISTS:
        return replace(reply, text=_with_items(reply.text, _LISTS[fault]))
    text, finish = _WHOLE[fault](reply.text)
    return replace(reply, text=text, finish=finish)


_WHOLE: dict[str, Callable[[str], tuple[str, str]]] = {
    "refusal": lambda _: ("抱歉，我无法协助完成这个请求。如果您有其他问题，我很乐意帮忙。", "stop"),
    "refusal-en": lambda _: ("I'm sorry, but I can't help with that request.", "stop"),
    "filtered": lambda _: ("", "content_filter"),
    "length": lambda text: (text[: len(text) * 2 // 3], "length"),
    "empty": lambda _: ("", "stop"),
    "broken": lambda text: (text[: len(text) * 2 // 3], "stop"),
    "huge": lambda text: (text + "啊" * HUGE, "stop"),
}

_LISTS: dict[str, Callable[[list[str]], list[str]]] = {
    "short": lambda items: items[: len(items) // 2],
    "extra": lambda items: [*items, *(f"再问一句，{item}" for item in items[:3])],
    "twice": lambda items: [*items[:-1], items[0]],
}


def _with_items(text: str, change: Callable[[list[str]], list[str]]) -> str:
    """The text with its JSON list changed; an answer without one stays as it is."""
    try:
        (name, items), *rest = json.loads(text).items()
    except (ValueError, AttributeError):
        return text
    if rest or not isinstance(items, list) or not items:
        return text
    return json.dumps({name: change(items)}, ensure_ascii=False)
