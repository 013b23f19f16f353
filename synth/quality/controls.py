"""What judges make of controls, pairs with known labels: which they are asked, what counts as right, and from when a judge is fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from synth.quality.doubts.bounds import exceeds
from synth.quality.metrics import Figure, wilson
from synth.recipe.controls import Control, drawn
from synth.recipe.labels import LabelScheme
from synth.sanitize import shortened
from synth.types import Vote

ASKED, LEAST, FIT = 40, 24, 30
"""Controls that a judge is given; with fewer right than `LEAST` it is unfit, with `FIT` of them fit."""
MORE, OF_ALL = 40, 56
"""Where it is neither, as many again, and how many of all must be right."""
EVERY, AGAIN, LATELY = 2_000, 10, 4
"""A judge is given so many of its controls again after every so many verdicts on rows; the last rounds of these count as of late."""
SHOWN, SHORT = 3, 160
"""Controls that it got wrong told one by one, and how many characters of a text are shown."""

Verdict: TypeAlias = Literal["fit", "unfit", "open"]
OUT: Final = "outage"
"""The reason for a missing verdict that says nothing of the judge: its model was out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a judge said of a control."""

    control: Control
    said: str | None
    """The label that the judge gave; None for no verdict."""
    analysis: str
    """The judge's analysis; without a verdict the reason why there is none."""
    right: bool


Answers: TypeAlias = Sequence[Answer | None]
"""A judge's answers to its controls in the order drawn, None for one that it has not been asked or has not answered yet."""


def asked(seed: int) -> tuple[Control, ...]:
    """The controls that judges may be asked, in their order: those that all are, then those for judges that are neither fit nor unfit."""
    return drawn(seed, ASKED + MORE)


def again(seed: int, number: int) -> tuple[Control, ...]:
    """The controls that a judge is asked again in a round of later ones, the first of which has number 1."""
    first = (number - 1) * AGAIN % ASKED
    return drawn(seed, AGAIN, first)


def answer(control: Control, vote: Vote, labels: LabelScheme) -> Answer | None:
    """What a judge's vote on a control amounts to: right is a label on the known side; no verdict is not right. None where its model
    was out."""
    if vote.label is None and vote.analysis == OUT:
        return None
    right = vote.label is not None and labels.unsafe(vote.label) == (control.label == "unsafe")
    return Answer(control, vote.label, vote.analysis or "", right)


def verdict(answers: Answers) -> Verdict:
    """What a judge's answers to its controls amount to, as soon as none of the others can change it, or so many are wrong that
    a judge who gets `LEAST` of `ASKED` right is as good as ruled out (`bounds.exceeds`)."""
    right, wrong = _counts(answers[:ASKED])
    if right >= FIT:
        return "fit"
    if wrong > ASKED - LEAST or exceeds(wrong, right + wrong, 1 - LEAST / ASKED):
        return "unfit"
    if right + wrong < ASKED:
        return "open"
    right, wrong = _counts(answers)
    return "fit" if right >= OF_ALL else "unfit" if wrong > ASKED + MORE - OF_ALL else "open"


def more(answers: Answers) -> bool:
    """Whether a judge is to be asked the second part of its controls too: of the first it answered all, too few to be fit and too many
    to be unfit."""
    right, wrong = _counts(answers[:ASKED])
    return right + wrong == ASKED and LEAST <= right < FIT


@dataclass(frozen=True, slots=True)
class Exam:
    """A judge's answers to its controls, and those of later rounds."""

    role: str
    model: str
    answers: Answers
    later: Mapping[int, Answers] = field(default_factory=dict)
    """Its answers when some of them were asked again, by the number of the round: the last rounds are enough."""

    @property
    def verdict(self) -> Verdict:
        """Whether a judge is fit by its controls; open as long as they do not say."""
        return verdict(self.answers)

    @property
    def accuracy(self) -> Figure | None:
        """The share of a judge's controls that were right, with its 95 % interval; None if there is none yet."""
        return _accuracy(self.answers)

    @property
    def lately(self) -> list[Answer | None]:
        """A judge's answers in the last rounds of controls that were asked again."""
        rounds = [found for _, found in sorted(self.later.items()) if any(found)]
        return [one for found in rounds[-LATELY:] for one in found]

    @property
    def fell(self) -> bool:
        """Whether a judge gets fewer controls right of late than at first: the intervals do not overlap."""
        first, last = self.accuracy, _accuracy(self.lately)
        return first is not None and last is not None and last.high < first.low

    def words(self) -> str:
        """What a judge's controls came to, in words for the user: who, how many were right and how many are needed."""
        right, wrong = _counts(self.answers)
        needed = f"{OF_ALL} of {ASKED + MORE}" if more(self.answers) else f"{LEAST} of {ASKED}"
        return f"{self.role} (model {self.model}) is unfit: {right} of {right + wrong} controls right, and {needed} are needed"

    def score(self) -> str:
        """How many of its controls a judge got right, and between which shares that lies."""
        right, wrong = _counts(self.answers)
        found = wilson(right, right + wrong)
        return f"controls: {right} of {right + wrong} right ({found.low:.0%} to {found.high:.0%})"

    def fall(self) -> str:
        """That a judge gets fewer controls right of late, in words for the user."""
        (right, wrong), (before, missed) = _counts(self.lately), _counts(self.answers)
        return (
            f"{self.role} (model {self.model}) judges worse than at first: {right} of {right + wrong} controls right of late, "
            f"{before} of {before + missed} at first"
        )

    def row(self) -> dict[str, Any]:
        """What a judge's controls came to, as a row of run.json: figures, verdict, and some that it got wrong."""
        wrong = [one for one in self.answers if one is not None and not one.right]
        return {
            "role": self.role,
            "model": self.model,
            **_figures(self.answers),
            "verdict": self.verdict,
            "samples": [_sample(one) for one in wrong[:SHOWN]],
            "lately": _figures(self.lately) | {"fell": self.fell} if any(self.lately) else None,
        }


def _counts(answers: Answers) -> tuple[int, int]:
    given = [one.right for one in answers if one is not None]
    return sum(given), len(given) - sum(given)


def _accuracy(answers: Answers) -> Figure | None:
    right, wrong = _counts(answers)
    return wilson(right, right + wrong) if right + wrong else None


def _figures(answers: Answers) -> dict[str, Any]:
    (right, wrong), figure = _counts(answers), _accuracy(answers)
    return {
        "right": right,
        "n": right + wrong,
        "low": figure and round(figure.low, 4),
        "high": figure and round(figure.high, 4),
    }


def _sample(one: Answer) -> dict[str, Any]:
    control = one.control
    texts = {"query": control.query, "response": control.response, "analysis": one.analysis}
    shown = {name: shortened(text, SHORT) for name, text in texts.items()}
    return {"id": control.id, **shown, "known": control.label, "said": one.said}
