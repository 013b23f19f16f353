"""The block `read` of a guard's file: where the fields stand in its verdict, its words, its categories, its modes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from synth.recipe.backend import Frozen
from synth.recipe.guard.verdict import Kind
from synth.recipe.yaml import several

Mode: TypeAlias = Literal["answer", "prompt"]
"""What a guard judges: an answer in its conversation, or a query alone."""


Words = Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(several)]


class Categories(Frozen):
    """How a guard names categories of harm in its verdict."""

    of: str
    """Whose codes they are: a key under `codes:` of the taxonomy's subcategories."""
    names: dict[str, str] = Field(default_factory=dict)
    """The guard's categories by code, in its own order, as its prompt names them."""
    separator: str = ", "
    """What stands between two of them in a verdict."""
    none: str = ""
    """What stands in a verdict that names none."""
    numbered: bool = False
    """Whether a verdict gives the number that a category has in that row's prompt (`S3`), which a draw may change."""
    attacks: dict[str, str] = Field(default_factory=dict)
    """The category that a harmful query made by an operator has besides, by operator; of queries alone."""

    @model_validator(mode="after")
    def _listed(self) -> "Categories":
        if self.numbered and not self.names:
            raise ValueError("names: a guard that numbers its categories needs a list of them")
        return self


class Read(Frozen):
    """The block `read` of a guard's file: where the fields stand in its verdict, and which words it has for the
    labels."""

    kind: Kind
    fields: dict[str, str | Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """What each field is called in a guard's verdict: a key, what its line begins with, or the number of its line.
    `label` must be there; `query`, `refusal`, `categories` and `analysis` are known."""
    words: dict[str, Words] = Field(default_factory=dict)
    """The guard's words for each label: the first is written, all are read; empty takes the words of the recipe's
    own labels."""
    labels: tuple[str, ...] = ()
    """The labels that a guard's verdict may have; empty: those of `words`, or all that the rows have."""
    modes: Annotated[tuple[Mode, ...], Field(min_length=1)] = ("answer",)
    """What the guard judges: answers, queries alone (`prompt`), or both."""
    categories: Categories | None = None
    """How the guard names categories; None where its verdict names none, or the file does so itself."""
    newline: bool = False
    """Whether what the guard is asked ends in a line break."""
    empty_system: bool = False
    """Whether a system turn that says nothing stands before the user's."""
    raw: bool = False
    """Whether the user's part is the whole text that the guard goes on with, and no turn of a chat."""
    limit: Annotated[int, Field(ge=32)] | None = None
    """New tokens that the guard's own script lets it answer with, its end among them: an analysis is cut to fit."""
    template: str = ""
    """A text by which the chat template of a tokenizer is known as the guard's own, which writes the instruction."""
    thinks: bool = True
    """Whether a tokenizer's template is left to open a train of thought; False has it closed, as the guard's own does."""
    scores: dict[str, Any] | None = None
    """Where the verdict's token stands and which words count for each label, for who reads its probability."""

    @property
    def known(self) -> tuple[str, ...]:
        """The labels that the guard's verdict may have; empty for any."""
        return self.labels or tuple(self.words)

    @model_validator(mode="after")
    def _complete(self) -> "Read":
        if self.kind == "first_token" and self.fields:
            raise ValueError("fields: a first token has no name; what follows it is the analysis. Remove `fields`")
        if self.kind != "first_token" and "label" not in self.fields:
            raise ValueError("fields: needs `label`, under which the verdict stands")
        if self.kind == "json" and any(isinstance(name, int) for name in self.fields.values()):
            raise ValueError("fields: a number is a line's, and JSON has keys; name the keys")
        owners: dict[str, str] = {}
        for label, words in self.words.items():
            for word in words:
                if owners.setdefault(word.casefold(), label) != label:
                    raise ValueError(f"words: {word!r} is said of both {owners[word.casefold()]!r} and {label!r}")
        return self


PLAIN: Final = Read(kind="json", fields={"label": "答案", "analysis": "分析"})
"""How a guard's verdict is read if its file has no block `assistant`: as Libra-Guard's JSON."""

HARMFUL: Final[Mapping[str, int]] = {"harmful": 0, "benign": -1}
"""Which label of a scheme, most severe first, an intent of a query stands for."""


@dataclass(frozen=True, slots=True)
class Draw:
    """What chance gives one record of a guard's training data; nothing is drawn by default."""

    shown: tuple[str, ...] = ()
    """Codes of the categories that the prompt names, in its order; empty: all of the guard's, in their own. A row that
    violates none of them is safe."""
    rules: tuple[str, ...] = ()
    """Rules that the prompt names, in its order."""
    own_rule: int = 0
    """The number of the rule that decides the row, from 1; 0 where the prompt names none."""
    reason_first: bool = False
    """Whether the verdict gives its reasons before the label."""


UNDRAWN: Final = Draw()
