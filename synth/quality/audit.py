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
from synth.tables.columns import find
from synth.tables.delimited import Cut
from synth.tables.labels import LabelReader, is_empty, reader_for
from synth.tables.matching import same_text
from synth.tables.names import cleaned, plain_name
from synth.tables.text_columns import FOUND, Choice, Columns
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
    cut: int = 0
    """Rows that lack cells or have too many, and could not be used."""
    found: int = 0
    missing: list[str] = field(default_factory=list)
    """Where rows stand that are none of the run's, by id or by text."""
    undecided: int = 0
    """Found, and without a label: the judges differ, or one gave no verdict."""
    panel: Scores | None = None
    judges: dict[str, Scores] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)
    """Ids, or places in the file, of rows on which person and panel differ."""
    readers: dict[str, Any] | None = None
    """How far several readers agree, as `synth.quality.agreement` has it, and on how many rows no label has most votes (`tied`)."""


@dataclass(frozen=True)
class LabelledRow:
    """A row of a file that a person has labelled, and by what it is found again in a run."""

    place: str
    label: Label
    id: str | None
    query: str | None
    response: str | None
    subcategory: str | None

    @property
    def text(self) -> str | None:
        return None if self.query is None or self.response is None else same_text(self.query, self.response)


@dataclass
class Labelled:
    """Files of rows that people have labelled for an audit, read and checked before anything is asked for."""

    paths: tuple[Path, ...]
    rows: list[LabelledRow] = field(default_factory=list)
    blank: int = 0
    cut: int = 0
    readers: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """The files, for messages."""
        return ", ".join(map(str, self.paths))


def labelled(
    path: Path, scheme: LabelScheme = BINARY, label_names: str | None = None, choice: Choice = FOUND
) -> Labelled:
    """The rows of a file that a person has labelled, for an audit; ConfigError for a label, or a row, that cannot be read. Rows of a sheet
    that were cut are counted. `label_names` are what numbers stand for, from 0 on, with commas."""
    found, reader, cut = Labelled((path,)), reader_for(scheme, label_names), Cut([])
    files = io.files_of(path)
    columns = find(path, files, choice, need="nothing")
    for file in files:
        for batch in io.batches(file, cut=cut):
            for number, row in enumerate(batch.rows, start=batch.first):
                _take(found, restored_row(row), f"{file}: row {number}", reader, columns)
    found.cut += len(cut.longer)
    if not found.rows:
        raise ConfigError(f"{path}: no row has a label; fill in {YOURS!r} (or 'label') with {_choice(scheme)}")
    return found


def read(made: Dataset, file: Labelled) -> Audit:
    """The audit of a run: a person's labels compared with those of its rows, which are found by id or else by query and
    response."""
    rows, audit = file.rows, Audit(len(file.rows), file.blank, file.cut, readers=file.readers)
    ids, texts = {row.id for row in rows}, {row.text for row in rows}
    known: dict[str, tuple[Label | None, list[dict[str, Any]]]] = {}
    for entry in _judged(made):
        texts_of = (same_text(one["query"] or "", one["response"] or "") for one in (entry, restored_row(entry)))
        for key in (entry.get("id"), *texts_of):
            if key is not None and (key in ids or key in texts):
                known.setdefault(key, (entry["label"], entry["votes"]))
    met = [(row, next((known[key] for key in (row.id, row.text) if key in known), None)) for row in rows]
    _compare(audit, met, made.labels)
    return audit


def refuse_lost(audit: Audit, file: Labelled, folder: Path) -> None:
    """ConfigError where most rows of a labelled file are none of the run's: figures of the rest would say nothing of the sheet."""
    if len(audit.missing) * 2 > audit.labelled:
        raise ConfigError(
            f"{file.name}: {len(audit.missing):,} of {audit.labelled:,} labelled rows are not found again among those of {folder}, by id or by "
            f"query and response (the first: {audit.missing[0]}); is it the sheet of another run? With --judge the panel judges them"
        )


