"""Broken JSON mended, with an end: how deep it nests and how much work it makes are bounded, by counts and never by a clock."""

import json
from operator import attrgetter
from typing import Any

from json_repair.json_parser import JSONParser

from synth.sanitize import DEEPEST, nests

STEPS, STEPS_EACH, STEPS_MOST = 200_000, 3, 600_000
"""How many characters a mending may look at, how many more for each character of the text, and how many at most. It takes one to three a
character, or twenty where a list of fifty questions quotes much; where nothing closes it would take their square."""


class _TooMuch(Exception):
    pass


def mended(text: str) -> Any:
    """The value in JSON that is broken, mended; None where there is none, or where mending takes too long or nests too deep."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        try:
            found = _Mender(text).parse()
        except Exception:  # noqa: BLE001 (of a parser that guesses any bug may show: an assertion, an index, a depth)
            return None
    return found if nests(found) <= DEEPEST else None


class _Mender(JSONParser):
    """json_repair's parser, which counts the characters it looks at, and how deep it is, and stops."""

    def __init__(self, text: str) -> None:
        self.left, self._depth = min(STEPS + STEPS_EACH * len(text), STEPS_MOST), 0
        super().__init__(text, None, logging=False, try_valid_json_suffix=True)

    def parse_json(self, *args: Any, **options: Any) -> Any:
        if self._depth > DEEPEST:
            raise _TooMuch
        self._depth += 1
        try:
            return super().parse_json(*args, **options)
        finally:
            self._depth -= 1

    def _set_text(self, text: str) -> None:
        self._text = _Metered(text)
        self._text.of = self

    json_str = property(attrgetter("_text"), _set_text)  # the parser itself puts in what it finds missing


_at = str.__getitem__


class _Metered(str):
    """A text that counts every look at it."""

    __slots__ = ("of",)
    of: _Mender

    def __getitem__(self, at: Any) -> str:
        of = self.of
        of.left -= 1
        if of.left < 0:
            raise _TooMuch
        found = _at(self, at)
        if type(at) is slice:
            of.left -= len(found) // 4
        return found
