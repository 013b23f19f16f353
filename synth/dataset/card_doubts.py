"""What the dataset card says of the doubts that a run has about its own data."""

from collections.abc import Mapping, Sequence
from typing import Any


def doubts_section(doubts: Sequence[Mapping[str, Any]]) -> list[str]:
    """The card's section on doubts, line by line: who, what and how often, and where samples stand. No text of a sample is
    in it, since a sample may be of what was dropped."""
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
        "| role | model | found | against the whole | samples |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {_cell(doubt['role'])} | {_cell(doubt['model'])} | {_cell(doubt['words'])} | {'yes' if doubt['whole'] else 'no'} | "
        f"{_cell(', '.join(sample['place'] for sample in doubt['samples']))} |"
        for doubt in doubts
    ]
    return [*lines, ""]


def _cell(text: str) -> str:
    """Untrusted text in a table: it cannot leave its cell or become markup."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
