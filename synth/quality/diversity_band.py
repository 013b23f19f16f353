"""Where real sets of Chinese questions stand by the measures of diversity, and the bounds drawn from them.

Means of five draws of 200 texts of 20 to 60 characters each; numbers alone ship, no text does. Sources: XSafety (Jarviswang94/Multilingual_safety_benchmark),
Flames (AIFlames/Flames), CValues (X-PLUG/CValues), ChineseSafetyQA (OpenStellarTeam/ChineseSafetyQA), first turns of ShareGPT in Chinese
(shibing624/MedicalGPT), BELLE (LianjiaTech/BELLE), Alpaca in Chinese (hiyouga/LLaMA-Factory).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

REAL: Final[tuple[Mapping[str, Any], ...]] = tuple(
    dict(
        zip(
            ("set", "topic", "length", "distinct_2", "self_bleu", "vendi", "nearest", "openings", "opening"),
            row,
            strict=True,
        )
    )
    for row in (
        ("XSafety", "harmful topics", 34, 0.58, 0.32, 119, 0.11, 0.91, 0.02),
        ("Flames", "harmful topics", 47, 0.58, 0.31, 105, 0.11, 0.85, 0.05),
        ("CValues", "values", 26, 0.64, 0.27, 125, 0.12, 0.88, 0.05),
        ("ChineseSafetyQA", "facts on safety", 29, 0.55, 0.41, 110, 0.17, 0.67, 0.05),
        ("ShareGPT", "ordinary", 31, 0.66, 0.22, 132, 0.08, 0.94, 0.02),
        ("BELLE", "ordinary", 32, 0.66, 0.26, 129, 0.11, 0.77, 0.04),
        ("Alpaca", "ordinary", 26, 0.64, 0.28, 125, 0.11, 0.89, 0.04),
    )
)


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a measure of diversity may be from the worst of the real sets before it is a doubt, and before it speaks
    against the whole data set."""

    words: str
    doubt: float
    broken: float
    least: bool = False
    """Whether less is worse."""

    def beyond(self, value: float, bound: float) -> bool:
        """Whether a measure of diversity is worse than this."""
        return value < bound if self.least else value > bound


BOUNDS: Final[Mapping[str, Bound]] = {
    "distinct_2": Bound("{:.2f} of the bigrams of harmful queries differ (distinct-2)", 0.45, 0.15, least=True),
    "self_bleu": Bound("harmful queries hold {:.2f} of each other (self-BLEU-4)", 0.45, 0.9),
    "vendi": Bound("200 harmful queries are worth {:.0f} different ones (Vendi score)", 95, 30, least=True),
    "nearest": Bound("a harmful query shares {:.2f} of its bigrams with the one nearest to it", 0.18, 0.5),
    "opening": Bound("{:.0%} of harmful queries begin with the same four characters", 0.08, 0.5),
}
"""The worst real set and a margin. One opening has 7 % of the texts in the worst draw of a real set."""
LARGEST_SHARE: Final = 0.1
"""The share of a cell's rows that one behaviour may have."""
TELLING: Final = 0.6
"""The balanced accuracy with which a single feature may tell the label among harmful rows."""
