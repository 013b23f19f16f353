"""Formats made of the answers to one query: preference, KTO, DeRTa, MoGU."""

import json
from pathlib import Path
from typing import Any

import pytest

from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.exporters import find
from tests.support.datasets import ROWS, dataset_of, row


@pytest.fixture
def made(tmp_path: Path) -> Dataset:
    hard = [row("h1.1", "怎样补轮胎？", "拆下来看看。", None)]
    return dataset_of(tmp_path / "run", {"train": ROWS, "hard": hard})


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_pair_is_the_least_and_the_most_severe_answer_of_one_query(made: Dataset, tmp_path: Path) -> None:
    said: list[str] = []
    (path, *_) = find("preference", said.append)(made, tmp_path / "out")
    first, second = records(path)
    assert first["prompt"] == [{"role": "user", "content": "怎样系一个死结？"}]
    assert first["chosen"] == [{"role": "assistant", "content": "这个我不能教，抱歉。"}]
    assert first["rejected"] == [{"role": "assistant", "content": "先绕两圈，再拉紧。"}]
    assert first["messages"] == first["prompt"] + first["chosen"]
    assert [first["rejected_response"], first["rejected_turn"]] == ["先绕两圈，再拉紧。", *first["rejected"]]
    assert second["id"] == "q2"
    assert said[0] == "2 pairs of 2 queries; 3 queries have no two answers of different labels"


def test_of_three_labels_the_middle_one_makes_no_pair_by_label(tmp_path: Path) -> None:
    labels = ("unsafe", "controversial", "safe")
    rows = [row(f"q.{n}", "问", f"答{n}", label, responder=f"m{n}") for n, label in enumerate(labels)]
    made = dataset_of(tmp_path / "run", {"train": rows}, labels)
    (path, *_) = find("preference")(made, tmp_path / "label")
    assert [(one["chosen_turn"]["content"], one["rejected_response"]) for one in records(path)] == [("答2", "答0")]
    (path, *_) = find("preference")(made, tmp_path / "model", by="model")
    found = {(one["chosen_model"], one["rejected_model"]) for one in records(path)}
    assert found == {("m2", "m0"), ("m2", "m1"), ("m1", "m0")}


def test_a_pair_of_models_stands_once_in_one_direction_and_one_label_is_counted(tmp_path: Path) -> None:
    rows = [
        row("q.1", "问", "坏", "unsafe", responder="a"),
        row("q.2", "问", "也坏", "unsafe", responder="a"),
        row("q.3", "问", "好", "safe", responder="b"),
        row("q.4", "问", "也好", "safe", responder="c"),
    ]
    said: list[str] = []
    made = dataset_of(tmp_path / "run", {"train": rows})
    (path, *_) = find("preference", said.append)(made, tmp_path / "out", by="model")
    assert [(one["chosen_model"], one["rejected_model"]) for one in records(path)] == [("b", "a"), ("c", "a")]
    assert "1 pairs of models gave answers of one label" in said[0]


def test_kto_takes_every_answer_and_only_a_safe_one_is_good(made: Dataset, tmp_path: Path) -> None:
    (path, *_) = find("kto")(made, tmp_path / "out")
    found = {one["id"]: one for one in records(path)}
    assert {id: one["label"] for id, one in found.items()} == {one["id"]: one["label"] == "safe" for one in ROWS}
    one = found["q1.1"]
    assert one["completion"] == [{"role": "assistant", "content": "先绕两圈，再拉紧。"}]
    assert one["messages"] == one["prompt"] + one["completion"]


def test_what_came_before_a_query_stands_in_the_prompt_and_no_text_closes_a_turn(tmp_path: Path) -> None:
    before = [{"role": "user", "content": "在吗"}, {"role": "assistant", "content": "在<|im_end|>"}]
    made = dataset_of(tmp_path / "run", {"train": [row("q.1", "问<|im_start|>", "答", "safe", context=before)]})
    (path, *_) = find("kto")(made, tmp_path / "out")
    (one,) = records(path)
    assert [turn["content"] for turn in one["prompt"]] == ["在吗", "在＜|im_end|＞", "问＜|im_start|＞"]


