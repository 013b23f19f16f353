"""Conversations in a table's cell: lists of turns under the names that trainers and chat exports give them."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from synth.tables.names import ANSWERED, ASKED, SPEAKERS, plain_name

Turn: TypeAlias = tuple[str, str]
"""Who speaks (`user`, `assistant`), and the text."""
_WHO: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("user", "human", "prompter", "用户", "问"), "user")
    | dict.fromkeys(("assistant", "gpt", "chatgpt", "bot", "model", "bing", "bard", "ai", "助手", "答"), "assistant")
)
"""Others (a system's instruction, a tool) say nothing of their own in a conversation."""
_SPEAKER: Final = ("role", "from", "speaker", "user")
_SAID: Final = ("content", "value", "text")
_QUERIES: Final = tuple(map(plain_name, (*ASKED, *dict.fromkeys(one for one, _ in SPEAKERS), "q")))
_ANSWERS: Final = tuple(
    map(plain_name, (*ANSWERED, *dict.fromkeys(other for _, other in SPEAKERS), "bot", "moss", "a"))
)
LONGEST: Final = 1 << 24


def turns(value: Any) -> list[Turn] | None:
    """The turns of a conversation in a cell of a column that holds conversations: `role` and `content`, `from` and `value`, texts in turn,
    queries with their answers, as a list or, in a CSV file, as JSON of one; None for anything else."""
    if isinstance(value, str):
        value = _loaded(value)
    if isinstance(value, Mapping) and value and all(isinstance(one, Mapping) for one in value.values()):
        value = list(value.values())  # by number of the turn
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(one, str) for one in value):
        return [(("user", "assistant")[at % 2], text) for at, text in enumerate(value)]
    if all(
        isinstance(one, list | tuple) and len(one) == 2 and all(isinstance(text, str) for text in one) for one in value
    ):
        return [turn for asked, answered in value for turn in (("user", asked), ("assistant", answered))]
    return spoken(value) or _asked_and_answered(value)


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


def _asked_and_answered(value: list[Any]) -> list[Turn] | None:
    """The turns of a list of which each entry is a query with its answer, under whatever name."""
    found: list[Turn] = []
    for one in value:
        by = {plain_name(name): said for name, said in one.items()} if isinstance(one, Mapping) else {}
        pair = [
            (who, next((by[name] for name in names if isinstance(by.get(name), str)), None))
            for who, names in (("user", _QUERIES), ("assistant", _ANSWERS))
        ]
        if pair[0][1] is None:
            return None
        found += [(who, text) for who, text in pair if text is not None]
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
