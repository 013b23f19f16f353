"""Untrusted text in the dataset card: in a table's cell, in a line, in paragraphs. None of it becomes markup."""

import re
from typing import Final

from synth.sanitize import for_terminal, plain

_MOST: Final = 2_000
"""Characters of one cell or line."""
_LONGEST: Final = 20_000
"""Characters of a description."""
_MARKUP: Final = re.compile(r"[\\|*\[\]~$]|!(?=\[)|(?<![^\W_])_|_(?![^\W_])")
_LINK: Final = re.compile(r"(?i)\b(?:(?:javascript|vbscript|data|https?|ftp|mailto|xmpp)(?=:)|www(?=\.))")
"""Where an address begins, which a page would make a link of: a space stands behind it."""
_MAIL: Final = re.compile(r"(?<=[\w.+-])@(?=\w)")
_BLOCK: Final = re.compile(r"^(?P<indent>[ \t]*)(?P<mark>#{1,6}(?=\s|$)|>|[-+=](?=\s|[-+=]|$)|\d{1,9}(?=[.)]))")


def in_cell(text: str) -> str:
    """Untrusted text in a table or line of the card: it cannot leave its place, become markup, hide or turn the writing around."""
    return _escaped(" ".join(text.split()), _MOST)


def in_example(text: str) -> str:
    """A row's text in the card, as untrusted text in a cell is; of an address of mail in it a page makes no link either."""
    return _MAIL.sub(" @", in_cell(text))


def in_paragraphs(text: str) -> str:
    """Untrusted text as paragraphs of the card, its line breaks kept: it begins no heading, list, quotation or code."""
    lines = plain(text.strip())[:_LONGEST].splitlines()
    return "\n".join(_BLOCK.sub(_mark_escaped, _escaped(line.strip(), _MOST)) for line in lines)


def _escaped(line: str, most: int) -> str:
    shown = for_terminal(plain(line if len(line) <= most else f"{line[: most - 1]}…"))
    shown = _MARKUP.sub(r"\\\g<0>", shown.replace("&", "&amp;") if "&#" in shown or "&lt" in shown else shown)
    return _LINK.sub(r"\g<0> ", shown.replace("<", "&lt;").replace("`", "'"))


def _mark_escaped(found: re.Match[str]) -> str:
    mark = found["mark"]
    return f"{mark}\\" if mark.isdigit() else "&gt;" if mark == ">" else f"\\{mark}"