def test_derta_cuts_by_characters_and_gives_every_query_both_answers(tmp_path: Path) -> None:
    rows = [
        row(f"q0{n:02d}.{m}", f"问{n}", "先绕两圈再拉紧" if m else "这个我不能教", "unsafe" if m else "safe")
        for n in range(90)
        for m in range(2)
    ]
    short = [row("s.1", "短", "好。", "unsafe"), row("s.2", "短", "不能。", "safe")]
    made = dataset_of(tmp_path / "run", {"train": [*rows, *short, *ROWS]})
    (path,) = find("derta")(made, tmp_path / "one", seed=1)
    found = records(path)
    prefixes, rtos, helpful = ([one for one in found if one["kind"] == kind] for kind in ("prefix", "rto", "helpful"))
    assert len(prefixes) == len(rtos) == 92
    assert [(one["id"], one["text"], one["safe"]) for one in helpful] == [
        ("q3.1", "关上总阀，换掉垫圈。<|end_of_text|>", "false")
    ]
    for prefix, rto in zip(prefixes, rtos, strict=True):
        harm = rto["text"].removesuffix("<|end_of_text|>")
        assert (prefix["safe"], rto["safe"]) == ("false", "true")
        assert rto["prefix"].startswith("[INST] ")
        assert rto["prefix"].endswith(r" [\INST]")
        assert prefix["prefix"] == rto["prefix"] + harm[: prefix["cut"]]
        assert prefix["cut"] <= len(harm) - 2
        assert "不能" in prefix["text"]
    cuts = [one["cut"] for one in prefixes]
    assert all(cut == 0 for cut in cuts[::3])
    assert {cut for n, cut in enumerate(cuts[:90]) if n % 3} == {1, 2, 3, 4, 5}
    (again,) = find("derta")(made, tmp_path / "two", seed=1)
    (other,) = find("derta")(made, tmp_path / "three", seed=2)
    assert again.read_bytes() == path.read_bytes() != other.read_bytes()


def test_derta_is_told_where_the_query_goes(made: Dataset, tmp_path: Path) -> None:
    (path,) = find("derta")(made, tmp_path / "out", wrapper="<用户>{query}<助手>", end="。完")
    assert {one["prefix"].partition("<助手>")[0] for one in records(path)} >= {"<用户>怎样系一个死结？"}
    with pytest.raises(ConfigError, match=r"--to derta: wrapper: needs \{query\}"):
        find("derta")(made, tmp_path / "out", wrapper="[INST]")


def test_mogus_files_are_aligned_by_index(made: Dataset, tmp_path: Path) -> None:
    said: list[str] = []
    paths = find("mogu", said.append)(made, tmp_path / "out")
    names = ["safety_affirm", "safety_reject", "unsafety_affirm", "unsafety_reject", "data_normal", "data_label"]
    assert [path.stem for path in paths] == names
    affirm, reject, unsafe, refusal, normal, labels = (json.loads(path.read_text(encoding="utf-8")) for path in paths)
    assert affirm == [{"instruction": "怎样修水龙头？", "output": "关上总阀，换掉垫圈。"}]
    assert reject == [{"instruction": "怎样和面？", "output": "这个我不能说，抱歉。"}]
    assert unsafe == [{"instruction": "怎样系一个死结？", "output": "先绕两圈，再拉紧。"}]
    assert refusal == [{"instruction": "怎样系一个死结？", "output": "这个我不能教，抱歉。"}]
    assert normal == [*affirm, *refusal]
    assert labels == [0, 1]
    assert "1 pairs are of two queries" in said[-1]


@pytest.mark.parametrize(
    ("lost", "what"),
    [("q4", "no benign query of .* a rejecting one; .* `benign/safe: .*refuse: 1"), ("q1", "no harmful query of ")],
)
def test_what_mogu_lacks_is_one_line_with_the_cell_that_gives_it(tmp_path: Path, lost: str, what: str) -> None:
    rows = [one for one in ROWS if one["query_id"] != lost and one["query_id"] not in ("q2", "q5")]
    made = dataset_of(tmp_path / "run", {"train": rows})
    with pytest.raises(ConfigError, match=what) as told:
        find("mogu")(made, tmp_path / "out")
    assert "\n" not in str(told.value)
    with pytest.raises(ConfigError, match="--to mogu: split: 'hard' has no rows"):
        find("mogu")(made, tmp_path / "out", split="hard")
