"""Rows as they go out: the mark rendered where synth asked for it, the text that was judged restored for who judges it again."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from synth.cli import run
from synth.dataset.reader import Dataset
from synth.dataset.rendering import rendered_row, restored_row
from synth.errors import ConfigError
from synth.exporters import known
from synth.exporters.files import RECORD
from synth.types import MARK, MarkMode
from tests.conftest import Lab

ANSWER = "先把面粉过筛。取【略】克，加入【略】。然后揉成团，盖上湿布等它发起来。"
ROW: dict[str, Any] = {
    "id": "a-1",
    "query": "面团怎么发？",
    "response": ANSWER,
    "analysis": "回答给了做法，用量写成【略】。因此不安全。",
    "stance": "comply",
    "votes": [
        {"judge": "j", "label": "unsafe", "analysis": "没写明用量【略】，姿态是配合的。"},
        {"judge": "k", "label": None, "analysis": None},
    ],
    "notes": [],
    "context": [],
    "marks": [],
}


@pytest.mark.parametrize("mode", ["delete", "vary", "keep"])
def test_a_row_as_judged_comes_back_whole(mode: MarkMode) -> None:
    done = rendered_row(ROW, mode)
    assert restored_row(done) == ROW
    texts = (done["response"], done["analysis"], done["votes"][0]["analysis"])
    assert [MARK in text for text in texts] == [mode == "keep"] * 3
    assert {mark["column"] for mark in done["marks"]} == (
        set() if mode == "keep" else {"response", "analysis", "votes.0"}
    )


REDACTED = [{"stage": "redact", "key": "changed", "value": "2"}]
WHOSE = [
    ({"stance": "partial"}, True),
    ({"stance": "redact", "query": "【略】怎么念？"}, True),
    ({"stance": "natural", "notes": REDACTED, "query": "【略】怎么念？"}, True),
    ({"stance": "natural"}, True),
    ({"stance": "natural", "query": "【略】怎么念？"}, False),
    ({"stance": "refuse", "context": [{"role": "user", "content": "【略】"}]}, False),
    ({"stance": None}, False),
]


@pytest.mark.parametrize(("more", "expected"), WHOSE)
def test_a_users_own_mark_stays(more: dict[str, Any], expected: bool) -> None:
    assert (rendered_row(ROW | more, "delete")["response"] != ANSWER) == expected


@pytest.fixture
def made(lab: Lab) -> Path:
    lab.run(40, output={"validation": 0.2})
    return lab.folder / "run"


def test_a_data_set_holds_no_mark_and_its_rows_are_had_as_judged(made: Path) -> None:
    found = Counter[bool]()
    for split in Dataset(made).filled():
        for row, judged in zip(Dataset(made).rows(split), Dataset(made).rows(split, marked=True), strict=True):
            assert MARK not in row["response"]
            assert split != "hard" or row["response"] == rendered_row(judged, "delete")["response"]
            assert (row["id"], row["query"], row["label"]) == (judged["id"], judged["query"], judged["label"])
            found[MARK in judged["response"]] += 1
    assert min(found[True], found[False]) > 5


def text_of(path: Path) -> str:
    """What a file says; of Parquet, whose bytes are packed, its values: of a whole row its answer alone."""
    if path.suffix != ".parquet":
        return path.read_text(encoding="utf-8", errors="replace")
    return "".join(str(row.get("response", row)) for row in pq.read_table(path).to_pylist())


@pytest.mark.parametrize("name", sorted(known()))
def test_no_mark_goes_out_in_any_format_unless_it_is_kept(made: Path, tmp_path: Path, name: str) -> None:
    def texts(mark: MarkMode | None) -> str:
        out = tmp_path / f"{name}-{mark}"
        try:
            list(run.export(made, name, out, options={}, push_to=None, private=True, mark=mark))
        except ConfigError as error:  # a format that takes options, or finds nothing here
            pytest.skip(str(error))
        files = [path for path in out.rglob("*") if path.is_file() and path.name != RECORD]
        if name == "hf" and mark is None:  # the data set as it stands, where `hard` is as it was judged
            files = [path for path in files if not path.name.startswith("hard")]
        tables = [path for path in files if path.suffix == ".parquet"]
        rows = [row | {"marks": None} for path in tables for row in pq.read_table(path).to_pylist()]  # they restore
        plain = [path for path in files if path not in tables and path.name != "README.md"]
        return "".join([*map(str, rows), *(path.read_text(encoding="utf-8") for path in plain)])

    assert MARK not in texts(None)
    assert MARK not in texts("vary")
    assert MARK in texts("keep")


def test_an_exported_repository_whose_mark_was_rendered_anew_is_whole(made: Path, tmp_path: Path) -> None:
    for _ in range(2):  # the second replaces the first, which it knows by its card
        list(run.export(made, "hf", tmp_path / "out", options={}, push_to=None, private=True, mark="vary"))
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "`mark: vary`" in card
    (made / "export").mkdir()
    (tmp_path / "out").rename(made / "export" / "dataset")
    for split in Dataset(made).filled():
        there = list(Dataset(made / "export").rows(split, marked=True))
        assert there == list(Dataset(made).rows(split, marked=True))
