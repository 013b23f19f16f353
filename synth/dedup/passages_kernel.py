"""The inner loops of finding passages, compiled by numba at first use: a counting sketch of windows, their exact counts, what is left.

A window is WIDE characters. A sketch counts at least as many rows for a window as hold it, so it only chooses which are counted
exactly, by their characters; those stand in a table that is small, since a text has few windows that a hundredth of all rows share.
"""

from typing import NamedTuple

import numpy as np

from synth.kernels import Number, Numbers, compiled, part

WIDE = 12
"""Characters of a window: the shortest passage."""
FALL = 2
"""Where a window's rows are this many times fewer than those of one that it overlaps, a passage has ended."""
BASE = 0x9E3779B97F4A7C15
POWER = pow(BASE, WIDE, 1 << 64)


class Table(NamedTuple):
    """Windows by their characters, with open addressing, enlarged from outside."""

    slots: Numbers
    """By hash: the number of a window, from 1 on; 0 is free. Its length is a power of two."""
    windows: Numbers
    """By number: WIDE characters."""
    rows: Numbers
    """By number: how many rows hold it."""
    last: Numbers
    """By number: the last row that was counted."""
    used: Numbers
    """How many windows there are."""


class Rows(NamedTuple):
    """Texts of rows in which passages are found, normalised, as one array: text i is codes[ends[i - 1] : ends[i]], row first + i."""

    codes: Numbers
    ends: Numbers
    first: int
    """Counted from 1."""


class Seen(NamedTuple):
    """What there is of each passage, by the number of the window that it begins with."""

    rows: Numbers
    lengths: Numbers
    """The greatest."""
    places: Numbers
    """Where that is, in characters of all texts."""


@compiled
def sketch(counts: Numbers, texts: Rows) -> None:
    """Counts windows by hash, each once a row: beside each count stands the last row that was counted."""
    codes, ends, first = texts.codes, texts.ends, texts.first
    mask = np.uint64(len(counts) - 1)
    for number in range(len(ends)):
        start = ends[number - 1] if number else 0
        row, hashed = first + number, np.uint64(0)
        for at in range(start, ends[number]):
            hashed = _rolled(hashed, codes, at, start)
            if at - start >= WIDE - 1:
                cell = _mixed(hashed) & mask
                if counts[cell, 1] != row:
                    counts[cell, 1] = row
                    counts[cell, 0] += 1


class Sieve(NamedTuple):
    """Which windows are counted exactly: of one part of all, by hash, those for which the sketch comes to `least`."""

    counts: Numbers
    least: int
    part: int
    parts: int


@compiled
def tally(table: Table, sieve: Sieve, texts: Rows, begin: int) -> int:
    """Counts exactly, each once a row, the windows that pass the sieve; gives the text for which there is no room, or how
    many there are."""
    codes, ends, first = texts.codes, texts.ends, texts.first
    mask, part, parts = np.uint64(len(sieve.counts) - 1), np.uint64(sieve.part), np.uint64(sieve.parts)
    for number in range(begin, len(ends)):
        start = ends[number - 1] if number else 0
        row, hashed = first + number, np.uint64(0)
        most = table.used[0] + ends[number] - start + 1
        if most >= len(table.rows) or 2 * most >= len(table.slots):
            return number
        for at in range(start, ends[number]):
            hashed = _rolled(hashed, codes, at, start)
            if at - start < WIDE - 1:
                continue
            mixed = _mixed(hashed)
            if sieve.counts[mixed & mask, 0] >= sieve.least and (mixed >> np.uint64(40)) % parts == part:
                slot = _slot(table, hashed, codes, at - WIDE + 1)
                if not table.slots[slot]:
                    enter(table, slot, codes[at - WIDE + 1 : at + 1])
                found = table.slots[slot]
                if table.last[found] != row:
                    table.last[found] = row
                    table.rows[found] += 1
    return len(ends)


@compiled
def enter(table: Table, slot: int, window: Numbers) -> None:
    """Gives a window, whose slot is free, the next number."""
    table.used[0] += 1
    table.slots[slot] = table.used[0]
    table.windows[table.used[0]] = window


@compiled
def refile(table: Table) -> None:
    """Files the windows that have a number by their hash, in empty slots."""
    for found in range(1, table.used[0] + 1):
        window, hashed = table.windows[found], np.uint64(0)
        for at in range(WIDE):
            hashed = _rolled(hashed, window, at, 0)
        table.slots[_slot(table, hashed, window, 0)] = found


