"""How a guard is asked, what it is to answer, and how its answer is read back: one file `prompts/guard/NAME.j2` with the blocks
`system`, `user`, `assistant` (the verdict) and `read` (YAML)."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from synth.errors import ConfigError
from synth.recipe.guard import tokenizers
from synth.recipe.guard.format import PLAIN, UNDRAWN, Draw, Mode, Read
from synth.recipe.guard.reading import Reading, lines_of, numbered, reading
from synth.recipe.guard.text import Published, estimate, fitted, published
from synth.recipe.guard.tokenizers import Tokenizer
from synth.recipe.guard.truth import AS_EVER, Choices, Codes, Policies, Terms, Truth, check_codes
from synth.recipe.labels import BINARY, WORDS, LabelScheme
from synth.recipe.prompt import ROLES, Prompt
from synth.recipe.yaml import parsed, validate
from synth.sanitize import as_data, without_tags, without_tokens
from synth.types import Label, Message

BLOCKS: Final = (*ROLES, "read")
POLICIES: Final = frozenset({"policy", "policies"})
OFFERED: Final = frozenset(
    {
        *("word", "words", "label", "labels", "conversation", *POLICIES),
        *("mode", "harmful", "refusal", "codes", "named", "shown"),
        *("rules", "own_rule", "reason_first", "instruction"),
    }
)
"""The variables that a guard's file may use besides the columns of the row."""

