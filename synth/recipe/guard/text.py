"""What a guard is asked in the words that its makers published, given as a file; an analysis cut to a number of tokens."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from synth.errors import ConfigError
from synth.recipe.guard.format import Mode

_PLACE: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}|\{(\w*)\}")
_UNKNOWN: Final = re.compile(r"\{[A-Za-z_]\w*\}", re.ASCII)
"""A place in a text that has none of those that are filled."""
_NAMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("query", "question", "prompt"), "query"),
    **dict.fromkeys(("response", "answer"), "response"),
    "categories": "categories",
}
_BARE: Final = ("query", "response")
"""What a `{}` without a name stands for, in order."""
_ENDS: Final = re.compile(r"[。！？；!?;\n]+[”’」』）)]*")


@dataclass(frozen=True, slots=True)
class Published:
    """The text that asks a guard, as its makers published it: with places for query and answer (`{query}` and
    `{response}`, or `{}` twice), or the instruction alone."""

    text: str
    path: str

    @property
    def places(self) -> frozenset[str]:
        """What the published text has places for: `query`, `response`, `categories`; empty where it is an instruction."""
        return frozenset(_filled_in(self.text, self.path)[1])

    @property
    def mode(self) -> Mode:
        """What the published text asks about: an answer where it has a place for one, or is an instruction alone."""
        return "prompt" if self.places and "response" not in self.places else "answer"

    def filled(self, values: Mapping[str, str]) -> str:
        """The published text, byte for byte, with these in its places."""
        found, _ = _filled_in(self.text, self.path)
        return "".join(values[part] if place else part for part, place in found)


def published(path: Path, *, instruction: bool = True) -> Published:
    """Reads the file that holds a guard's published text; `instruction` says whether it may be an instruction alone, since the
    guard's file has a place for one. ConfigError for one that cannot be read, or has places that nothing fills."""
    try:
        if path.exists() and not path.is_file():
            raise IsADirectoryError(f"{path} is no file")
        found = Published(path.read_bytes().decode("utf-8-sig"), str(path))
    except (OSError, ValueError) as error:
        raise ConfigError(f"--prompt {path}: cannot be read as UTF-8 text ({error})") from error
    if not found.text.strip():
        raise ConfigError(f"--prompt {path}: is empty; it must hold the text that the guard is asked with")
    if "query" not in found.places and (found.places or not instruction or _UNKNOWN.search(found.text)):
        lacking = "the query" if found.places else "query and answer"
        raise ConfigError(
            f"--prompt {path}: has no place for {lacking}; write {{query}} and {{response}} where they stand"
        )
    return found


def _filled_in(text: str, path: str) -> tuple[list[tuple[str, bool]], set[str]]:
    """The text in parts, each with whether it is a place; and the places. Other braces, as of JSON, are text."""
    parts: list[tuple[str, bool]] = []
    at = bare = 0
    for match in _PLACE.finditer(text):
        word = match[1] or match[2]
        if not word:
            if bare == len(_BARE):
                raise ConfigError(f"--prompt {path}: has more than two places {{}}; query and response fill two")
            word, bare = _BARE[bare], bare + 1
        if word in _NAMES:
            parts += [(text[at : match.start()], False), (_NAMES[word], True)]
            at = match.end()
    return [*parts, (text[at:], False)], {part for part, place in parts if place}


def estimate(text: str) -> int:
    """So many tokens at most a text has by the vocabularies of Chinese models: one a character that is not ASCII, one
    for two that are."""
    other = sum(1 for character in text if ord(character) > 127)
    return other + (len(text) - other + 1) // 2


def fitted(analysis: str, fits: Callable[[str], bool]) -> str:
    """An analysis cut to what fits, at the end of a sentence; where no sentence fits, within it."""
    if fits(analysis):
        return analysis
    ends = [match.end() for match in _ENDS.finditer(analysis)]
    for end in reversed(ends):
        if fits(cut := analysis[:end].strip()):
            return cut
    for end in range(len(analysis), 0, -4):
        if fits(cut := f"{analysis[:end].strip()}…"):
            return cut
    return "…"
