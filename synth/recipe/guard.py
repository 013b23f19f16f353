"""How a guard is asked, what it is to answer, and how its answer is read back: one file `prompts/guard/NAME.j2` with the blocks
`system`, `user`, `assistant` (the verdict) and `read` (YAML)."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Protocol

import yaml
from pydantic import BeforeValidator, Field, model_validator

from synth.errors import ConfigError
from synth.recipe import guard_verdict
from synth.recipe.backend import Frozen
from synth.recipe.guard_verdict import Kind
from synth.recipe.labels import BINARY, MARKS, LabelScheme
from synth.recipe.prompt import ROLES, Prompt
from synth.recipe.yaml import validate
from synth.sanitize import as_data, without_tags
from synth.types import Label, Message

BLOCKS: Final = (*ROLES, "read")
POLICIES: Final = frozenset({"policy", "policies"})
OFFERED: Final = frozenset({"word", "words", "labels", "conversation", *POLICIES})
"""The variables that a guard's file may use besides the columns of the row."""

_NEEDED: Final = frozenset({"query", "response", "context", "analysis"})
"""Columns of which the rest of what a guard's file is told is made."""


def _several(value: Any) -> Any:
    """A single word stands for a list of one; YAML reads `Yes` and `No` as truths, which no word is."""
    if isinstance(value, bool):
        raise ValueError("YAML takes this word for true or false; put it in quotes")  # noqa: TRY004 (pydantic's way to complain)
    return (value,) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_several)]


class Read(Frozen):
    """The block `read` of a guard's file: where the fields stand in its verdict, and which words it has for the
    labels."""

    kind: Kind
    fields: dict[str, str | Annotated[int, Field(ge=1)]] = Field(default_factory=dict)
    """What each field is called in a guard's verdict: a key, what its line begins with, or the number of its line.
    `label` must be there."""
    words: dict[str, Words] = Field(default_factory=dict)
    """The guard's words for each label: the first is written, all are read; empty takes the words of the recipe's
    own labels."""
    scores: dict[str, Any] | None = None
    """Where the first token of the verdict stands, and what its alternatives mean: see `guard_score.Scores`."""

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


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from a guard's verdict: its label and the other fields."""

    label: str | None
    """The label that a guard's verdict gives; None where none can be read: never a label by default."""
    fields: Mapping[str, str]
    """The other fields that were found: `analysis`, `categories`, `refusal`, whatever the guard's file names."""


class Policies(Protocol):
    """The policy texts that the judges were given, as a data set keeps them, for a guard's prompt."""

    @property
    def every(self) -> Sequence[Any]: ...

    def of(self, row: Mapping[str, Any]) -> Any: ...


