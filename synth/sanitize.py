"""Untrusted text made plain: for encoders, for the tags of a prompt, for a terminal."""

import unicodedata

_TAGS = str.maketrans({"<": "＜", ">": "＞"})


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
