"""What `show` does: rows, drops and coverage of a finished run, to read."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any

from synth.cli.run import _note
from synth.dataset.reader import RUNNING, Dataset
from synth.errors import ConfigError
from synth.quality import agreement
from synth.run import doubting
from synth.sanitize import for_terminal
from synth.types import LABELLED


def show(folder: Path, cell: str | None, most: int) -> Iterator[str]:
    """What `synth show` prints: the cells of a run; or rows and drops of those that match."""
    made = Dataset(folder)
    if made.facts().get("stopped") == RUNNING:
        _note(
            f"the run in {folder} goes on, or was killed (run the same command again then); this is what it had before"
        )
    if cell is None:
        facts = made.facts()
        for entry in facts["cells"]:
            id = f"{entry['subcategory']}/{entry['query_type']}/{entry['label']}"
            count = f"{entry['accepted']:>6}/{'all' if entry['target'] is None else entry['target']:<6}"
            grounds = f": {entry['grounds']['words']}" if entry.get("grounds") else ""
            doubtful = ", doubtful" if entry.get("doubtful") else ""
            yield f"{id:<44} {count} {entry['status']}{doubtful}{grounds}"
        for line in agreement.lines(facts.get("agreement") or {}):
            yield for_terminal(line)
        yield from map(for_terminal, doubting.lines(facts.get("doubts") or []))
        return
    rows = (
        row
        for split in made.splits()
        for row in made.rows(split)
        if _matches(f"{row['subcategory']}/{row['query_type']}", row["label"] if split in LABELLED else split, cell)
    )
    drops = (drop for drop in made.drops() if _matches(drop["lane"], drop["wanted"], cell))
    found = False
    for kind, entries in (("row", rows), ("drop", drops)):
        for entry in islice(entries, most):
            found = True
            yield f"--- {kind} {entry.get('id') or entry['place']} ---\n{readable(entry)}\n"
    if not found:
        raise ConfigError(f"{folder}: no row or drop in {cell!r}; `synth show {folder}` lists the cells")


def covered(folder: Path) -> Iterator[str]:
    """What `synth show --coverage` prints: how well a run covers its elements, axis by axis."""
    found = Dataset(folder).facts().get("coverage") or {"axes": [], "pairs": []}
    yield f"{'axis':<34}{'values':>10}{'calls each':>14}{'rows each':>14}"
    for entry in found["axes"]:
        asked, got = ("{} to {}".format(*entry[name]) for name in ("asked", "got"))
        yield f"{entry['axis']:<34}{entry['values']:>10,}{asked:>14}{got:>14}"
    yield f"\n{'pair of axes':<34}{'possible':>10}{'asked':>14}{'got':>14}"
    for entry in found["pairs"]:
        yield f"{' x '.join(entry['axes']):<34}{entry['possible']:>10,}{entry['asked']:>14,}{entry['got']:>14,}"


def readable(row: dict[str, Any]) -> str:
    """A row or drop for `synth show`, for the eye: what was generated cannot move the cursor or turn the text around."""
    lines = []
    for name, value in row.items():
        if value in (None, [], "") or name == "provenance":
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        shown = for_terminal(text).replace("\n", "\n" + " " * 20)
        lines.append(f"{name:>18}  {shown}")
    return "\n".join(lines)


def _matches(lane: str, label: str | None, cell: str) -> bool:
    """Whether `cell` (a scenario, subcategory, lane or cell; a glob) takes in this lane and label."""
    subcategory = lane.partition("/")[0]
    return any(fnmatchcase(id, cell) for id in (subcategory.partition(".")[0], subcategory, lane, f"{lane}/{label}"))