_NEEDED: Final = frozenset({"query", "response", "context", "analysis"})
"""Columns of which the rest of what a guard's file is told is made."""


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
    choices: Choices = AS_EVER
    published: Published | None = None
    """The text that asks the guard in place of its file's, as its makers published it."""
    tokenizer: Tokenizer | None = None
    """Renders what the guard is asked, and counts tokens; None leaves messages to whoever has one."""

    @property
    def needs_policies(self) -> bool:
        """Whether the guard's file uses the variable `policy` or `policies`, or names categories by their codes."""
        return bool(self.prompt.uses & {*POLICIES, "rules"}) or (
            self.reads is not None and self.reads.categories is not None
        )

    @property
    def modes(self) -> tuple[Mode, ...]:
        """What the guard judges: answers, queries alone, or both; of a published text what that asks about."""
        all_modes = self.reads.modes if self.reads else ("answer",)
        return tuple(mode for mode in all_modes if self.published is None or mode == self.published.mode)

    def with_policies(self, policies: Policies) -> "Guard":
        """A copy of the guard that finds each row's policy among these."""
        return replace(self, policies=policies)

    def asking(self, text: Path | None, tokenizer: Path | None) -> "Guard":
        """A copy of the guard that asks in the published text of one file, and renders by the tokenizer in a folder, where these
        are named."""
        found = self
        if text is not None:
            found = replace(found, published=published(text, instruction="instruction" in self.prompt.uses))
        return found if tokenizer is None else replace(found, tokenizer=tokenizers.load(tokenizer))

    def check_codes(self) -> None:
        """ConfigError for a guard that names categories of which its policies have no codes, or others than its file."""
        if self.reads and self.reads.categories:
            check_codes(self.prompt.path, self.reads.categories, self.coded)

    @cached_property
    def _terms(self) -> Terms:
        return Terms(self.reads, self.labels, self.coded, self.choices)

    @cached_property
    def _special(self) -> frozenset[str]:
        return tokenizers.special(self.tokenizer) if self.tokenizer else frozenset()

    @cached_property
    def coded(self) -> Codes:
        """By subcategory what guards call it, out of the guard's policies."""
        every = self.policies.every if self.policies else ()
        return {policy.subcategory: policy.codes for policy in reversed(every)}

    def truth(self, row: Mapping[str, Any], mode: Mode = "answer") -> Truth:
        """What the guard's verdict on a row must say, or why none can be written."""
        return self._terms.truth(row, mode)

    def messages(
        self,
        row: Mapping[str, Any],
        mode: Mode | None = None,
        *,
        policy: Any = None,
        policies: Sequence[Any] = (),
        draw: Draw = UNDRAWN,
    ) -> tuple[Message, ...]:
        """The messages that ask a guard about a row: about its answer, or in prompt mode its query alone. Without a mode
        they are those of a chat, as before there were modes. `policy` and `policies` take the place of the row's own
        and of all there are."""
        told = self._told(row, mode, draw) | self._policies_told(row, policy, policies)
        if mode is None:
            system = self.prompt.said("system", told).strip()
            user = Message("user", self.prompt.text("user", told))
            return (Message("system", system), user) if system else (user,)
        return self._asked(told)

    def asked(self, row: Mapping[str, Any], mode: Mode, draw: Draw = UNDRAWN) -> str | tuple[Message, ...]:
        """What a guard reads about a row: the text itself where the guard takes raw text or a tokenizer renders it, else
        the messages that its server renders. What is trained and what is asked are both this."""
        told = self._told(row, mode, draw) | self._policies_told(row, None, ())
        if self.reads and self.reads.raw:
            text = self._asked(told)[-1].content
            return tokenizers.bare(self.tokenizer, text) if self.tokenizer else text
        if self.tokenizer is None:
            return self._asked(told)
        own = tokenizers.writes_instruction(self.tokenizer, self.reads) and self.published is None
        turns = told["conversation"] if own else [asdict(message) for message in self._asked(told)]
        numbered = (
            own and self.reads is not None and self.reads.categories is not None and self.reads.categories.numbered
        )
        shown = {code: f"{name}." for code, name in told["shown"]} if numbered and draw.shown else {}
        return tokenizers.rendered(self.tokenizer, turns, self.reads, shown, reason_first=own and draw.reason_first)

    def verdict(
        self,
        row: Mapping[str, Any],
        mode: Mode | None = None,
        *,
        policy: Any = None,
        policies: Sequence[Any] = (),
        draw: Draw = UNDRAWN,
    ) -> str:
        """The verdict that a guard is to answer about a row: the row's label and whatever else the format has. The
        row must have a label (`truth` tells)."""
        told = self._told(row, mode, draw) | self._policies_told(row, policy, policies)
        if told["word"] is None:
            raise self._no_verdict(row, mode)
        limit = self.reads.limit if self.reads and mode else None
        if limit and told["analysis"]:
            told["analysis"] = fitted(told["analysis"], lambda cut: self._fits(told | {"analysis": cut}, limit))
        return self._written(told)

    def _no_verdict(self, row: Mapping[str, Any], mode: Mode | None) -> Exception:
        if self.truth(row, mode or "answer").left_out == "no_code":
            return ConfigError(
                f"row {row.get('id')}: {row['subcategory']} has no code of this guard ({self.prompt.path}); give it one in the taxonomy (`codes:`)"
            )
        return ValueError(f"a row without a label has no verdict: {row.get('id')}")

    def read(self, text: str, mode: Mode = "answer") -> Reading:
        """What a guard's verdict says. ConfigError if the guard's file does not say how one is read."""
        if self.reads is None:
            raise ConfigError(f"{self.prompt.path}: has no block 'read', by which a verdict is read back; add one")
        return reading(text, mode, self.reads, self.labels)

    def word(self, label: Label) -> str:
        """The guard's word for a label. ConfigError if it has none."""
        words = self.reads.words if self.reads else {}
        if not words:
            return self.labels.word(label) if label in self.labels.names else WORDS.get(label, (label,))[0]
        if label not in words:
            raise ConfigError(
                f"{self.prompt.path}: read: words: there is none for the label {label!r} of these rows; add it, or use a guard that has one"
            )
        return words[label][0]

    def _asked(self, told: Mapping[str, Any]) -> tuple[Message, ...]:
        system = self.prompt.said("system", told).strip()
        if self.published and self.published.places:
            values = {**told, "response": told["response"] or "", "categories": lines_of(told["shown"])}
            system, user = "", self.published.filled(values)
        else:
            end = "\n" if self.reads and self.reads.newline else ""
            user = self.prompt.said("user", told).removesuffix("\n") + end
        first = (Message("system", system),) if system or (self.reads and self.reads.empty_system) else ()
        return (*first, Message("user", user))

    def _written(self, told: Mapping[str, Any]) -> str:
        if "assistant" in self.prompt.blocks:
            return self.prompt.text("assistant", told)
        return json.dumps({"答案": told["word"], "分析": told["analysis"]}, ensure_ascii=False)

    def _fits(self, told: Mapping[str, Any], limit: int) -> bool:
        """Whether the verdict and the token that ends it are no more tokens than that."""
        text = self._written(told)
        return (estimate(text) if self.tokenizer is None else tokenizers.count(self.tokenizer, text)) < limit

    def _told(self, row: Mapping[str, Any], mode: Mode | None, draw: Draw) -> dict[str, Any]:
        names = self.columns & (self.prompt.uses | _NEEDED)
        told: dict[str, Any] = {name: self._harmless(row.get(name)) for name in names}
        told["response"] = None if mode == "prompt" else told["response"]
        answer = [] if told["response"] is None else [{"role": "assistant", "content": told["response"]}]
        told["conversation"] = [*(told.get("context") or ()), {"role": "user", "content": told["query"]}, *answer]
        told |= self._judged(row, mode, draw)
        told |= {"mode": mode, "rules": draw.rules, "own_rule": draw.own_rule, "reason_first": draw.reason_first}
        return told | {"instruction": self.published.text.rstrip("\n") if self.published else ""}

    def _judged(self, row: Mapping[str, Any], mode: Mode | None, draw: Draw) -> dict[str, Any]:
        """What the row's verdict must say, in the guard's words."""
        truth, known = self.truth(row, mode or "answer"), self.reads.known if self.reads and mode else ()
        label = truth.label if mode or truth.outside or truth.left_out == "no_code" else row.get("label")
        names = tuple(name for name in self.labels.names if not known or name in known)
        names = names if len(names) > 1 else known  # a scheme that calls them otherwise
        told: dict[str, Any] = {"labels": names, "words": tuple(map(self.word, names)), "refusal": truth.refusal}
        told |= {"codes": [], "named": "", "shown": []}
        told["harmful"] = None if truth.query is None else self._terms.unsafe(truth.query)
        categories = self.reads.categories if self.reads else None
        if categories:
            shown = numbered(categories, draw.shown)
            codes = [code for code in truth.codes if not categories.numbered or code in shown]
            label = self._terms.safe if truth.codes and not codes else label
            named = sorted(shown[code] for code in codes) if categories.numbered else codes
            told["shown"] = [(number, categories.names[code]) for code, number in shown.items()]
            told |= {"codes": named, "named": categories.separator.join(named) or categories.none}
        return told | {"label": label, "word": None if label is None else self.word(label)}

    def _policies_told(self, row: Mapping[str, Any], policy: Any, policies: Sequence[Any]) -> dict[str, Any]:
        if self.policies is None or not self.prompt.uses & POLICIES:
            return {}
        own = self.policies.of(row) if policy is None else policy
        return {"policy": own, "policies": policies or self.policies.every}

    def _harmless(self, value: Any) -> Any:
        """Texts of a row, which models wrote: they can close no tag of the prompt, and no turn."""
        if isinstance(value, str):
            marked = any(marker in value for marker in self.markers)
            return without_tokens(as_data(without_tags(value) if marked else value), self._special)
        if isinstance(value, Mapping):
            return {key: self._harmless(each) for key, each in value.items()}
        return [self._harmless(each) for each in value] if isinstance(value, list | tuple) else value


