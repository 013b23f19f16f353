"""A guard's file tried before it is used: every verdict it can write, in every mode, is read back as what it says."""

from collections.abc import Iterator, Mapping
from typing import Any

from synth.errors import ConfigError
from synth.recipe.guard import Guard
from synth.recipe.guard.format import Mode
from synth.recipe.guard.truth import query_label
from synth.types import Label


def codes_to_try(guard: Guard) -> dict[str, tuple[str, ...]]:
    """Codes of a stand-in category, such that the guard's file can be tried on it."""
    categories = guard.reads.categories if guard.reads else None
    return {categories.of: tuple(categories.names)[:1]} if categories else {}


def tried(guard: Guard, row: Mapping[str, Any]) -> Iterator[tuple[Label, str]]:
    """For every label the guard's verdict on such a row, rendered and read back, in the modes that it judges too.
    ConfigError where something else is read than was written."""
    for label in guard.labels.names:
        told = {**row, "label": label}
        guard.messages(told)
        text = guard.verdict(told)
        if guard.reads is not None and (found := guard.read(text).label) != label:
            raise ConfigError(
                f"{guard.prompt.path}: a verdict {label!r} is read back as {found!r}; let the blocks 'assistant' and 'read' agree"
            )
        for mode in guard.modes if guard.reads is not None else ():
            _try_mode(guard, told, mode)
        yield label, text


def _try_mode(guard: Guard, row: Mapping[str, Any], mode: Mode) -> None:
    intent = "benign" if row["label"] == guard.labels.safe else "harmful"
    for response_class in ("refusal", "compliance"):
        told = {**row, "query_label": intent, "response_class": response_class}
        guard.messages(told, mode)
        truth, found = guard.truth(told, mode), guard.read(guard.verdict(told, mode), mode)
        pairs = {
            "label": (truth.label, found.label),
            "refusal": (found.refusal if truth.refusal is None else truth.refusal, found.refusal),
            "query": (
                query_label(found.query_label, guard.labels) and truth.query,
                query_label(found.query_label, guard.labels),
            ),
        }
        if guard.reads is None or "refusal" not in guard.reads.fields:
            del pairs["refusal"]
        for field, (written, read) in pairs.items():
            if written != read:
                raise ConfigError(
                    f"{guard.prompt.path}: in {mode} mode the {field} {written!r} is read back as {read!r}; let the blocks 'assistant' and 'read' agree"
                )
