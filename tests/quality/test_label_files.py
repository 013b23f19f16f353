"""Labels of several people out of one file: of the page, of Argilla, of Label Studio. The shapes are those that argilla 2.8.0 and
label-studio-sdk 2.1.2 wrote of the files that `synth audit --to` made."""

import json
from pathlib import Path
from typing import Any

import pytest

from synth.errors import ConfigError
from synth.quality.label_files import readers_in
from synth.quality.labelled import Labelled
from synth.quality.readers import gathered, together
from synth.recipe.labels import BINARY

ANN, BOB = "ab740bd8-dee7-434f-b500-7ccc431cdff3", "88cbadfd-ce0f-4747-8cdc-2226ef719026"
Rows = list[dict[str, Any]]


def page(id: str, label: str | None, who: str, date: str | None = "2026-11-30") -> dict[str, Any]:
    return {"id": id, "your_label": label, "note": "", "skipped": False, "reader": who, "date": date, "sheet": "f00d"}


def argilla(id: str, **labels: str) -> dict[str, Any]:
    told = [{"value": label, "user_id": {"ann": ANN, "bob": BOB}[who]} for who, label in labels.items()]
    responses = {"your_label": told, "note": [{"value": "look", "user_id": ANN}]} if told else {}
    fields = {"category": "类", "query": f"问{id}", "response": f"答{id}"}
    return {
        "id": id,
        "fields": fields,
        "metadata": {},
        "suggestions": {},
        "responses": responses,
        "status": "completed",
    }


def table(id: str, states: list[str | None], **labels: str) -> dict[str, Any]:
    users = [{"ann": ANN, "bob": BOB}[who] for who in labels]
    told = {"responses": [*labels.values()], "responses.users": users, "responses.status": states}
    return {"id": id, "query": f"问{id}", "response": f"答{id}"} | {
        f"your_label.{name}": one for name, one in told.items()
    }


def annotation(who: Any, label: str, *, cancelled: bool = False, day: str = "2026-11-30") -> dict[str, Any]:
    chosen = {"from_name": "your_label", "to_name": "query", "type": "choices", "value": {"choices": [label]}}
    note = {"from_name": "note", "to_name": "query", "type": "textarea", "value": {"text": ["look"]}}
    times = {"created_at": "2026-11-29T21:52:49.513742Z", "updated_at": f"{day}T22:16:08.746926Z"}
    return {"id": 1, "completed_by": who, "result": [note, chosen], "was_cancelled": cancelled, **times}


def task(id: str, *annotations: dict[str, Any]) -> dict[str, Any]:
    data = {"row_id": id, "category": "类", "query": f"问{id}", "response": f"答{id}"}
    return {"id": 7, "data": data, "annotations": [*annotations], "predictions": []}


def flat(id: str, who: Any, label: str) -> dict[str, Any]:
    row = {"row_id": id, "query": f"问{id}", "response": f"答{id}", "id": 7, "your_label": label, "annotator": who}
    return row | {"annotation_id": 3, "created_at": "2026-11-30T21:52:49Z", "updated_at": None, "lead_time": 4.2}


AT = {"id": 1, "email": "ann@example.org"}
FORMS: dict[str, tuple[Rows, set[str]]] = {
    "page": (
        [
            *(page("a", "safe", "Ann"), page("b", "unsafe", "Ann"), page("c", None, "Ann", None)),
            *(page("a", "safe", "Bob"), page("b", None, "Bob", None), page("c", None, "Bob", None)),
        ],
        {"Ann", "Bob"},
    ),
    "argilla": ([argilla("a", ann="safe", bob="safe"), argilla("b", ann="unsafe"), argilla("c")], {ANN, BOB}),
    "argilla as a table": (
        [
            table("a", ["submitted", None], ann="safe", bob="safe"),
            table("b", ["submitted", "discarded"], ann="unsafe", bob="unsafe"),
            table("c", ["draft"], ann="safe"),
        ],
        {ANN, BOB},
    ),
    "label studio": (
        [
            task("a", annotation(AT, "safe"), annotation(AT, "unsafe", day="2026-11-29"), annotation(2, "安全")),
            task("b", annotation(AT, "unsafe"), annotation(2, "safe", cancelled=True)),
            task("c"),
        ],
        {"ann@example.org", "2"},
    ),
    "label studio, flat": (
        [
            flat("a", "ann@example.org", "safe"),
            flat("a", 2, "safe"),
            flat("b", "ann@example.org", "unsafe"),
            flat("c", 2, ""),
        ],
        {"ann@example.org", "2"},
    ),
}