@dataclass(frozen=True)
class Guard:
    """A guard's format (how it is asked and how its verdict is read), with the labels and policies of the rows it is
    used on. `load` makes it."""

    prompt: Prompt
    reads: Read | None
    """How the guard's verdict is read; None where its file says only how one is written."""
    columns: frozenset[str]
    """The columns of a row that the guard's prompt may use."""
    labels: LabelScheme
    markers: frozenset[str] = frozenset()
    """Markers of the guard's prompt, like `<END CONVERSATION>`, without the `</` by which `as_data` would know them
    in a text."""
    policies: Policies | None = None

    @property
    def needs_policies(self) -> bool:
        """Whether the guard's file uses the variable `policy` or `policies`."""
        return bool(self.prompt.uses & POLICIES)

    def with_policies(self, policies: Policies) -> "Guard":
        """A copy of the guard that finds each row's policy among these."""
        return replace(self, policies=policies)

    def messages(
        self, row: Mapping[str, Any], *, policy: Any = None, policies: Sequence[Any] = ()
    ) -> tuple[Message, ...]:
        """The messages that ask a guard about a row. `policy` and `policies` take the place of the row's own and of
        all there are."""
        return self.prompt.render(self._told(row, policy, policies), ("system", "user"))

    def verdict(self, row: Mapping[str, Any], *, policy: Any = None, policies: Sequence[Any] = ()) -> str:
        """The verdict that a guard is to answer about a row: the row's label and whatever else the format has. The
        row must have a label."""
        told = self._told(row, policy, policies)
        if told["word"] is None:
            raise ValueError(f"a row without a label has no verdict: {row.get('id')}")
        if "assistant" in self.prompt.blocks:
            return self.prompt.text("assistant", told)
        return json.dumps({"答案": told["word"], "分析": told["analysis"]}, ensure_ascii=False)

    def read(self, text: str) -> Reading:
        """What a guard's verdict says, its label and fields. ConfigError if the guard's file does not say how one is
        read."""
        if self.reads is None:
            raise ConfigError(f"{self.prompt.path}: has no block 'read', by which a verdict is read back; add one")
        found = guard_verdict.fields(self.reads.kind, self.reads.fields, text)
        return Reading(self._label(found.pop("label", "")), found)

    def word(self, label: Label) -> str:
        """The guard's word for a label. ConfigError if it has none."""
        words = self.reads.words if self.reads else {}
        if not words:
            return self.labels.word(label)
        if label not in words:
            raise ConfigError(
                f"{self.prompt.path}: read: words: there is none for the label {label!r} of these rows; add it, or use a guard that has one"
            )
        return words[label][0]

    def _label(self, word: str) -> str | None:
        if self.reads is None or not self.reads.words:
            return self.labels.read(word)
        said = word.strip(MARKS).casefold()
        return next(
            (label for label, words in self.reads.words.items() if said in map(str.casefold, words)),
            None,
        )

    def _told(self, row: Mapping[str, Any], policy: Any, policies: Sequence[Any]) -> dict[str, Any]:
        names = self.columns & (self.prompt.uses | _NEEDED)
        told: dict[str, Any] = {name: self._harmless(row.get(name)) for name in names}
        answer = [] if told["response"] is None else [{"role": "assistant", "content": told["response"]}]
        told["conversation"] = [*(told.get("context") or ()), {"role": "user", "content": told["query"]}, *answer]
        told["labels"] = self.labels.names
        told["words"] = tuple(map(self.word, self.labels.names))
        told["word"] = None if row.get("label") is None else self.word(row["label"])
        if self.policies is not None and self.needs_policies:
            told["policy"] = self.policies.of(row) if policy is None else policy
            told["policies"] = policies or self.policies.every
        return told

    def _harmless(self, value: Any) -> Any:
        """Texts of a row, which models wrote: they can close no tag of the prompt, and no turn."""
        if isinstance(value, str):
            return without_tags(value) if any(marker in value for marker in self.markers) else as_data(value)
        if isinstance(value, Mapping):
            return {key: self._harmless(each) for key, each in value.items()}
        return [self._harmless(each) for each in value] if isinstance(value, list | tuple) else value


def load(name: str, columns: Iterable[str], labels: LabelScheme = BINARY) -> Guard:
    """The guard of that name (`guard/libra`), read from its file. ConfigError if it uses anything but `columns` and
    `OFFERED`, or its block `read` is not as it must be."""
    offered = frozenset(columns)
    prompt = Prompt(name, offered | OFFERED, BLOCKS)
    return Guard(prompt, _reads(prompt), offered, labels, _markers(prompt.source))


def tried(guard: Guard, row: Mapping[str, Any]) -> Iterator[tuple[Label, str]]:
    """For every label the guard's verdict on such a row, rendered and read back. ConfigError where another label is
    read than was written."""
    for label in guard.labels.names:
        told = {**row, "label": label}
        guard.messages(told)
        text = guard.verdict(told)
        if guard.reads is not None and (found := guard.read(text).label) != label:
            raise ConfigError(
                f"{guard.prompt.path}: a verdict {label!r} is read back as {found!r}; let the blocks 'assistant' and 'read' agree"
            )
        yield label, text


def _reads(prompt: Prompt) -> Read | None:
    if "read" not in prompt.blocks:
        return None if "assistant" in prompt.blocks else PLAIN
    source = f"{prompt.path}: block 'read'"
    try:
        found = yaml.safe_load(prompt.text("read", {}))
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{source}: must hold keys and values: kind, fields, words")
    return validate(Read, found, source)


def _markers(source: str) -> frozenset[str]:
    found = re.findall(r"<[^<>{}%/|\n]{1,60}>", source)
    return frozenset(marker for marker in found if f"</{marker[1:]}" not in source)
