"""`synth audit`: a sheet of rows for a person to label, and how the panel's labels stand up to a person's."""

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.exporters.files import cells
from synth.hashing import short_hash
from synth.mark.rows import restored_row
from synth.quality.metrics import Figure, Scores, scores
from synth.recipe.labels import BINARY, LabelScheme
from synth.sanitize import for_terminal
from synth.tables import io
from synth.tables.avoid import QUERY, RESPONSE
from synth.tables.labels import LabelReader, reader_for
from synth.types import Label

YOURS, NOTE = "your_label", "note"
SHOWN = 20
"""Rows on which person and panel differ that are named."""


def sheet(made: Dataset, out: Path, *, per_cell: int, seed: int, labels: bool) -> str:
    """Writes the sheet of `synth audit` for a person to label: so many rows of every cell, chosen and ordered by a hash of
    their ids, as CSV for a spreadsheet."""
    if out.suffix != ".csv":
        raise ConfigError(f"{out}: the sheet is CSV; name it so (-o sheet.csv)")
    if out.exists():
        raise ConfigError(f"{out}: is there already and may hold your labels; choose another -o, or remove it")
    chosen: dict[str, list[tuple[int, str, dict[str, Any]]]] = defaultdict(list)
    for split in made.labelled():
        for row in made.rows(split, marked=True):
            cell = chosen[f"{row['subcategory']}/{row['query_type']}/{row['label']}"]
            heapq.heappush(cell, (-int(short_hash(str(seed), row["id"]), 16), row["id"], row))
            if len(cell) > per_cell:
                heapq.heappop(cell)
    rows = [
        row for _, _, row in sorted((entry for cell in chosen.values() for entry in cell), key=lambda entry: -entry[0])
    ]
    columns = ["id", "subcategory", "query", "response", *(["label"] if labels else []), YOURS, NOTE]
    with io.aside(out) as new, new.open("w", encoding="utf-8-sig", newline="") as file:
        file.write(cells(columns))
        file.writelines(cells([row.get(column) for column in columns]) for row in rows)
    return f"{out}: {len(rows)} rows of {len(chosen)} cells; fill in {YOURS} ({_choice(made.labels)}), then `synth audit {made.folder} --read {out}`"


@dataclass
class Audit:
    """What `synth audit` found: how the labels of panel and judges stand up to a person's, in counts of rows and in scores."""

    labelled: int = 0
    blank: int = 0
    found: int = 0
    undecided: int = 0
    """Found, and without a label: the judges differ, or one gave no verdict."""
    panel: Scores | None = None
    judges: dict[str, Scores] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)
    """Ids, or places in the file, of rows on which person and panel differ."""


@dataclass(frozen=True)
class _Row:
    """A row of the labelled file."""

    place: str
    label: Label
    id: str | None
    query: str | None
    response: str | None
    subcategory: str | None

    @property
    def text(self) -> str | None:
        return None if self.query is None or self.response is None else _text(self.query, self.response)


@dataclass
class Labelled:
    """A file of rows that a person has labelled for an audit, read and checked before anything is asked for."""

    path: Path
    rows: list[_Row] = field(default_factory=list)
    blank: int = 0


def labelled(path: Path, scheme: LabelScheme = BINARY, label_names: str | None = None) -> Labelled:
    """The rows of a file that a person has labelled, for an audit; ConfigError for a label, or a row, that cannot be read.
    `label_names` are what numbers stand for, from 0 on, with commas."""
    found, reader = Labelled(path), reader_for(scheme, label_names)
    for file in io.files_of(path):
        for batch in io.batches(file):
            for number, row in enumerate(batch.rows, start=batch.first):
                if (one := _row(restored_row(row), f"{file}: row {number}", reader)) is None:
                    found.blank += 1
                else:
                    found.rows.append(one)
    if not found.rows:
        raise ConfigError(f"{path}: no row has a label; fill in {YOURS!r} (or 'label') with {_choice(scheme)}")
    return found


