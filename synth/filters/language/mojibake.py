"""Whether a text is debris of a decoding that went wrong: pieces of a tokenizer that were never put together, or bytes that were read
in another encoding. Told by decoding once more: what comes out as UTF-8 was bytes."""

import re
from functools import cache
from typing import Final

_LEAST = 2
"""Characters that must come out of the bytes: one alone may be chance."""
_DENSE, _SPACED = 0.2, 0.3
"""The share of words that begin with a tokenizer's sign for a space, where it follows a letter and where a space."""
_READ = 0.7
"""The share of a line's bytes in GBK that must be UTF-8; in Chinese as it is hardly half ever is."""

_CHARACTER: Final = rb"[\xe3-\xe9\xef][\x80-\xbf]{2}"
_UTF8 = re.compile(rb"(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|\xf0[\x90-\xbf][\x80-\xbf]{2})+")
_THREE = re.compile(_CHARACTER)
_TWO = re.compile(rb"(?:[\xce\xcf\xd0\xd1\xd7-\xdb][\x80-\xbf]){3}")
_LOW = bytes(byte for byte in range(128) if byte != ord("\n"))

_PIECES = re.compile(
    # SentencePiece: its sign for a space before words, and bytes that it had no piece for.
    r"\A\s*\u2581[^\s\u2581]|\u2581[^\s\u2581][^\u2581\n]{0,40}\u2581[^\s\u2581]|<0x[0-9A-F]{2}>"
)
_WORDPIECE = re.compile(r"(?<=[a-z\d\u4e00-\u9fff'’]) ?##(?:[a-z\d]{1,12}|[\u4e00-\u9fff](?=\s|$|[，。！？]))(?![#\w])")
_BETWEEN = re.compile(r"[a-z] ?##[a-z]")
"""BERT's sign for a piece that goes on with a word."""
_BARS = re.compile("[\u2582-\u2588]")
"""With these the sign is a bar of a drawing."""
_SIGN = re.compile("[\u0120\u010a]")
"""A space and a line end, as GPT-2 writes them."""
_LED = re.compile("[\u00ce-\u00db\u00e3-\u00e9\u00ef] ?[\u00a1-\u00bf\u0122-\u0143]")
"""A byte that begins a character, and one that goes on with it."""
_WORD = re.compile(r"[A-Za-z\u00c0-\u0143]+|[\u3400-\u9fff]")
_GLUED = re.compile(
    "(?<=[a-z0-9.,!?;:)\u4e00-\u9fff\u00a1-\u0109\u010b-\u011f\u0121-\u0143])[\u0120\u010a](?=[A-Za-z0-9(\u00a1-\u0143])"
)
_APART = re.compile("(?:^|(?<=[ \n]))[\u0120\u010a](?=[A-Za-z\u00a1-\u0143])")

_LATIN: Final = re.compile(
    "[\u0080-\u00ff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122 ]{3,}"
)
_ON: Final = "[\u0080-\u00bf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178]"
"""What Windows-1252 shows for a byte that goes on with a character."""
_SMART = re.compile(
    "[\u00c2\u00c3][\u0080-\u00bf].{0,200}?[\u00c2\u00c3][\u0080-\u00bf]"
    "|(?<=[A-Za-z0-9 ])[\u00c2\u00c3][\u00a1-\u00aa\u00ac-\u00ba\u00bc-\u00bf]"
    "|\u00e2[\u20ac\u0080]|\u00f0\u0178"
    rf"|\u00e2[\u0081-\u009f\u201a\u0192\u201e\u2020\u2021\u02c6\u2030\u0160\u0152\u02dc\u2122\u0161\u0153]{_ON}"
    r"|\b(?:ca|wo|do|is|are|does|did|could|should|would|has|have|was|were)n\u00e2t\b"
    r"|\b(?:I|[Ii]t|[Tt]hat|[Tt]here|[Hh]ere|[Ll]et|[Ww]hat|[Yy]ou|[Ww]e|[Tt]hey|[Ss]?[Hh]e)\u00e2(?:s|m|re|ll|ve|d)\b"
)
"""Letters with an accent, or a quotation mark, a dash or dots, of UTF-8 read as Latin-1 or Windows-1252."""


