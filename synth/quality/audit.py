"""`synth audit`: a sheet of rows for a person to label, and how the panel's labels stand up to a person's."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.exporters.files import cells
from synth.mark.rows import restored_row
from synth.quality.draw import cell_of, drawn
from synth.quality.grid import Grid
from synth.quality.labelled import NOTE, YOURS, Labelled, LabelledRow, named
from synth.quality.metrics import Figure, Scores, scores
from synth.quality.release import ReadRow, Release
from synth.recipe.labels import LabelScheme
from synth.tables import io
from synth.tables.matching import same_text
from synth.types import LABELLED, Label

SHOWN = 20
"""Rows on which person and panel differ that are named."""


def sheet(made: Dataset, out: Path, *, per_cell: int, seed: int, labels: bool) -> str:
    """Writes the sheet of `synth audit` for a person to label: so many rows of every cell, chosen and ordered by a hash of
    their ids, as CSV for a spreadsheet."""
    if out.suffix != ".csv":
        raise ConfigError(f"{out}: the sheet is CSV; name it so (-o sheet.csv)")
    if out.exists():
        raise ConfigError(f"{out}: is there already and may hold your labels; choose another -o, or remove it")
    given = drawn(made, per_cell=per_cell, seed=seed)
    columns = ["id", "subcategory", "query", "response", *(["label"] if labels else []), YOURS, NOTE]
    with io.aside(out) as new, new.open("w", encoding="utf-8-sig", newline="") as file:
        file.write(cells(columns))
        file.writelines(cells([row.get(column) for column in columns]) for row in given.rows)
    return f"{out}: {len(given.rows)} rows of {given.cells} cells; fill in {YOURS} ({named(made.labels)}), then `synth audit {quote(str(made.folder))} --read {quote(str(out))}`"


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
    release: Release = field(default_factory=Release)
    """The rows of the release, and which of them were read."""
    readers: dict[str, Any] | None = None
    """How far several readers agree, as `synth.quality.agreement` has it, and on how many rows no label has most votes (`tied`)."""


def read(made: Dataset, file: Labelled) -> Audit:
    """The audit of a run: a person's labels compared with those of its rows, which are found by id or else by query and
    response."""
    rows, audit = file.rows, Audit(len(file.rows), file.blank, file.cut, readers=file.readers)
    ids, texts = {row.id for row in rows}, {row.text for row in rows}
    known: dict[str, _Judged] = {}
    for entry, cell in _judged(made):
        if cell is not None:
            audit.release.sizes[cell] += 1
        texts_of = (same_text(one["query"] or "", one["response"] or "") for one in (entry, restored_row(entry)))
        for key in (entry.get("id"), *texts_of):
            if key is not None and (key in ids or key in texts):
                known.setdefault(key, _Judged(entry["label"], entry["votes"], entry.get("id"), cell))
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


def parts(audit: Audit) -> Iterator[str | Grid]:
    """The audit for the terminal: what was found again, how far readers agree, how panel and judges stand up to them."""
    told = f"{audit.labelled:,} rows with a label"
    told += f" ({audit.blank:,} without)" if audit.blank else ""
    yield f"{told}; {audit.found:,} found, {audit.undecided:,} of them without a label of the panel"
    if audit.missing:
        yield f"{len(audit.missing):,} are not found again and count for nothing (the first: {audit.missing[0]})"
    if audit.cut:
        yield f"{audit.cut:,} rows are cut (more or fewer cells than the head) and count for nothing"
    if audit.readers:
        yield from _agreed(audit.readers)
    yield ""
    rows = [
        [
            name,
            f"{one.n:,}",
            *map(_told, (one.accuracy, one.f1_unsafe, one.f1_safe)),
            f"{one.missed:,}",
            f"{one.alarmed:,}",
        ]
        for name, one in [*([("panel", audit.panel)] if audit.panel else []), *audit.judges.items()]
    ]
    heads = (
        "95 % intervals",
        "rows",
        "accuracy",
        "F1 unsafe",
        "F1 safe",
        "unsafe rows missed",
        "safe rows called unsafe",
    )
    yield Grid(heads, rows)
    if audit.differing:
        more = f" and {len(audit.differing) - SHOWN:,} more" if len(audit.differing) > SHOWN else ""
        yield f"\nyou and the panel differ on: {', '.join(audit.differing[:SHOWN])}{more}"


def _agreed(readers: Mapping[str, Any]) -> Iterator[str | Grid]:
    pairs = readers["pairs"] if len(readers["pairs"]) > 1 else []
    rows = [
        [
            name,
            f"{one['n']:,}",
            "-" if one["agreed"] is None else f"{one['agreed']:.1%}",
            "-" if one["kappa"] is None else f"{one['kappa']:.3f}",
        ]
        for name, one in [("all", readers["overall"]), *((" and ".join(pair["judges"]), pair) for pair in pairs)]
    ]
    if (alpha := readers["alpha"])["value"] is not None:
        rows.append(["alpha, rows that two have labelled", f"{alpha['n']:,}", "", f"{alpha['value']:.3f}"])
    yield ""
    yield Grid(("readers", "rows", "agreed", "kappa"), rows)
    if readers["tied"]:
        yield f"{readers['tied']:,} rows on which no label has most votes are left out"
    yield "what follows is measured against the label that most readers gave"


def as_facts(audit: Audit, release: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The audit as JSON holds it, for `synth audit --json`; `release` is what audit.json keeps of it."""
    told = {name: value for name, value in asdict(audit).items() if name != "release"}
    return {**told, "release": release}


def _told(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.value:.3f} ({figure.low:.3f}-{figure.high:.3f})"


@dataclass(frozen=True, slots=True)
class _Judged:
    """A judged row that somebody has labelled; `cell` is None for one that is not released: set aside, or dropped."""

    label: Label | None
    votes: Sequence[Mapping[str, Any]]
    id: str | None
    cell: str | None


def _judged(made: Dataset) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Every row that was judged and stands in the folder, with its cell if it is released: accepted, set aside, or dropped after
    judging."""
    for split in made.filled():
        for row in made.rows(split):
            yield row, cell_of(row) if split in LABELLED else None
    for drop in made.drops():
        if drop["votes"]:
            labels = {vote["label"] for vote in drop["votes"]}
            yield drop | {"label": labels.pop() if len(labels) == 1 else None}, None


def _compare(
    audit: Audit,
    met: Sequence[tuple[LabelledRow, _Judged | None]],
    scheme: LabelScheme,
) -> None:
    panel, seats = list[tuple[Label, Label]](), defaultdict[str, list[tuple[Label, Label]]](list)
    released: dict[str, ReadRow] = {}
    for row, known in met:
        if known is None:
            audit.missing.append(row.place)
            continue
        label = known.label
        audit.found += 1
        audit.undecided += label is None
        if label is not None:
            panel.append((row.label, label))
            if label != row.label:
                audit.differing.append(row.id or row.place)
            if known.cell is not None and known.id is not None:
                released.setdefault(known.id, ReadRow(known.cell, known.cell.partition("/")[0], label, row.label))
        models = Counter[str]()
        for vote in known.votes:
            models[vote["judge"]] += 1
            twin = models[vote["judge"]]
            if vote["label"] is not None:
                seats[vote["judge"] + (f" ({twin})" if twin > 1 else "")].append((row.label, vote["label"]))
    audit.release.read.extend(released.values())
    audit.panel = scores(panel, scheme)
    audit.judges = {judge: found for judge, pairs in seats.items() if (found := scores(pairs, scheme))}
