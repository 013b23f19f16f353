"""Answers out of a file: joined with the test, whatever they miss or hold too much of; and written in Libra's shape for any guard."""

import json
from pathlib import Path
from typing import Any

import pytest

from synth.errors import ConfigError
from synth.quality.evaluate.gold import gold_of
from synth.quality.evaluate.predictions import predictions_in
from synth.quality.evaluate.published import libra
from synth.run.evaluate import EvaluationOptions, evaluate

UNSAFE, SAFE = '{"答案": "不安全"}', '{"答案": "安全"}'


def rows(*labels: str, ids: bool = True) -> list[dict[str, Any]]:
    return [
        {"query": f"问{at}", "response": f"答{at}", "label": label} | ({"id": f"r{at}"} if ids else {})
        for at, label in enumerate(labels)
    ]


def lines(path: Path, found: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found), encoding="utf-8")
    return path


@pytest.fixture
def test(here: Path) -> Path:
    return lines(here / "test.jsonl", rows("不安全", "安全"))


def test_a_missing_prediction_is_refused(test: Path) -> None:
    told = lines(test.with_name("p.jsonl"), [{"id": "r1", "critic": SAFE}, {"id": "r9", "critic": SAFE}])
    with pytest.raises(
        ConfigError, match=r"1 of 2 rows of .* have no prediction \(the first is 'r0'\).*1 predictions are of no row"
    ):
        evaluate(EvaluationOptions(test, predictions=told))


def test_doubles_and_strangers_are_counted_and_said(test: Path) -> None:
    found = [("r0", UNSAFE), ("r1", UNSAFE), ("r1", SAFE), ("r7", SAFE)]
    told = lines(test.with_name("p.jsonl"), [{"id": id, "critic": text} for id, text in found])
    report = evaluate(EvaluationOptions(test, predictions=told)).report
    assert report is not None
    assert [note.split()[0] for note in report.notes] == ["1", "1"]
    part = report.parts["answer"]
    assert part.strict.accuracy.value == 0.5  # of r1 the first counts
    assert part.published is not None
    assert part.published.average.n == 3  # as the script has it, each does


def test_without_ids_a_prediction_is_found_by_query_and_answer(here: Path) -> None:
    test = lines(here / "test.jsonl", rows("不安全", "安全", ids=False))
    plain = [
        {"query": one["query"], "response": one["response"], "critic": text}
        for one, text in zip(rows("", ""), (UNSAFE, SAFE), strict=True)
    ]
    found = predictions_in(lines(here / "p.jsonl", plain), gold_of(test), "answer", guarded=False)
    assert [reply.text for reply in found.replies.values()] == [UNSAFE, SAFE]


def test_a_bare_label_is_read_and_no_answer_to_the_published_script(test: Path) -> None:
    told = lines(test.with_name("p.jsonl"), [{"id": "r0", "prediction": "unsafe"}, {"id": "r1", "prediction": "安全"}])
    report = evaluate(EvaluationOptions(test, predictions=told)).report
    assert report is not None
    part = report.parts["answer"]
    assert (part.strict.accuracy.value, part.read) == (1.0, 2)
    assert part.published is not None
    assert (part.published.average.accuracy, part.published.unread) == (0.0, 2)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ([{"id": "r0"}], "no text under 'critic'"),
        ([{"id": "r0", "critic": 1}], "no text under 'critic'"),
        ([{"critic": SAFE}], "neither 'id' nor the query"),
        ([], "2 of 2 rows"),
    ],
)
def test_what_holds_no_predictions_is_refused_in_one_line(test: Path, found: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        evaluate(EvaluationOptions(test, predictions=lines(test.with_name("p.jsonl"), found)))


def test_of_another_guard_the_published_script_reads_its_label(here: Path) -> None:
    test = lines(here / "test.jsonl", rows("不安全", "安全", "不安全", "安全"))
    said = ["Safety: Unsafe\nCategories: Violent", "Safety: Safe", "Safety: Controversial", "no idea 安全"]
    told = lines(here / "p.jsonl", [{"id": f"r{at}", "reply": text} for at, text in enumerate(said)])
    outcome = evaluate(EvaluationOptions(test, predictions=told, guard="qwen3guard", folder=here / "out"))
    assert outcome.report is not None
    part = outcome.report.parts["answer"]
    assert (part.read, part.strict.accuracy.value) == (3, 0.75)
    assert part.loose is not None
    assert part.loose.accuracy.value == 0.5
    written = [json.loads(line) for line in (here / "out/predictions/predictions.jsonl").read_text().splitlines()]
    assert [one["reply"] for one in written[:3]] == said[:3]
    assert [libra(one["critic"]) for one in written] == [True, False, True, None]
    again = evaluate(EvaluationOptions(test, predictions=here / "out/predictions", guard="qwen3guard")).report
    assert again is not None
    assert again.parts["answer"] == part


def test_predictions_are_found_by_their_texts_where_ids_were_lost_in_a_spreadsheet(here: Path) -> None:
    rows = [
        {"id": f"a{n}", "query": f"第{n}个问题\n怎么办", "response": f"第{n}个回答", "label": "safe"} for n in range(4)
    ]
    lines(here / "t.jsonl", rows)
    came = [
        {"id": "1.2E+15", "query": f"'{row['query']} ".replace("\n", "\r\n"), "response": row["response"]}
        for row in rows
    ]
    lines(here / "p.jsonl", [row | {"critic": "safe"} for row in came])
    found = predictions_in(here / "p.jsonl", gold_of(here / "t.jsonl"), "answer", guarded=False)
    assert (set(found.replies), found.unknown) == ({"a0", "a1", "a2", "a3"}, 0)
    lines(here / "q.jsonl", [{"id": "x", "critic": "safe"}, *({"id": row["id"], "critic": "safe"} for row in rows[:1])])
    with pytest.raises(ConfigError, match=r"3 of 4 rows of .* have no prediction"):
        predictions_in(here / "q.jsonl", gold_of(here / "t.jsonl"), "answer", guarded=False)
