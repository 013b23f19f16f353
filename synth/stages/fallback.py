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
    "placeholder": "unreadable",
    "copied": "unreadable",
    "contradicts": "unreadable",
    "changed": "unreadable",
    "truncated": "truncated",
    "thought": "truncated",
    "broken": "truncated",
    "empty": "empty",
    "rejected": "rejected",
    "gave_up": OUTAGE,
    "outage": OUTAGE,
}
"""The cause of a chain's `on` that covers a reply which cannot be used, by its reason."""


@dataclass(frozen=True, slots=True)
class FallbackChain:
    """The requesters (models) to ask for one reply, in order, and the causes for which the next of them is asked."""

    callers: tuple[Requester, ...]
    """The requesters in the order in which they are asked."""
    on: frozenset[Cause] = frozenset()
    """The causes for which the next requester of a chain is asked."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One requester's turn in a fallback chain, as whoever reads its reply sees it."""

    caller: Requester
    on: frozenset[Cause]
    """The causes for which another requester is asked after this one; none for the last."""


Router: TypeAlias = Callable[..., FallbackChain]
"""Picks whom a stage asks for a role: gives the fallback chain for a place in the plan, named by seed, coordinates
and what is asked."""


def alone(caller: Requester) -> Router:
    """A router without fallback: it always asks the same single model."""
    line = FallbackChain((caller,))
    return lambda *_: line


def mixed(name: str, weights: Mapping[str, float], options: Mapping[str, Router]) -> Router:
    """A router for a mixture of roles: draws one of the options, with its fallback, by weight, as a function of seed
    and place in the plan."""
    return lambda *place: options[pick(weights, *place, "mix", name)](*place)


def chained(options: Sequence[Router], on: frozenset[Cause]) -> Router:
    """A router with fallback for a chain of roles: tries the models of all options in order, moving on for the causes
    in `on`."""
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
    """The first requester of a fallback chain whose reply can be read, and what `read` made of it. Raises the last
    one's ParseError if none can."""
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
            cause = CAUSES.get(error.reason, "unreadable")
            if cause not in on:
                raise
            if cause != OUTAGE:
                left = others
        else:
            return caller, found
