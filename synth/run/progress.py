"""How far a run has come, and what is still to come: figures by scenario and over all, cumulative over the folder's whole life.

What is to come is what the lanes lack at the calls and the cost that an accepted row of theirs has taken so far; a lane of which
little is known is held to be like all of them.
"""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from synth.engine.ask import Engine
from synth.fold.acceptor import Acceptor
from synth.fold.fold import Fold
from synth.journal.usage import Prices, Usage, UsageTotal, bill
from synth.recipe.labels import column
from synth.types import CONTROLS, HARD

KNOWN = 20
"""Accepted rows before which the progress says nothing of what is to come."""
WEIGHT = 5.0
"""How many accepted rows the belief that a lane is like all others weighs."""
LATEST = 2
"""How many of the latest closed rounds of each lane the novelty of queries is taken from."""
RECENT, LEAST = 60.0, 5.0
"""Seconds of a run over which its speed is measured, and seconds after which there is one at all."""


class Progress:
    """How far a running fold has come; `now` gives its figures at any moment."""

    def __init__(self, fold: Fold, engine: Engine, prices: Prices) -> None:
        self._fold, self._engine, self._prices = fold, engine, prices
        self._marks: deque[tuple[float, int]] = deque()

    def now(self) -> dict[str, Any]:
        """The figures of a running fold as they stand: rows, calls, cost and what is still to come, by scenario and
        over all; cumulative over the folder's life."""
        paid: dict[str, list[Usage]] = defaultdict(list)
        for line in self._engine.usage.lines():
            paid[line.lane].append(line)
        bills = {id: self._bill([lane], paid) for id, lane in self._fold.lanes.items()}
        lanes, lines = list(self._fold.lanes.values()), list(self._engine.usage.lines())
        whole = bill(lines, self._prices)
        to_come = _to_come(lanes, bills, self._bill(lanes, paid))
        by_scenario: dict[str, list[Acceptor]] = defaultdict(list)
        for lane in lanes:
            by_scenario[lane.spec.lane.scenario].append(lane)
        flying, refusals = self._engine.in_flight, self._fold.replies.refusals
        scenarios = {
            name: self._figures(ours, self._bill(ours, paid), to_come, flying, refusals)
            for name, ours in by_scenario.items()
        }
        of_rows = bill((line for line in lines if line.lane != CONTROLS), self._prices)
        total = self._figures(lanes, of_rows, to_come, flying, refusals) | self._paid(whole)
        total["seconds_left"] = self._seconds(total["calls_to_come"])
        return {
            "scenarios": scenarios,
            "total": total,
            "weather": self._engine.weather,
            "columns": list(self._fold.labels.columns()),
        }

    def _bill(self, lanes: Sequence[Acceptor], paid: Mapping[str, Sequence[Usage]]) -> UsageTotal:
        return bill((line for lane in lanes for line in paid[lane.id]), self._prices)

    def _figures(
        self,
        lanes: Sequence[Acceptor],
        paid: UsageTotal,
        to_come: dict[str, tuple[float, float]] | None,
        flying: Counter[str],
        refusals: Counter[str],
    ) -> dict[str, Any]:
        accepted = sum(lane.counts.accepted.total() for lane in lanes)
        latest = [tally for lane in lanes for tally in lane.tallies[-LATEST:]]
        asked = sum(tally.plan.count for tally in latest)
        calls, cost = (
            (sum(part) for part in zip(*(to_come[lane.id] for lane in lanes), strict=True)) if to_come else (None, None)
        )
        return {
            "cells": _cells(lanes),
            "accepted": accepted,
            "target": sum(target or 0 for lane in lanes for target in lane.targets.values()),
            **self._paid(paid),
            "yield": accepted / paid.calls if paid.calls else None,
            "novelty": sum(tally.roots for tally in latest) / asked if asked else None,
            "in_flight": sum(flying[lane.id] for lane in lanes),
            "refusals": sum(refusals[name] for name in {lane.spec.lane.subcategory for lane in lanes}),
            "retries": sum(self._engine.retries[lane.id] for lane in lanes),
            "hard": sum(lane.counts.aside[HARD] for lane in lanes),
            "dropped": sum(lane.counts.dropped.total() for lane in lanes),
            "calls_to_come": calls,
            "cost_to_come": cost if self._prices else None,
        }

    def _paid(self, paid: UsageTotal) -> dict[str, Any]:
        cost = paid.cost if self._prices else None
        return {"calls": paid.calls, "tokens": paid.tokens, "cost": cost, "whole": paid.whole}

    def _seconds(self, calls: float | None) -> float | None:
        """How long so many calls will take, at this invocation's speed of late."""
        now, landed = time.monotonic(), self._engine.calls.total() - self._engine.retries.total()
        self._marks.append((now, landed))
        while now - self._marks[0][0] > RECENT:
            self._marks.popleft()
        since, before = self._marks[0]
        if calls is None or now - since < LEAST or landed <= before:
            return None
        return calls * (now - since) / (landed - before)


def _cells(lanes: Sequence[Acceptor]) -> dict[str, dict[str, int]]:
    """Accepted and target by kind of cell: harmful queries' by label, and benign ones."""
    found: dict[str, dict[str, int]] = {}
    for lane in lanes:
        for label, target in lane.targets.items():
            entry = found.setdefault(column(lane.spec.lane.query_type, label), {"accepted": 0, "target": 0})
            entry["accepted"] += lane.counts.accepted[label]
            entry["target"] += target or 0
    return found


def _to_come(
    lanes: Sequence[Acceptor], bills: dict[str, UsageTotal], whole: UsageTotal
) -> dict[str, tuple[float, float]] | None:
    """Calls and cost that each lane will still take; None as long as too little is known, or where a lane takes all there is."""
    accepted = sum(lane.counts.accepted.total() for lane in lanes)
    if accepted < KNOWN or any(None in lane.targets.values() for lane in lanes):
        return None
    found = {}
    for lane in lanes:
        paid, rows = bills[lane.id], lane.counts.accepted.total() + WEIGHT
        lack = 0 if lane.frozen else sum(lane.lacks().values())
        found[lane.id] = (
            lack * (paid.calls + WEIGHT * whole.calls / accepted) / rows,
            lack * (paid.cost + WEIGHT * whole.cost / accepted) / rows,
        )
    return found
