"""Conversations in a table's cell: lists of turns under the names that trainers and chat exports give them."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

Turn: TypeAlias = tuple[str, str]
"""Who speaks (`user`, `assistant`), and the text."""
_WHO: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("user", "human", "prompter", "用户", "问"), "user")
    | dict.fromkeys(("assistant", "gpt", "chatgpt", "bot", "model", "bing", "bard", "ai", "助手", "答"), "assistant")
)
"""Others (a system's instruction, a tool) say nothing of their own in a conversation."""
_SPEAKER: Final = ("role", "from", "speaker", "user")
_SAID: Final = ("content", "value", "text")
LONGEST: Final = 1 << 24


def turns(value: Any) -> list[Turn] | None:
    """The turns of a conversation in a cell of a column that holds conversations: `role` and `content`, `from` and `value`, texts or pairs
    of texts in turn, as a list or, in a CSV file, as JSON of one; None for anything else."""
    if isinstance(value, str):
        value = _loaded(value)
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(one, str) for one in value):
        return [(("user", "assistant")[at % 2], text) for at, text in enumerate(value)]
    if all(
        isinstance(one, list | tuple) and len(one) == 2 and all(isinstance(text, str) for text in one) for one in value
    ):
        return [turn for asked, answered in value for turn in (("user", asked), ("assistant", answered))]
    return spoken(value)


def spoken(value: Any) -> list[Turn] | None:
    """The turns of a list in a cell of which each says who speaks; None for anything else."""
    if not isinstance(value, list) or not value or not all(isinstance(one, Mapping) for one in value):
        return None
    found: list[Turn] = []
    for one in value:
        who = next((one[name] for name in _SPEAKER if isinstance(one.get(name), str)), None)
        text = next((told for name in _SAID if (told := _text(one.get(name))) is not None), None)
        if who is None or text is None:
            if who is None or not any(name in one for name in _SAID):
                return None
            continue
        if (speaker := _WHO.get(who.strip().lower())) is not None:
            found.append((speaker, text))
    return found


def _text(value: Any) -> str | None:
    """What was said; of parts, as of a message with pictures, those that are text."""
    if isinstance(value, list):
        parts = [part.get("text") if isinstance(part, Mapping) else part for part in value]
        return "\n".join(part for part in parts if isinstance(part, str))
    return value if isinstance(value, str) else None


def _loaded(text: str) -> Any:
    if not text.lstrip().startswith("[") or len(text) > LONGEST:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
