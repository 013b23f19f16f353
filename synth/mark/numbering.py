"""Numbers of lists, counted anew where an item has gone."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from synth.mark.draft import Span

_DIGITS: Final = "零一二三四五六七八九"
_STYLES: Final = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"^[ \t　]*(?:#{1,6}[ \t]+)?\*{0,2}(\d{1,2})(?=[.、．)）](?!\d))",
        r"^[ \t　]*(?:#{1,6}[ \t]+)?[（(](\d{1,2})(?=[)）])",
        r"^[ \t　]*(?:#{1,6}[ \t]+)?\*{0,2}([一二三四五六七八九十]{1,3})(?=[、.．])",
        r"^[ \t　]*[（(]([一二三四五六七八九十]{1,3})(?=[)）])",
        r"(?<!在)(?<!到)第([一二三四五六七八九十]{1,3}|\d{1,2})(?=[步条点种招类，、：:])",
        r"([①-⑳])",
    )
)
"""The ways in which items are numbered, each counted by itself; the group is the number."""


def mended(text: str, gone: Sequence[Span]) -> Iterator[Span]:
    """The numbers of items to be put in place of those that stand there, once the spans of a text have gone."""
    lost = {at for start, end, _ in gone for at in range(start, end)}
    if not lost:
        return
    for style in _STYLES:
        before = now = 0
        for found in style.finditer(text):
            number = _read(found[1])
            if number != before + 1:  # another list
                now = number - 1
            before = number
            if found.start(1) in lost:
                continue
            now += 1
            if now != number:
                yield (*found.span(1), _written(now, found[1]))


def _read(number: str) -> int:
    if number.isascii():
        return int(number)
    if "①" <= number <= "⑳":
        return ord(number) - ord("①") + 1
    tens, ten, ones = number.rpartition("十")
    return (10 * (_DIGITS.index(tens[0]) if tens else 1) if ten else 0) + (_DIGITS.find(ones[0]) if ones else 0)


def _written(number: int, like: str) -> str:
    if like.isascii():
        return str(number)
    if "①" <= like <= "⑳":
        return chr(ord("①") + number - 1)
    tens, ones = divmod(number, 10)
    return f"{_DIGITS[tens] if tens > 1 else ''}{'十' if tens else ''}{_DIGITS[ones] if ones else ''}"
