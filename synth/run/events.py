"""What a run tells a program while it goes: that it starts, how far it is, each closed round, notes, its end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from synth.engine.ask import Engine
from synth.fold.acceptor import Acceptor
from synth.fold.fold import Fold
from synth.journal.usage import Prices
from synth.plan.tally import Tally
from synth.run.progress import Progress

EVERY = 2.0
"""Seconds between two events of progress."""


class Events:
    """Tells a function of the caller's own, dict by dict, what a run does. What that function raises is kept as `failure`,
    and it is not called again: the run is not to be lost over it."""

    def __init__(self, tell: Callable[[dict[str, Any]], object], prices: Prices) -> None:
        self._tell, self._prices = tell, prices
        self.failure: Exception | None = None

    @contextlib.asynccontextmanager
    async def watch(self, fold: Fold, engine: Engine) -> AsyncIterator[None]:
        """Tells of a run's start, of its progress every few seconds for the length of a block, and of its end."""
        progress = Progress(fold, engine, self._prices)
        self.told("start", progress.now())
        ticker = asyncio.create_task(self._tick(progress))
        try:
            yield
        finally:
            ticker.cancel()
            self.told("end", progress.now())

    def round_closed(self, lane: Acceptor, tally: Tally) -> None:
        """Tells that a lane's round has closed, as a fold observer does."""
        self.told("round", closed_round(lane, tally))

    def note(self, line: str) -> None:
        """Tells a line that a run has for its user."""
        self.told("note", {"text": line})

    def told(self, event: str, facts: Mapping[str, Any]) -> None:
        """Tells one event of a run, with its time in Unix seconds."""
        if self.failure is not None:
            return
        try:
            self._tell({"event": event, "time": time.time(), **facts})
        except Exception as error:  # noqa: BLE001 (whatever a function of the caller's own raises)
            self.failure = error

    async def _tick(self, progress: Progress) -> None:
        while True:
            await asyncio.sleep(EVERY)
            self.told("progress", progress.now())


def closed_round(lane: Acceptor, tally: Tally) -> dict[str, Any]:
    """What an event tells of a lane's round that has closed: what it came to, and how the lane's cells stand."""
    cells = {
        label: {
            "accepted": lane.counts.accepted[label],
            "target": lane.targets[label],
            "status": lane.status(label),
        }
        for label in lane.targets
    }
    made = {"queries": tally.queries, "accepted": tally.accepted, "lost": dict(tally.lost)}
    return {"lane": lane.id, "sweep": tally.plan.sweep, "asked": tally.plan.count, **made, "cells": cells}
