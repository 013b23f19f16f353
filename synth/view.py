"""What a run shows while it goes: a live table on a terminal, plain lines elsewhere, events for programs; and the table at its end."""

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import IO, Any

import click

from synth.engine.ask import Engine
from synth.fold.fold import Fold
from synth.fold.lane import LaneFold
from synth.plain import for_terminal
from synth.plan.tally import Tally
from synth.result import Result

PLAIN_EVERY, LIVE_EVERY = 10.0, 0.5
"""Seconds between two plain lines, and between two drawings of the live table."""

Show = Callable[[dict[str, Any]], None]


def snapshot(fold: Fold, engine: Engine) -> dict[str, Any]:
    """How far a run has come, by scenario."""
    scenarios: dict[str, Counter[str]] = {}
    flying = engine.in_flight
    for lane in fold.lanes.values():
        scenarios.setdefault(lane.brief.lane.scenario, Counter()).update(
            accepted=sum(lane.counts.accepted.values()),
            target=sum(target or 0 for target in lane.targets.values()),
            in_flight=flying[lane.id],
            calls=engine.calls[lane.id],
            hard=lane.counts.hard,
            dropped=sum(lane.counts.dropped.values()),
        )
    return {"scenarios": {name: dict(entry) for name, entry in scenarios.items()}, "weather": engine.weather}


@contextlib.asynccontextmanager
async def watch(fold: Fold, engine: Engine, *, events: "Events | None") -> AsyncIterator[None]:
    """Shows progress on stderr, and tells `events` of the start, of every closed round, of progress and of the end."""
    with contextlib.ExitStack() as stack:
        live = sys.stderr.isatty()
        show = _live(stack) if live else _plain
        if events:
            fold.closed = events.round
            events.tell("start", snapshot(fold, engine))
        ticker = asyncio.create_task(_tick(fold, engine, show, events, LIVE_EVERY if live else PLAIN_EVERY))
        try:
            yield
        finally:
            ticker.cancel()
            if events:
                events.tell("end", snapshot(fold, engine))


async def _tick(fold: Fold, engine: Engine, show: Show, events: "Events | None", every: float) -> None:
    while True:
        await asyncio.sleep(every)
        state = snapshot(fold, engine)
        show(state)
        if events:
            events.tell("progress", state)


class Events:
    """JSON lines for programs. A file that can no longer be written costs one line of warning, not the run."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream: IO[str] | None = stream

    def tell(self, event: str, facts: Mapping[str, Any]) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(json.dumps({"event": event, "time": time.time(), **facts}, ensure_ascii=False) + "\n")
            self._stream.flush()
        except OSError as error:
            with contextlib.suppress(OSError):
                self._stream.close()
            self._stream = None
            click.echo(f"synth: warning: --events cannot be written any more ({error.strerror})", err=True)

    def close(self) -> None:
        if self._stream is not None and self._stream is not sys.stderr:
            self._stream.close()

    def round(self, lane: LaneFold, tally: Tally) -> None:
        """A lane has closed a round."""
        cells = {
            label: {
                "accepted": lane.counts.accepted[label],
                "target": lane.targets[label],
                "status": lane.status(label),
            }
            for label in lane.targets
        }
        made = {"queries": tally.queries, "accepted": tally.accepted, "lost": dict(tally.lost)}
        self.tell(
            "round", {"lane": lane.id, "sweep": tally.plan.sweep, "asked": tally.plan.count, **made, "cells": cells}
        )


def _plain(state: dict[str, Any]) -> None:
    totals: Counter[str] = sum((Counter(entry) for entry in state["scenarios"].values()), Counter())
    parts = [f"{name} {entry['accepted']}/{entry['target'] or 'all'}" for name, entry in state["scenarios"].items()]
    counts = f"{totals['in_flight']} in flight, {totals['calls']} calls, {totals['dropped']} dropped"
    weather = f"; {for_terminal(state['weather'])}, trying again" if state["weather"] else ""
    click.echo(f"{', '.join(parts)}; {counts}{weather}", err=True)


def _live(stack: contextlib.ExitStack) -> Show:
    from rich.console import Console
    from rich.live import Live

    display = stack.enter_context(Live(console=Console(stderr=True), auto_refresh=False, transient=True))
    return lambda state: display.update(_table(state), refresh=True)


def _table(state: dict[str, Any]) -> Any:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    table = Table(box=None)
    for heading in ("scenario", ""):
        table.add_column(heading)
    for heading in ("accepted", "in flight", "calls", "hard", "dropped"):
        table.add_column(heading, justify="right")
    for name, entry in state["scenarios"].items():
        bar = ProgressBar(total=entry["target"] or None, completed=entry["accepted"], width=30)
        count = f"{entry['accepted']}/{entry['target']}" if entry["target"] else str(entry["accepted"])
        table.add_row(name, bar, count, *(str(entry[key]) for key in ("in_flight", "calls", "hard", "dropped")))
    table.caption = for_terminal(f"{state['weather']}, trying again") if state["weather"] else None
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