def load(name: str, columns: Iterable[str], labels: LabelScheme = BINARY) -> Guard:
    """The guard of that name (`libra`, or as a prompt `guard/libra`) or in that file (`mine.j2`). ConfigError if it uses
    anything but `columns` and `OFFERED`, or its block `read` is not as it must be."""
    offered = frozenset(columns)
    own = name.endswith(".j2")
    kept = {name: _text(Path(name))} if own else None
    stem = name.removesuffix(".j2") if own or name.startswith("guard/") else f"guard/{name}"
    prompt = Prompt(stem, offered | OFFERED, BLOCKS, kept=kept)
    return Guard(prompt, _reads(prompt), offered, labels, _markers(prompt.source))


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise IsADirectoryError(path)  # or a pipe, which nobody may ever write to
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: no guard's file that can be read as UTF-8; name another, or a guard: `synth list guards`"
        ) from error


def _reads(prompt: Prompt) -> Read | None:
    if "read" not in prompt.blocks:
        return None if "assistant" in prompt.blocks else PLAIN
    source = f"{prompt.path}: block 'read'"
    found = parsed(prompt.text("read", {}), source)
    if not isinstance(found, dict):
        raise ConfigError(f"{source}: must hold keys and values: kind, fields, words")
    return validate(Read, found, source)


def _markers(source: str) -> frozenset[str]:
    found = re.findall(r"<[^<>{}%/|\n]{1,60}>", source)
    return frozenset(marker for marker in found if f"</{marker[1:]}" not in source)
