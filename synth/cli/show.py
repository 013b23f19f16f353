"""What `show` does: rows, drops, replies and coverage of a run, to read."""

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any

from synth.cli.run import _note
from synth.cli.summary import causes, of_controls
from synth.dataset.reader import RUNNING, Dataset
from synth.errors import ConfigError, as_written
from synth.quality import agreement
from synth.run import doubting
from synth.run.folder import JOURNAL
from synth.run.peek import Peek, peek, raw
from synth.sanitize import for_terminal
from synth.types import LABELLED


def show(folder: Path, cell: str | None, most: int, *, live: bool = False) -> Iterator[str]:
    """What `synth show` prints: the cells of a run; or rows and drops of those that match. They come from its dataset, or out of
    the journal where the run goes on, was killed, or has made no dataset, or if `live` is set."""
    if not live and (folder / "dataset" / "README.md").is_file():
        made = Dataset(folder)
        if made.facts().get("stopped") != RUNNING or not (folder / JOURNAL).is_file():
            yield from _shown(made, folder, cell, most)
            return
    elif not (folder / JOURNAL).is_file():
        Dataset(folder)  # says what is missing
    _note(
        f"read out of the journal of {folder}, as far as it goes; the same command again goes on, or shows what came since"
    )
    with peek(folder) as found:
        yield from _shown(found, folder, cell, most)


def _shown(made: Dataset | Peek, folder: Path, cell: str | None, most: int) -> Iterator[str]:
    if cell is None:
        with as_written(folder / "run.json"):
            yield from list(_told(made.facts()))
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


def _told(facts: Mapping[str, Any]) -> Iterator[str]:
    for entry in facts["cells"]:
        id = f"{entry['subcategory']}/{entry['query_type']}/{entry['label']}"
        count = f"{entry['accepted']:>6}/{'all' if entry['target'] is None else entry['target']:<6}"
        grounds = f": {entry['grounds']['words']}" if entry.get("grounds") else ""
        doubtful = ", doubtful" if entry.get("doubtful") else ""
        yield f"{id:<44} {count} {entry['status']}{doubtful}{grounds}"
    yield from causes([entry for entry in facts["cells"] if entry.get("grounds")])
    for line in agreement.lines(facts.get("agreement") or {}):
        yield for_terminal(line)
    yield from map(of_controls, facts.get("controls") or [])
    yield from map(for_terminal, doubting.lines(facts.get("doubts") or []))


def raw_replies(folder: Path, place: str | None, most: int) -> Iterator[str]:
    """What `synth show --raw` prints: the newest replies of a run as they came, the newest last; those of a cell's lane or of a
    stage, if one is given."""
    lane = place.rpartition("/")[0] if place and place.count("/") == 2 else place  # no reply is of a label
    found = list(islice((reply for reply in raw(folder) if lane is None or _of(reply, lane)), most))
    if not found:
        of = f" of {place!r}" if place else ""
        raise ConfigError(f"{folder}: no reply{of} in its journal; name a scenario, subcategory, lane or stage")
    for reply in reversed(found):
        yield f"--- reply {for_terminal(str(reply.pop('key')))} ---\n{readable(reply)}\n"


def covered(folder: Path) -> Iterator[str]:
    """What `synth show --coverage` prints: how well a run covers its elements, axis by axis."""
    with as_written(folder / "run.json"):
        yield from list(_covered(Dataset(folder).facts().get("coverage") or {"axes": [], "pairs": []}))


def _covered(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'axis':<34}{'values':>10}{'asked each':>14}{'rows each':>14}"
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


def _of(reply: dict[str, Any], place: str) -> bool:
    return fnmatchcase(str(reply["stage"]), place) or _matches(str(reply["lane"]), None, place)


def _matches(lane: str, label: str | None, cell: str) -> bool:
    """Whether `cell` (a scenario, subcategory, lane or cell; a glob) takes in this lane and label."""
    subcategory = lane.partition("/")[0]
    return any(fnmatchcase(id, cell) for id in (subcategory.partition(".")[0], subcategory, lane, f"{lane}/{label}"))
