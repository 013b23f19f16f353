"""Traditional characters as simplified ones, by OpenCC: one folding for all filters that read words."""

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from synth.filters.language.latest import latest

if TYPE_CHECKING:
    from opencc import OpenCC

_NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""What OpenCC does not take."""


def simplified(text: str) -> str:
    """The text in simplified characters; itself where no traditional one stands. Words stay as they are. The latest that were
    turned are remembered: several rules read one text."""
    return _turned(text) if _traditional()(text) else text


@latest(room=64_000)
def _turned(text: str) -> str:
    if _NO_TEXT.search(text):
        return "".join(_folds().get(one, one) for one in text)
    return str(_opencc().convert(text))


@cache
def _traditional() -> Callable[[str], Any]:
    """Looks for a character that OpenCC turns into another."""
    return re.compile(f"[{''.join(_folds())}]").search


@cache
def _folds() -> dict[str, str]:
    """Characters of the basic block that OpenCC turns into others, each by itself."""
    every = "\n".join(map(chr, range(0x3400, 0xA000)))
    return {one: to for one, to in zip(every, str(_opencc().convert(every)), strict=True) if one != to}


@cache
def _opencc() -> "OpenCC":
    from opencc import OpenCC

    return OpenCC("t2s")
