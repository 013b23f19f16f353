"""What a run must not repeat: earlier releases and benchmarks. A query is compared by Jaccard and by containment, an answer by
containment, with the mark 【略】 taken out on both sides if asked for; both also with evasive spellings seen through."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from synth.dedup.disguise import undisguised
from synth.dedup.ngrams import Index
from synth.dedup.normalise import Numbers, normalise
from synth.mark.compare import forms, unmarked
from synth.types import MARK

GRAM = 5
"""A text holds another when 0.8 of the other's character 5-grams are in it: a quotation with one slip in twenty characters."""
SHORTEST_QUERY, SHORTEST_RESPONSE = 10, 50
"""Shorter ones are not looked for inside others: questions of a few characters are no one's own, nor are short refusals."""
SHORTEST_REST = 16
"""Of answers that hold the mark, of which no more may be left in a release, shorter ones are looked for too: no refusal holds it."""

Way: TypeAlias = Literal["near", "contained", "disguised"]
"""How a text comes again: nearly the same; whole inside another; either, once evasive spellings are seen through."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file or data set that a run must not repeat, for the card: its name, its rows and its hash, never its text."""

    name: str
    rows: int
    hash: str
    """Of its bytes, and of their order."""


class Avoided:
    """The queries and answers that a run must not repeat, of benchmarks and earlier releases. They are filed with `add`,
    then `seal`ed, then looked for. With `unmarked`, answers are compared with the mark taken out, however it was rendered."""

    def __init__(self, *, ngram: int, threshold: float, unmarked: bool = False) -> None:
        self._near = tuple(Index(ngram=ngram, threshold=threshold) for _ in range(2))
        self._queries, self._responses = Quotations(SHORTEST_QUERY), Quotations(SHORTEST_RESPONSE)
        self._rests = Quotations(SHORTEST_REST)
        self.sources: tuple[Source, ...] = ()
        self.reads: list[str] = []
        """What is read as the query of these sources, in a line each, where that is not plain."""
        self._unmarked = unmarked

    @property
    def hash(self) -> str:
        """For decontamination: a hash of all sources that a run must not repeat, and of their order."""
        return "+".join(source.hash for source in self.sources)

    def query(self, query: str) -> Way | None:
        """Decontamination of a query: in which way it repeats one that a run must avoid (nearly the same, holds one, in
        disguise), the plainest if in several; None if in none."""
        plain, seen_through = self._near
        if plain.find(query):
            return "near"
        if self._queries.any_in(normalise(query)):
            return "contained"
        unmasked = undisguised(query)
        return "disguised" if seen_through.find(unmasked) or self._queries.any_in(unmasked) else None

    def response(self, response: str) -> Way | None:
        """Decontamination of an answer: in which way it holds one that a run must avoid (plainly, in disguise); None if
        it holds none."""
        found = tuple(forms(response)) if self._unmarked else (response,)
        known = self._rests if self._unmarked and MARK in response else self._responses
        if any(known.any_in(normalise(one)) for one in found):
            return "contained"
        return "disguised" if any(known.any_in(undisguised(one)) for one in found) else None

    def add(self, queries: Sequence[str], responses: Sequence[str]) -> None:
        """Files, for decontamination, queries and answers that a run must not repeat; all of them before `seal`."""
        plain, seen_through = self._near
        plain.add_all(queries)
        seen_through.add_all([undisguised(one) for one in queries])
        answers = tuple(map(unmarked, responses)) if self._unmarked else responses
        rests = answers if self._unmarked else ()
        for known, texts in ((self._queries, queries), (self._responses, answers), (self._rests, rests)):
            known.add(normalise(one) for one in texts)
            known.add(undisguised(one) for one in texts)

    def seal(self, sources: Iterable[Source]) -> None:
        """Ends the filing for decontamination of what a run must not repeat: from here on texts are looked for."""
        self.sources = (*self.sources, *sources)
        self._queries.sort()
        self._responses.sort()
        self._rests.sort()


class Quotations:
    """Texts to be found again inside longer ones. If 0.8 of a text's grams are in another, any fifth of them and one more
    has one that is: so much of each text is filed, the rest is compared only then."""

    def __init__(self, shortest: int) -> None:
        self._shortest = shortest
        self._texts: list[str] = []
        self._hashes, self._numbers = array("q"), array("I")
        self._sorted: tuple[Numbers, Numbers] = (np.empty(0, np.int64), np.empty(0, np.uint32))

    def add(self, texts: Iterable[str]) -> None:
        """For decontamination: files texts that are to be found again inside others; they must be normalised."""
        for one in texts:
            if len(one) >= self._shortest:
                # A text's own hashes choose: they differ from process to process, what is found does not.
                grams = sorted(map(hash, _grams(one)))
                filed = grams[: len(grams) - _least(len(grams)) + 1]
                self._hashes.extend(filed)
                self._numbers.extend([len(self._texts)] * len(filed))
                self._texts.append(one)

    def sort(self) -> None:
        """For decontamination: makes filed texts ready to be found: after the last `add`, before the first look."""
        order = np.argsort(self._hashes)
        self._sorted = np.array(self._hashes)[order], np.array(self._numbers)[order]
        self._hashes, self._numbers = array("q"), array("I")

    def any_in(self, whole: str) -> bool:
        """Whether this text is contaminated: holds one of the filed texts: 0.8 of its grams."""
        hashes, numbers = self._sorted
        if len(whole) < self._shortest * 4 // 5 or not len(hashes):
            return False
        grams = _grams(whole)
        wanted = np.fromiter(map(hash, grams), np.int64, len(grams))
        first = np.searchsorted(hashes, wanted)
        there = hashes[np.minimum(first, len(hashes) - 1)] == wanted
        last = np.searchsorted(hashes, wanted[there], side="right")
        met = {number for a, b in zip(first[there], last, strict=True) for number in numbers[a:b].tolist()}
        return any(self._held(number, grams) for number in sorted(met))

    def _held(self, number: int, grams: set[str]) -> bool:
        own = _grams(self._texts[number])
        return len(own & grams) >= _least(len(own))


def _grams(one: str) -> set[str]:
    return {one[at : at + GRAM] for at in range(max(1, len(one) - GRAM + 1))}


def _least(count: int) -> int:
    """How many of so many grams must be held: the least whole number that is 0.8 of them or more."""
    return -(-count * 4 // 5)
