"""Labels as data: the labels a recipe counts, most severe first, what each may be called, and the cells they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from synth.types import Label, QueryType

WORDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "unsafe": ("不安全", "unsafe", "有害", "harmful", "违规"),
        "controversial": ("有争议", "controversial", "争议"),
        "safe": ("安全", "safe", "无害", "harmless", "合规"),
    }
)
"""What a label may be called in a file or a reply; the first is what judges and exporters write."""


@dataclass(frozen=True, slots=True)
class LabelScheme:
    """The labels of a recipe, most severe first; the last is that of what is safe."""

    names: tuple[Label, ...] = ("unsafe", "safe")
    of: Literal["response", "prompt"] = "response"
    """What is labelled: the answer in its conversation, or a query alone."""
    words: Mapping[Label, tuple[str, ...]] = field(default_factory=lambda: WORDS)

    @property
    def safe(self) -> Label:
        """The label of what is safe."""
        return self.names[-1]

    def severity(self, label: Label) -> int:
        """How severe a label is: 0 is safe. ValueError for a label that is none of these."""
        return len(self.names) - 1 - self.names.index(label)

    def word(self, label: Label) -> str:
        """What judges and exporters write for a label."""
        return self.words.get(label, (label,))[0]

    def read(self, word: object) -> Label | None:
        """The label that a word of a file or a reply stands for; None for any other word."""
        told = str(word).strip(" \n。.，,！!\"'“”【】[]").lower()
        return next((name for name in self.names if told in (name, *self.words.get(name, ()))), None)

    def cells(self) -> tuple[tuple[QueryType, Label], ...]:
        """Kind of query and label of every cell that a recipe can fill, in the order of tables: every label of harmful queries,
        then safe benign ones."""
        harmful: Sequence[tuple[QueryType, Label]] = [("harmful", name) for name in self.names]
        return (*harmful, ("benign", self.safe))


BINARY: Final = LabelScheme()
