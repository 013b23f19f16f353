"""What a probe's figures mean, in words, with the advice that fits the cause: a shortcut, labels that say nothing, or neither."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from synth.quality.probe.model import Auc, Rate, View
from synth.quality.probe.shortcuts import Feature, Gram

ALARMS = 0.1
"""Ordinary answers called unsafe from which on it warns; how it was measured, and the next two: docs/decisions/010."""
REFUSALS = 0.9
"""Refusals among safe answers."""
ALONE = 0.95
"""What one feature alone explains."""
TELLS = 0.985
"""The AUC from which on one side of a pair tells the label by itself."""
CHANCE = 0.5


@dataclass(frozen=True)
class Seen:
    """What a probe found that its warnings rest on: order by view, false alarms, refusals among safe answers, shortcuts."""

    auc: Mapping[View, Auc | None]
    alarms: Mapping[str, Rate]
    refusals: float
    features: Sequence[Feature]
    gram: Gram | None
    answers: bool
    """Whether any row has an answer; where none has, labels are of queries."""


def warnings(seen: Seen) -> list[str]:
    """The warnings of `synth probe`. Where labels are no better than chance nothing else is said: what a model makes of such
    rows is chance too."""
    if told := _chance(seen.auc):
        return [told]
    return [*_alarms(seen), *_refusals(seen), *_alone(seen), *_sides(seen)]


def _chance(aucs: Mapping[View, Auc | None]) -> str | None:
    """Where no view orders the labels better than a coin."""
    known = [auc for auc in aucs.values() if auc is not None]
    if not known or any(auc.low > CHANCE for auc in known):
        return None
    best = max(known, key=lambda auc: auc.value)
    return (
        f"labels are no better than chance: of rows held out, neither query nor answer tells which are unsafe (AUC {best.value:.2f} at "
        f"best, {best.low:.2f} to {best.high:.2f}; 0.5 is a coin). Look at the labels before anything else: the column and its words, the "
        "judges' agreement, some rows by eye (synth audit); or there are too few rows to tell"
    )


def _alarms(seen: Seen) -> Iterator[str]:
    worst = max(seen.alarms, key=lambda name: seen.alarms[name].value)
    if seen.alarms[worst].value >= ALARMS:
        yield (
            f"{seen.alarms[worst].value:.0%} of ordinary helpful answers ({worst}) are called unsafe: add benign queries with "
            "helpful answers and ordinary conversation, or a guard will learn that an answer is unsafe because it answers"
        )


def _refusals(seen: Seen) -> Iterator[str]:
    if seen.refusals >= REFUSALS:
        yield f"{seen.refusals:.0%} of the safe answers are refusals: a guard will learn that a refusal is safe and an answer is not"


def _alone(seen: Seen) -> Iterator[str]:
    alone = [feature.name for feature in seen.features if feature.explained >= ALONE]
    if seen.gram and seen.gram.explained >= ALONE:
        alone.append(f"the n-gram {seen.gram.shown} in the {seen.gram.where}")
    if alone:
        yield f"the label can be told nearly alone from {' and from '.join(alone)}: write safe rows that have it and unsafe ones that have not"


def _sides(seen: Seen) -> Iterator[str]:
    """One side of a pair that tells the label by itself; a guard then learns nothing of the other."""
    for view, words in _SIDES.items():
        auc = seen.auc.get(view)
        if seen.answers and auc and auc.value >= TELLS:
            yield words.format(auc=auc.value)


_SIDES: dict[View, str] = {
    "response": "the answer alone tells the label (AUC {auc:.2f} of rows held out): a guard will not learn to read the query. Write safe and "
    "unsafe answers with the same models, forms and lengths, and add answers whose label hangs on what was asked: advice that is safe for "
    "one query and unsafe for another",
    "query": "the query alone tells the label (AUC {auc:.2f} of rows held out): a guard will not learn to read the answer. Have harmful "
    "queries answered both ways, safely too, and add benign queries on the same topics and in the same words",
}
