"""A guard's verdict taken apart: JSON, lines, or a first token with the reasons behind it."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

from synth.recipe.labels import MARKS

Kind: TypeAlias = Literal["json", "lines", "first_token"]
Names: TypeAlias = Mapping[str, str | int]

_THOUGHT: Final = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
_REASONS: Final = re.compile(r"<explanation>(.*?)</explanation>", re.DOTALL)
"""Reasons that a guard marks as such may stand before the token."""
_TOKEN: Final = re.compile(r"[^\s，,。.:：;；]+")


def fields(kind: Kind, names: Names, text: str) -> dict[str, str]:
    """A guard's verdict taken apart: its fields, in its own words; `names` says what each is called in it. What the
    guard thought before, between `<think>` and `</think>`, is passed over."""
    thought = _THOUGHT.match(text)
    return _KINDS[kind](text[thought.end() :] if thought else text, names)


def _of_json(text: str, names: Names) -> dict[str, str]:
    start = text.find("{")
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(text, start) if start >= 0 else ({}, 0)
    except ValueError:
        found = _torn(text[start:], names)
    return {name: _as_text(found[key]) for name, key in names.items() if found.get(key) is not None}


def _torn(text: str, names: Names) -> dict[str, str]:
    """Of an object that was cut off, which guards' limits of new tokens do, what had come until then."""
    matches = {key: re.search(rf'"{re.escape(str(key))}"\s*:\s*"((?:[^"\\]|\\.)*)', text) for key in names.values()}
    return {str(key): _unescaped(match[1]) for key, match in matches.items() if match}


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:  # cut off within an escape
        return text


def _as_text(value: Any) -> str:
    return ", ".join(map(_as_text, value)) if isinstance(value, list) else str(value)


def _of_lines(text: str, names: Names) -> dict[str, str]:
    """A named field's line may stand anywhere, its first one counts; an analysis goes on to the next named line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = {name: lines[at - 1] for name, at in names.items() if isinstance(at, int) and at <= len(lines)}
    heads = {name: _head(str(head)) for name, head in names.items() if not isinstance(head, int)}
    current = ""
    for line in lines:
        matches = ((name, head.match(line)) for name, head in heads.items())
        name, match = next(((name, match) for name, match in matches if match), ("", None))
        if match is None and current == "analysis":
            found[current] += f"\n{line}"
        elif match is not None:
            current = name if name not in found else ""
            found.setdefault(name, match[1])
    return found


def _head(head: str) -> re.Pattern[str]:
    """`Safety: x`, and where a head ends in a bracket `[答案] x` too."""
    colon = r"[:：]" if head[-1:].isalnum() else r"[:：]?"
    return re.compile(rf"{re.escape(head)}\s*{colon}\s*(.*)", re.IGNORECASE)


def _of_token(text: str, names: Names) -> dict[str, str]:
    del names
    reasons = _REASONS.search(text)
    told = (text[: reasons.start()] + text[reasons.end() :] if reasons else text).strip()
    token = _TOKEN.match(told)
    if token is None:
        return {}
    rest = reasons[1].strip() if reasons else told[token.end() :].strip(MARKS)
    return {"label": token[0], **({"analysis": rest} if rest else {})}


_KINDS: Final[Mapping[Kind, Callable[[str, Names], dict[str, str]]]] = {
    "json": _of_json,
    "lines": _of_lines,
    "first_token": _of_token,
}
