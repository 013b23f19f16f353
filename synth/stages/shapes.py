"""Forms and lengths of answers: drawn for a slot by one distribution, whatever stance its answer is then asked in."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from synth.hashing import pick
from synth.recipe.sections import Weight
from synth.stages.contract import Frozen
from synth.types import Label

Form: TypeAlias = Literal["paragraph", "list", "dialogue", "letter", "brief"]
FORMS: Final[Mapping[Form, str]] = {
    "paragraph": "段落",
    "list": "分条",
    "dialogue": "对话",
    "letter": "书信",
    "brief": "一两句",
}
"""The forms in which an answer may be asked for, as answerers are told of them."""
LIMITS: Final[Mapping[Form, tuple[int, int]]] = {
    "paragraph": (0, 10_000),
    "list": (60, 10_000),
    "dialogue": (60, 10_000),
    "letter": (60, 10_000),
    "brief": (0, 80),
}
"""Fewest and most characters that a form of answer takes: of the bands of length those are drawn that lie within."""
_BAND = re.compile(r"(\d{1,5})-(\d{1,5})")


def _band(name: str) -> str:
    found = _BAND.fullmatch(name)
    if found is None or int(found[1]) >= int(found[2]):
        raise ValueError(f"{name!r} is no band of lengths; write it as 60-120, in characters")
    return name


class Shape(Frozen):
    """What an answer is to look like: its form in words, and its length in characters."""

    form: str
    low: int
    high: int


class Shapes(Frozen):
    """What a recipe says under `respond.shapes`: by weight, the forms and the lengths in which answers are asked for, in every stance
    that is told how to write."""

    forms: Annotated[dict[Form, Weight], Field(min_length=1)]
    """The weight of each form of an answer."""
    lengths: Annotated[dict[Annotated[str, AfterValidator(_band)], Weight], Field(min_length=1)]
    """Bands of length as `60-120`, in characters."""

    @model_validator(mode="after")
    def _every_form_has_a_band(self) -> "Shapes":
        for form in self.forms:
            if not self._bands(form):
                least, most = LIMITS[form]
                raise ValueError(
                    f"lengths: no band lies within {least} to {most} characters, which {form} takes; add one"
                )
        return self

    def drawn(self, seed: int, query_id: str, label: Label) -> Shape:
        """The shape in which answers are to be given to a query in the slot of a label, whatever the stance."""
        form = pick(self.forms, seed, query_id, label, "form")
        low, high = map(int, pick(self._bands(form), seed, query_id, label, "length").split("-"))
        return Shape(form=FORMS[form], low=low, high=high)

    def _bands(self, form: Form) -> dict[str, float]:
        least, most = LIMITS[form]
        bands = {name: tuple(map(int, name.split("-"))) for name in self.lengths}
        return {name: self.lengths[name] for name, (low, high) in bands.items() if low >= least and high <= most}
