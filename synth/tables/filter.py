"""`synth filter`: every row of a table back, with the reasons the rules give against it and the class of its answer."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TypeAlias

from synth import filters
from synth.errors import ConfigError, did_you_mean
from synth.filters.language.response_class import response_class
from synth.mark.rows import restored_row
from synth.recipe import load
from synth.recipe.sections import FilterUse, RuleSet
from synth.tables.classes import schema_of
from synth.tables.columns import find
from synth.tables.delimited import head_of
from synth.tables.io import Chunk, aside, batches, files_of, targets, written
from synth.tables.json_rows import json_line
from synth.tables.kinds import kind
from synth.tables.labels import LabelReader, reader_of
from synth.tables.text_columns import FOUND, Choice, Columns
from synth.types import Label, Lane, Provenance, Sample

RECIPE = "libra"
"""Whose rules are asked, with its options."""
Verdict: TypeAlias = tuple[list[str], str | None]
Put: TypeAlias = Callable[[Chunk, Sequence[Verdict]], None]


@dataclass
class Report:
    """What `synth filter` made of a table's rows: how many were kept, and counts of reasons and of classes of answers."""

    rows: int = 0
    kept: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    unread: int = 0
    """Rows whose label could not be read, so that no rule on labels saw it."""
    why: str = ""
    """Of the first of them."""

    def lines(self) -> Iterator[str]:
        """The report of `synth filter` in two or three lines, for the terminal."""
        yield f"{self.rows:,} rows: {self.kept:,} kept, {self.rows - self.kept:,} with a reason against them"
        for told in (self.reasons, self.classes):
            if told:
                yield ", ".join(f"{name} {count:,}" for name, count in told.most_common())
        if self.unread:
            yield f"{self.unread:,} rows: label not read, so rules on labels did not see it ({self.why})"


@dataclass(frozen=True)
class _Bound:
    query: filters.Rules
    response: filters.Rules
    row: filters.Rules
    reader: LabelReader
    found: Columns


def filter_table(
    path: Path,
    out: Path,
    only: Sequence[str] = (),
    label_names: str | None = None,
    *,
    of: RuleSet = "brought",
    sent: Sequence[str] = (),
    choice: Choice = FOUND,
) -> Report:
    """Writes every row of the table at `path` to `out`, with `reasons` against it (empty: kept) and `response_class`, by the
    rule set `of` whoever wrote it; or by the filters named in `only`, whatever rule set they belong to. `label_names` are
    what numbers in the label column stand for, from 0 on, with commas."""
    files = files_of(path)
    rules = _bound(only, reader_of(path, label_names), of, sent, find(path, files, choice, need="either"))
    report = Report()
    for file, target in zip(files, targets(path, files, out), strict=True):
        with _writer(target, file) as put:
            for batch in batches(file):
                verdicts = [
                    _judged(rules, restored_row(row), f"{file}: row {batch.first + at}", report)
                    for at, row in enumerate(batch.rows)
                ]
                put(batch, verdicts)
                _count(report, verdicts)
    if not report.rows:
        raise ConfigError(f"{path}: holds no rows")
    return report


def _bound(only: Sequence[str], reader: LabelReader, of: RuleSet, sent: Sequence[str], found: Columns) -> _Bound:
    """The rules asked for: those of the reference recipe, and a rule named that it does not use without options. One that is
    named is asked in any rule set: with the limits of this one, if it belongs to it."""
    uses = load.load(RECIPE).filters
    known = {kind: filters.known(kind) for kind in ("text", "row")}
    for name in only:
        if name not in (there := {*known["text"], *known["row"]}):
            raise ConfigError(f"--only: no filter {name!r}; {did_you_mean(name, there)}")

    def chosen(kind: filters.Kind, place: str, used: Sequence[FilterUse]) -> filters.Rules:
        named = {use.name for use in (*uses.query, *uses.response, *uses.row)}
        more = [FilterUse(name=name) for name in only if name in known[kind] and name not in named]
        asked = [use for use in (*used, *more) if not only or use.name in only]
        bound = filters.bind(kind, asked, place, scheme=reader.scheme, of=of, sent=sent)
        rest = [use for use in asked if only and use.name not in dict(bound)]
        return [*bound, *filters.bind(kind, rest, place, scheme=reader.scheme, sent=sent)]

    return _Bound(
        chosen("text", "query", uses.query),
        chosen("text", "response", uses.response),
        chosen("row", "row", uses.row),
        reader,
        found,
    )


