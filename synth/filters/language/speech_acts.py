"""What the sentences of an answer do, in Chinese and English: decline, tell an inability, admonish, put right, go on, give.

Speech that is quoted and code are not the answerer's own and are left out; traditional characters are read as simplified ones.
"""

import re
from typing import Any

from synth.filters.language.class_wordings import LOOSE
from synth.filters.language.latest import latest
from synth.filters.language.screen import Chances, Screen
from synth.filters.language.script import simplified
from synth.filters.language.speech_wordings import WORDINGS

_QUOTED = re.compile(r"“[^“”]{0,400}”|「[^「」]{0,400}」|『[^『』]{0,400}』|\"[^\"\n]{0,400}\"|《[^《》]{0,60}》")
_CODE = re.compile(r"```[^`]*(?:```|\Z)|`[^`\n]{0,200}`")
_END = re.compile(r"[。！？!?；;\n.](?:(?<=[。！？!?；;])\s*|(?<=\n)\n*|(?<=[a-z\]]\.)(?:\n+|\s+))")
"""The end of a sentence: white space after a mark that ends one, or the end of a line."""
_WHOLE, _TAIL = 16_000, 4_000
SCREEN = Screen({**WORDINGS, **LOOSE})
"""The wordings of acts, and those by which `class_signs` reads the same sentences more loosely."""


class _Does:
    """Whether a sentence shows one of these wordings: looked for when it is first asked, and then known."""

    def __init__(self, *wordings: str) -> None:
        self.wordings, self._bits = wordings, SCREEN.bits(*wordings)

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, act: Any, owner: type | None = None) -> bool:
        if not act.may & self._bits:
            return False
        found = False
        for wording in self.wordings:
            found = found or act.said.finds(act.place, wording)
        act.__dict__[self._name] = found
        return found


class Act:
    """One sentence of an answer and what it does: declines, admonishes, gives …"""

    declines = _Does("declines", "declines_en")
    """Turns a request down."""
    cannot = _Does("cannot", "cannot_en")
    """Says that something is missing: data, senses, understanding, a body."""
    asks = _Does("asks")
    wrong = _Does("wrong")
    admonishes = _Does("admonishes")
    corrects = _Does("corrects")
    forbids = _Does("forbids")
    opens_turn = _Does("opens_turn")
    gives = _Does("gives")
    righteous = _Does("righteous")
    stops = _Does("stops")
    warns = _Does("warns")
    disclaims = _Does("disclaims")
    marked = _Does("marked")
    agrees = _Does("agrees")
    obliges = _Does("obliges")
    letter = _Does("letter")
    cites = _Does("cites")
    sorry = _Does("sorry")
    feels = _Does("feels")

    def __init__(self, said: Chances, place: int, at: int) -> None:
        self.may = said.may[place]
        """The wordings that it may show, as bits of `SCREEN`: it shows no other."""
        self.at = at
        """Where it begins, in characters of the answerer's own words."""
        self.said, self.place = said, place
        self.words = said.texts[place]
        self.size = len(self.words)

    @property
    def yields(self) -> bool:
        """Goes on to something else after declining, warning or disclaiming in the same sentence."""
        if not self.may & _TURNS or not self.may & _RESERVES:
            return False
        found = (self.said.first(self.place, wording) for wording in _RESERVED)
        ends = [match.end() for match in found if match]
        return bool(ends) and bool(SCREEN.whole("turns").search(self.words, max(ends)))


_RESERVED = ("declines", "declines_en", "warns", "disclaims")
_TURNS, _RESERVES = SCREEN.bits("turns"), SCREEN.bits(*_RESERVED)


@latest(room=64_000)
def own_words(text: str) -> str:
    """An answer's own words, to read speech acts from: the text without what it quotes and without code, small letters,
    apostrophes straight, traditional characters simplified."""
    text = simplified(text).replace("’", "'").replace("‘", "'").lower()
    return _QUOTED.sub("“”", _CODE.sub("", text) if "`" in text else text)


def sentences(words: str) -> list[str]:
    """The sentences of someone's own words (see `own_words`), in which speech acts are looked for."""
    return [sentence for sentence in _split(words) if sentence and not sentence.isspace()]


def _split(words: str) -> list[str]:
    """A text cut at the ends of its sentences; white space after an end belongs to none, a sentence's last mark does."""
    found, begin = list[str](), 0
    for end in _END.finditer(words):
        mark = end[0][0]
        found.append(words[begin : end.start() + (mark != "\n")])
        begin = end.end()
    found.append(words[begin:])
    return found


@latest(room=64_000)
def acts(text: str) -> list[Act]:
    """The speech acts of an answer, sentence by sentence, in order. Of one longer than a book's chapter the beginning
    and the end are read."""
    if len(text) > _WHOLE:
        text = f"{text[: _WHOLE - _TAIL]}\n{text[-_TAIL:]}"
    found, places, at = list[str](), list[int](), 0
    for sentence in _split(own_words(text)):
        if sentence and not sentence.isspace():
            found.append(sentence)
            places.append(at)
        at += len(sentence)
    said = SCREEN.chances(found)
    return [Act(said, place, at) for place, at in enumerate(places)]
