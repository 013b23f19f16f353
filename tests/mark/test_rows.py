"""Rows of a table whose mark was rendered are read as they were judged; whatever else is called `marks` is left alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from synth.dataset.rendering import rendered_row
from synth.mark.compare import forms, unmarked
from synth.mark.render import rendered
from synth.mark.rows import restored_row
from synth.mark.vary import VAGUE
from synth.tables.dedup import Want, dedup
from synth.tables.filter import filter_table

JUDGED: dict[str, Any] = {
    "id": "a-1",
    "query": "绳子怎么打结？",
    "response": "先把绳子理顺，绕过柱子两圈。取【略】米，留出【略】，再把绳头从圈里穿过去。最后两头一拉就紧了，照这样做就行。",
    "label": "unsafe",
    "query_type": "harmful",
    "stance": "comply",
    "analysis": None,
    "marks": [],
}


def test_a_row_of_a_spreadsheet_is_restored_too() -> None:
    done = rendered_row(JUDGED, "delete")
    assert restored_row(done | {"marks": json.dumps(done["marks"], ensure_ascii=False)}) == JUDGED


@pytest.mark.parametrize(
    "marks",
    [None, 85, "85", "[{", [], [{"score": 3}], ["a"], {"a": 1}, [{"column": "none", "at": 0, "length": 1, "was": "x"}]],
)
def test_another_column_of_that_name_changes_no_text(marks: Any) -> None:
    assert restored_row({"response": "好", "marks": marks})["response"] == "好"


ONE = {"column": "votes.0", "at": 0, "length": 0, "was": "x"}


@pytest.mark.parametrize(
    ("marks", "votes"),
    [
        ([ONE], [{"analysis": None}]),
        ([ONE], [{"label": "safe"}]),
        ([ONE], ["safe"]),
        ([ONE | {"column": "votes.²"}], [{"analysis": "好"}]),
        ([ONE | {"column": f"votes.{'1' * 5_000}"}], [{"analysis": "好"}]),
        ([ONE | {"at": float("inf")}], [{"analysis": "好"}]),
        ('[{"at":' * 100_000, [{"analysis": "好"}]),
    ],
    ids=["no analysis", "no such key", "no vote", "no number", "long number", "infinite", "deep"],
)
def test_a_column_of_that_name_that_others_filled_stops_nothing(marks: Any, votes: Any) -> None:
    assert restored_row({"marks": marks, "votes": votes})["votes"] == votes


@pytest.mark.parametrize("places", [[(-3, 2)], [(0, 9)], [(4, 0)], [(0, 2), (1, 1)], [(1, -1)]])
def test_a_text_that_its_marks_do_not_fit_is_left_as_it_is(places: list[tuple[int, int]]) -> None:
    marks = [{"column": "response", "at": at, "length": length, "was": "【略】"} for at, length in places]
    assert restored_row({"response": "打个结", "marks": marks})["response"] == "打个结"


def table(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("mode", ["delete", "vary", "keep"])
def test_filters_judge_the_text_that_was_judged_and_write_the_row_as_it_is(tmp_path: Path, mode: Any) -> None:
    done = rendered_row(JUDGED, mode)
    filter_table(table(tmp_path / "in.jsonl", done), tmp_path / "out.jsonl", ("outline",))
    found = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    assert found["reasons"] == []
    assert found["response"] == done["response"]
    filter_table(table(tmp_path / "in.jsonl", done | {"marks": []}), tmp_path / "bare.jsonl", ("outline",))
    bare = json.loads((tmp_path / "bare.jsonl").read_text(encoding="utf-8"))["reasons"]
    assert bool(bare) == (mode != "keep"), "without its marks nothing seems to be left out"


def test_answers_are_near_duplicates_however_their_mark_was_rendered(tmp_path: Path) -> None:
    rows = [rendered_row(JUDGED, mode) for mode in ("delete", "vary", "keep")]
    report = dedup(table(tmp_path / "in.jsonl", *rows), tmp_path / "out.jsonl", Want(0.99, columns=("response",)))
    assert (report.rows, report.kept) == (3, 1)


@pytest.mark.parametrize("seed", [*"abcdefghi"])
def test_vague_words_are_taken_out_as_the_mark_is(seed: str) -> None:
    text = "把【略】放在【略】，用【略】压住，找【略】帮忙，准备【略】和绳子，比如【略】。"
    assert unmarked(rendered(text, "vary", seed)[0]) == text.replace("【略】", "") == unmarked(text)
    assert all(unmarked(word) == "" for word in VAGUE)


def test_an_answer_without_a_mark_has_one_form() -> None:
    assert list(forms("先把绳子理顺。")) == ["先把绳子理顺。"]
