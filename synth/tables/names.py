"""Names of columns: what those of queries, answers and conversations are called, and names without what spreadsheets leave around them."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

QUERY: Final = "query"
ASKED: Final = (
    *(QUERY, "prompt", "question", "instruction", "user_input", "user_query", "request"),
    *("问题", "提问", "问", "查询", "提示词", "提示", "指令", "用户提问", "用户问题", "用户输入", "请求"),
)
"""What columns of queries are called, most certain first."""
SPEAKERS: Final = (
    *(("human", "assistant"), ("human", "gpt"), ("user", "assistant"), ("用户", "助手"), ("人类", "助手")),
    *(("goal", "target"), ("q", "a")),
)
"""Names of queries beside one of answers; alone they may be of anything."""
_AROUND: Final = re.compile(
    r"text|content|string|original|final|raw|full|zh|cn|chinese|user|model|llm"
    r"|内容|文本|原文|全文|正文|描述|标准|原始|最终|用户|模型|中文|的"
)
"""Words that stand beside those, and say nothing more of what a column holds."""
ABOUT: Final = (
    (("instruction", "指令"), ("input", "context", "输入", "上下文", "材料")),
    (("question", "prompt", "问题", "提示词"), ("context", "上下文", "材料")),
)
"""Tasks, and what they are about, which stands in a column of its own: the two together are the query."""
TEXT: Final = ("text", "input", "content", "sentence", "goal", "behavior", "文本", "内容", "输入", "正文", "句子")
"""Columns of any text, read as queries where none of the others is there."""
ANSWERED: Final = (
    *("response", "answer", "output", "completion", "reply"),
    *("model_output", "model_response", "assistant", "gpt", "target"),
    *("回答", "答案", "回复", "输出", "答复", "响应", "应答", "答", "助手", "模型回答", "模型输出"),
)
"""What columns of answers are called, most certain first."""
TURNS: Final = ("messages", "message", "conversations", "conversation", "dialogue", "dialog", "turns", "chat", "对话")
BEFORE: Final = ("context", "history")
"""Earlier turns, where they are a list."""


@lru_cache(maxsize=4096)
def plain_name(name: object) -> str:
    """A column's name as it is compared with those that are known: letters and digits alone, in one case and width."""
    return "".join(c for c in _folded(name) if c.isalnum())


@lru_cache(maxsize=4096)
def core_name(name: object) -> str:
    """A column's name as `plain_name` has it, without words beside the one that says what it holds: `question` of `question_text`."""
    words = re.split(r"[^a-z0-9\u3400-\u9fff]+|(?<=[\u3400-\u9fff])(?=[a-z])", _folded(name))
    kept = [word if word.isascii() and not _AROUND.fullmatch(word) else _without(word) for word in words]
    return "".join(kept) or plain_name(name)


def _without(word: str) -> str:
    return "" if word.isascii() else _AROUND.sub("", word)


def _folded(name: object) -> str:
    return unicodedata.normalize("NFKC", str(name)[:200]).casefold()


def cleaned(name: Any) -> str:
    """A word in a cell, or a column's name, without the blanks, marks and quotes that spreadsheets leave around it."""
    found = "".join(c for c in str(name) if unicodedata.category(c) not in ("Cf", "Cc") or c.isspace())
    return " ".join(found.split()).strip("'\"“”‘’ ")


def listed(names: Sequence[object]) -> str:
    """The names of a table's columns for a message, the first twenty of them."""
    told = ", ".join(map(str, names[:20])) or "none"
    return told if len(names) <= 20 else f"{told} and {len(names) - 20:,} more"
