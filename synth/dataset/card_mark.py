"""What the dataset card says of detail that answers were to leave out: how the mark 【略】 went out."""

import re
from collections.abc import Mapping
from typing import Final

from synth.types import MarkMode

_LEFT_OUT: Final = "- detail that answers were to leave out"
_WAYS: Final[Mapping[MarkMode, str]] = {
    "delete": "is gone, and with it what hung on it; the column `marks` restores the text that was judged",
    "vary": "stands in vague words; the column `marks` restores the text that was judged",
    "keep": "is marked by 【略】",
}


def mark_line(mode: MarkMode) -> str:
    """The card's line on how the mark was rendered."""
    return f"{_LEFT_OUT} {_WAYS[mode]} (`mark: {mode}`)"


def retold(text: str, content: str, mode: MarkMode) -> str:
    """The text of a dataset card whose shards were written anew: with their hash, and how the mark is rendered in them."""
    text = re.sub(r"(?m)^  description: content [0-9a-f]{16}$", f"  description: content {content}", text)
    return re.sub(rf"(?m)^{re.escape(_LEFT_OUT)}.*$", lambda _: mark_line(mode), text)
