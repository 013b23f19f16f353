"""How rows are judged, as a recipe writes it: the labels there are, who sits on the panel, what becomes of the votes."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PositiveInt, StringConstraints, model_validator

from synth.errors import did_you_mean
from synth.labels import scheme_of
from synth.recipe.backend import Frozen

UNANIMOUS = "unanimous"
LabelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _named(value: Any) -> Any:
    """A list of names, or names with the words for each."""
    if isinstance(value, list | tuple):
        if len(set(map(str, value))) < len(value):
            raise ValueError("names a label twice")
        return dict.fromkeys(value, ())
    if isinstance(value, dict):
        return {name: [words] if isinstance(words, str) else words or () for name, words in value.items()}
    return value


Labels = Annotated[dict[LabelName, tuple[Word, ...]], BeforeValidator(_named)]


def check_labels(labels: Mapping[str, tuple[str, ...]], cells: Mapping[str, Iterable[str]]) -> None:
    """ValueError for labels that cannot be told apart, or a cell (by the place that names it) that they do not make."""
    try:
        known = scheme_of(labels).cell_names()
    except ValueError as error:
        raise ValueError(f"labels: {error}") from error
    for place, names in cells.items():
        for name in names:
            if name not in known:
                raise ValueError(f"{place}.{name}: there is no such cell; {did_you_mean(name, known)}")


def _rule(value: Any) -> Any:
    """A rule without options is its name."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value.values())) in (None, {}):
        return next(iter(value))
    return value


class Judge(Frozen):
    models: Annotated[tuple[str, ...], Field(min_length=1)]
    prompt: str = "judge/verdict"
    verdict: Annotated[str | Annotated[dict[str, Any], Field(min_length=1)], BeforeValidator(_rule)] = UNANIMOUS
    """The rule that makes a row's label of the votes: its name, or its name with options (`stages.verdicts`)."""
    quorum: PositiveInt | None = None
    """How many seats must give a verdict; None: all."""

    @model_validator(mode="after")
    def _quorum_can_be_met(self) -> "Judge":
        if self.quorum and self.quorum > len(self.models):
            raise ValueError(f"quorum: {self.quorum} verdicts of {len(self.models)} judges; give a smaller one")
        return self

    def identity(self) -> dict[str, Any]:
        """What changes the data: what is as it always was is left out."""
        data = self.model_dump(mode="json")
        if self.verdict == UNANIMOUS:
            del data["verdict"]
        if self.quorum in (None, len(self.models)):
            del data["quorum"]
        return data