def pieces(text: str) -> bool:
    """Whether a text is a tokenizer's pieces in place of words: bytes as GPT-2 writes them (Ġ for a space, Ċ for a line end,
    ä½łå¥½ for 你好), SentencePiece's ▁, or bytes in angle brackets."""
    if _PIECES.search(text) and not _BARS.search(text):
        return True
    if "##" in text and "#define" not in text:
        found = _WORDPIECE.findall(text)
        if len(found) >= _LEAST or (found and _BETWEEN.search(text)):
            return True
    if text.isascii():
        return False
    if _SIGN.search(text):
        words = len(_WORD.findall(text)) + text.count("\u0120")
        glued, apart = len(_GLUED.findall(text)), len(_APART.findall(text))
        if (glued and glued >= _DENSE * words) or (apart >= 3 and apart >= _SPACED * words):
            return True
    return bool(_LED.search(text)) and _characters(_bytes_of_pieces(text))


def misread(text: str) -> bool:
    """Whether a text, or a line of it, is UTF-8 that was read as Latin-1, Windows-1252 or GBK, or GBK read as Latin-1."""
    if text.isascii():
        return False
    if _ACCENTED.search(text) and (_SMART.search(text) or any(map(_latin, _LATIN.findall(text)))):
        return True
    high = text.encode("gb18030", "ignore").translate(None, _LOW)
    return len(_THREE.findall(high)) >= _LEAST and any(map(_from_gbk, high.split(b"\n")))


_ACCENTED = re.compile("[\u00c0-\u00ff]|[\u00a1-\u00bf]{6}")
"""Without these nothing was read as Latin-1 or Windows-1252."""


def _from_gbk(high: bytes) -> bool:
    return len(high) >= 6 and 3 * len(_THREE.findall(high)) >= _READ * len(high)


def _latin(run: str) -> bool:
    read = _bytes_of(run)
    if any(len(_decoded(found)) >= _LEAST for found in _UTF8.findall(read)):
        return True
    return _gbk_as_latin(run)


def _gbk_as_latin(run: str) -> bool:
    """Three common characters on end that GBK would write with these bytes, signs between the letters: no language has that."""
    found = max(re.findall("[\u00a1-\u00ff]+", run), key=len, default="")
    if len(found) < 6 or not re.search("[\u00a1-\u00bf\u00d7\u00f7]", found):
        return False
    try:
        read = found[: len(found) // 2 * 2].encode("latin-1").decode("gb2312")
    except UnicodeDecodeError:
        return False
    return min(read) >= "\u2010" and sum(_common(one) for one in read) >= 0.6 * len(read)


def _common(one: str) -> bool:
    """Whether GB2312 has a character among its 3,755 of everyday use."""
    return b"\xb0\xa1" <= one.encode("gb2312", "ignore") <= b"\xd7\xf9"


def _bytes_of(run: str) -> bytes:
    """The bytes that were read as these characters; a space may be a no-break space that somebody tidied."""
    found = bytearray()
    for one in run:
        if one == " ":
            found.append(0xA0 if found and found[-1] >= 0x80 else 0x20)
        elif one <= "\u00ff":
            found.append(ord(one))
        else:
            found += one.encode("cp1252", "ignore")
    return bytes(found)


def _decoded(read: bytes) -> str:
    return read.decode("utf-8", "ignore")


def _bytes_of_pieces(text: str) -> bytes:
    """The bytes for which a text's characters stand as GPT-2 writes them; nothing where a space does, 0 for any other."""
    table = _gpt2()
    return bytes(table.get(one, 0) for one in text if one != " ")


def _characters(read: bytes) -> bool:
    """Whether bytes hold two characters of three bytes each, or three on end of two."""
    return len(_THREE.findall(read)) >= _LEAST or bool(_TWO.search(read))


@cache
def _gpt2() -> dict[str, int]:
    """GPT-2's map of bytes to characters, turned round (`bytes_to_unicode`, openai/gpt-2 src/encoder.py): printable ones stand for
    themselves, the rest for the characters from U+0100 on."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(0x100 + at): byte for at, byte in enumerate(hidden)}
