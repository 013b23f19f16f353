"""What the dataset card says of the doubts that a run has about its own data."""

from collections.abc import Mapping, Sequence
from typing import Any

from synth.dataset.cell import in_cell


def doubts_section(doubts: Sequence[Mapping[str, Any]]) -> list[str]:
    """The card's section on doubts, line by line: who, what and how often. No sample is in it, since one may be of what was
    dropped."""
    if not doubts:
        return []
    opening = (
        "**Doubtful.** What is marked so speaks against all of these rows; do not train on them before it is mended."
        if any(doubt["whole"] for doubt in doubts)
        else "None of this speaks against the data set as a whole."
    )
    lines = [
        "## Doubts",
        "",
        opening,
        "",
        "| role | model | found | against the whole |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {in_cell(doubt['role'])} | {in_cell(doubt['model'])} | {in_cell(doubt['words'])} | {'yes' if doubt['whole'] else 'no'} |"
        for doubt in doubts
    ]
    return [*lines, ""]
