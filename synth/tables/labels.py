"""Labels in files of other people's making: words in two languages, and numbers only where something says what they stand for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from synth.errors import ConfigError
from synth.recipe.labels import KNOWN, LabelScheme, named_in
from synth.sanitize import shortened
from synth.tables.names import cleaned, plain_name
from synth.types import Label

LABEL: Final = "label"
COLUMNS: Final = (LABEL, "标签", "标注", "response_label", "response_harm_label")
"""Where a row's label may stand, in this order."""
TELLING: Final[Mapping[str, bool]] = MappingProxyType(
    dict.fromkeys(
        (
            "unsafe",
            "is_unsafe",
            "harmful",
            "is_harmful",
            "toxic",
            "is_toxic",
            "toxicity",
            *(
                "不安全",
                "是否不安全",
                "是否有害",
                "有害",
                "是否违规",
                "违规",
                "是否有毒",
                "有毒",
                "是否有风险",
                "有风险",
            ),
        ),
        True,
    )
    | dict.fromkeys(
        ("safe", "is_safe", "harmless", "is_harmless", "安全", "是否安全", "无害", "是否无害", "合规", "是否合规"),
        False,
    )
)
"""Columns looked for after those, whose own name says whether 1 (or true) is unsafe."""
_TELLING: Final = MappingProxyType({plain_name(name): unsafe for name, unsafe in TELLING.items()})
_YES_OR_NO: Final = MappingProxyType({"是": 1, "否": 0, "yes": 1, "no": 0, "y": 1, "n": 0})
_TRUTH: Final = MappingProxyType({"true": 1, "false": 0} | _YES_OR_NO)


@dataclass(frozen=True, slots=True)
class LabelReader:
    """Reads labels in a table of anybody's. A number that no name stands for is refused: some sets call 0 safe, some
    unsafe, and the two look the same."""

    scheme: LabelScheme = KNOWN
    numbers: tuple[Label, ...] = ()
    """What 0, 1 … stand for in a column whose name does not say it, as the user has it."""

    def column(self, row: Mapping[str, Any], place: str, first: Sequence[str] = ()) -> str:
        """The column of a table's row that holds its label, those of `first` before all others; ConfigError if it has none."""
        if (found := self.found(row, first)) is None:
            names = " or ".join(map(repr, (*first, LABEL)))
            raise ConfigError(f"{place}: no column {names}; there is: {', '.join(row) or 'none'}")
        return found

    def found(self, row: Mapping[str, Any], first: Sequence[str] = ()) -> str | None:
        """The column of a table's row that holds its label, those of `first` before all others; None if it has none."""
        names = (*first, *COLUMNS, *TELLING)
        if (exact := next((name for name in names if name in row), None)) is not None:
            return exact
        plain = {plain_name(name): name for name in row}
        return next((plain[found] for name in names if (found := plain_name(name)) in plain), None)

    def read(self, row: Mapping[str, Any], column: str, place: str) -> Label | None:
        """The label in a column of a table's row; None for an empty one. ConfigError for what is no label, and for a number
        nobody explains."""
        value = row[column]
        if is_empty(value):
            return None
        label = None
        if (number := _number(value)) is not None:
            kind = "yes or no" if isinstance(value, str) and cleaned(value).lower() in _YES_OR_NO else "number"
            label = self._numbered(number, column, f"{place}: label {shortened(repr(value), 80)} is a bare {kind}")
        elif isinstance(value, str):
            label = self.scheme.read(cleaned(value))
        if label is None:
            under = "" if column == LABEL else f" (under {column!r})"
            raise ConfigError(
                f"{place}: label {shortened(repr(value), 80)} is none of {', '.join(self._words())}{under}"
            )
        return label

    def _numbered(self, number: int, column: str, what: str) -> Label | None:
        telling = _TELLING.get(plain_name(column))
        if telling is not None and number in (0, 1):
            return self.scheme.names[0] if bool(number) == telling else self.scheme.safe
        if not self.numbers:
            raise ConfigError(
                f"{what}, which some sets call safe and some unsafe; say which with --label-names "
                "safe,unsafe (what 0 is, then 1), or name the column 'unsafe'"
            )
        return self.numbers[number] if 0 <= number < len(self.numbers) else None

    def _words(self) -> list[str]:
        names = [*reversed(self.scheme.names)]
        return list(dict.fromkeys([*names, *map(self.scheme.word, names)]))


def is_empty(value: object) -> bool:
    """Whether nothing stands in a table's cell: no value, no number, a text without a letter."""
    blank = isinstance(value, str) and not value.strip()
    return value is None or blank or (isinstance(value, float) and isnan(value))


def reader_of(path: Path, names: str | None = None) -> LabelReader:
    """A reader for the labels of the table at `path`: with the labels of its recipe, if it is a run's folder or lies in
    one. `names` are what numbers stand for, from 0 on, with commas; ConfigError for one that is no label."""
    return reader_for(_scheme_at(path), names)


def reader_for(scheme: LabelScheme, names: str | None = None) -> LabelReader:
    """A reader for a table's labels of this scheme. `names` are what numbers stand for, from 0 on, with commas; ConfigError
    (exit status 2) for one that is no label."""
    numbers: list[Label] = []
    for word in names.split(",") if names else ():
        label = scheme.read(word)
        if label is None:
            raise ConfigError(
                f"--label-names: {word.strip()!r} is none of {', '.join(reversed(scheme.names))}", status=2
            )
        numbers.append(label)
    return LabelReader(scheme, tuple(numbers))


def _scheme_at(path: Path) -> LabelScheme:
    for folder in (path, *path.absolute().parents[:3]):
        try:
            recipe = json.loads((folder / "run.json").read_text(encoding="utf-8"))["recipe"]
            return named_in(recipe) if isinstance(recipe, dict) else KNOWN
        except (OSError, ValueError, KeyError, TypeError, RecursionError):  # no run's folder
            continue
    return KNOWN


def _number(value: object) -> int | None:
    """A whole number, a truth, or either as text; None for anything else."""
    if isinstance(value, str):
        word = cleaned(value).lower()
        if word in _TRUTH:
            return _TRUTH[word]
        try:
            value = float(word)
        except ValueError:
            return None
    return int(value) if isinstance(value, int | float) and value == value // 1 else None
