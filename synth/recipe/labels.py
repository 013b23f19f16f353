"""The labels of a recipe, as it writes them, and the cells they make."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints

from synth.errors import did_you_mean
from synth.labels import scheme_of

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
