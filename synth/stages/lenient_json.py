"""JSON as models write it, made of whatever they wrote: fences, chatter, full-width punctuation, lists cut short, lists with numbers."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import json_repair

_THOUGHT = re.compile(r"^\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_END_OF_THOUGHT = re.compile(r"</think(?:ing)?>")
_BRACKETS = str.maketrans("｛｝［］＂", '{}[]"')
_COLON = re.compile(r'(["”\'])\s*：')
_COMMA = re.compile(r'(["”\'}\]])\s*，\s*(?=["“\'{\[])')
_NUMBERED = re.compile(
    r"^\s*(?:\d{1,3}|[一二三四五六七八九十]{1,3}|[(（]\d{1,3}[)）])\s*[.、．:：)）]?\s*(.+?)\s*$", re.MULTILINE
)
_BULLET = re.compile(r"^\s*[-*•·]\s+(.+?)\s*$", re.MULTILINE)
_QUOTES = (('"', '"'), ("“", "”"), ("'", "'"))

NAMES: Mapping[str, tuple[str, ...]] = {
    "queries": ("问题", "问题列表", "查询", "提问", "列表", "questions", "query", "items", "list"),
    "query": ("问题", "改写", "改写后", "改写后的问题", "新问题", "查询", "question", "rewrite", "text"),
    "items": ("条目", "列表", "要素", "elements", "list"),
    "analysis": ("分析", "理由", "原因", "解释", "reason", "rationale", "explanation"),
    "intent": ("意图", "提问意图", "用户意图"),
    "label": ("标签", "答案", "结论", "判断", "判定", "结果", "verdict", "answer", "judgment", "judgement"),
}
"""Other names that models give a field of their JSON, in Chinese and English."""


def without_thought(text: str) -> str:
    """A text of which JSON is to be read, without a thought written before it; a thought that never ends leaves
    nothing."""
    if "</think" in text and not _THOUGHT.match(text):  # some servers swallow the opening tag
        return _END_OF_THOUGHT.split(text)[-1].strip()
    return _THOUGHT.sub("", text).strip()


def value_in(text: str) -> Any:
    """The JSON object or list in a model's text, mended if it can be; None if there is none."""
    whole = [value for value in _whole_values(text) if value]
    if whole:
        return next((value for value in reversed(whole) if isinstance(value, Mapping)), whole[-1])
    told = _COMMA.sub(r"\1, ", _COLON.sub(r"\1: ", text.translate(_BRACKETS)))
    start = min((at for at in (told.find("{"), told.find("[")) if at >= 0), default=None)
    if start is None:
        return None
    found: Any = json_repair.loads(told[start:])
    if isinstance(found, list) and any(isinstance(part, Mapping) and part for part in found) and told[start] == "{":
        found = next(part for part in found if isinstance(part, Mapping) and part)
    return found if isinstance(found, Mapping | list) and found else None


def field(found: Mapping[str, Any], name: str, also: Collection[str] = ()) -> Any:
    """In a model's JSON, mended or not, the value under a name, or another of its names in Chinese or English; `also`
    are names that only this stage accepts."""
    if name in found:
        return found[name]
    known = {name, *NAMES.get(name, ()), *also}
    return next((value for key, value in found.items() if str(key).strip().strip("\"'“”").lower() in known), None)


def numbered(text: str) -> list[str]:
    """The items of a numbered or bulleted list that a model wrote in place of JSON; there must be two or more."""
    for pattern in (_NUMBERED, _BULLET):
        items = [item.strip('"“”') for item in pattern.findall(text)]
        if len(items) >= 2:
            return items
    return []


def texts_in(items: Sequence[Any]) -> list[str]:
    """The texts among the items of a model's JSON list; of an item that is an object, the one text it holds."""
    found = []
    for item in items:
        if isinstance(item, Mapping):
            named = field(item, "query")
            held = [value for value in item.values() if isinstance(value, str)]
            item = named if isinstance(named, str) else held[0] if len(held) == 1 else None  # noqa: PLW2901
        if isinstance(item, str) and item.strip():
            found.append(item)
    return found


def is_whole(item: str, text: str) -> bool:
    """Whether an item of a model's JSON list stands in its text with both quotes; if not, the reply was cut short in
    it."""
    inner = json.dumps(item, ensure_ascii=False)[1:-1]
    return any(f"{first}{way}{last}" in text for first, last in _QUOTES for way in {item, inner})


def is_closed(text: str) -> bool:
    """Whether a model's text holds JSON that is closed, not cut short."""
    return next(_whole_values(text), None) is not None


def _whole_values(text: str) -> Iterator[Any]:
    """Every JSON object or list in a text that begins and ends, in order."""
    decoder, at = json.JSONDecoder(strict=False), 0
    while True:
        at = min((found for found in (text.find("{", at), text.find("[", at)) if found >= 0), default=-1)
        if at < 0:
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
        else:
            yield value
