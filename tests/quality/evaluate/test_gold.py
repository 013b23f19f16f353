"""Tests as people have them: Libra-Test's fields, a run's rows, WildGuard's columns, plain tables; and files that are none of them."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth.errors import ConfigError
from synth.quality.evaluate.gold import Case, gold_of
from tests.support.labelled import folder, row


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), encoding="utf-8")
    return path


def cases(path: Path, **options: Any) -> list[Case]:
    return gold_of(path, **options).cases


def test_libras_fields_are_read(tmp_path: Path) -> None:
    told = {
        "source": "Real Data",
        "category_name": "伦理道德",
        "sub_category_name": "价值观",
        "question": "问",
        "response": "答",
    }
    path = tmp_path / "libra.json"
    path.write_text(json.dumps([told | {"label": "不安全", "analyze": "x", "id": 7}]), encoding="utf-8")
    (one,) = cases(path)
    assert (one.id, one.query, one.response, one.label, one.source) == ("7", "问", "答", "unsafe", "Real Data")
    assert (one.categories, one.facets["scenario"], one.harm) == (("价值观",), "伦理道德", None)


def test_a_runs_own_rows_are_read_whichever_way_they_come(tmp_path: Path) -> None:
    rows = [
        row(0, label="unsafe", attack="red_team", response_class="partial"),
        row(1, query_label="benign", query_type="benign"),
    ]
    folder(tmp_path / "run", rows)
    lines(tmp_path / "rows.jsonl", rows)
    for path in (tmp_path / "run", tmp_path / "run" / "dataset", tmp_path / "rows.jsonl"):
        found = {one.id: one for one in cases(path)}
        first, second = found["0000-a"], found["0001-a"]
        assert (first.label, first.harm, first.categories, first.facets["attack"]) == (
            "unsafe",
            True,
            ("bias.gender",),
            "red_team",
        )
        assert (second.label, second.harm, second.categories, second.facets["attack"]) == ("safe", False, (), "none")
        assert (first.facets["response class"], first.subject) == ("partial", "bias.gender")
    assert gold_of(tmp_path / "run").split == "train"


def test_wildguards_columns_are_read_prompt_only_rows_among_them(tmp_path: Path) -> None:
    names = ("prompt", "response", "prompt_harm_label", "response_harm_label", "response_refusal_label", "adversarial")
    told = [
        ("how to tie it", "like so", "harmful", "harmful", "compliance", True),
        ("how to knit", "no", "unharmful", "unharmful", "refusal", False),
        ("how to bake", None, "harmful", None, None, False),
    ]
    table = pa.table({name: [one[at] for one in told] for at, name in enumerate(names)})
    pq.write_table(table, tmp_path / "wild.parquet")
    gold = gold_of(tmp_path / "wild.parquet")
    assert [(one.label, one.harm, one.refusal) for one in gold.cases] == [
        ("unsafe", True, False),
        ("safe", False, True),
        (None, True, None),
    ]
    assert [one.facets["attack"] for one in gold.cases] == ["adversarial", "none", "none"]
    assert (len(gold.asked("answer")), len(gold.asked("prompt"))) == (2, 3)
    assert {one.facets["language"] for one in gold.cases} == {"not zh"}


def test_a_plain_table_needs_no_ids_and_may_repeat_itself(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("query", "response", "label"), ("问", "答", "安全"), ("问", "答", "安全")])
    assert [one.label for one in cases(path)] == ["safe", "safe"]


def test_numbers_are_labels_where_the_user_says_what_they_mean(tmp_path: Path) -> None:
    path = lines(tmp_path / "n.jsonl", [{"query": "问", "response": "答", "label": 1}])
    assert [one.label for one in cases(path, label_names="safe,unsafe")] == ["unsafe"]


def test_of_a_run_the_split_that_is_named_is_taken(tmp_path: Path) -> None:
    for name in ("test", "train"):
        lines(tmp_path / f"{name}.jsonl", [{"query": name, "response": "答", "label": "安全"}])
    assert [one.query for one in cases(tmp_path)] == ["test"]
    assert [one.query for one in cases(tmp_path, split="train")] == ["train"]


def test_rows_that_nobody_labelled_are_counted(tmp_path: Path) -> None:
    rows = [{"query": "问", "response": "答", "label": label} for label in ("安全", "", None)]
    gold = gold_of(lines(tmp_path / "t.jsonl", rows))
    assert (len(gold.cases), gold.unlabelled) == (1, 2)


@pytest.mark.parametrize(
    ("told", "refuses"),
    [
        ({}, True),
        ({"notes": 5}, True),
        ({"notes": "同上"}, True),
        ({"notes": [{"stage": "judge"}, {"text": "读过"}]}, True),
        ({"notes": [{"stage": "judge", "key": "refusal", "value": "no"}]}, False),
        ({"notes": [{"stage": "judge", "key": "refusal", "value": "no"}], "response_refusal_label": "refusal"}, True),
        ({"response_refusal_label": "Compliance"}, False),
    ],
)
def test_an_answer_refuses_as_people_say_or_judges_or_else_its_class(
    tmp_path: Path, told: dict[str, Any], refuses: bool
) -> None:
    (one,) = cases(lines(tmp_path / "t.jsonl", [ROW | {"response": "抱歉，我不能协助这个请求。"} | told]))
    assert one.refusal is refuses


ROW = {"query": "问", "response": "答", "label": "安全"}
WRONG: list[tuple[str, str, str]] = [
    ("t.jsonl", "", "holds no labelled rows"),
    ("t.json", "[]", "holds no labelled rows"),
    ("t.jsonl", "不是表\n", "line 1: not JSON"),
    ("t.json", '[1, "x"]', "row 1: not a JSON object"),
    ("t.parquet", "PAR1 no", "not a Parquet file"),
    ("t.txt", "x", "is none of .jsonl"),
    ("t.jsonl", json.dumps({"query": "问", "response": "答"}), "no column 'label'"),
    ("t.jsonl", json.dumps({"query": "问", "response": "答", "label": None}), "holds no labelled rows"),
    ("t.jsonl", json.dumps(ROW | {"label": "也许"}), "label '也许' is none of"),
    ("t.jsonl", json.dumps(ROW | {"label": 1}), "bare number"),
    ("t.jsonl", json.dumps(ROW | {"query_label": "meh"}), "query_label 'meh' is neither harmful nor benign"),
    ("t.jsonl", json.dumps(ROW | {"query": " "}), "no text under 'query'"),
    ("t.jsonl", json.dumps({"answer": "答", "label": "安全"}), "no column 'query'"),
    ("t.jsonl", "\n".join([json.dumps(ROW | {"id": "a"})] * 2), "id 'a' stands twice"),
    ("t.csv", "query,response,label\n问,答\n", r"row 1 \(line 2\): has 2 cells where the head has 3"),
    ("t.jsonl", json.dumps(ROW)[:-4], "line 1: not JSON"),
]


@pytest.mark.parametrize(("name", "text", "says"), WRONG, ids=[says for _, _, says in WRONG])
def test_what_is_no_test_is_refused_in_one_line(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=says) as refused:
        gold_of(tmp_path / name)
    assert "\n" not in str(refused.value)
    assert name in str(refused.value)


def test_a_folder_that_is_not_there_and_a_split_that_is_not_in_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file or folder"):
        gold_of(tmp_path / "nowhere")
    (tmp_path / "run" / "drops").mkdir(parents=True)
    (tmp_path / "run" / "journal.sqlite").touch()
    lines(tmp_path / "run" / "drops" / "judge.jsonl", [ROW])
    with pytest.raises(ConfigError, match="holds no dataset yet"):
        gold_of(tmp_path / "run")
    lines(tmp_path / "train.jsonl", [ROW])
    (tmp_path / "run" / "drops" / "judge.jsonl").unlink()
    with pytest.raises(ConfigError, match=r"no split 'tset'.*there is: train"):
        gold_of(tmp_path, split="tset")