def read(rows: Rows, path: Path) -> list[Labelled]:
    path.write_text(json.dumps(rows), encoding="utf-8")
    return readers_in(path)


@pytest.mark.parametrize("form", FORMS)
def test_every_reader_is_told_apart(form: str, tmp_path: Path) -> None:
    rows, names = FORMS[form]
    one, other = sorted(read(rows, tmp_path / "a.json"), key=lambda file: -len(file.rows))
    assert {one.reader, other.reader} == names
    assert {row.id: row.label for row in one.rows} == {"a": "safe", "b": "unsafe"}
    assert {row.id: row.label for row in other.rows} == {"a": "safe"}
    assert (one.blank, other.blank) == (1, 2)
    assert one.date == (None if "argilla" in form else "2026-11-30")
    if form != "page":
        assert (one.rows[0].query, one.rows[0].response) == ("问a", "答a")


def test_a_day_that_is_none_is_not_told(tmp_path: Path) -> None:
    (one,) = read([page("a", "safe", "Ann", "mmxx-vi-ii")], tmp_path / "a.json")
    assert (one.reader, one.date) == ("Ann", None)


def test_a_table_of_one_reader_is_read_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,your_label\na,safe\nb,\n", encoding="utf-8")
    (found,) = readers_in(tmp_path / "a.csv")
    assert (found.reader, [row.id for row in found.rows], found.blank) == ("", ["a"], 1)


def test_a_folder_that_argilla_wrote_is_its_records(tmp_path: Path) -> None:
    (tmp_path / ".argilla").mkdir()
    (tmp_path / ".argilla" / "settings.json").write_text("{}")
    rows, names = FORMS["argilla"]
    assert {file.reader for file in read(rows, tmp_path / "records.json")} == names
    assert {file.reader for file in readers_in(tmp_path)} == names


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([page("a", None, "Ann")], "no row has a label"),
        ([page("a", "maybe", "Ann")], "label 'maybe' is none of safe"),
        ([argilla("a", ann="safe"), {"id": "b", "fields": {}, "responses": []}], "row 2: is damaged"),
        ([argilla("a", ann="safe") | {"responses": {"your_label": [3]}}], "row 1: is damaged"),
        ([table("a", [None], ann="safe", bob="safe")], "row 1: is damaged"),
        ([task("a", annotation(1, "safe") | {"result": [{"from_name": "your_label"}]})], "row 1: is damaged"),
        ([task("a", annotation(1, "safe")) | {"data": {"query": "x"}}], "row 1: is damaged"),
        ([task("a", annotation({}, "safe"))], "row 1: is damaged"),
    ],
)
def test_a_damaged_file_is_one_line(rows: Rows, expected: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=expected) as found:
        read(rows, tmp_path / "a.json")
    assert "\n" not in str(found.value)


def test_files_of_one_reader_are_one(tmp_path: Path) -> None:
    first = read([page("a", "safe", "Ann"), page("b", None, "Ann")], tmp_path / "1.json")
    second = read([page("b", "unsafe", "Ann"), page("a", "safe", "Ann")], tmp_path / "2.json")
    bob = read([page("a", "unsafe", "Bob"), page("b", "unsafe", "Bob")], tmp_path / "3.json")
    ann, other = gathered([*first, *second, *bob])
    assert ({row.id: row.label for row in ann.rows}, other.reader) == ({"a": "safe", "b": "unsafe"}, "Bob")
    joined = together([ann, other], BINARY)
    assert joined.readers is not None
    assert [one["judge"] for one in joined.readers["judges"]] == ["Ann", "Bob"]


def test_one_name_on_two_labels_of_a_row_is_refused(tmp_path: Path) -> None:
    files = [
        *read([page("a", "safe", "Ann")], tmp_path / "1.json"),
        *read([page("a", "unsafe", "Ann")], tmp_path / "2.json"),
    ]
    with pytest.raises(ConfigError, match="reader Ann gives another label"):
        gathered(files)
    twice = read([page("a", "safe", "Ann")], tmp_path / "1.json") * 2
    with pytest.raises(ConfigError, match="named twice"):
        together(gathered(twice), BINARY)
