"""A text being changed that remembers where each of its characters came from, so that every change can be taken back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Span: TypeAlias = tuple[int, int, str]
"""Where a change begins and ends, and what stands there instead."""
_NEW: Final = -1


@dataclass(frozen=True, slots=True)
class Mark:
    """A place at which a rendered text differs from the one that was judged: `length` characters at `at` stand for `was`."""

    at: int
    length: int
    was: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A text on its way to being rendered, with the place in the original of each of its characters (-1: a new one)."""

    text: str
    origin: tuple[int, ...]


def draft_of(text: str) -> Draft:
    """A draft of a text that nothing was changed in yet."""
    return Draft(text, tuple(range(len(text))))


def changed(draft: Draft, spans: Iterable[Span]) -> Draft:
    """The draft with every span of its text replaced; of spans that overlap the first one stands."""
    text: list[str] = []
    origin: list[int] = []
    at = 0
    for start, end, new in sorted(spans, key=lambda span: span[:2]):
        if start < at:
            continue
        text += (draft.text[at:start], new)
        origin += (*draft.origin[at:start], *([_NEW] * len(new)))
        at = end
    return Draft("".join((*text, draft.text[at:])), (*origin, *draft.origin[at:]))


def marks_of(draft: Draft, original: str) -> tuple[Mark, ...]:
    """The marks by which the original text is made again of a draft's."""
    found: list[Mark] = []
    at = before = 0
    for index, origin in enumerate((*draft.origin, len(original))):
        if origin == _NEW:
            continue
        if index > at or origin > before:
            found.append(Mark(at, index - at, original[before:origin]))
        at, before = index + 1, origin + 1
    return tuple(found)


def restored(text: str, marks: Sequence[Mark]) -> str:
    """The text that was judged, out of a rendered one and its marks: character for character."""
    parts: list[str] = []
    at = 0
    for mark in sorted(marks, key=lambda mark: mark.at):
        parts += (text[at : mark.at], mark.was)
        at = mark.at + mark.length
    return "".join((*parts, text[at:]))


def edges(draft: Draft, original: str) -> list[int]:
    """The places in a draft's text at which something of the original is missing, from the last to the first."""
    return [place for mark in reversed(marks_of(draft, original)) for place in {mark.at, mark.at + mark.length}]
