"""What `show` does: rows, drops, replies and coverage of a run, to read."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any

from synth.cli.run import _note
from synth.cli.say import then
from synth.cli.summary import causes, of_controls, to_read
from synth.cli.table import grid, lines
from synth.cli.way import typed
from synth.dataset.reader import RUNNING, Dataset
from synth.errors import ConfigError, as_written
from synth.quality import agreement
from synth.quality.grid import Grid
from synth.run import doubting
from synth.run.folder import JOURNAL
from synth.run.peek import Peek, peek, raw
from synth.sanitize import for_terminal
from synth.types import LABELLED


@contextlib.contextmanager
def _opened(folder: Path, *, live: bool = False) -> Iterator[Dataset | Peek]:
    """A run to be shown: its dataset, or what can be read out of the journal where the run goes on, was killed, or has made no
    dataset, or if `live` is set."""
    if not live and (folder / "dataset" / "README.md").is_file():
        made = Dataset(folder)
        if made.facts().get("stopped") != RUNNING or not (folder / JOURNAL).is_file():
            yield made
            return
    elif not (folder / JOURNAL).is_file():
        Dataset(folder)  # says what is missing
    _note(
        f"read out of the journal of {folder}, as far as it goes; the same command again goes on, or shows what came since"
    )
    with peek(folder) as found:
        yield found


def show(folder: Path, cell: str | None, most: int, *, live: bool = False) -> Iterator[str]:
    """What `synth show` prints: the cells of a run, and on stderr which of them to read next; or rows and drops of those that match."""
    with _opened(folder, live=live) as made:
        if cell is None:
            with as_written(folder / "run.json"):
                found = _cells(made, folder)
                told = list(lines(_told(found)))
                reads = typed("show", folder, to_read(found["cells"]))
            yield from told
            then(f"`{reads}` shows that cell's rows and drops; a scenario's name, or * in a name, takes in more")
            return
        for kind, entry in _entries(made, folder, cell, most):
            yield f"--- {kind} {entry.get('id') or entry['place']} ---\n{readable(entry)}\n"


def facts(folder: Path, cell: str | None, most: int, *, live: bool = False) -> dict[str, Any]:
    """What `synth show --json` gives: a run's cells and what is known of its judges, or rows and drops of the cells that match."""
    with _opened(folder, live=live) as made:
        if cell is None:
            return _cells(made, folder)
        found: dict[str, Any] = {"rows": [], "drops": []}
        for kind, entry in _entries(made, folder, cell, most):
            found[f"{kind}s"].append(entry)
        return found


def _cells(made: Dataset | Peek, folder: Path) -> dict[str, Any]:
    with as_written(folder / "run.json"):
        held = made.facts()
        empty: dict[str, Any] = {"agreement": {}, "controls": [], "doubts": []}
        return {"cells": held["cells"], **{name: held.get(name) or none for name, none in empty.items()}}


def _entries(made: Dataset | Peek, folder: Path, cell: str, most: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows and drops of the cells that match, `most` of each, with what each is; ConfigError where there is none."""
    rows = (
        row
        for split in made.splits()
        for row in made.rows(split)
        if _matches(f"{row['subcategory']}/{row['query_type']}", row["label"] if split in LABELLED else split, cell)
    )
    drops = (drop for drop in made.drops() if _matches(drop["lane"], drop["wanted"], cell))
    found = False
    for kind, those in (("row", rows), ("drop", drops)):
        for entry in islice(those, most):
            found = True
            yield kind, entry
    if not found:
        raise ConfigError(f"{folder}: no row or drop in {cell!r}; `{typed('show', folder)}` lists the cells")


def _told(found: Mapping[str, Any]) -> Iterator[str | Grid]:
    rows = [
        [
            f"{entry['subcategory']}/{entry['query_type']}/{entry['label']}",
            entry["accepted"],
            "all" if entry["target"] is None else entry["target"],
            entry["status"]
            + (", doubtful" if entry.get("doubtful") else "")
            + (f": {entry['grounds']['words']}" if entry.get("grounds") else ""),
        ]
        for entry in found["cells"]
    ]
    yield grid(("cell", "rows", "target", "status"), rows, (0, 3))
    yield from causes([entry for entry in found["cells"] if entry.get("grounds")])
    if found["agreement"]:
        yield ""
    yield from agreement.parts(found["agreement"])
    yield from map(of_controls, found["controls"])
    yield from map(for_terminal, doubting.lines(found["doubts"]))


def raw_replies(folder: Path, place: str | None, most: int) -> Iterator[str]:
    """What `synth show --raw` prints: the newest replies of a run as they came, the newest last."""
    for reply in replies(folder, place, most):
        told = {name: value for name, value in reply.items() if name != "key"}
        yield f"--- reply {for_terminal(str(reply['key']))} ---\n{readable(told)}\n"


def replies(folder: Path, place: str | None, most: int) -> list[dict[str, Any]]:
    """The newest replies of a run, the newest last; those of a cell's lane or of a stage, if one is given."""
    lane = place.rpartition("/")[0] if place and place.count("/") == 2 else place  # no reply is of a label
    found = list(islice((reply for reply in raw(folder) if lane is None or _of(reply, lane)), most))
    if not found:
        of = f" of {place!r}" if place else ""
        raise ConfigError(f"{folder}: no reply{of} in its journal; name a scenario, subcategory, lane or stage")
    return found[::-1]


def coverage(folder: Path) -> dict[str, Any]:
    """How well a run covers its elements, axis by axis and pair by pair, as its run.json has it."""
    with as_written(folder / "run.json"):
        return Dataset(folder).facts().get("coverage") or {"axes": [], "pairs": []}


def covered(folder: Path) -> Iterator[str]:
    """What `synth show --coverage` prints: a table of axes and one of pairs of axes."""
    with as_written(folder / "run.json"):
        yield from list(lines(_covered(coverage(folder))))


def _covered(found: Mapping[str, Any]) -> Iterator[str | Grid]:
    axes = [
        [entry["axis"], entry["values"], *("{} to {}".format(*entry[name]) for name in ("asked", "got"))]
        for entry in found["axes"]
    ]
    yield grid(("axis", "values", "times each was asked", "rows each has"), axes)
    yield ""
    pairs = [[" x ".join(entry["axes"]), entry["possible"], entry["asked"], entry["got"]] for entry in found["pairs"]]
    yield grid(("two axes", "pairs possible", "pairs asked", "pairs with rows"), pairs)


def readable(row: dict[str, Any]) -> str:
    """A row or drop for `synth show`, for the eye: what was generated cannot move the cursor or turn the text around."""
    told = []
    for name, value in row.items():
        if value in (None, [], "") or name == "provenance":
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        shown = for_terminal(text).replace("\n", "\n" + " " * 20)
        told.append(f"{name:>18}  {shown}")
    return "\n".join(told)


def _of(reply: dict[str, Any], place: str) -> bool:
    return fnmatchcase(str(reply["stage"]), place) or _matches(str(reply["lane"]), None, place)


def _matches(lane: str, label: str | None, cell: str) -> bool:
    """Whether `cell` (a scenario, subcategory, lane or cell; a glob) takes in this lane and label."""
    subcategory = lane.partition("/")[0]
    return any(fnmatchcase(id, cell) for id in (subcategory.partition(".")[0], subcategory, lane, f"{lane}/{label}"))
