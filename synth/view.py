"""What a run shows while it goes: a live table on a terminal, plain lines elsewhere, events for programs; and the table at its end."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import IO, Any

import click

from synth.engine.ask import Engine
from synth.fold.fold import Fold
from synth.result import Result

PLAIN_EVERY, LIVE_EVERY = 10.0, 0.5
"""Seconds between two plain lines, and between two drawings of the live table."""

Show = Callable[[dict[str, Any]], None]


def snapshot(fold: Fold, engine: Engine) -> dict[str, Any]:
    """How far a run has come, by scenario."""
    scenarios: dict[str, dict[str, int]] = {}
    for lane in fold.lanes.values():
        entry = scenarios.setdefault(lane.brief.lane.scenario, {"accepted": 0, "target": 0, "hard": 0, "dropped": 0})
        entry["accepted"] += sum(lane.counts.accepted.values())
        entry["target"] += sum(target or 0 for target in lane.targets.values())
        entry["hard"] += lane.counts.hard
        entry["dropped"] += sum(lane.counts.dropped.values())
    return {"scenarios": scenarios, "in_flight": engine.in_flight, "calls": engine.calls}


@contextlib.asynccontextmanager
async def watch(fold: Fold, engine: Engine, *, events: IO[str] | None) -> AsyncIterator[None]:
    """Shows progress on stderr, and writes one JSON line a look to `events`."""
    shows: list[Show] = [_event_writer(events)] if events else []
    with contextlib.ExitStack() as stack:
        live = sys.stderr.isatty()
        shows.append(_live(stack) if live else _plain())
        ticker = asyncio.create_task(_tick(fold, engine, shows, LIVE_EVERY if live else PLAIN_EVERY))
        try:
            yield
        finally:
            ticker.cancel()
            if events:
                shows[0](snapshot(fold, engine))


async def _tick(fold: Fold, engine: Engine, shows: Iterable[Show], every: float) -> None:
    while True:
        await asyncio.sleep(every)
        for show in shows:
            show(snapshot(fold, engine))


def _event_writer(events: IO[str]) -> Show:
    def show(state: dict[str, Any]) -> None:
        events.write(json.dumps({"time": time.time(), **state}, ensure_ascii=False) + "\n")
        events.flush()

    return show


def _plain() -> Show:
    def show(state: dict[str, Any]) -> None:
        parts = [f"{name} {entry['accepted']}/{entry['target']}" for name, entry in state["scenarios"].items()]
        click.echo(f"{', '.join(parts)}; {state['in_flight']} in flight, {state['calls']} calls", err=True)

    return show


def _live(stack: contextlib.ExitStack) -> Show:
    from rich.console import Console
    from rich.live import Live

    display = stack.enter_context(Live(console=Console(stderr=True), auto_refresh=False, transient=True))
    return lambda state: display.update(_table(state), refresh=True)


def _table(state: dict[str, Any]) -> Any:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    table = Table(caption=f"{state['in_flight']} in flight, {state['calls']} calls", box=None)
    for heading in ("scenario", "", "accepted", "hard", "dropped"):
        table.add_column(heading, justify="left" if heading in ("scenario", "") else "right")
    for name, entry in state["scenarios"].items():
        bar = ProgressBar(total=entry["target"] or None, completed=entry["accepted"], width=30)
        count = f"{entry['accepted']}/{entry['target']}" if entry["target"] else str(entry["accepted"])
        table.add_row(name, bar, count, str(entry["hard"]), str(entry["dropped"]))
    return table


def summary(result: Result, folder: Path) -> str:
    """The table at a run's end: what was made, kept and dropped, and where it lies."""
    lines = [f"{'scenario':<16}{'unsafe':>8}{'safe':>8}{'benign':>8}{'rows':>8}{'target':>8}  status"]
    lines += [
        _scenario_line(scenario, [cell for cell in result.cells if cell["scenario"] == scenario])
        for scenario in dict.fromkeys(cell["scenario"] for cell in result.cells)
    ]
    lines.append("")
    lines.append(", ".join(f"{name} {count}" for name, count in result.counts.items()) + f"; {result.calls} calls")
    if result.dropped:
        lines.append("dropped: " + ", ".join(f"{reason} {count}" for reason, count in result.dropped.items()))
    lines += [f"note: {note}" for note in result.notes]
    lines.append(
        f"{folder / 'dataset'}: " + ", ".join(f"{split} {count}" for split, count in result.splits.items() if count)
    )
    return "\n".join(lines)


def _scenario_line(scenario: str, cells: list[dict[str, Any]]) -> str:
    columns = {"unsafe": ("harmful", "unsafe"), "safe": ("harmful", "safe"), "benign": ("benign", "safe")}
    counts = [
        sum(cell["accepted"] for cell in cells if (cell["query_type"], cell["label"]) == kind)
        for kind in columns.values()
    ]
    target = sum(cell["target"] or 0 for cell in cells)
    short = sorted({cell["status"] for cell in cells} - {"met"})
    numbers = [*counts, sum(cell["accepted"] for cell in cells)]
    return (
        f"{scenario:<16}"
        + "".join(f"{number:>8}" for number in numbers)
        + f"{target or 'all':>8}  "
        + ("; ".join(short) or "met")
    )