def lines(audit: Audit) -> Iterator[str]:
    """The audit as a table, line by line for the terminal."""
    told = f"{audit.labelled:,} rows with a label"
    told += f" ({audit.blank:,} without)" if audit.blank else ""
    yield f"{told}; {audit.found:,} found, {audit.undecided:,} of them without a label of the panel"
    if audit.missing:
        yield for_terminal(
            f"{len(audit.missing):,} are not found again and count for nothing (the first: {audit.missing[0]})"
        )
    if audit.cut:
        yield f"{audit.cut:,} rows are cut (more or fewer cells than the head) and count for nothing"
    if audit.readers:
        yield from _agreed(audit.readers)
    yield f"\n{'':<24} {'n':>7} {'accuracy':>21} {'F1 unsafe':>21} {'F1 safe':>21} {'missed':>7} {'alarmed':>8}"
    for name, one in [*([("panel", audit.panel)] if audit.panel else []), *audit.judges.items()]:
        figures = " ".join(f"{_told(figure):>21}" for figure in (one.accuracy, one.f1_unsafe, one.f1_safe))
        yield for_terminal(f"{name:<24} {one.n:>7,} {figures} {one.missed:>7,} {one.alarmed:>8,}")
    if audit.differing:
        more = f" and {len(audit.differing) - SHOWN:,} more" if len(audit.differing) > SHOWN else ""
        yield for_terminal(f"\nyou and the panel differ on: {', '.join(audit.differing[:SHOWN])}{more}")


def _agreed(readers: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n{'readers':<44} {'rows':>7} {'agreed':>8} {'kappa':>8}"
    pairs = readers["pairs"] if len(readers["pairs"]) > 1 else []
    for name, one in [("all", readers["overall"]), *((" and ".join(pair["judges"]), pair) for pair in pairs)]:
        share = "-" if one["agreed"] is None else f"{one['agreed']:.1%}"
        kappa = "-" if one["kappa"] is None else f"{one['kappa']:.3f}"
        yield for_terminal(f"{name:<44} {one['n']:>7,} {share:>8} {kappa:>8}")
    if (alpha := readers["alpha"])["value"] is not None:
        yield f"{'alpha, rows that two have labelled':<44} {alpha['n']:>7,} {'':>8} {alpha['value']:>8.3f}"
    if readers["tied"]:
        yield f"{readers['tied']:,} rows on which no label has most votes are left out"
    yield "what follows is measured against the label that most readers gave"


def as_json(audit: Audit) -> str:
    """The audit as JSON, for `synth audit --json`."""
    return json.dumps(asdict(audit), ensure_ascii=False)


def _told(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.value:.3f} ({figure.low:.3f}-{figure.high:.3f})"


def _choice(scheme: LabelScheme) -> str:
    return " or ".join(reversed(scheme.names))


def _take(found: Labelled, row: Mapping[str, Any], place: str, reader: LabelReader, columns: Columns) -> None:
    """Puts a row where it belongs: among those with a label, those without one yet, those that were cut, or nowhere if it is empty."""
    if all(map(is_empty, row.values())):
        return
    label = reader.read(row, reader.column(row, place, (YOURS,)), place)
    if label is None:
        found.blank += 1
        return
    id, subcategory = _cell(row, "id"), _cell(row, "subcategory")
    query = columns.query_of(row, place) if columns.name else None
    response = columns.answer_of(row)
    if id is None and not (query and response):
        if not columns.answers and not any(plain_name(name) == "id" for name in row):
            raise ConfigError(f"{place}: neither 'id' nor 'query' and 'response', by which the row could be found")
        found.cut += 1
        return
    found.rows.append(LabelledRow(place, label, id, query, response, subcategory))


def _cell(row: Mapping[str, Any], column: str) -> str | None:
    """What stands in a column of a sheet, by its name however it is written; None for nothing."""
    value = row.get(column) if column in row else next((row[name] for name in row if plain_name(name) == column), None)
    return None if is_empty(value) else cleaned(value) or None


def _judged(made: Dataset) -> Iterator[dict[str, Any]]:
    """Every row that was judged and stands in the folder: accepted, set aside, or dropped after judging."""
    for split in made.filled():
        yield from made.rows(split)
    for drop in made.drops():
        if drop["votes"]:
            labels = {vote["label"] for vote in drop["votes"]}
            yield drop | {"label": labels.pop() if len(labels) == 1 else None}


def _compare(
    audit: Audit,
    met: Sequence[tuple[LabelledRow, tuple[Label | None, list[dict[str, Any]]] | None]],
    scheme: LabelScheme,
) -> None:
    panel, seats = list[tuple[Label, Label]](), defaultdict[str, list[tuple[Label, Label]]](list)
    for row, known in met:
        if known is None:
            audit.missing.append(row.place)
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
