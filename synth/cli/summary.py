"""The table at a run's end: what was made, kept, dropped and spent, which cells fell short and on what grounds."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synth.cli.table import drawn, grid
from synth.cli.way import typed
from synth.dataset.card_floors import floor_lines
from synth.exporters import TABLES
from synth.journal.usage import UsageTotal
from synth.plan.ends import NOVELTY
from synth.quality.doubts.causes import MORE_QUERIES
from synth.quality.grid import Grid
from synth.recipe.labels import BINARY, LabelScheme, column
from synth.run import doubting
from synth.run.cost import in_words
from synth.run.result import Result
from synth.sanitize import for_terminal
from synth.stages.parsing import meaning_of
from synth.types import HARD

SHOWN = 12
"""Cells that fell short told one by one."""
_NO_DIALOGUE = "a trainer given the data set itself may take it for dialogues, and train the unsafe answers"
_WHY_ASIDE = {HARD: ", its judges being of two minds"}
"""Why rows are kept in a split of their own, where its name does not say it."""
_PRIVATE = {"journal.sqlite": "", "drops": "/", "report.html": ""}
"""What of a run's folder holds more than the data set, each with the end that tells a folder."""


def summary(result: Result, folder: Path, labels: LabelScheme = BINARY) -> str:
    """The table at a run's end: what was made, kept and dropped, and where it lies."""
    lines = [
        drawn(_scenarios(result, labels)),
        "",
        *_short(result, folder),
        *floor_lines(result.cells, 3),
        of_candidates(result.counts),
        *map(of_controls, result.controls),
    ]
    if result.dropped:
        told = ", ".join(f"{reason} {count:,}" for reason, count in result.dropped.items())
        lines.append(f"dropped, by stage and reason: {told}")
    lines.append(f"{result.calls:,} calls made now; in this folder: {in_words(UsageTotal(**result.total))}")
    lines += map(for_terminal, doubting.lines(result.doubts))
    lines += [f"note: {for_terminal(note)}" for note in result.notes]
    splits = ", ".join(f"{split} {count:,}" for split, count in result.splits.items() if count)
    lines.append(f"{folder / 'dataset'}: {f'{splits} rows' if splits else 'no rows yet'}")
    return "\n".join(lines)


def of_candidates(counts: Mapping[str, Any]) -> str:
    """What became of all that a run has begun, in one line: run.json's `born` = accepted + aside + dropped + surplus."""
    parts = [f"{counts['accepted']:,} accepted"]
    parts += [
        f"{count:,} set aside as `{split}`{_WHY_ASIDE.get(split, '')}" for split, count in counts["aside"].items()
    ]
    parts.append(f"{counts['dropped']:,} dropped")
    if spare := counts["surplus"]:
        never = f", {counts['unanswered']:,} of them before they were answered" if counts["unanswered"] else ""
        parts.append(f"{spare:,} not needed, since their cells were full{never}")
    return f"{counts['born']:,} candidates (a query, or a query with its answer): {', '.join(parts)}"


def next_steps(result: Result, folder: Path) -> list[str]:
    """What to do with a run's folder, a command each: read its rows, hold its labels against one's own, export it; what to keep."""
    if not any(result.splits.values()):
        return [f"`{typed('show', '--raw', folder)}` shows what the models have answered"]
    short = sum(cell["status"] != "met" for cell in result.cells)
    why = f"`{typed('show', folder)}` says why {short:,} cells fell short" if short else ""
    page = folder / "report.html"
    return [
        why,
        f"open {shlex.quote(str(page))} in a browser: what is wrong, figures, rows and drops" if page.exists() else "",
        f"`{typed('show', folder, to_read(result.cells))}` shows rows to read",
        f"`{typed('audit', folder, '--page')}` makes a page to label rows on, which tells how many labels are wrong",
        f"`{typed('export', folder, '--to', 'sft')}` gives files for a trainer ({_NO_DIALOGUE})",
    ]


