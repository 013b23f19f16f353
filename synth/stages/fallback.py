"""Who is asked at a place in the plan: one model, or several in order; and asking them until one gives something that can be used."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias, TypeVar

from synth.errors import ParseError
from synth.hashing import pick
from synth.recipe.routing import OUTAGE, Cause
from synth.stages.parsing import ask_until_read
from synth.stages.reply_stats import OK, PromptUse
from synth.stages.requester import Requester
from synth.types import Ask, Reply, Request

Read = TypeVar("Read")

CAUSES: Final[Mapping[str, Cause]] = {
    "refusal": "refusal",
    "filtered": "filtered",
    "unreadable": "unreadable",
    "shape": "unreadable",
    "truncated": "truncated",
    "empty": "empty",
    "rejected": "rejected",
    "gave_up": OUTAGE,
    "outage": OUTAGE,
}
"""What of a chain's `on` covers a reply that cannot be used, by its reason."""


@dataclass(frozen=True, slots=True)
class FallbackChain:
    """The callers of one place, in order, and for which causes the next of them is asked."""

    callers: tuple[Requester, ...]
    on: frozenset[Cause] = frozenset()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One caller's turn."""

    caller: Requester
    on: frozenset[Cause]
    """The causes for which another is asked after it."""


Router: TypeAlias = Callable[..., FallbackChain]
"""A model role as a stage uses it: the line at a place, which is named by seed, coordinates and what is asked."""


def alone(caller: Requester) -> Router:
    line = FallbackChain((caller,))
    return lambda *_: line


def mixed(name: str, weights: Mapping[str, float], options: Mapping[str, Router]) -> Router:
    """One of the options, drawn by weight."""
    return lambda *place: options[pick(weights, *place, "mix", name)](*place)


def chained(options: Sequence[Router], on: frozenset[Cause]) -> Router:
    """All of the options, in order."""
    return lambda *place: FallbackChain(tuple(caller for option in options for caller in option(*place).callers), on)


async def ask_with_fallback(
    ask: Ask,
    line: FallbackChain,
    place: PromptUse,
    request_of: Callable[[Requester], Request],
    read: Callable[[Attempt, Reply], Read],
    *,
    as_what: Callable[[Read], str] = lambda _: OK,
) -> tuple[Requester, Read]:
    """What the first of the line gives that can be read, and who that was. Raises the last one's ParseError."""
    left = [(caller, request_of(caller)) for caller in line.callers]
    while True:
        (caller, request), *left = left
        # The same request elsewhere (another address of the same model) helps in an outage alone.
        others = [entry for entry in left if entry[1] != request]
        on = line.on if others else line.on & {OUTAGE} if left else frozenset[Cause]()
        turn = Attempt(caller, on)
        try:
            found = await ask_until_read(
                ask, caller, place, request, partial(read, turn), as_what=as_what, spare=OUTAGE in on
            )
        except ParseError as error:
            cause = CAUSES.get(error.reason)
            if cause not in on:
                raise
            if cause != OUTAGE:
                left = others
        else:
            return caller, found
