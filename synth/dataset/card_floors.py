"""What became of the floors that a recipe sets for stances: the share of accepted rows they came to, in words for card and table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SHOWN = 12
"""Cells under a floor that are told one by one."""


def floor_lines(cells: Sequence[Mapping[str, Any]], most: int = SHOWN) -> Iterator[str]:
    """A dataset's floors in words, for card and table: by kind of cell and stance the share of its accepted rows, then the cells in which
    it is under its floor, `most` of them, with the stance's yield."""
    held = [(cell, stance, one) for cell in cells for stance, one in (cell.get("floors") or {}).items()]
    for kind, stance in dict.fromkeys((_kind(cell), stance) for cell, stance, _ in held):
        ours = [(cell, one) for cell, name, one in held if (_kind(cell), name) == (kind, stance)]
        rows = sum(cell["accepted"] for cell, _ in ours)
        got = sum(one["accepted"] for _, one in ours)
        floors = sorted({one["floor"] for _, one in ours})
        words = f"stance {stance}: {got:,} of {rows:,} accepted rows of {kind}"
        words += f" ({got / rows:.0%})" if rows else ""
        yield f"{words}, floor {' to '.join(f'{floor:.0%}' for floor in dict.fromkeys((floors[0], floors[-1])))}"
        under = [(cell, one) for cell, one in ours if one["under"]]
        for cell, one in under[:most]:
            yield (
                f"{cell['subcategory']}/{kind}: {one['accepted']} of {cell['accepted']} {stance}, under its floor; "
                f"{_yield(one)}"
            )
        if len(under) > most:
            yield f"… and {len(under) - most} more under their floor"


def _kind(cell: Mapping[str, Any]) -> str:
    return f"{cell['query_type']}/{cell['label']}"


def _yield(one: Mapping[str, Any]) -> str:
    if not one["slots"]:
        return "never asked for"
    return f"{one['hits']} of {one['slots']} slots gave the label ({one['hits'] / one['slots']:.0%})"