def to_read(cells: Sequence[Mapping[str, Any]]) -> str:
    """The name of a cell whose rows are worth reading first: one with rows, of a label that is not the mildest if there is one."""
    filled = [cell for cell in cells if cell["accepted"]]
    mildest = cells[-1]["label"] if cells else ""
    first = next((cell for cell in filled if cell["label"] != mildest), filled[0] if filled else None)
    return f"{first['subcategory']}/{first['query_type']}/{first['label']}" if first else "*"


def private(folder: Path, out: Path | None) -> str:
    """What a run's folder holds that its data set leaves out, and what to hand on in its place, if there is anything, in one line."""
    held = [f"{name}{end}" for name, end in _PRIVATE.items() if (folder / name).exists()]
    holds = f"keep to yourself what {', '.join(held)} in {folder} hold: raw answers and dropped texts" if held else ""
    return "; ".join(filter(None, [holds, f"to hand on: {out}" if out else ""]))


def after_export(folder: Path, to: str, guard: str | None) -> str:
    """What to do with an export, as a command: measure the guard that is trained on it; of a table, make what a trainer reads."""
    if to in TABLES:
        return f"`{typed('export', folder, '--to', 'sft')}` gives files for a trainer; {_NO_DIALOGUE}"
    served = ("--base-url", "http://127.0.0.1:8000/v1", "--model", "guard")
    ask = typed("eval", folder, "--guard", guard or "libra", *served)
    return f"once it is trained and served at this address under this name, `{ask}` measures it on rows it was not trained on"


def of_controls(judge: Mapping[str, Any]) -> str:
    """How a judge did on pairs with known labels, in one line of the table."""
    share = "{low:.0%} to {high:.0%}".format(**judge).replace("%", "", 1).replace("%", " %")
    line = (
        f"controls: {judge['role']} {judge['right']} of {judge['n']} ({share}) pairs with known labels judged rightly"
    )
    line += "" if judge["verdict"] == "fit" else f", {judge['verdict']}"
    if (lately := judge["lately"]) is not None:
        line += f"; of late {lately['right']} of {lately['n']}"
    return for_terminal(line)


def _short(result: Result, folder: Path) -> list[str]:
    """The cells that ended short, each with the figures it was judged by."""
    short = [cell for cell in result.cells if cell["grounds"]]
    lines = [
        f"{cell['subcategory']}/{cell['query_type']}/{cell['label']} {cell['accepted']:,} of {cell['target']:,} rows, "
        f"{cell['status']}: {cell['grounds']['words']}{_in_words(cell)}{_kept_free(cell)}"
        for cell in short[:SHOWN]
    ]
    lines += causes(short[:SHOWN])
    if len(short) > SHOWN:
        lines.append(f"… and {len(short) - SHOWN:,} more; `{typed('show', folder)}` lists all cells")
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
    if cell["grounds"].get("cause"):
        return ""
    if cell["status"] == NOVELTY:
        return f" ({MORE_QUERIES})"
    if not cell["status"].startswith("stalled: "):
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


def _scenarios(result: Result, labels: LabelScheme) -> Grid:
    """The table of scenarios: accepted rows by label, target, cost, status."""
    costs = ["cost"] if result.total["priced"] else []
    scenarios = dict.fromkeys(cell["scenario"] for cell in result.cells)
    rows = [
        _scenario(scenario, [cell for cell in result.cells if cell["scenario"] == scenario], labels)
        for scenario in scenarios
    ]
    heads = ["scenario", *labels.columns(), "rows", "target", *costs, "status"]
    return grid(heads, rows if costs else [[*row[:-2], row[-1]] for row in rows], (0, len(heads) - 1))


def _scenario(scenario: str, cells: list[dict[str, Any]], labels: LabelScheme) -> list[object]:
    counts = Counter[str]()
    for cell in cells:
        counts[column(cell["query_type"], cell["label"])] += cell["accepted"]
    target = sum(cell["target"] or 0 for cell in cells)
    short = sorted({cell["status"] for cell in cells} - {"met"})
    doubtful = ", doubtful" if any(cell.get("doubtful") for cell in cells) else ""
    costs = [cell["cost"] for cell in cells]
    cost = "" if None in costs else f"{sum(costs):,.4f}"
    each = [counts[name] for name in labels.columns()]
    return [scenario, *each, counts.total(), target or "all", cost, ("; ".join(short) or "met") + doubtful]
