"""JSON as models write it, made of whatever they wrote: fences, chatter, full-width punctuation, lists cut short, lists with numbers."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from synth.sanitize import DEEPEST, nests
from synth.stages.mending import mended

_THOUGHT = re.compile(r"^\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_END_OF_THOUGHT = re.compile(r"</think(?:ing)?>")
_OPENING = re.compile(r"[{\[]")
_BRACKETS = str.maketrans("｛｝［］＂", '{}[]"')
_COLON = re.compile(r'(["”\'])\s*：')
_COMMA = re.compile(r'(["”\'}\]])\s*，\s*(?=["“\'{\[])')
_ITEM = r"\s*+(\S(?:.*\S)?)"  # the next text, in its line or in one below
_BLANK = r"\n*+[^\S\n]\s*+\Z"  # nothing more but blanks: an item that holds none
_NUMBERED = re.compile(
    rf"^[^\S\n]*+(?:\d{{1,3}}|[一二三四五六七八九十]{{1,3}}|[(（]\d{{1,3}}[)）])(?:\s*+[.、．:：)）]?+{_ITEM}"
    rf"|\s*+[.、．:：)）]{_BLANK}|{_BLANK}|\s*+([.、．:：)）])\s*+\Z)",
    re.MULTILINE,
)
_BULLET = re.compile(rf"^[^\S\n]*+[-*•·](?:\s{_ITEM}|\s{_BLANK})", re.MULTILINE)
_QUOTES = (('"', '"'), ("“", "”"), ("'", "'"))

NAMES: Mapping[str, tuple[str, ...]] = {
    "queries": ("问题", "问题列表", "查询", "提问", "列表", "questions", "query", "items", "list"),
    "query": ("问题", "改写", "改写后", "改写后的问题", "新问题", "查询", "question", "rewrite", "text"),
    "items": ("条目", "列表", "要素", "elements", "list"),
    "analysis": ("分析", "理由", "原因", "解释", "reason", "rationale", "explanation"),
    "intent": ("意图", "提问意图", "用户意图"),
    "refusal": ("拒答", "是否拒答", "refused"),
    "categories": ("类别", "触犯的类别", "category"),
    "label": ("标签", "答案", "结论", "判断", "判定", "结果", "verdict", "answer", "judgment", "judgement"),
}
"""Other names that models give a field of their JSON, in Chinese and English."""
SCANNED = 8_000_000
"""How many characters of a text are read in vain at most, in search of JSON that is whole."""


def without_thought(text: str) -> str:
    """A text of which JSON is to be read, without a thought written before it; a thought that never ends leaves
    nothing."""
    if "</think" in text and not _THOUGHT.match(text):  # some servers swallow the opening tag
        return _END_OF_THOUGHT.split(text)[-1].strip()
    return _THOUGHT.sub("", text).strip()


def json_in(text: str) -> tuple[Any, bool]:
    """The JSON object or list in a model's text, mended if it can be, None if there is none; and whether the text holds
    any that is closed, not cut short."""
    whole = list(_whole_values(text))
    if found := [value for value in whole if value]:
        return next((value for value in reversed(found) if isinstance(value, Mapping)), found[-1]), True
    return _mended_in(text), bool(whole)


def objects_in(text: str) -> list[Mapping[str, Any]]:
    """Every JSON object in a model's text that begins and ends and holds something, in order; of one cut short those
    inside it."""
    return [value for value in _whole_values(text) if isinstance(value, Mapping) and value]


def _mended_in(text: str) -> Any:
    told = _COMMA.sub(r"\1, ", _COLON.sub(r"\1: ", text.translate(_BRACKETS)))
    start = min((at for at in (told.find("{"), told.find("[")) if at >= 0), default=None)
    if start is None:
        return None
    found: Any = mended(told[start:])
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
        items = [(match[match.lastindex] if match.lastindex else " ").strip('"“”') for match in pattern.finditer(text)]
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
    decoder, at, left = json.JSONDecoder(strict=False), 0, SCANNED
    last = max(text.rfind("}"), text.rfind("]"))
    while left > 0:
        opening = _OPENING.search(text, at)
        if opening is None or (at := opening.start()) >= last:
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            left -= (len(text) if "Unterminated" in error.msg else error.pos) - at
        except (ValueError, RecursionError):
            left -= len(text) - at
        else:
            if nests(value) <= DEEPEST:
                at = end
                yield value
                continue
            left -= end - at
        at += 1
        left -= 1 + len(text) // 32  # every failure looks for its line
