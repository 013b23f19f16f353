"""Who is asked at a place in the plan: one model, or several in order; and asking them until one gives something that can be used."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias, TypeVar

from synth.composed import OUTAGE, Cause
from synth.errors import ParseError
from synth.plan.chance import pick
from synth.stages.calling import Caller
from synth.stages.ledger import OK, Place
from synth.stages.reading import ask_until_read
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
class Line:
    """The callers of one place, in order, and for which causes the next of them is asked."""

    callers: tuple[Caller, ...]
    on: frozenset[Cause] = frozenset()


@dataclass(frozen=True, slots=True)
class Turn:
    """One caller's turn."""

    caller: Caller
    on: frozenset[Cause]
    """The causes for which another is asked after it."""


Lines: TypeAlias = Callable[..., Line]
"""A model role as a stage uses it: the line at a place, which is named by seed, coordinates and what is asked."""


def alone(caller: Caller) -> Lines:
    line = Line((caller,))
    return lambda *_: line


def mixed(name: str, weights: Mapping[str, float], options: Mapping[str, Lines]) -> Lines:
    """One of the options, drawn by weight."""
    return lambda *place: options[pick(weights, *place, "mix", name)](*place)


def chained(options: Sequence[Lines], on: frozenset[Cause]) -> Lines:
    """All of the options, in order."""
    return lambda *place: Line(tuple(caller for option in options for caller in option(*place).callers), on)


async def ask_along(
    ask: Ask,
    line: Line,
    place: Place,
    request_of: Callable[[Caller], Request],
    read: Callable[[Turn, Reply], Read],
    *,
    as_what: Callable[[Read], str] = lambda _: OK,
) -> tuple[Caller, Read]:
    """What the first of the line gives that can be read, and who that was. Raises the last one's ParseError."""
    left = [(caller, request_of(caller)) for caller in line.callers]
    while True:
        (caller, request), *left = left
        # The same request elsewhere (another address of the same model) helps in an outage alone.
        others = [entry for entry in left if entry[1] != request]
        on = line.on if others else line.on & {OUTAGE} if left else frozenset[Cause]()
        turn = Turn(caller, on)
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
