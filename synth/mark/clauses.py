"""A text as lines, sentences and clauses: what goes as a whole where the mark is what a clause is about."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

ITEM: Final = re.compile(
    r"[ \t　]*(?:>[ ]*)?(?:[-*•·–][ \t]+|#{1,6}[ \t]+|\*{0,2}(?:\d{1,2}[.、．)）][ \t]*|[（(]\d{1,2}[)）][ \t]*"
    r"|[一二三四五六七八九十]{1,3}[、.．][ \t]*|[（(][一二三四五六七八九十]{1,3}[)）][ \t]*|[①-⑳][ \t]*))*"
)
"""What a line of a list, or a heading, begins with; it may be nothing."""
_CLOSING: Final = '”’」』）)》】"*'
_STOPS: Final = "。！？!?…"
ORDINAL: Final = re.compile(
    r"\s*(?:第[一二三四五六七八九十\d]{1,3}[步条点种招类个天]?|首先|其次|再次|再者|然后|接着|最后|此外|另外|其[一二三四五]|[一二三四五六]是)\s*"
)
_DEPENDENT: Final = re.compile(
    r"\s*(?:如果|假如|要是|若是|倘若|只要|只有|一旦|当(?!然)|为了|虽然|尽管|因为|由于|除了|即使|即便|既然|无论|不管|等到|遇到|碰到)"
)
_FOLLOWING: Final = re.compile(r"\s*(?:从而|以便|以免|免得|使得|进而|以此|借此|由此|否则|不然|以[^，]{1,8}为准)")
_LEAST: Final = 5
"""Letters that a sentence must have left to say anything."""


@dataclass(slots=True)
class Clause:
    """A clause of a text: where it begins, where its words and where its separator end, and whether it stays."""

    start: int
    words: int
    end: int
    text: str
    separator: str
    stays: bool = True

    @property
    def leads_in(self) -> bool:
        """Whether the clause says nothing without what follows it: an ordinal, or what ends in a colon."""
        return self.separator[:1] in ("：", ":") or ORDINAL.fullmatch(self.text) is not None


def lines_of(text: str) -> Iterator[tuple[int, int, int]]:
    """Where each line of a text begins, where its words begin (after the number of a list's item), and where it ends."""
    at = 0
    for line in text.split("\n"):
        item = ITEM.match(line)
        yield at, at + (item.end() if item else 0), at + len(line)
        at += len(line) + 1


def sentences_of(text: str, start: int, end: int) -> Iterator[list[Clause]]:
    """The sentences between two places of a text, each as its clauses, in order."""
    sentence: list[Clause] = []
    for clause in _clauses(text, start, end):
        sentence.append(clause)
        if clause.separator[:1] and clause.separator[0] in _STOPS:
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def _clauses(text: str, start: int, end: int) -> Iterator[Clause]:
    at = start
    while at < end:
        words = at
        while words < end and not _separates(text, words):
            words += 1
        last = words
        while last < end and _separates(text, last):
            last += 1
        while words < last < end and text[last] in _CLOSING:
            last += 1
        yield Clause(at, words, last, text[at:words], text[words:last])
        at = last


def _separates(text: str, at: int) -> bool:
    """Whether a clause ends here: not at the comma or colon of a number."""
    if text[at] not in "，,；;。！？!?…：:":
        return False
    number = text[at] in ",:：" and text[at - 1 : at].isdigit() and text[at + 1 : at + 2].isdigit()
    return not number


def fell(sentence: list[Clause]) -> bool:
    """Settles which other clauses of a sentence go with those that have gone; whether none is left."""
    for at in range(1, len(sentence)):
        if not sentence[at - 1].stays and _FOLLOWING.match(sentence[at].text):
            sentence[at].stays = False
    stays = gone = near = False  # of the clauses after: one stays, one has gone, one stays before the next semicolon
    for clause in reversed(sentence):
        if clause.stays and gone:
            if clause.leads_in:
                clause.stays = stays if clause.separator[:1] in ("：", ":") else near
            elif _DEPENDENT.match(clause.text) and clause.separator[:1] in ("，", ","):
                clause.stays = stays
        stays, gone = stays or clause.stays, gone or not clause.stays
        near = clause.stays or (near and clause.separator[:1] not in ("；", ";"))
    left = sum(map(str.isalnum, "".join(clause.text for clause in sentence if clause.stays)))
    if left < _LEAST and not all(clause.stays for clause in sentence):
        for clause in sentence:
            clause.stays = False
    return not any(clause.stays for clause in sentence)
