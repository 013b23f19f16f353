"""What a run's folder holds, as its report tells it: run.json, all rows counted, and the few rows and drops that are looked at."""

import contextlib
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from synth.dataset import audited
from synth.dataset.card import content_of
from synth.dataset.reader import RUNNING, run_facts
from synth.errors import BROKEN, ConfigError, as_written
from synth.quality.probe.pairs import Pair, pair_of
from synth.quality.probe.report import Report, learned
from synth.recipe.labels import LabelScheme, named_in
from synth.report.counted import Counted, Place, counted, made_of
from synth.report.dropped import examples
from synth.report.entries import Entry, row_entry

Row = Mapping[str, Any]
SHOWN: Final = 1_500
"""Rows of all cells that may be shown."""
LEAST: Final = 200
"""Rows of each side that a report's probe needs: of fewer its intervals say nothing."""
_LONGEST: Final = 4_000
"""Characters of a text that a probe reads."""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What a run's folder holds, as its report tells it."""

    name: str
    """Of its recipe."""
    run: Mapping[str, Any]
    """run.json."""
    labels: LabelScheme
    counted: Counted
    rows: Sequence[Entry]
    """The rows that may be shown: of every cell the first, then of every cell the second …"""
    probe: Report | None
    """What a probe learns from a sample of the rows; None where they are too few."""
    drops: Mapping[str, Sequence[Entry]]
    """Drops that may be shown, by `stage.reason`."""
    audit: Mapping[str, Any] | None
    """What people found who read rows of the data set as it stands (audit.json); None where nobody did."""
    samples: bool
    """Whether anything of a text may be shown."""
    folder: str
    """As a command takes it; `DIR` in a page that may leave the team, which learns of nobody's folders."""

    @property
    def running(self) -> bool:
        """Whether the run of a report's folder goes on, or was killed before it could say anything."""
        return self.run.get("stopped") == RUNNING

    def all(self, key: str) -> Sequence[Mapping[str, Any]]:
        """A list in run.json of a report's folder; empty where it is not told."""
        return self.run.get(key) or ()

    def told(self, key: str) -> Mapping[str, Any]:
        """A mapping in run.json of a report's folder; empty where it is not told."""
        return self.run.get(key) or {}


def facts_of(folder: Path, *, samples: bool = True) -> ReportFacts:
    """Everything that a report tells of a run's folder. ConfigError where its run.json is missing or something in it is damaged. With
    `samples` off nothing of a text is in it that the run's rows, drops or doubts hold."""
    run = run_facts(folder)
    with as_written(folder / "run.json"):
        labels = named_in(run.get("recipe") or {})
        name = str((run.get("recipe") or {}).get("name") or "")
    found = counted(folder / "dataset" / "data")
    shown = dict.fromkeys(list(_in_turn(found.by_cell.values()))[:SHOWN] if samples else ())
    learnt = dict.fromkeys(place for _, place in found.lowest)
    splits = [path.name.partition("-")[0] for path in found.files]

    def read(place: Place, row: Row) -> tuple[Entry | None, Pair | None]:
        entry = row_entry(row, splits[place[0]], labels) if place in shown else None
        return entry, _pair(row, labels) if place in learnt else None

    made = made_of(found.files, [*shown, *learnt], read)
    return ReportFacts(
        name=name,
        run=run,
        labels=labels,
        counted=found,
        rows=[entry for place in shown if (entry := made[place][0]) is not None],
        probe=_probed(folder, [pair for place in learnt if (pair := made[place][1]) is not None], found.rows),
        drops=examples(folder / "drops") if samples else {},
        audit=_audit(folder / "dataset"),
        samples=samples,
        folder=shlex.quote(str(folder)) if samples else "DIR",
    )


def _audit(dataset: Path) -> Mapping[str, Any] | None:
    found = audited.read(dataset / audited.NAME)
    with contextlib.suppress(*BROKEN):
        if found is not None and found["content"] == content_of((dataset / "README.md").read_text(encoding="utf-8")):
            return found
    return None


def _in_turn(cells: Iterable[Sequence[tuple[str, Place]]]) -> Iterator[Place]:
    """The first of every cell, then the second of every cell …; among these the one of lowest rank first."""
    for row in zip_longest(*cells):
        yield from (place for _, place in sorted(one for one in row if one is not None))


def _probed(folder: Path, pairs: Sequence[Pair], rows: int) -> Report | None:
    """What a probe learns from some rows of so many; None of too few rows of a side, or too few root queries."""
    unsafe = sum(pair.unsafe for pair in pairs)
    if min(unsafe, len(pairs) - unsafe) < LEAST:
        return None
    try:
        return learned(folder, pairs, rows)
    except ConfigError:
        return None


def _pair(row: Row, labels: LabelScheme) -> Pair:
    query, response = (str(row.get(name) or "")[:_LONGEST] for name in ("query", "response"))
    return pair_of({**row}, query, response, unsafe=labels.unsafe(row["label"]), name="")