@compiled
def cover(table: Table, codes: Numbers, ends: Numbers, covered: Numbers) -> None:
    """Marks the characters that stand in a passage, by the number of the window that the passage begins with."""
    shared = np.zeros(len(codes), np.int64)
    for number in range(len(ends)):
        start, hashed = ends[number - 1] if number else 0, np.uint64(0)
        held = False
        for at in range(start, ends[number]):
            hashed = _rolled(hashed, codes, at, start)
            if at - start >= WIDE - 1:
                found = table.slots[_slot(table, hashed, codes, at - WIDE + 1)]
                shared[at - WIDE + 1] = found
                held = held or bool(found)
        if held:
            _cover_one(table, shared[start : ends[number]], covered[start : ends[number]])


@part
def _cover_one(table: Table, shared: Numbers, covered: Numbers) -> None:
    opening = 0
    for at in range(len(shared) - WIDE + 1):
        rows = table.rows[shared[at]]
        whole = rows > 0
        for other in range(max(0, at - WIDE + 1), min(len(shared), at + WIDE)):
            whole = whole and bool(table.rows[shared[other]] <= FALL * rows)
        if whole:
            if not covered[at]:
                opening = shared[at]
            covered[at : at + WIDE] = opening


@compiled
def pieces(covered: Numbers, ends: Numbers, left: Numbers, longest: Numbers) -> None:
    """For each text how many characters no passage covers, and the most of these that stand together."""
    for number in range(len(ends)):
        together = 0
        for at in range(ends[number - 1] if number else 0, ends[number]):
            together = 0 if covered[at] else together + 1
            left[number] += together > 0
            longest[number] = max(longest[number], together)


@compiled
def empty(covered: Numbers, ends: Numbers, filled: Numbers, longest: Numbers) -> None:
    """Marks what stands apart from the longest piece of some texts, the last of that length, as covered too."""
    for number in range(len(ends)):
        start, together = ends[number - 1] if number else 0, 0
        for at in range(ends[number] - 1, start - 1 if filled[number] else ends[number], -1):
            together = 0 if covered[at] else together + 1
            if together == longest[number]:
                covered[start:at] = 1
                covered[at + together : ends[number]] = 1
                break


@compiled
def ask(table: Table, texts: Rows, longest: Numbers, asked: Numbers, last: Numbers) -> None:
    """Counts, each once a row, the windows of rows of which more than a character is left together."""
    codes, ends = texts.codes, texts.ends
    for number in range(len(ends)):
        start, hashed = ends[number - 1] if number else 0, np.uint64(0)
        for at in range(start, ends[number] if longest[number] > 1 else start):
            hashed = _rolled(hashed, codes, at, start)
            if at - start >= WIDE - 1:
                found = table.slots[_slot(table, hashed, codes, at - WIDE + 1)]
                if found and last[found] != texts.first + number:
                    last[found] = texts.first + number
                    asked[found] += 1


@compiled
def openings(covered: Numbers, ends: Numbers, seen: Seen, base: int) -> None:
    """Counts the rows that each passage stands in, by the window it begins with; its greatest length, and where that is."""
    rows, lengths, places = seen.rows, seen.lengths, seen.places
    last = np.zeros(len(rows), np.int64)
    for number in range(len(ends)):
        start, length = ends[number - 1] if number else 0, 0
        for at in range(start, ends[number]):
            opening = covered[at]
            length = length + 1 if opening and at > start and covered[at - 1] == opening else 1
            if opening and last[opening] != number + 1:
                last[opening] = number + 1
                rows[opening] += 1
            if opening and length > lengths[opening]:
                lengths[opening], places[opening] = length, base + at - length + 1


@part
def _rolled(hashed: Number, codes: Numbers, at: int, start: int) -> Number:
    """The hash of the window that ends at a place, from that of the one before."""
    hashed = hashed * np.uint64(BASE) + np.uint64(codes[at]) + np.uint64(1)
    if at - start >= WIDE:
        hashed -= np.uint64(POWER) * (np.uint64(codes[at - WIDE]) + np.uint64(1))
    return hashed


@part
def _mixed(hashed: Number) -> Number:
    hashed ^= hashed >> np.uint64(32)
    hashed *= np.uint64(0xD6E8FEB86659FD93)
    return hashed ^ (hashed >> np.uint64(32))


@part
def _slot(table: Table, hashed: Number, codes: Numbers, start: int) -> Number:
    """Where a window stands, or would."""
    mask = len(table.slots) - 1
    at = np.int64(_mixed(hashed) >> np.uint64(8)) & mask
    while table.slots[at] and not _same(table.windows[table.slots[at]], codes, start):
        at = (at + 1) & mask
    return at


@part
def _same(window: Numbers, codes: Numbers, start: int) -> bool:
    same = 0
    while same < WIDE and window[same] == codes[start + same]:
        same += 1
    return same == WIDE
