"""What a cache of prompts would save of a run: how much of every prompt begins as an earlier one of its stage did, and what of that each kind
of cache takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from synth.plan.lanes import LaneSpec
from synth.quality.grid import Grid
from synth.run.compile import CompiledRecipe, stand_ins
from synth.stages.flow import Bound
from synth.types import Message

BLOCK: Final = 16
"""Tokens of a block of vLLM's prefix cache: whole blocks are taken from it."""
LEAST: Final = 1024
"""Tokens that prompts must have in common before services that bill cached tokens at less take them from a cache."""
QUERY, ANSWER = 40, 200
"""Characters of a query and of an answer that models write, in an estimate."""
TOKENS_A_CHARACTER: Final = 0.7
"""Tokens for each character of Chinese text, by today's tokenizers."""


@dataclass(frozen=True)
class Prefixes:
    """What a stage's prompts have in common, in tokens of one prompt, and what each kind of cache saves of a run's, from low to high."""

    prompt: float
    """Tokens of a prompt."""
    lane: float
    """Of these, how many stand in a prefix that all prompts of the lane have in common."""
    stage: float
    """And how many in one that those of all lanes have."""
    blocks_of_16: tuple[float, float]
    """Prompt tokens that vLLM's cache saves, where it keeps the prefixes of all lanes."""
    from_1024: tuple[float, float]
    """Prompt tokens that a service saves which caches prefixes of 1,024 tokens and more."""


@dataclass(frozen=True)
class Lengths:
    """Characters of a stage's prompts, on the average: in all, in common within a lane, in common between lanes."""

    whole: float
    lane: float
    stage: float


def lengths(compiled: CompiledRecipe, specs: Sequence[LaneSpec], bound: Bound, *, several: bool) -> Lengths:
    """The lengths of a stage's prompts as they are rendered for the first lane, on other texts of the same one, and on the last; with
    `several` of those that ask about several rows, if it has any."""
    texts, others = ("问" * QUERY, "答" * ANSWER), ("另" * QUERY, "别" * ANSWER)
    first = _rendered(compiled, specs[0], bound, texts, several=several)
    other = _rendered(compiled, specs[0], bound, others, call=1, several=several)
    apart = _rendered(compiled, specs[-1], bound, others, call=1, several=several)
    count = max(1, len(first))
    return Lengths(
        sum(map(len, first)) / count,
        sum(map(_common, zip(first, other, strict=True))) / count,
        sum(map(_common, zip(first, other, apart, strict=True))) / count,
    )


def prefixes(found: Lengths, tokens: float, calls: tuple[float, float], firsts: int, models: int) -> Prefixes:
    """What caches save of so many calls, whose prompts take so many `tokens` each: all that stands in a common prefix, but of each of the
    `models` that are asked the first prompt, and of each of the `firsts`, one a lane, what its lane does not share with others."""
    lane, stage = (min(one * TOKENS_A_CHARACTER, tokens) for one in (found.lane, found.stage))

    def saved(taken: float, between: float) -> tuple[float, float]:
        low, high = (max(0.0, many * taken - models * (firsts * (taken - between) + between)) for many in calls)
        return low, high

    whole = [one // BLOCK * BLOCK for one in (lane, stage)]
    long = [one if one >= LEAST else 0.0 for one in (lane, stage)]
    return Prefixes(tokens, lane, stage, saved(whole[0], whole[1]), saved(long[0], long[1]))


def parts(stages: Sequence[tuple[str, Prefixes]], told: tuple[float, float]) -> Iterator[str | Grid]:
    """For the terminal: what stands in common prefixes by stage, and prompt tokens (`told` without a cache) with each kind of cache."""
    rows = [
        [
            name,
            f"{one.prompt:,.0f}",
            f"{one.lane:,.0f}",
            f"{one.stage:,.0f}",
            _range(one.blocks_of_16),
            _range(one.from_1024),
        ]
        for name, one in stages
    ]
    yield Grid(("stage", "a prompt", "same in a lane", "in all lanes", "vLLM saves", "from 1,024 saves"), rows)
    ways = ("blocks_of_16", "from_1024")
    left = [
        (
            told[0] - sum(getattr(one, way)[0] for _, one in stages),
            told[1] - sum(getattr(one, way)[1] for _, one in stages),
        )
        for way in ways
    ]
    yield (
        f"prompt tokens: {_range(told)} without a cache, {_range(left[0])} with vLLM's (blocks of {BLOCK} tokens), "
        f"{_range(left[1])} with one that begins at {LEAST:,} tokens"
    )


def _rendered(
    compiled: CompiledRecipe, spec: LaneSpec, bound: Bound, texts: tuple[str, str], *, call: int = 0, several: bool
) -> list[str]:
    found = [
        (bool(variables.get("rows")), prompt.render(variables))
        for prompt, variables in stand_ins(compiled, spec, bound, *texts, call=call)
    ]
    wanted = several and any(rows for rows, _ in found)
    return [_text(messages) for rows, messages in found if rows == wanted]


def _common(texts: Sequence[str]) -> int:
    """How many characters all these texts begin with."""
    return sum(1 for _ in takewhile(lambda one: len(set(one)) == 1, zip(*texts, strict=False)))


def _text(messages: Sequence[Message]) -> str:
    return "".join(message.content for message in messages)


def _range(pair: tuple[float, float]) -> str:
    return f"{pair[0]:,.0f} to {pair[1]:,.0f}" if round(pair[1]) else "0"
