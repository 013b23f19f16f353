"""The inner loops of what wrappers have at the edges of texts, compiled by numba at first use: fewer characters than a window, before or
after a passage, that most rows of the passage have."""

from typing import NamedTuple

from synth.dedup.passages_kernel import WIDE
from synth.kernels import Numbers, compiled, part


class Edges(NamedTuple):
    """By side (0: the beginning of a text, 1: its end) and number of the passage nearest to it, from 0 on: what stands at it."""

    numbers: Numbers
    """By the window that a passage begins with: the passage's number; -1 for none."""
    candidates: Numbers
    """By side, passage and length less one: what may stand there in most rows."""
    votes: Numbers
    """By side, passage and length less one: votes for the candidate, or the rows in which it stands."""
    rows: Numbers
    """By side and passage: in how many rows it is the nearest."""
    lengths: Numbers
    """By side and passage: how many characters are of the wrapper."""


@compiled
def vote(edges: Edges, codes: Numbers, ends: Numbers, covered: Numbers) -> None:
    """Finds what stands at the edges of more than half of the rows of each passage, if anything does (Boyer and Moore 1981)."""
    for number in range(len(ends)):
        for side in range(2):
            passage, edge, free = _edge(edges, covered, ends, number, side)
            for length in range(1, free + 1):
                text = codes[edge : edge + length] if side == 0 else codes[edge - length : edge]
                candidate, votes = edges.candidates[side, passage, length - 1], edges.votes[side, passage]
                if votes[length - 1] == 0:
                    candidate[:length] = text
                votes[length - 1] += 1 if _equal(candidate, text) else -1


@compiled
def poll(edges: Edges, codes: Numbers, ends: Numbers, covered: Numbers) -> None:
    """Counts the rows at whose edges the candidates do stand, and all rows of each passage."""
    for number in range(len(ends)):
        for side in range(2):
            passage, edge, free = _edge(edges, covered, ends, number, side)
            if passage >= 0:
                edges.rows[side, passage] += 1
            for length in range(1, free + 1):
                text = codes[edge : edge + length] if side == 0 else codes[edge - length : edge]
                edges.votes[side, passage, length - 1] += _equal(edges.candidates[side, passage, length - 1], text)


@compiled
def trim(edges: Edges, codes: Numbers, ends: Numbers, covered: Numbers) -> None:
    """Marks what wrappers have at the edges of texts as covered too, where it stands."""
    for number in range(len(ends)):
        for side in range(2):
            passage, edge, free = _edge(edges, covered, ends, number, side)
            length = edges.lengths[side, passage] if passage >= 0 else 0
            if 0 < length <= free:
                start = edge if side == 0 else edge - length
                if _equal(edges.candidates[side, passage, length - 1], codes[start : start + length]):
                    covered[start : start + length] = 1


@part
def _edge(edges: Edges, covered: Numbers, ends: Numbers, number: int, side: int) -> tuple[int, int, int]:
    """The passage that is nearest to one side of a text, where that side is, and how many characters are before the passage."""
    start, end = ends[number - 1] if number else 0, ends[number]
    edge, step = (start, 1) if side == 0 else (end, -1)
    at = start if side == 0 else end - 1
    while start <= at < end and not covered[at]:
        at += step
    if not start <= at < end:
        return -1, edge, 0
    free = at - start if side == 0 else end - 1 - at
    passage = edges.numbers[covered[at]]
    return passage, edge, min(free, WIDE - 1) if passage >= 0 else 0


@part
def _equal(candidate: Numbers, text: Numbers) -> bool:
    same = 0
    while same < len(text) and candidate[same] == text[same]:
        same += 1
    return same == len(text)
