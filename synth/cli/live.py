"""What a run shows while it goes: a live table on a terminal, plain lines elsewhere, events for programs."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import IO, Any

from synth.cli.say import complain, say
from synth.engine.ask import Engine
from synth.fold.acceptor import Acceptor
from synth.fold.fold import Fold
from synth.journal.usage import Prices
from synth.plan.tally import Tally
from synth.run.events import closed_round
from synth.run.progress import Progress
from synth.sanitize import for_terminal

PLAIN_EVERY, LIVE_EVERY = 10.0, 2.0
"""Seconds between two plain lines, and between two drawings of the live table."""

Show = Callable[[dict[str, Any]], None]


@contextlib.asynccontextmanager
async def watch(
    fold: Fold, engine: Engine, *, prices: Prices, events: "Events | None", screen: "Screen | None" = None
) -> AsyncIterator[None]:
    """Shows a run's progress live on stderr, for the length of a block, and tells `events` of the start, of progress
    and of the end; they observe the fold themselves."""
    with contextlib.ExitStack() as stack:
        live, progress = sys.stderr.isatty(), Progress(fold, engine, prices)
        show = (screen or Screen()).table(stack) if live else _plain
        if events:
            events.tell("start", progress.now())
        ticker = asyncio.create_task(_tick(progress, show, events, LIVE_EVERY if live else PLAIN_EVERY))
        try:
            yield
        finally:
            ticker.cancel()
            if events:
                events.tell("end", progress.now())


async def _tick(progress: Progress, show: Show, events: "Events | None", every: float) -> None:
    while True:
        await asyncio.sleep(every)
        state = progress.now()
        show(state)
        if events:
            events.tell("progress", state)


class Screen:
    """Where a run's lines for the user go: to stderr, and above the live table while one is drawn there."""

    def __init__(self) -> None:
        self._console: Any = None

    def line(self, text: str) -> None:
        """Shows one line to the user, whatever is drawn on the live screen."""
        if self._console is None:
            say(text, err=True)
            return
        from rich.text import Text

        self._console.print(Text(for_terminal(text)), soft_wrap=True)

    def table(self, stack: contextlib.ExitStack) -> Show:
        """Draws the live table on this screen until the stack is unwound."""
        from rich.console import Console
        from rich.live import Live

        self._console = Console(stderr=True)
        stack.callback(self._leave)
        display = stack.enter_context(Live(console=self._console, auto_refresh=False, transient=True))
        return lambda state: display.update(table(state), refresh=True)

    def _leave(self) -> None:
        self._console = None


class Events:
    """What a run writes to `--events`: JSON lines for programs. A file that can no longer be written costs one line of
    warning, not the run."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream: IO[str] | None = stream

    def tell(self, event: str, facts: Mapping[str, Any]) -> None:
        """Writes one event of a live run, with its time in Unix seconds, as a line of JSON."""
        if self._stream is None:
            return
        try:
            self._stream.write(json.dumps({"event": event, "time": time.time(), **facts}, ensure_ascii=False) + "\n")
            self._stream.flush()
        except OSError as error:
            with contextlib.suppress(OSError):
                self._stream.close()
            self._stream = None
            complain(f"warning: --events cannot be written any more ({error.strerror})")

    def close(self) -> None:
        """Closes the file of a live run's events, unless it is stderr."""
        if self._stream is not None and self._stream is not sys.stderr:
            self._stream.close()

    def round_closed(self, lane: Acceptor, tally: Tally) -> None:
        """Writes the event, while the run is live, that a lane's round has closed: what it came to, and how the lane's
        cells stand."""
        self.tell("round", closed_round(lane, tally))


def _plain(state: dict[str, Any]) -> None:
    total = state["total"]
    parts = [f"{name} {entry['accepted']}/{entry['target'] or 'all'}" for name, entry in state["scenarios"].items()]
    figures = [
        f"{total['in_flight']:,} calls out{_out(state)}",
        f"{total['calls']:,} calls answered",
        _tokens(total),
        f"{_share(total['yield'])} of calls became rows",
        f"{_share(total['novelty'])} of queries new",
        f"{total['refusals']:,} refusals",
        f"{total['retries']:,} retries",
        f"{total['dropped']:,} dropped",
    ]
    if total["cost"] is not None:
        figures.append(f"cost {_cost(total['cost'])}, {_cost(total['cost_to_come'])} to come")
    figures.append(f"{_time(total['seconds_left'])} left")
    weather = f"; {for_terminal(state['weather'])}, trying again" if state["weather"] else ""
    say(f"rows: {', '.join(parts)}; {', '.join(figures)}{weather}", err=True)


def table(state: dict[str, Any]) -> Any:
    """A run's progress as a live table for a terminal."""
    from rich.table import Table
    from rich.text import Text

    total = state["total"]
    priced = total["cost"] is not None
    drawn = Table(box=None)
    drawn.add_column("scenario")
    costs = ("cost", "to come") if priced else ()
    for heading in (*state["columns"], "yield", "new", "in flight", "calls", "refusals", "retries", "dropped", *costs):
        drawn.add_column(heading, justify="right")
    for name, entry in (*state["scenarios"].items(), ("all", total)):
        cells = (_of_target(entry["cells"].get(kind)) for kind in state["columns"])
        counts = (f"{entry[key]:,}" for key in ("in_flight", "calls", "refusals", "retries", "dropped"))
        paid = (_cost(entry["cost"]), _cost(entry["cost_to_come"])) if priced else ()
        drawn.add_row(
            Text(for_terminal(name)), *cells, _share(entry["yield"]), _share(entry["novelty"]), *counts, *paid
        )
    weather = f"\n{for_terminal(state['weather'])}, trying again" if state["weather"] else ""
    meaning = "yield: rows a call; new: share of queries that repeat none; Ctrl-C stops and keeps everything"
    drawn.caption = Text(f"{_time(total['seconds_left'])} left; {_tokens(total)}{_out(state)}{weather}\n{meaning}")
    return drawn


def _out(state: dict[str, Any]) -> str:
    """The stages whose calls are out, and how old the oldest is."""
    stages = ", ".join(f"{stage} {count}" for stage, count in state["stages"].items())
    return f" ({stages}; the oldest {state['oldest']:.0f} s)" if stages else ""


def _tokens(total: dict[str, Any]) -> str:
    speed = total["tokens_a_second"]
    return f"{total['tokens']:,} tokens" + (f", {speed:,.0f} tokens/s" if speed is not None else "")


def _of_target(cell: Mapping[str, int] | None) -> str:
    return "" if cell is None else f"{cell['accepted']}/{cell['target'] or 'all'}"


def _share(share: float | None) -> str:
    return "?" if share is None else f"{share:.0%}"


def _cost(cost: float | None) -> str:
    return "?" if cost is None else f"{cost:,.2f}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    minutes, hours = seconds / 60, seconds / 3600
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if hours < 2 else f"{hours:.1f} h"
