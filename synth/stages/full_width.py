"""JSON with the punctuation of Chinese text, made ASCII: its own brackets, colons, commas and quotes, none of those within its texts."""

import json
import re

from synth.sanitize import DEEPEST

_OPENING = re.compile(r"[{\[｛［]")
_MARKS = dict(zip("｛｝［］：，", "{}[]:,", strict=True))
_QUOTES = frozenset('"“”＂')
_WITHIN = re.compile(r'[\\"“”＂]')
_ENDED = re.compile(r'\s*+(?:[:：}｝\]］]|\Z|[,，]\s*+["“”＂{\[｛［\d}｝\]］tfn-])')
"""What follows on the quote that ends a text."""


def as_ascii(text: str) -> str:
    """A text with the first JSON in it made ASCII, where that makes it whole; else the text as it is."""
    opening = _OPENING.search(text)
    if opening is None or not any(mark in text for mark in "｛［：，“”＂"):
        return text
    at = opening.start()
    if _whole(text[at:]):
        return text
    made, end = _made(text, at)
    return text[:at] + made + text[end:] if made and _whole(made) else text


def _whole(text: str) -> bool:
    try:
        json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def _made(text: str, at: int) -> tuple[str, int]:
    """The JSON that begins there, and where it ends; nothing where it does not end."""
    made, depth = list[str](), 0
    while at < len(text):
        if text[at] in _QUOTES:
            inner, at = _inner(text, at + 1)
            made.append(f'"{inner}"')
            continue
        mark = _MARKS.get(text[at], text[at])
        made.append(mark)
        depth += (mark in "{[") - (mark in "}]")
        at += 1
        if not 0 < depth <= DEEPEST:
            return ("".join(made), at) if not depth else ("", at)
    return "", at


def _inner(text: str, at: int) -> tuple[str, int]:
    """The text within quotes as JSON has it, and where it ends. Quotes in pairs within it are its own."""
    begun, parts, pairs = at, list[str](), 0
    while mark := _WITHIN.search(text, at):
        at = mark.end()
        if mark[0] == "\\":
            at += 1
        elif mark[0] == "“":
            pairs += 1
        elif mark[0] == "”" and pairs:
            pairs -= 1
        elif _ENDED.match(text, at):
            return "".join([*parts, text[begun : mark.start()]]), at
        elif mark[0] == '"':
            parts += [text[begun : mark.start()], '\\"']
            begun = at
    return "", len(text)
