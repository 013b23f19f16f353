"""Traditional characters as simplified ones, by OpenCC: one folding for all that reads Chinese."""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opencc import OpenCC


@lru_cache(maxsize=256)
def simplified(text: str) -> str:
    """The text in simplified characters; itself where no traditional one stands. Words stay as they are. The latest are
    remembered: several rules read one text."""
    seen = _traditional()
    return text if seen.isdisjoint(text) else str(_opencc().convert(text))


@cache
def _traditional() -> frozenset[str]:
    """Characters of the basic block that OpenCC turns into others."""
    every = "\n".join(map(chr, range(0x3400, 0xA000)))
    return frozenset(one for one, to in zip(every, str(_opencc().convert(every)), strict=True) if one != to)


@cache
def _opencc() -> "OpenCC":
    from opencc import OpenCC

    return OpenCC("t2s")
