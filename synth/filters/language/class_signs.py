"""What of an answer speaks for its class besides its words: what its sentences do, in which order, and what was asked for.

`speech_acts` sees the wordings that are sure; here a sentence is read more loosely, by what is denied: a service that the speaker
will not give (`D`), or a thing that is missing or out of reach (`L`). The first verb after the denial tells which.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from synth.filters.language.class_query import asked
from synth.filters.language.class_wordings import LOOSE
from synth.filters.language.latest import latest
from synth.filters.language.screen import Chances
from synth.filters.language.speech_acts import SCREEN, Act, own_words, sentences
from synth.filters.language.speech_wordings import WORDINGS

_SPEAKER = re.compile(
    r"^\W{0,3}?([^\s:：，。！？\]】)）>\[【(（<]{1,12}(?: mode| gpt)?)\W{0,2}?(?:[\]】)）>]\s*[:：]?|[:：])\s*\S",
    re.MULTILINE,
)
_NAMES, _QUOTED = re.compile(r"[:：\]】)）>]"), re.compile(r"[“「『\"][^”」』\"]{1,400}[”」』\"]")
"""What stands after a speaker's name, and what is quoted."""
_READ = 1_600
_LETTERS = tuple((letter, SCREEN.bits(letter)) for letter in LOOSE if letter != "denies")
_ANY, _DENIES = SCREEN.bits(*LOOSE), SCREEN.bits("denies")
_SIGN = 1 << 32
"""Set in the key of a sign, not in that of a run."""


@lru_cache(maxsize=32_768)
def key(sign: str) -> int:
    """The key of a sign in the table of classes."""
    return zlib.crc32(sign.encode()) | _SIGN


def keys(text: str, found: Sequence[Act], query: str | None) -> list[int]:
    """Keys of the signs of an answer: what sentences do by place and order, form, and what the query is like. One may come twice."""
    short = found and len(text) <= _READ  # then its sentences are those that acts were looked for in
    every = found[0].said if short else SCREEN.chances(sentences(own_words(text[:_READ])))
    parts = every.texts[:10]
    told = [_letters(every, at) for at in range(len(parts))]
    kept = [*_order(told), *map(key, (*_late(every, told), *_weight(parts, told), *_form(text, found), *_sure(found)))]
    for letter in _DENYING:
        at = _first(letter, told)
        if at is not None:
            kept += _after(letter, _from(told, at))
    if query:
        kept += asked(key, query, parts, told)
    return kept


_NAY = re.compile(r"[不唔没無无未难碍恕概拒谢婉终免]")


def _letters(said: Chances, at: int) -> str:
    """What the sentence at that place does, a letter each."""
    may = said.may[at] & _ANY
    if not may:
        return "x"
    kept = "".join([letter for letter in _possible(may) if said.finds(at, letter)])
    if may & _DENIES and _NAY.search(said.texts[at]) and (denied := said.first(at, "denies")):
        first = "D" if denied["serve"] else "L"
        kept = first + kept.replace(first, "")
    return kept or "x"


@lru_cache(maxsize=4096)
def _possible(may: int) -> tuple[str, ...]:
    return tuple(letter for letter, bit in _LETTERS if may & bit)


def _order(told: Sequence[str]) -> Iterator[int]:
    """Keys of what sentences do by their place, how many do it, and in which order."""
    for place, letters in enumerate(told[:3]):
        yield from _placed(f"{place}", letters)
    if len(told) > 1:
        yield from _placed("last", told[-1])
    whole = "".join(told)
    yield from _counted(tuple([min(whole.count(letter), 3) for letter in _COUNTED]))
    main = f"^{''.join([letters[0] for letters in told])}$"
    for size in (2, 3, 4):
        for at in range(len(main) - size + 1):
            yield key("order " + main[at : at + size])


_COUNTED = "DLFWTOGPVN"


@lru_cache(maxsize=4096)
def _placed(place: str, letters: str) -> tuple[int, ...]:
    signs = [f"{place} {letter}" for letter in letters]
    return tuple(map(key, signs if place == "last" else [f"{place} = {letters[:3]}", *signs]))


