"""Growing lists of numbers side by side in one array, for compiled code: the numbers of each stand in a row, so that going through
one waits for memory once, however many lists there are. A full one moves to a place a third larger or more, and leaves its own to others."""

from typing import NamedTuple

from synth.kernels import Number, Numbers, part

KINDS = 64
"""Kinds of places, by size; more than there can be."""


class Lists(NamedTuple):
    """Lists of numbers as flat arrays for compiled code, enlarged from outside."""

    heads: Numbers
    """By list: where in `cells` it begins, and how many numbers it holds."""
    cells: Numbers
    spare: Numbers
    """By kind of place: the first of those that lists have left, each of which holds the next; 0: none. Last: how many cells are used."""


@part
def append(lists: Lists, number: int, value: Number) -> None:
    """Adds to a list, which may take 2 n + 1 cells more where n is what it holds."""
    first, count = lists.heads[2 * number], lists.heads[2 * number + 1]
    rest = count & (count - 1)
    if rest == 0 or rest == 2 * (count ^ rest):  # 0, 2^k or 3 x 2^k: its place is full
        kind, room = _place(count + 1)
        place = lists.spare[kind]
        if place:
            lists.spare[kind] = lists.cells[place]
        else:
            place = lists.spare[KINDS - 1]
            lists.spare[KINDS - 1] += room
        for at in range(count):
            lists.cells[place + at] = lists.cells[first + at]
        if count:
            lists.cells[first] = lists.spare[kind - 1]
            lists.spare[kind - 1] = first
        lists.heads[2 * number] = first = place
    lists.cells[first + count] = value
    lists.heads[2 * number + 1] = count + 1


@part
def lay_out(lists: Lists) -> None:
    """Gives each list a place for as many numbers as its head says that it will hold, and empties it."""
    for kind in range(KINDS):
        lists.spare[kind] = 0
    used = 1
    for number in range(len(lists.heads) // 2):
        if lists.heads[2 * number + 1]:
            _, room = _place(lists.heads[2 * number + 1])
            lists.heads[2 * number], lists.heads[2 * number + 1] = used, 0
            used += room
    lists.spare[KINDS - 1] = used


@part
def _place(count: int) -> tuple[int, int]:
    """The smallest place for so many numbers: its kind, and its cells, which are 1, 2, 3, 4, 6, 8, 12 and so on."""
    kind, room = 0, 1
    while room < count:
        kind += 1
        room = (2 + ((kind - 1) & 1)) << ((kind - 1) >> 1)
    return kind, room
