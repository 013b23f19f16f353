"""The table at a run's end: what was made, kept, dropped and spent, which cells fell short and on what grounds."""

from pathlib import Path
from typing import Any

from synth.journal.usage import UsageTotal
from synth.run.cost import in_words
from synth.run.result import Result
from synth.sanitize import for_terminal

SHOWN = 12
"""Cells that fell short told one by one."""


def summary(result: Result, folder: Path) -> str:
    """The table at a run's end: what was made, kept and dropped, and where it lies."""
    cost = f"{'cost':>12}" if result.total["priced"] else ""
    lines = [f"{'scenario':<16}{'unsafe':>8}{'safe':>8}{'benign':>8}{'rows':>8}{'target':>8}{cost}  status"]
    lines += [
        _scenario_line(scenario, [cell for cell in result.cells if cell["scenario"] == scenario])
        for scenario in dict.fromkeys(cell["scenario"] for cell in result.cells)
    ]
    lines += ["", *_short(result)]
    counts = {name: count for name, count in result.counts.items() if name != "aside"} | result.counts["aside"]
    lines.append(", ".join(f"{name} {count}" for name, count in counts.items()) + f"; {result.calls} calls")
    if result.dropped:
        lines.append("dropped: " + ", ".join(f"{reason} {count}" for reason, count in result.dropped.items()))
    lines.append(f"spent in this folder: {in_words(UsageTotal(**result.total))}")
    lines += [f"note: {for_terminal(note)}" for note in result.notes]
    lines.append(
        f"{folder / 'dataset'}: " + ", ".join(f"{split} {count}" for split, count in result.splits.items() if count)
    )
    return "\n".join(lines)


def _short(result: Result) -> list[str]:
    """The cells that ended short, each with the figures it was judged by."""
    short = [cell for cell in result.cells if cell["grounds"]]
    lines = [
        f"{cell['subcategory']}/{cell['query_type']}/{cell['label']} {cell['accepted']}/{cell['target']} "
        f"{cell['status']}: {cell['grounds']['words']}"
        for cell in short[:SHOWN]
    ]
    if len(short) > SHOWN:
        lines.append(f"… and {len(short) - SHOWN} more; `synth show DIR` lists all cells")
    return [*lines, ""] if lines else []


def _scenario_line(scenario: str, cells: list[dict[str, Any]]) -> str:
    columns = {"unsafe": ("harmful", "unsafe"), "safe": ("harmful", "safe"), "benign": ("benign", "safe")}
    counts = [
        sum(cell["accepted"] for cell in cells if (cell["query_type"], cell["label"]) == kind)
        for kind in columns.values()
    ]
    target = sum(cell["target"] or 0 for cell in cells)
    short = sorted({cell["status"] for cell in cells} - {"met"})
    numbers = [*counts, sum(cell["accepted"] for cell in cells)]
    costs = [cell["cost"] for cell in cells]
    cost = "" if None in costs else f"{sum(costs):>12,.4f}"
    return (
        f"{scenario:<16}"
        + "".join(f"{number:>8}" for number in numbers)
        + f"{target or 'all':>8}{cost}  "
        + ("; ".join(short) or "met")
    )
