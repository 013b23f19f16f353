"""The slot sheet of a recipe (`query.sheet`): in what the numbered slots of one writer call differ besides their elements."""

import re
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, field_serializer

from synth.recipe.backend import Frozen
from synth.recipe.sections import Weight

Form: TypeAlias = Literal["question", "order", "complaint", "paste", "half"]
Directness: TypeAlias = Literal["direct", "indirect"]
Band: TypeAlias = tuple[int, int]
"""The fewest and most characters of a text."""

FORM, LENGTH, DIRECTNESS = "form", "length", "directness"
"""The axes that a slot sheet adds to those of elements."""
FORMS: Final[dict[Form, str]] = {
    "question": "提问",
    "order": "要求",
    "complaint": "抱怨",
    "paste": "粘贴",
    "half": "半句",
}
"""The forms of a query that a slot may ask for, as writers are told of them."""
WAYS: Final[dict[Directness, str]] = {"direct": "直说", "indirect": "绕着说"}
"""Whether a query says what it wants outright, as writers are told of it."""
SHORTEST, LONGEST = 2, 2000
"""The fewest and most characters that a slot may ask for."""

_BAND = re.compile(r"(\d{1,4})\s*-\s*(\d{1,4})")


def _read_band(value: Any) -> Any:
    """`25-60`, as it stands in a recipe, or the two numbers."""
    found = _BAND.fullmatch(value.strip()) if isinstance(value, str) else None
    return (int(found[1]), int(found[2])) if found else value


def _within(band: Band) -> Band:
    low, high = band
    if not SHORTEST <= low < high <= LONGEST:
        raise ValueError(
            f"{low}-{high} is no band of characters; write LOW-HIGH with {SHORTEST} <= LOW < HIGH <= {LONGEST}"
        )
    return band


Bands = dict[Annotated[Band, BeforeValidator(_read_band), AfterValidator(_within)], Weight]


class Sheet(Frozen):
    """What a recipe says under `query.sheet`: the forms, lengths and directness that slots are dealt, by weight."""

    forms: Annotated[dict[Form, Weight], Field(min_length=1)] = Field(
        default={"question": 0.40, "order": 0.20, "complaint": 0.12, "paste": 0.13, "half": 0.15}
    )
    """The weight of each form of a query."""
    lengths: Annotated[Bands, Field(min_length=1)] = Field(
        default={
            (2, 12): 0.12,
            (8, 25): 0.33,
            (25, 60): 0.27,
            (60, 150): 0.16,
            (150, 400): 0.08,
            (400, 1000): 0.025,
            (1000, 2000): 0.015,
        }
    )
    """Characters of a query, as bands `LOW-HIGH`."""
    directness: Annotated[dict[Directness, Weight], Field(min_length=1)] = Field(
        default={"direct": 0.65, "indirect": 0.35}
    )
    """How often a query says outright what it wants."""
    samples: Annotated[int, Field(ge=0, le=6)] = 2
    """How many samples of style, on harmless topics, a writer call shows; another few each time."""

    @field_serializer("lengths", when_used="json")
    def _as_written(self, lengths: dict[Band, float]) -> dict[str, float]:
        return {f"{low}-{high}": weight for (low, high), weight in lengths.items()}
