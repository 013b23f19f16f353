"""The table at a run's end: what was made, kept, dropped and spent, which cells fell short and on what grounds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synth.dataset.card_floors import floor_lines
from synth.journal.usage import UsageTotal
from synth.recipe.labels import BINARY, LabelScheme, column
from synth.run import doubting
from synth.run.cost import in_words
from synth.run.result import Result
from synth.sanitize import for_terminal
from synth.stages.parsing import meaning_of

SHOWN = 12
"""Cells that fell short told one by one."""
_NO_DIALOGUE = "a trainer that is given the table itself may take it for dialogues, and train the unsafe answers"


def summary(result: Result, folder: Path, labels: LabelScheme = BINARY) -> str:
    """The table at a run's end: what was made, kept and dropped, and where it lies."""
    cost = f"{'cost':>12}" if result.total["priced"] else ""
    headings = "".join(f"{name:>{_width(name)}}" for name in labels.columns())
    lines = [f"{'scenario':<16}{headings}{'rows':>8}{'target':>8}{cost}  status"]
    lines += [
        _scenario_line(scenario, [cell for cell in result.cells if cell["scenario"] == scenario], labels)
        for scenario in dict.fromkeys(cell["scenario"] for cell in result.cells)
    ]
    lines += ["", *_short(result), *floor_lines(result.cells, 3)]
    counts = {name: count for name, count in result.counts.items() if name != "aside"} | result.counts["aside"]
    lines.append(", ".join(f"{name} {count}" for name, count in counts.items()) + f"; {result.calls} calls")
    lines += [of_controls(judge) for judge in result.controls]
    if result.dropped:
        lines.append("dropped: " + ", ".join(f"{reason} {count}" for reason, count in result.dropped.items()))
    lines.append(f"spent in this folder: {in_words(UsageTotal(**result.total))}")
    lines += map(for_terminal, doubting.lines(result.doubts))
    lines += [f"note: {for_terminal(note)}" for note in result.notes]
    lines.append(
        f"{folder / 'dataset'}: " + ", ".join(f"{split} {count}" for split, count in result.splits.items() if count)
    )
    if any(result.splits.values()):
        lines.append(f"to train on it: `synth export {folder} --to sft`, classify, preference …; {_NO_DIALOGUE}")
    return "\n".join(lines)


def of_controls(judge: Mapping[str, Any]) -> str:
    """How a judge did on pairs with known labels, in one line of the table."""
    share = "{low:.0%} to {high:.0%}".format(**judge).replace("%", "", 1).replace("%", " %")
    line = f"controls: {judge['role']} {judge['right']} of {judge['n']} ({share})"
    line += "" if judge["verdict"] == "fit" else f", {judge['verdict']}"
    if (lately := judge["lately"]) is not None:
        line += f"; of late {lately['right']} of {lately['n']}"
    return for_terminal(line)


def _short(result: Result) -> list[str]:
    """The cells that ended short, each with the figures it was judged by."""
    short = [cell for cell in result.cells if cell["grounds"]]
    lines = [
        f"{cell['subcategory']}/{cell['query_type']}/{cell['label']} {cell['accepted']}/{cell['target']} "
        f"{cell['status']}: {cell['grounds']['words']}{_in_words(cell)}{_kept_free(cell)}"
        for cell in short[:SHOWN]
    ]
    lines += causes(short[:SHOWN])
    if len(short) > SHOWN:
        lines.append(f"… and {len(short) - SHOWN} more; `synth show DIR` lists all cells")
    return [*lines, ""] if lines else []


def causes(short: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table's lines on who brought these cells to their end, with samples; what is the same for several lanes is said once."""
    told: dict[str, tuple[dict[str, None], list[str]]] = {}
    for cell in short:
        if cause := cell["grounds"].get("cause"):
            samples = [f"    {sample['place']}: {for_terminal(sample['text'])}" for sample in cause["samples"]]
            lanes, _ = told.setdefault(cause["words"], ({}, samples))
            lanes[f"{cell['subcategory']}/{cell['query_type']}"] = None
    return [
        line
        for words, (lanes, samples) in told.items()
        for line in (f"{', '.join(lanes)}: {for_terminal(words)}", *samples)
    ]


def _in_words(cell: Mapping[str, Any]) -> str:
    """What the reason means that a cell stalled for, where its cause names nobody."""
    if not cell["status"].startswith("stalled: ") or cell["grounds"].get("cause"):
        return ""
    meaning = meaning_of(cell["status"].partition(": ")[2])
    return f" ({'; '.join(filter(None, meaning))})" if meaning else ""


def _kept_free(cell: dict[str, Any]) -> str:
    """For what a cell has kept rows free in vain."""
    kept = [
        f"{axis} {value} {rows}" for axis, values in cell.get("kept_free", {}).items() for value, rows in values.items()
    ]
    more = f" and {len(kept) - SHOWN} more" if len(kept) > SHOWN else ""
    return f"; kept free for {', '.join(kept[:SHOWN])}{more}" if kept else ""


def _width(name: str) -> int:
    return max(8, len(name) + 2)


def _scenario_line(scenario: str, cells: list[dict[str, Any]], labels: LabelScheme) -> str:
    counts = Counter[str]()
    for cell in cells:
        counts[column(cell["query_type"], cell["label"])] += cell["accepted"]
    target = sum(cell["target"] or 0 for cell in cells)
    short = sorted({cell["status"] for cell in cells} - {"met"})
    doubtful = ", doubtful" if any(cell.get("doubtful") for cell in cells) else ""
    costs = [cell["cost"] for cell in cells]
    cost = "" if None in costs else f"{sum(costs):>12,.4f}"
    return (
        f"{scenario:<16}"
        + "".join(f"{counts[name]:>{_width(name)}}" for name in labels.columns())
        + f"{counts.total():>8}{target or 'all':>8}{cost}  "
        + ("; ".join(short) or "met")
        + doubtful
    )
