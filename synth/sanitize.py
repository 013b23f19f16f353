"""What is untrusted made harmless: texts for encoders, for the tags of a prompt, for a terminal; numbers; values that nest."""

import unicodedata
from typing import Any

_TAGS = str.maketrans({"<": "＜", ">": "＞"})
MOST = 2**31 - 1
"""The largest count that is believed."""
DEEPEST = 100
"""How deep a value of JSON may nest; what nests deeper is an answer to nothing that is asked."""


def plain(text: str) -> str:
    """An untrusted text that can be encoded: surrogates paired where they are a pair and replaced (�) where they are
    halves."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def as_data(text: str) -> str:
    """An untrusted text made plain, to stand between tags of a prompt: it can close neither them nor a turn of the
    conversation."""
    return without_tags(text) if "</" in text or "<|" in text else text


def without_tags(text: str) -> str:
    """An untrusted text with full-width brackets in place of `<` and `>`."""
    return text.translate(_TAGS)


def for_terminal(text: str) -> str:
    """An untrusted text without what moves the cursor, turns the writing around or hides: each such character a middle dot."""
    return "".join("·" if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs") and c != "\n" else c for c in text)


def one_line(text: str) -> str:
    """An untrusted text as one line of at most 200 characters, harmless on a terminal."""
    return for_terminal(" ".join(text.split()))[:200]


def shortened(text: str, most: int) -> str:
    """An untrusted text as one line of at most so many characters, harmless on a terminal; what is cut off ends in an ellipsis."""
    line = " ".join(text.split())
    return for_terminal(plain(line if len(line) <= most else f"{line[: most - 1]}…"))


def masked(text: str, kind: str, reason: str = "") -> str:
    """What may be shown of a text of which no word may: what kind it is, how long, and for which reason it is shown."""
    return f"({kind}, {len(text):,} characters{f'; {reason}' if reason else ''})"


def counted(number: object) -> int:
    """An untrusted count, as of tokens; 0, as for none told, where it is no whole number from 0 to 2**31 - 1."""
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MOST else 0


def nests(value: Any) -> int:
    """How deep an untrusted value of JSON nests, found without calls that nest: 0 for a text or number."""
    level, depth = [value], 0
    while held := [one for one in level if isinstance(one, dict | list)]:
        level = [below for one in held for below in (one.values() if isinstance(one, dict) else one)]
        depth += 1
    return depth
