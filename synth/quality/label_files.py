"""Labels of several people out of one file: as the page of `synth audit --page` saves them, as Argilla and Label Studio export them.

Argilla: `dataset.to_disk`, `records.to_json` and `records.to_datasets` of 2.8; Label Studio: JSON, JSON-MIN, CSV and TSV of its SDK's
converter 2.1. The labels stand under `your_label`, as in the files that `synth audit --to` writes for either.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeAlias

from synth.errors import as_written
from synth.quality.labelled import YOURS, Labelled, LabelledRow, labelled, unlabelled
from synth.recipe.labels import BINARY, LabelScheme
from synth.tables import io
from synth.tables.labels import is_empty, reader_for
from synth.tables.text_columns import FOUND, Choice
from synth.types import Label

ROW: Final = "row_id"
"""Where a row's id stands in a task of Label Studio, whose `id` is the task's own."""
RECORDS: Final = "records.json"
"""The records in a folder that Argilla writes to disk."""
_WAY_OUT: Final = "export it again, or give a table with `id` and `your_label`"
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What one person said of one row; `label` as the file has it."""

    reader: str
    id: str
    label: Any
    date: str | None = None
    query: str | None = None
    response: str | None = None


def readers_in(
    path: Path, scheme: LabelScheme = BINARY, label_names: str | None = None, choice: Choice = FOUND
) -> list[Labelled]:
    """The labelled rows of every reader of whom a file tells: of a page's, of Argilla's or Label Studio's export; of any other table
    those of one, who is not named. ConfigError for a file in which nobody has labelled a row, and for one that is damaged."""
    where = path / RECORDS if (path / RECORDS).is_file() else path
    files = io.files_of(where)
    first: Row = next((row for file in files for batch in io.batches(file) for row in batch.rows), {})
    said_in = next((read for knows, read in _FORMS if knows(first)), None)
    if said_in is None:
        return [labelled(path, scheme, label_names, choice)]
    readers, reader, records = dict[str, _Reader](), reader_for(scheme, label_names), 0
    for file in files:
        for batch in io.batches(file):
            for number, row in enumerate(batch.rows, start=batch.first):
                place, records = f"{file}: row {number}", records + (said_in in _RECORDS)
                with as_written(place, _WAY_OUT):
                    said = list(said_in(row))
                for told in said:
                    label = reader.read({YOURS: told.label}, YOURS, place)
                    readers.setdefault(told.reader, _Reader()).take(told, label, place)
    ids = {id for one in readers.values() for id in one.rows}
    found = [one.labelled(path, name, max(records, len(ids))) for name, one in readers.items()]
    if not any(one.rows for one in found):
        raise unlabelled(path, scheme)
    return [one for one in found if one.rows]


@dataclass
class _Reader:
    """What one person said in a file; of a row that was labelled twice what was said last counts."""

    rows: dict[str, LabelledRow | None] = field(default_factory=dict)
    date: str | None = None

    def take(self, told: Told, label: Label | None, place: str) -> None:
        row = None if label is None else LabelledRow(place, label, told.id, told.query, told.response, None)
        self.rows[told.id] = row or self.rows.get(told.id)
        self.date = max(filter(None, (self.date, told.date if row else None)), default=None)

    def labelled(self, path: Path, name: str, given: int) -> Labelled:
        rows = [row for row in self.rows.values() if row is not None]
        return Labelled((path,), rows, given - len(rows), reader=name, date=self.date)


def _page(row: Row) -> Iterator[Told]:
    yield Told(_name(row["reader"]), str(row["id"]), row.get(YOURS), _day(row.get("date")))


def _argilla(row: Row) -> Iterator[Told]:
    fields = row["fields"]
    for told in row["responses"].get(YOURS) or ():
        yield Told(
            _name(told["user_id"]),
            str(row["id"]),
            told["value"],
            None,
            _text(fields, "query"),
            _text(fields, "response"),
        )


def _argilla_table(row: Row) -> Iterator[Told]:
    """Drafts and what was discarded do not count."""
    key = f"{YOURS}.responses"
    values, users = row.get(key) or [], row.get(f"{key}.users") or []
    states = row.get(f"{key}.status") or [None] * len(values)
    for value, user, state in zip(values, users, states, strict=True):
        if state in (None, "submitted"):
            yield Told(_name(user), str(row["id"]), value, None, _text(row, "query"), _text(row, "response"))


def _studio(row: Row) -> Iterator[Told]:
    data, annotations = row["data"], row["annotations"]
    for one in sorted(annotations, key=lambda one: str(one.get("updated_at") or one.get("created_at") or "")):
        if one.get("was_cancelled"):
            continue
        chosen = [result["value"]["choices"] for result in one["result"] if result.get("from_name") == YOURS]
        by, day = one.get("completed_by"), one.get("updated_at") or one.get("created_at")
        if chosen and chosen[-1]:
            id, query, response = str(data[ROW]), _text(data, "query"), _text(data, "response")
            yield Told(_name(by), id, chosen[-1][0], _day(day), query, response)


def _flat(row: Row) -> Iterator[Told]:
    """Label Studio's JSON-MIN and CSV: a row an annotation."""
    day = row.get("updated_at") or row.get("created_at")
    id, query, response = str(row[ROW]), _text(row, "query"), _text(row, "response")
    yield Told(_name(row["annotator"]), id, row.get(YOURS), _day(day), query, response)


def _name(who: Any) -> str:
    """A reader's name, address or number."""
    if isinstance(who, Mapping):
        who = who.get("email") or who.get("username") or who["id"]
    return "?" if is_empty(who) else str(who)


def _text(row: Row, name: str) -> str | None:
    return value if isinstance(value := row.get(name), str) and value else None


def _day(value: Any) -> str | None:
    try:
        return date.fromisoformat(str(value or "")[:10]).isoformat()
    except ValueError:
        return None


_FORMS: Final[tuple[tuple[Callable[[Row], bool], Callable[[Row], Iterator[Told]]], ...]] = (
    (lambda row: {"id", YOURS, "reader"} <= row.keys(), _page),
    (lambda row: isinstance(row.get("responses"), Mapping) and isinstance(row.get("fields"), Mapping), _argilla),
    (lambda row: f"{YOURS}.responses" in row, _argilla_table),
    (lambda row: isinstance(row.get("annotations"), list) and isinstance(row.get("data"), Mapping), _studio),
    (lambda row: {ROW, "annotator", "annotation_id"} <= row.keys(), _flat),
)
"""By what the first row of a file is known, and how what people said is read out of each."""
_RECORDS: Final = (_argilla, _argilla_table, _studio)
"""Forms in which every row stands, also those that nobody labelled."""
