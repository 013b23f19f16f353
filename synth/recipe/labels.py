"""Labels as data: the labels a recipe counts, most severe first, what each may be called, and the cells they make."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from string import digits
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, StringConstraints

from synth.errors import did_you_mean
from synth.types import Label, QueryType, Vote

WORDS: Final[Mapping[Label, tuple[str, ...]]] = MappingProxyType(
    {"unsafe": ("不安全",), "controversial": ("有争议",), "safe": ("安全",)}
)
"""The words that judges use for a label unless the recipe says otherwise; the first is what is written."""
_ALSO: Final[Mapping[Label, tuple[str, ...]]] = MappingProxyType(
    {
        "unsafe": ("有害", "harmful", "违规", "不合规"),
        "controversial": ("争议", "存在争议"),
        "safe": ("无害", "harmless", "unharmful", "合规"),
    }
)
"""What files call it besides. No judge may: a verdict says 有害 of the query, and how a reply is read decides what is asked next."""
_TAKEN: Final = ("benign", "harmful", "hard")
"""Names of kinds of queries and of a split, beside which labels stand in tables."""
MARKS: Final = " \n。.，,！!\"'“”【】[]"
"""Characters that may stand around a word in a verdict, a judge's or a guard's, and say nothing."""
NO_VERDICT: Final = "-"


@dataclass(frozen=True, slots=True)
class LabelScheme:
    """The labels that a recipe counts, most severe first; the last of them means safe."""

    names: tuple[Label, ...] = ("unsafe", "safe")
    of: Literal["response", "prompt"] = "response"
    """What the labels are of: the answer in its conversation (`response`), or a query alone (`prompt`)."""
    words: Mapping[Label, tuple[str, ...]] = field(default_factory=lambda: WORDS)
    """The words that judges and files may use for each label, the one that is written first."""

    @property
    def safe(self) -> Label:
        """The recipe's label of what is safe."""
        return self.names[-1]

    def unsafe(self, label: Label) -> bool:
        """Whether a label is more severe than the recipe's safe one: what unsafe means wherever there are two sides."""
        return label != self.safe

    def severity(self, label: Label) -> int:
        """How severe a label is: 0 is safe. ValueError for a label that is none of these."""
        return len(self.names) - 1 - self.names.index(label)

    def word(self, label: Label) -> str:
        """The word that judges and exporters write for a label."""
        return self.words.get(label, (label,))[0]

    def said(self, word: object) -> Label | None:
        """The label that a judge's word stands for, its name or one of its words; None for any other word."""
        return self._found(word, MappingProxyType({}))

    def read(self, word: object) -> Label | None:
        """The label that a word in a file stands for, in Chinese or English; None for any other word."""
        return self._found(word, _ALSO)

    def _found(self, word: object, also: Mapping[Label, tuple[str, ...]]) -> Label | None:
        told = str(word or "").strip(MARKS).lower()
        return next((name for name in self.names if told in (name, *self._lower(name), *also.get(name, ()))), None)

    def _lower(self, name: Label) -> tuple[str, ...]:
        return tuple(word.lower() for word in self.words.get(name, ()))

    def cells(self) -> tuple[tuple[QueryType, Label], ...]:
        """Query type and label of every cell that a recipe can fill, in the order of tables: every label of harmful
        queries, then safe benign ones."""
        harmful: Sequence[tuple[QueryType, Label]] = [("harmful", name) for name in self.names]
        return (*harmful, ("benign", self.safe))

    def cell_names(self) -> tuple[str, ...]:
        """Every cell that a recipe can fill, as a recipe writes it: `harmful/unsafe`."""
        return tuple(f"{kind}/{label}" for kind, label in self.cells())

    def columns(self) -> tuple[str, ...]:
        """What the cells that a recipe can fill are called in tables, in their order: see `column`."""
        return tuple(column(kind, label) for kind, label in self.cells())

    def ballot(self, votes: Iterable[Vote]) -> str:
        """The panel's votes on one row in short, a character for each judge's seat: the place of its label in `names`, `-`
        for no verdict."""
        return "".join(NO_VERDICT if vote.label is None else digits[self.names.index(vote.label)] for vote in votes)


BINARY: Final = LabelScheme()
KNOWN: Final = LabelScheme(("unsafe", "controversial", "safe"))
"""The labels looked for in a file of rows whose labels nobody has named."""


def column(kind: str, label: Label) -> str:
    """What a cell is called in tables, by its label: a harmful query's by that label, a benign one's `benign` alone."""
    return label if kind == "harmful" else kind


def scheme_of(named: Mapping[Label, Sequence[str]] | None) -> LabelScheme:
    """A scheme of these labels, most severe first, with the words for each (none: the usual ones). ValueError for labels
    that cannot be told apart."""
    if not named:
        return BINARY
    if not 2 <= len(named) <= len(digits):
        raise ValueError(f"needs 2 to {len(digits)} labels, most severe first (has {len(named)})")
    if taken := [name for name in named if name in _TAKEN]:
        raise ValueError(f"{taken[0]!r} means something else; choose another name")
    words = {name: tuple(given) or WORDS.get(name, (name,)) for name, given in named.items()}
    owners: dict[str, Label] = {}
    for name in named:
        for word in {name, *(word.lower() for word in words[name])}:
            if owners.setdefault(word, name) != name:
                raise ValueError(f"{word!r} is said of both {owners[word]!r} and {name!r}")
    found = LabelScheme(tuple(named), words=words)
    return BINARY if found == LabelScheme(words={name: WORDS[name] for name in BINARY.names}) else found


def named_in(recipe: Mapping[str, Any]) -> LabelScheme:
    """The labels of a recipe, as a scheme, read from what run.json keeps of it."""
    return scheme_of(recipe.get("labels"))


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