def _judged(rules: _Bound, row: dict[str, Any], place: str, report: Report) -> Verdict:
    query, response = rules.found.query_of(row, place), rules.found.response_of(row, place)
    sample = _sample(row, query or "", response, _label(rules, row, place, report))
    reasons = []
    for stage, subject, asked in (
        ("query", query, rules.query),
        ("response", response, rules.response),
        ("row", sample, rules.row),
    ):
        if subject is not None:
            found = (filters.reason_of(rule, subject, query) for _, rule in asked)
            reasons += [f"{stage}.{reason}" for reason in found if reason]
    return reasons, None if response is None else response_class(response, query)


def _label(rules: _Bound, row: dict[str, Any], place: str, report: Report) -> Label | None:
    """The row's label, if it has one. A table may well have a column `label` that is about something else: then that is said."""
    if not rules.row or (column := rules.reader.found(row)) is None:
        return None
    try:
        return rules.reader.read(row, column, place)
    except ConfigError as error:
        report.unread, report.why = report.unread + 1, report.why or str(error)
        return None


def _sample(row: dict[str, Any], query: str, response: str | None, label: Label | None) -> Sample:
    """As much of a judged row as the table has; what it does not say is unknown, and a query not called harmful is benign."""

    def one_of(name: str, *allowed: str) -> Any:
        return row.get(name) if row.get(name) in allowed else None

    analysis = row.get("analysis")
    return Sample(
        lane=Lane("", "", one_of("query_type", "harmful", "benign") or "benign"),
        coordinate=0,
        query=query,
        query_id="",
        root_id="",
        elements=(),
        generator="",
        provenance=Provenance(0, ""),
        family="",
        stance=one_of("stance", "natural", "refuse", "comply", "safe_complete", "partial", "redact"),
        response=response,
        label=label,
        query_label=one_of("query_label", "harmful", "benign"),
        analysis=analysis if isinstance(analysis, str) else None,
    )


def _count(report: Report, verdicts: Sequence[Verdict]) -> None:
    report.rows += len(verdicts)
    report.kept += sum(not reasons for reasons, _ in verdicts)
    report.reasons.update(reason for reasons, _ in verdicts for reason in reasons)
    report.classes.update(name for _, name in verdicts if name)


def _writer(target: Path, like: Path) -> Any:
    found = kind(like)
    if found in ("parquet", "arrow"):
        return _parquet(target.with_suffix(".parquet"), like)
    return _comma_rows(target, like) if found == "csv" else _lines(target)


@contextmanager
def _lines(target: Path) -> Iterator[Put]:
    with written(target) as stream:

        def put(batch: Chunk, verdicts: Sequence[Verdict]) -> None:
            for row, (reasons, name) in zip(batch.rows, verdicts, strict=True):
                stream.write(json_line(row | {"reasons": reasons, "response_class": name}))

        yield put


@contextmanager
def _comma_rows(target: Path, like: Path) -> Iterator[Put]:
    head = head_of(like)
    columns = dict.fromkeys((*head.names, "reasons", "response_class"))
    with written(target) as stream, TextIOWrapper(stream, head.written, newline="", write_through=True) as text:
        table = csv.DictWriter(text, list(columns), delimiter=head.delimiter)
        table.writeheader()

        def put(batch: Chunk, verdicts: Sequence[Verdict]) -> None:
            for row, (reasons, name) in zip(batch.rows, verdicts, strict=True):
                table.writerow(row | {"reasons": " ".join(reasons), "response_class": name or ""})

        yield put


@contextmanager
def _parquet(target: Path, like: Path) -> Iterator[Put]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    more = {"reasons": pa.list_(pa.string()), "response_class": pa.string()}
    schema = schema_of(like)
    kept = [field for field in schema if field.name not in more]
    whole = pa.schema([*kept, *(pa.field(name, kind) for name, kind in more.items())], metadata=schema.metadata)
    with aside(target) as new, pq.ParquetWriter(new, whole, compression="zstd") as shard:

        def put(batch: Chunk, verdicts: Sequence[Verdict]) -> None:
            told = [
                pa.array(values, kind) for values, kind in zip(zip(*verdicts, strict=True), more.values(), strict=True)
            ]
            columns = [batch.raw.column(field.name) for field in kept]
            shard.write_batch(pa.record_batch([*columns, *told], schema=whole))

        yield put
