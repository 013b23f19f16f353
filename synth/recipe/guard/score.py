"""How likely a guard held a row to be unsafe: the probability of its verdict's first token, as the block `read` of its file describes it
under `scores`."""

import re
from collections.abc import Callable, Iterator, Sequence
from math import exp
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from synth.recipe.backend import Frozen
from synth.recipe.guard.format import Read
from synth.recipe.yaml import several
from synth.types import Label, TokenScores

_THOUGHT: Final = "</think>"
_OPENING: Final = " \t\r\n\"'“”「『【[({:："
"""What may stand before the word of a verdict, in a token of its own or at the beginning of the word's."""


Tokens = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1), BeforeValidator(several)]


class Scores(Frozen):
    """The key `scores` in the block `read` of a guard's file: where the first token of its verdict stands, and which words that
    token may begin, by label."""

    after: str | dict[str, str] = ""
    """The text after which the verdict stands, blanks aside; of a guard that is asked in several modes, by mode. Nothing: it begins the
    answer."""
    tokens: Annotated[dict[Label, Tokens], Field(min_length=1)]
    """The words for each label: of a block `read` the guard's own, unless it names others. With those of one label alone, all else is the
    other side."""

    def unsafe(self, told: TokenScores, safe: Label, mode: str = "", severe: Label | None = None) -> float | None:
        """The probability, 0 to 1, that a guard's verdict is another than `safe`, or with `severe` that label alone; None where no
        verdict is found among the tokens of its answer, or nothing is told of it."""
        after = self.after if isinstance(self.after, str) else self.after.get(mode, "")
        blank = any(not word.strip() for words in self.tokens.values() for word in words)
        likeliest, begun = _verdict(told, after, blank=blank)
        masses = self._masses(likeliest, begun)
        if not masses:
            return None
        if len(self.tokens) == 1:
            ((label, mass),) = masses.items()
            return 1 - mass if label == safe else mass
        least = min(_probability(logprob) for _, logprob in likeliest)
        left = max(0.0, 1 - sum(masses.values()))
        # A label that is not among the likeliest is at most as likely as the least of them, and as what is left.
        full = {label: masses.get(label, min(least, left)) for label in self.tokens}
        wanted = sum(mass for label, mass in full.items() if (label == severe if severe else label != safe))
        return wanted / sum(full.values()) if sum(full.values()) else None

    def _of(self, token: str, begun: str, fits: Callable[[str, str, str], bool]) -> set[Label]:
        return {label for label, words in self.tokens.items() if any(fits(token, word, begun) for word in words)}

    def _masses(self, likeliest: Sequence[tuple[str, float]], begun: str) -> dict[Label, float]:
        """By label the probabilities of all tokens that begin one of its words, and no other label's."""
        found: dict[Label, float] = {}
        for token, logprob in likeliest:
            labels = self._of(token, begun, _is) or self._of(token, begun, _begins)
            if len(labels) == 1:
                (label,) = labels
                found[label] = min(1.0, found.get(label, 0.0) + _probability(logprob))
        if len(self.tokens) == 1 and not found and likeliest:
            found = {next(iter(self.tokens)): 0.0}
        return found


def scores_in(read: Read) -> Scores | None:
    """What a guard's block `read` says under `scores`, the tokens those of its words unless it names others; None where it says nothing.
    Raises pydantic's ValidationError."""
    return None if read.scores is None else Scores.model_validate({"tokens": dict(read.words)} | read.scores)


def _verdict(told: TokenScores, after: str, *, blank: bool) -> tuple[Sequence[tuple[str, float]], str]:
    """What is told of the first token of the verdict, and what stands before the verdict in it."""
    text = "".join(token for token, _ in told)
    at = text.rfind(_THOUGHT) + len(_THOUGHT) if _THOUGHT in text else 0
    if after:
        match = re.compile(r"\s*".join(map(re.escape, "".join(after.split()))), re.IGNORECASE).search(text, at)
        if match is None:
            return (), ""
        at = match.end()
    for begins, (token, likeliest) in _placed(told):
        if begins + len(token) <= at:
            continue
        begun = token[: max(0, at - begins)]
        if blank or token[len(begun) :].strip(_OPENING):
            return likeliest, begun
    return (), ""


def _placed(told: TokenScores) -> Iterator[tuple[int, tuple[str, tuple[tuple[str, float], ...]]]]:
    at = 0
    for one in told:
        yield at, one
        at += len(one[0])


def _said(token: str, begun: str) -> str:
    return token.removeprefix(begun).strip(_OPENING).casefold()


def _is(token: str, word: str, begun: str) -> bool:
    return _said(token, begun) == word.casefold() if word.strip() else token == word


def _begins(token: str, word: str, begun: str) -> bool:
    """Whether a token begins a word, or a word the token: tokenizers cut words as they please."""
    said, wanted = _said(token, begun), word.strip().casefold()
    return bool(said and wanted) and (wanted.startswith(said) or said.startswith(wanted))


def _probability(logprob: float) -> float:
    return exp(min(0.0, logprob))
