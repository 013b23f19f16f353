"""What doubts measure: the share that a fit role shows at most, the share that speaks against the whole data set, the words for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Measure:
    """One way in which a role may fail, counted as a share of its work."""

    words: str
    """What was found, with `count` and `n`."""
    fit: float
    """The share that a fit role shows at most; more is a doubt."""
    whole: float | None = None
    """The share above which it speaks against the whole data set; None: never."""
    mend: str = "give the role another model"
    """What the user may change."""


MEASURES: Final[Mapping[str, Measure]] = {
    "empty_analysis": Measure(
        "{count} of {n} analyses say nothing: a placeholder, a copy of what was judged, or under ten characters",
        0.02,
        0.05,
        "give the role another model or prompt",
    ),
    "contradiction": Measure("{count} of {n} verdicts are against their own analysis", 0.05, 0.15),
    "no_verdict": Measure("{count} of {n} times there was no verdict", 0.2, 0.6),
    "same_analysis": Measure(
        "{count} of {n} analyses are word for word those of another judge", 0.5, None, "give the judges other models"
    ),
    "salad": Measure("{count} of {n} texts are no language", 0.1, 0.5),
    "salad_rows": Measure(
        "{count} of {n} texts in accepted rows are no language",
        0.05,
        0.2,
        "give the role another model, or name the filter `fluent`",
    ),
    "echo": Measure("{count} of {n} texts repeat what the model was told", 0.05, 0.5),
    "language": Measure("{count} of {n} texts are in another language than Chinese", 0.1, 0.5),
    "loops": Measure(
        "{count} of {n} texts go round in circles", 0.1, 0.5, "give the role another model, or a lower temperature"
    ),
    "repeats_in_call": Measure(
        "{count} of {n} calls gave the same queries again and again",
        0.1,
        0.5,
        "give the role another model, or a higher temperature",
    ),
    "repeats": Measure(
        "{count} of {n} queries were known already", 0.5, 0.8, "give the role another model, or ask for fewer rows"
    ),
    "cut": Measure(
        "{count} of {n} replies were cut off", 0.25, 0.6, "raise the role's max_tokens, or give it another model"
    ),
    "refusals": Measure("{count} of {n} replies were refusals", 0.2, 0.75),
    "refused": Measure("{count} of {n} answers were refusals that were not asked for", 0.9),
    "unreadable": Measure("{count} of {n} replies could not be read", 0.2, 0.6),
}
"""By kind of doubt."""

STANCE: Final = Measure(
    "{count} of {n} answers asked for in the stance {stance} did not get their label",
    0.9,
    None,
    "leave the stance out for it",
)
"""A stance that yields under one row in ten."""

ONE_ANALYSIS: Final = Measure(
    "{count} of {n} analyses are one and the same for their label",
    0.5,
    0.5,
    "give the role another model or prompt",
)
"""A judge that says the same of every row, perhaps one sentence for each label. A stand-in with three frames for harmless
rows stays at two in five where there are no others."""
LEAST_SAID: Final = 30
"""Analyses that a judge must have given before that is said of it."""
