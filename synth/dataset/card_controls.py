"""The section of the dataset card on its judges' controls: pairs with known labels that they were given."""

from collections.abc import Mapping, Sequence
from typing import Any

from synth.dataset.cell import in_cell


def controls_section(judges: Sequence[Mapping[str, Any]]) -> list[str]:
    """The card's lines on what each judge made of its controls; none where none were asked."""
    if not judges:
        return []
    lines = ["## Controls", "", "Pairs with known labels that ship with synth, asked of every judge as a row is.", ""]
    lines += ["| judge | model | right | of | 95 % interval | verdict | of late |", "|---|---|---|---|---|---|---|"]
    return [*lines, *map(_line, judges), ""]


def _line(judge: Mapping[str, Any]) -> str:
    lately = judge["lately"]
    told = (
        ""
        if lately is None
        else f"{lately['right']} of {lately['n']}{', fewer than at first' if lately['fell'] else ''}"
    )
    names = f"{in_cell(judge['role'])} | {in_cell(judge['model'])}"
    return f"| {names} | {judge['right']} | {judge['n']} | {judge['low']:.0%} to {judge['high']:.0%} | {judge['verdict']} | {told} |"