def read(made: Dataset, file: Labelled) -> Audit:
    """The audit of a run: a person's labels compared with those of its rows, which are found by id or else by query and
    response."""
    rows, audit = file.rows, Audit(len(file.rows), file.blank)
    ids, texts = {row.id for row in rows}, {row.text for row in rows}
    known: dict[str, tuple[Label | None, list[dict[str, Any]]]] = {}
    for entry in _judged(made):
        texts_of = (_text(one["query"] or "", one["response"] or "") for one in (entry, restored_row(entry)))
        for key in (entry.get("id"), *texts_of):
            if key is not None and (key in ids or key in texts):
                known.setdefault(key, (entry["label"], entry["votes"]))
    met = [(row, next((known[key] for key in (row.id, row.text) if key in known), None)) for row in rows]
    _compare(audit, met, made.labels)
    return audit


def lines(audit: Audit) -> Iterator[str]:
    """The audit as a table, line by line for the terminal."""
    told = f"{audit.labelled:,} rows with a label"
    told += f" ({audit.blank:,} without)" if audit.blank else ""
    yield f"{told}; {audit.found:,} found, {audit.undecided:,} of them without a label of the panel"
    yield f"\n{'':<24} {'n':>7} {'accuracy':>21} {'F1 unsafe':>21} {'F1 safe':>21} {'missed':>7} {'alarmed':>8}"
    for name, one in [*([("panel", audit.panel)] if audit.panel else []), *audit.judges.items()]:
        figures = " ".join(f"{_told(figure):>21}" for figure in (one.accuracy, one.f1_unsafe, one.f1_safe))
        yield for_terminal(f"{name:<24} {one.n:>7,} {figures} {one.missed:>7,} {one.alarmed:>8,}")
    if audit.differing:
        more = f" and {len(audit.differing) - SHOWN:,} more" if len(audit.differing) > SHOWN else ""
        yield for_terminal(f"\nyou and the panel differ on: {', '.join(audit.differing[:SHOWN])}{more}")


def as_json(audit: Audit) -> str:
    """The audit as JSON, for `synth audit --json`."""
    return json.dumps(asdict(audit), ensure_ascii=False)


def _told(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.value:.3f} ({figure.low:.3f}-{figure.high:.3f})"


def _choice(scheme: LabelScheme) -> str:
    return " or ".join(reversed(scheme.names))


def _row(row: Mapping[str, Any], place: str, reader: LabelReader) -> _Row | None:
    """None for a row that has no label yet."""
    label = reader.read(row, reader.column(row, place, (YOURS,)), place)
    if label is None:
        return None
    id, subcategory = row.get("id"), row.get("subcategory")
    query, response = (_first_text(row, names) for names in (QUERY, RESPONSE))
    if id is None and (query is None or response is None):
        raise ConfigError(f"{place}: neither 'id' nor 'query' and 'response', by which the row could be found")
    named = subcategory if isinstance(subcategory, str) and subcategory else None
    return _Row(place, label, None if id is None else str(id), query, response, named)


def _first_text(row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    found = next((row[name] for name in names if name in row), None)
    return found if isinstance(found, str) else None


def _judged(made: Dataset) -> Iterator[dict[str, Any]]:
    """Every row that was judged and stands in the folder: accepted, set aside, or dropped after judging."""
    for split in made.filled():
        yield from made.rows(split)
    for drop in made.drops():
        if drop["votes"]:
            labels = {vote["label"] for vote in drop["votes"]}
            yield drop | {"label": labels.pop() if len(labels) == 1 else None}


def _compare(
    audit: Audit, met: Sequence[tuple[_Row, tuple[Label | None, list[dict[str, Any]]] | None]], scheme: LabelScheme
) -> None:
    panel, seats = list[tuple[Label, Label]](), defaultdict[str, list[tuple[Label, Label]]](list)
    for row, known in met:
        if known is None:
            continue
        label, votes = known
        audit.found += 1
        audit.undecided += label is None
        if label is not None:
            panel.append((row.label, label))
            if label != row.label:
                audit.differing.append(row.id or row.place)
        models = Counter[str]()
        for vote in votes:
            models[vote["judge"]] += 1
            twin = models[vote["judge"]]
            if vote["label"] is not None:
                seats[vote["judge"] + (f" ({twin})" if twin > 1 else "")].append((row.label, vote["label"]))
    audit.panel = scores(panel, scheme)
    audit.judges = {judge: found for judge, pairs in seats.items() if (found := scores(pairs, scheme))}


def _text(query: str, response: str) -> str:
    return short_hash(query.strip(), response.strip())
