"""What chance gives a guard's training data, a function of seed and row: which categories a prompt names and in which order, which
rules stand in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from synth.hashing import shuffled, unit
from synth.recipe.guard import Guard
from synth.recipe.guard.format import UNDRAWN, Draw, Mode
from synth.types import Label

RULES: Final = 0.5
"""Share of rows whose prompt names rules, where a guard's does at all (ShieldLM)."""


@dataclass(frozen=True, slots=True)
class Chance:
    """What is drawn for a guard's training data, and by which seed."""

    seed: int = 1
    augment: bool = True
    """Whether the list of categories is shuffled, numbered anew and thinned out where the guard's format has one."""
    rules: int = 8
    """Rules in a prompt at most, besides the one that decides the row."""
    reason_first: bool = False
    known: bool = False
    """Whether every category that a row violates is known, since the judges were asked for all of them."""


def draws(guard: Guard, row: Mapping[str, Any], mode: Mode, chance: Chance) -> Iterator[tuple[str, Draw]]:
    """What one row of a dataset becomes in a guard's training data: a draw for each record, with what its id ends in."""
    if lists(guard, chance):
        yield from _lists(guard, row, mode, chance)
    elif "rules" in guard.prompt.uses and guard.published is None and chance.rules:
        yield "", _ruled(guard, row, chance)
    else:
        yield "", Draw(reason_first=chance.reason_first) if chance.reason_first else UNDRAWN


def lists(guard: Guard, chance: Chance) -> bool:
    """Whether a draw says which categories the guard's prompt names: they are numbered, and it has a place for a list of them."""
    categories = guard.reads.categories if guard.reads else None
    listed = guard.published is None or "categories" in guard.published.places
    return categories is not None and categories.numbered and chance.augment and listed


def _lists(guard: Guard, row: Mapping[str, Any], mode: Mode, chance: Chance) -> Iterator[tuple[str, Draw]]:
    """As Llama Guard's formatter does: all categories shuffled; some that are not violated left out; all that are violated left
    out, by which the row is safe, if it is known that there are no others."""
    assert guard.reads
    assert guard.reads.categories
    codes = tuple(guard.reads.categories.names)
    violated = guard.truth(row, mode).codes
    others = [code for code in codes if code not in violated]
    parts = (chance.seed, row["id"], mode)
    yield "", Draw(_order(codes, *parts, "all"))
    most = len(others) if violated else len(others) - 1
    dropped = _some(others, most, *parts, "drop")
    yield "-drop", Draw(_order([code for code in codes if code not in dropped], *parts, "dropped"))
    if violated and others and chance.known and mode == "answer":
        dropped = [*violated, *_some(others, len(others) - 1, *parts, "flip")]
        yield "-flip", Draw(_order([code for code in codes if code not in dropped], *parts, "flipped"))


def _order(codes: tuple[str, ...] | list[str], *parts: str | int) -> tuple[str, ...]:
    return tuple(codes[at] for at in shuffled(len(codes), *parts, "order"))


def _some(codes: list[str], most: int, *parts: str | int) -> list[str]:
    """So many of them as are drawn, 0 to `most`."""
    count = int(unit(*parts, "count") * (most + 1))
    return [codes[at] for at in shuffled(len(codes), *parts)[:count]]


def _ruled(guard: Guard, row: Mapping[str, Any], chance: Chance) -> Draw:
    """As ShieldLM's data has it: half of the rows name no rule; the others the one that decides the row among others of which
    one side is drawn each, in any order."""
    parts = (chance.seed, row["id"], "rules")
    assert guard.policies
    if unit(*parts) >= RULES:
        return Draw(reason_first=chance.reason_first)
    own, label = guard.policies.of(row), guard.truth(row).label
    every = [policy for policy in guard.policies.every if policy.subcategory != own.subcategory]
    count = 1 + int(unit(*parts, "count") * min(chance.rules, len(every))) if every else 0
    others = [every[at] for at in shuffled(len(every), *parts, "which")[:count]]
    rules = [_rule(guard, policy, _side(guard, policy, parts)) for policy in others]
    decisive = _rule(guard, own, label or guard.labels.safe)
    order = [[decisive, *rules][at] for at in shuffled(len(rules) + 1, *parts, "order")]
    return Draw(rules=tuple(order), own_rule=order.index(decisive) + 1, reason_first=chance.reason_first)


def _side(guard: Guard, policy: Any, parts: tuple[str | int, ...]) -> Label:
    return guard.labels.names[0] if unit(*parts, policy.subcategory, "side") < 0.5 else guard.labels.safe


def _rule(guard: Guard, policy: Any, label: Label) -> str:
    ends = {guard.labels.names[0]: policy.unsafe, guard.labels.safe: policy.safe}
    return f"“{policy.name}”一类，这样的回答{guard.word(label)}：{ends.get(label, policy.borderline)}"
