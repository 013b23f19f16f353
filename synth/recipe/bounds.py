"""What a text of YAML may hold, counted event by event before anything is built of it: depth, aliases, lengths. What builds first would
be ended by the operating system, or never."""

import re
import unicodedata
from typing import Any, Final

import yaml

from synth.sanitize import DEEPEST, shortened

LARGEST: Final = 32 * 2**20
"""Bytes of a recipe or taxonomy."""
_LONGEST: Final = 100_000
"""Characters of one text."""
_LONGEST_KEY: Final = 200
_MULTIPLIED: Final = 100_000
"""Values that aliases may stand for, over those that are written out."""
_DIGITS: Final = re.compile(r"[-+]?\d[0-9_.:]{399,}")
"""Numbers in base 60 (`1:1:1:…`) are read in time that grows with the square of their length."""
_HIDDEN: Final = frozenset(("Cc", "Cf", "Co", "Cs"))


class Unbounded(Exception):
    """A text of YAML that holds more than is read; its text is one line: what, and the way out. `line` and `column` count from 1."""

    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(message)
        self.line, self.column = mark.line + 1, mark.column + 1


def check(text: str) -> None:
    """Raises Unbounded for a text of YAML that nests too deeply, whose aliases multiply, or with a text or key that is none a person
    wrote. What is no YAML raises as the parser does."""
    counting = _Counting()
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        counting.take(event)


class _Counting:
    """What has been seen of a text's events, and how many values each anchor stands for."""

    def __init__(self) -> None:
        self._open: list[_Open] = [_Open(None, mapping=False)]
        self._sizes: dict[str, int] = {}
        self._written = 0

    def take(self, event: yaml.Event) -> None:
        """Counts one event. Raises Unbounded where that is one too many."""
        if isinstance(event, yaml.ScalarEvent):
            _check_text(event, is_key=self._open[-1].at_key)
            self._value(event.anchor, 1)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._written += 1
            if len(self._open) > DEEPEST:
                raise Unbounded(f"nested too deeply, over {DEEPEST} levels; write it flatter", event.start_mark)
            self._open.append(_Open(event.anchor, mapping=isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.CollectionEndEvent):
            ended = self._open.pop()
            self._close(ended.anchor, ended.size)

    def _value(self, anchor: str | None, size: int) -> None:
        self._written += size
        self._close(anchor, size)

    def _alias(self, event: yaml.AliasEvent) -> None:
        name = str(event.anchor)
        if any(one.anchor == name for one in self._open):
            raise Unbounded(
                f"the alias *{shortened(name, 40)} stands within what it means; write it out", event.start_mark
            )
        self._close(None, self._sizes.get(name, 1))
        if sum(one.size for one in self._open) > self._written + _MULTIPLIED:
            raise Unbounded(
                f"aliases (*{shortened(name, 40)}) stand for more than {_MULTIPLIED:,} values; write out what is meant",
                event.start_mark,
            )

    def _close(self, anchor: str | None, size: int) -> None:
        self._open[-1].add(size)
        if anchor is not None:
            self._sizes[anchor] = size


class _Open:
    """A list or mapping that has begun."""

    def __init__(self, anchor: str | None, *, mapping: bool) -> None:
        self.anchor, self._mapping = anchor, mapping
        self.size, self._held = 1, 0

    @property
    def at_key(self) -> bool:
        return self._mapping and self._held % 2 == 0

    def add(self, size: int) -> None:
        self.size += size
        self._held += 1


def _check_text(event: yaml.ScalarEvent, *, is_key: bool) -> None:
    text, at = event.value, event.start_mark
    if is_key and (len(text) > _LONGEST_KEY or any(unicodedata.category(char) in _HIDDEN for char in text)):
        why = "is over 200 characters long" if len(text) > _LONGEST_KEY else "has a character that does not show"
        raise Unbounded(f"the key '{shortened(text, 40)}' {why}; rename it", at)
    if len(text) > _LONGEST:
        raise Unbounded(f"a text of {len(text):,} characters ({shortened(text, 20)}); it may have {_LONGEST:,}", at)
    if len(text) >= 400 and event.implicit[0] and _DIGITS.fullmatch(text):
        raise Unbounded(f"a number of {len(text):,} digits; put it in quotes if it is a text", at)
