"""Journals of several machines united: replies by key, decisions as functions of content."""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from heapq import merge
from itertools import groupby, zip_longest
from pathlib import Path

from synth import aside
from synth.errors import ConfigError
from synth.journal import decisions
from synth.journal.reader import Reader
from synth.journal.rows import UNSEALED, Decision, Kept, decision_row, sum_of
from synth.journal.store import DECIDE, INSERT, SCHEMA, VERSION
from synth.types import Round, Targets


def united_replies(journals: Sequence[Reader], lost: Callable[[Kept], None]) -> Iterator[Kept]:
    """The replies of all journals that are merged, by key; of several replies to one key the first by content, finished
    ones before others. `lost` is called with each reply that is sound in no journal."""
    for _, same_key in groupby(merge(*(journal.replies() for journal in journals), key=_key), key=_key):
        found = list(same_key)
        if whole := [kept for kept, good in found if good]:
            yield min(whole, key=_by_content)
        else:
            lost(found[0][0])


def write(path: Path, kept: Iterable[Kept], taken: Iterable[Decision]) -> None:
    """Writes a merged journal of these replies and decisions, to a temporary file that is then renamed. ConfigError
    where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.file(path) as new, contextlib.closing(sqlite3.connect(new, isolation_level=None)) as db:
            db.execute(f"PRAGMA user_version={VERSION}")
            db.executescript(SCHEMA)
            db.execute("BEGIN")
            db.executemany(INSERT, ((*reply, sum_of(*reply)) for reply in kept))
            db.executemany(DECIDE, (decision_row(seq, *one) for seq, one in enumerate(taken, start=1)))
            db.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(f"{path}: cannot be written ({reason}); free space or choose another -o") from error


def same(one: Path, other: Path) -> bool:
    """Whether two merged journals hold the same replies, and the same decisions in the same order."""
    with Reader(one) as left, Reader(other) as right:
        alike = all(a == b for a, b in zip_longest(left.replies(), right.replies()))
        return alike and list(left.decisions()) == list(right.decisions())


def _key(reply: tuple[Kept, bool]) -> str:
    return str(reply[0].key)


def _by_content(reply: Kept) -> tuple[bool, bool, Kept]:
    """A total order. No reasoning comes before any."""
    comparable = reply._replace(reasoning=reply.reasoning or "", more=reply.more or "")
    return (reply.finish != "stop", reply.reasoning is not None, comparable)


History = Sequence[Decision]
"""The decisions of one journal, in the order in which they were taken."""


def united_decisions(histories: Sequence[History], identity: dict[str, str], lanes: Sequence[str]) -> list[Decision]:
    """The decisions of several journals merged: targets, then every plan, then the rest. A function of the set of
    histories.

    Plans stand by sweep, then by lane in the order of `lanes`: as one run over all lanes would have recorded them. Of a
    lane planned in several journals the plans of one are taken, those that reach furthest: they cover the calls of the
    others.
    """
    target = decisions.target_body(_largest(histories), identity, {})
    places = {lane: place for place, lane in enumerate(lanes)}
    plans = sorted(
        _plans(histories), key=lambda plan: (plan.sweep, places.get(plan.lane, len(places)), plan.lane, plan.first)
    )
    others = {
        (kind, _canonical(body))
        for entries in histories
        for kind, body in entries
        if kind not in (decisions.TARGET, decisions.PLAN, decisions.INPUTS, UNSEALED)
    }
    return [
        (decisions.TARGET, target),
        *((decisions.PLAN, asdict(plan)) for plan in plans),
        *((kind, json.loads(body)) for kind, body in sorted(others)),
    ]


def identity_of(name: str, entries: History) -> dict[str, str]:
    """The identity, by dotted name, of the run that left a journal to be merged. Raises ConfigError where there was no
    run."""
    last = decisions.last_target(entries)
    if last is None:
        raise ConfigError(f"{name}: holds replies but no run's plans; unite replies alone with `synth journal merge`")
    return dict(last["identity"])


def _largest(histories: Sequence[History]) -> Targets:
    """For every cell the largest target of all; None, which takes all there is, is larger than any."""
    found: Targets = {}
    for entries in histories:
        last = decisions.last_target(entries)
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
        for plan in decisions.plans(entries):
            by_lane.setdefault(plan.lane, []).append(plan)
        for lane, plans in by_lane.items():
            best[lane] = max(best.get(lane, []), plans, key=_reach)
    return [plan for plans in best.values() for plan in plans]


def _reach(plans: Sequence[Round]) -> tuple[int, str]:
    """How far a lane's plans reach; of equals the first in writing is as good as any, as long as it is always the same."""
    return sum(plan.count for plan in plans), _canonical([asdict(plan) for plan in plans])


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
