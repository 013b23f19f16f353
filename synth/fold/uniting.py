"""Decisions of several journals of one recipe, united: the plans in one order, and the largest targets that were asked for."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from synth.engine.reading import Decision
from synth.errors import ConfigError
from synth.fold import history
from synth.plan.targets import Targets
from synth.types import Round

History = Sequence[Decision]
"""The decisions of one journal, in the order in which they were taken."""


def united(histories: Sequence[History], identity: dict[str, str], lanes: Sequence[str]) -> list[Decision]:
    """What was wanted, then every plan, then whatever else was decided. A function of the set of histories.

    Plans stand by sweep, then by lane in the order of `lanes`: as one run over all lanes would have recorded them. Of a lane
    planned in several journals the plans of one are taken, those that reach furthest: they cover the calls of the others.
    """
    target = history.target_body(_largest(histories), identity, {})
    places = {lane: place for place, lane in enumerate(lanes)}
    plans = sorted(
        _plans(histories), key=lambda plan: (plan.sweep, places.get(plan.lane, len(places)), plan.lane, plan.first)
    )
    others = {
        (kind, _canonical(body))
        for entries in histories
        for kind, body in entries
        if kind not in (history.TARGET, history.PLAN)
    }
    return [
        (history.TARGET, target),
        *((history.PLAN, asdict(plan)) for plan in plans),
        *((kind, json.loads(body)) for kind, body in sorted(others)),
    ]


def identity_of(name: str, entries: History) -> dict[str, str]:
    """What the run that left these decisions was of, by dotted name."""
    last = history.last_target(entries)
    if last is None:
        raise ConfigError(f"{name}: holds replies but no run's plans; unite replies alone with `synth journal merge`")
    return dict(last["identity"])


def _largest(histories: Sequence[History]) -> Targets:
    """For every cell the largest target of all; None, which takes all there is, is larger than any."""
    found: Targets = {}
    for entries in histories:
        last = history.last_target(entries)
        for lane, cells in (last["targets"] if last else {}).items():
            ours = found.setdefault(lane, {})
            for label, count in cells.items():
                before = ours.get(label, 0)
                ours[label] = None if count is None or before is None else max(count, before)
    return {lane: dict(sorted(found[lane].items())) for lane in sorted(found)}


def _plans(histories: Sequence[History]) -> list[Round]:
    best: dict[str, list[Round]] = {}
    for entries in histories:
        by_lane: dict[str, list[Round]] = {}
        for plan in history.plans(entries):
            by_lane.setdefault(plan.lane, []).append(plan)
        for lane, plans in by_lane.items():
            best[lane] = max(best.get(lane, []), plans, key=_reach)
    return [plan for plans in best.values() for plan in plans]


def _reach(plans: Sequence[Round]) -> tuple[int, str]:
    """How far a lane's plans reach; of equals the first in writing is as good as any, as long as it is always the same."""
    return sum(plan.count for plan in plans), _canonical([asdict(plan) for plan in plans])


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