@lru_cache(maxsize=4096)
def _counted(counts: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(key(f"any {letter} {count}") for letter, count in zip(_COUNTED, counts, strict=True))


def _late(every: Chances, told: Sequence[str]) -> Iterator[str]:
    """What sentences after the tenth deny, and whether one did before."""
    last = len(every.texts) - 1
    if last < 10:
        return
    denied = [at for at in range(10, last + 1) if _NAY.search(every.texts[at]) or every.texts[at].isascii()]
    found = [every.finds(at, "D") or every.finds(at, "N") or _serves(every, at) for at in denied]
    left = any(every.finds(at, "P") for at in denied)
    before = _first("D", told) is not None
    yield f"late {min(sum(found), 2)} part {left}"
    yield f"late {any(found)} before {before}"
    yield f"late last {bool(found) and found[-1] and every.texts[denied[-1]] is every.texts[last]}"


def _serves(said: Chances, at: int) -> bool:
    denied = said.first(at, "denies")
    return denied is not None and bool(denied["serve"])


_DENYING, _FOLLOWING = "DLFWVN", "DTOGFPx"


_Following: TypeAlias = tuple[int, int, int, str, tuple[int, ...], bool]


def _from(told: Sequence[str], at: int) -> _Following:
    """What `_after` is told of a denial, refutation or warning at that place, with what follows counted as far as it counts."""
    rest = "".join(told[at + 1 :])
    turn = "T" in "".join(told[at + 1 : at + 2])
    counts = tuple([min(rest.count(letter), 2) for letter in _FOLLOWING])
    return min(at, 3), min(len(told), 4), min(len(told) - at - 1, 4), told[at], (*counts, min(rest.count("x"), 3)), turn


@lru_cache(maxsize=8192)
def _after(letter: str, following: _Following) -> tuple[int, ...]:
    """Keys of what comes after the first denial, refutation or warning."""
    at, of, left, here, counts, turn = following
    rest = {other: count for other, count in zip(_FOLLOWING, counts, strict=False) if count}
    signs = [
        f"{letter} at {at} of {of}",
        f"{letter} part {'P' in here}",
        f"{letter} then {left} plain {counts[-1]}",
        *(f"{letter} then {other} {rest.get(other, 0)}" for other in _FOLLOWING),
        f"{letter} with turn {'T' in here} then turn {turn} gives {'G' in rest} offers {'O' in rest}",
    ]
    return tuple(map(key, signs))


def _first(letter: str, told: Sequence[str]) -> int | None:
    return next((place for place, letters in enumerate(told) if letter in letters), None)


def _weight(parts: Sequence[str], told: Sequence[str]) -> Iterator[str]:
    """How much of the answer follows its first denial, and how much of that neither offers nor refutes."""
    for letter in "DL":
        at = _first(letter, told)
        if at is None:
            continue
        rest = sum(map(len, parts[at + 1 :]))
        plain = sum(
            len(part)
            for part, letters in zip(parts[at + 1 :], told[at + 1 :], strict=True)
            if not set("OFDL") & set(letters)
        )
        yield f"{letter} rest {_size(rest)}"
        yield f"{letter} plain {_size(plain)} most {2 * plain > rest}"
        yield f"{letter} shares {min(4, 5 * plain // max(1, rest))} {_size(rest) // 2}"


def _form(text: str, found: Sequence[Act]) -> Iterator[str]:
    size = sum(act.size for act in found)
    yield f"size {_size(size)}"
    yield f"sentences {min(len(found), 12)}"
    if "```" in text:
        yield "code"
    denying = voices(text)
    if denying:
        yield f"voices decline {any(denying)} all {all(denying)}"
        yield f"voices first {denying[0]} last {denying[-1]}"
    read = text[:_READ]
    speakers = {name.lower() for name in _SPEAKER.findall(read)} if _NAMES.search(read) else ()
    yield f"speakers {min(len(speakers), 3)}"
    quoted = sum(map(len, _QUOTED.findall(read)))
    yield f"quoted {4 * quoted // max(1, len(read))}"
    yield f"asks at last {text.rstrip()[-1:] in '?？'}"
    yield f"latin {len(text[:400].encode('ascii', 'ignore')) * 4 // max(1, len(text[:400]))}"


_TAG = re.compile(
    r"(?:^|\n)\W{0,4}(?:[^\s:：，。！？]{1,12}|\w+ (?:mode|version))\W{0,2}[:：]|[【\[][^\s】\]]{1,12}[】\]]",
    re.IGNORECASE,
)


_CLOSES = re.compile(r"[:：】\]]")
"""Without one of these no speaker is named."""
_BEGINS = 40
"""Characters within which the first of several speakers is named."""


@latest(room=16_000)
def voices(text: str) -> list[bool]:
    """Of each speaker of an answer that has several, in their order, whether what they say begins with a denial of service."""
    if not _CLOSES.search(text, 0, _BEGINS) or not _TAG.search(text, 0, _BEGINS):
        return []
    marks = [match.end() for match in _TAG.finditer(text[:_READ])]
    if len(marks) < 2 or marks[0] > _BEGINS:
        return []
    parts = [own_words(text[begin:end]) for begin, end in pairwise([*marks, len(text[:_READ])])]
    said = SCREEN.chances([part[:160] for part in parts if part.strip()])
    return ["D" in _letters(said, at) for at in range(len(said.texts))]


_SEEN = tuple(
    (flag, SCREEN.bits(*(name for name in (flag, f"{flag}_en") if name in WORDINGS)))
    for flag in (
        "declines",
        "cannot",
        "corrects",
        "forbids",
        "wrong",
        "admonishes",
        "warns",
        "disclaims",
        "stops",
        "marked",
        "agrees",
        "obliges",
        "letter",
        "sorry",
        "gives",
        "asks",
    )
)


def _sure(found: Sequence[Act]) -> Iterator[str]:
    """What the sure wordings say."""
    together = 0
    for act in found:
        together |= act.may
    for flag, may in _SEEN:
        if not together & may:
            continue
        at = next((n for n, act in enumerate(found) if act.may & may and getattr(act, flag)), None)
        if at is None:
            continue
        yield f"act {flag} at {min(at, 3)}"
        if flag in ("declines", "cannot", "warns", "disclaims", "forbids", "corrects"):
            after = found[at + 1 :]
            gives, good = _most(3, "gives", after), _most(2, "righteous", after)
            yield f"act {flag} then {_size(sum([act.size for act in after]))}"
            yield f"act {flag} then gives {gives} good {good}"
            yield f"act {flag} turns {found[at].yields} {any(act.opens_turn for act in after[:2])}"


def _most(most: int, flag: str, found: Sequence[Act]) -> int:
    """How many of these acts do this, none counted above so many."""
    count, may = 0, SCREEN.bits(flag)
    for act in found:
        if act.may & may and getattr(act, flag):
            count += 1
            if count == most:
                break
    return count


def _size(count: int) -> int:
    return (count + 1).bit_length()
