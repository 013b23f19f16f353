"""An audit: a sheet out and back in; the panel measured against a person's labels, its own rows or rows it must judge first."""

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, f1_score

from synth.cli.main import commands
from synth.cli.table import lines
from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.quality import audit
from synth.quality.labelled import labelled
from synth.quality.metrics import scores, wilson
from synth.recipe.labels import BINARY
from synth.run.compile import compile_recipe
from synth.run.judge_file import judged
from tests.conftest import Lab, tiny_recipe
from tests.support.world import World, sentence


@pytest.fixture
def made(lab: Lab) -> Dataset:
    lab.run(20)
    return Dataset(lab.folder / "run")


def rows_of(sheet: Path) -> list[dict[str, str]]:
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(sheet: Path, rows: list[dict[str, Any]], encoding: str = "utf-8-sig") -> None:
    with sheet.open("w", encoding=encoding, newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)


def labels(made: Dataset) -> dict[str, str]:
    return {row["id"]: row["label"] for split in made.splits() for row in made.rows(split) if row["label"]}


def test_a_sheet_has_so_many_rows_of_every_cell_and_hides_the_labels(made: Dataset, tmp_path: Path) -> None:
    audit.sheet(made, tmp_path / "a.csv", per_cell=2, seed=0, labels=False)
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    rows, known = rows_of(tmp_path / "a.csv"), labels(made)
    assert list(rows[0]) == ["id", "subcategory", "query", "response", "your_label", "note"]
    cells = Counter((row["subcategory"], row["id"] in known and known[row["id"]]) for row in rows)
    facts = Counter[Any]()
    for cell in made.facts()["cells"]:
        facts[cell["subcategory"], cell["label"]] += min(2, cell["accepted"])
    assert cells == +facts
    audit.sheet(made, tmp_path / "b.csv", per_cell=2, seed=0, labels=True)
    assert [row["id"] for row in rows_of(tmp_path / "b.csv")] == [row["id"] for row in rows]
    assert {row["id"]: row["label"] for row in rows_of(tmp_path / "b.csv")}.items() <= known.items()
    audit.sheet(made, tmp_path / "c.csv", per_cell=2, seed=1, labels=False)
    assert {row["id"] for row in rows_of(tmp_path / "c.csv")} != {row["id"] for row in rows}


def test_a_sheet_is_safe_to_open(lab: Lab, tmp_path: Path) -> None:
    pair = {"query": "=HYPERLINK(1)，怎么回事", "response": "@SUM(1)【略】", "query_type": "harmful"}
    (lab.folder / "mine.jsonl").write_text(json.dumps(pair) + "\n", encoding="utf-8")
    lab.world = World(babbling=0, differing=0)
    lab.run(compiled=compile_recipe(tiny_recipe(query=None, augment=None, respond=None, n=None, pairs="mine.jsonl")))
    audit.sheet(Dataset(lab.folder / "run"), tmp_path / "a.csv", per_cell=1, seed=0, labels=False)
    (row,) = rows_of(tmp_path / "a.csv")
    assert (row["query"][:2], row["response"][:2]) == ("'=", "'@")
    write(tmp_path / "a.csv", [row | {"your_label": "不安全"}])
    assert audit.read(Dataset(lab.folder / "run"), labelled(tmp_path / "a.csv")).found == 1


def test_a_sheet_that_may_hold_labels_is_not_overwritten(made: Dataset, tmp_path: Path) -> None:
    audit.sheet(made, tmp_path / "a.csv", per_cell=1, seed=0, labels=False)
    with pytest.raises(ConfigError, match="is there already and may hold your labels"):
        audit.sheet(made, tmp_path / "a.csv", per_cell=1, seed=0, labels=False)
    with pytest.raises(ConfigError, match="the sheet is CSV"):
        audit.sheet(made, tmp_path / "a.xlsx", per_cell=1, seed=0, labels=False)


def test_what_comes_back_is_measured(made: Dataset, tmp_path: Path) -> None:
    sheet, known = tmp_path / "a.csv", labels(made)
    audit.sheet(made, sheet, per_cell=3, seed=0, labels=False)
    rows = rows_of(sheet)
    turned = {"safe": " Unsafe ", "unsafe": "安全"}
    for i, row in enumerate(rows):
        agreed = {"safe": "安全", "unsafe": "unsafe"}[known[row["id"]]]
        row["your_label"] = "" if i < 2 else turned[known[row["id"]]] if i < 6 else agreed
    rows[-1]["id"] += "x"  # a row of an earlier run; its text is still there
    write(sheet, rows)
    found = audit.read(made, labelled(sheet))
    yours = [BINARY.read(row["your_label"]) for row in rows[2:]]
    theirs = [known[row["id"].removesuffix("x")] for row in rows[2:]]
    assert (found.labelled, found.blank, found.found, found.undecided) == (len(rows) - 2, 2, len(rows) - 2, 0)
    assert found.panel is not None
    assert found.panel.accuracy.value == pytest.approx(accuracy_score(yours, theirs))
    assert found.panel.f1_unsafe is not None
    assert found.panel.f1_unsafe.value == pytest.approx(f1_score(yours, theirs, pos_label="unsafe"))
    assert (found.panel.missed + found.panel.alarmed, len(found.differing)) == (4, 4)
    assert set(found.judges) == {"j1", "j2"}
    assert "accuracy" in "\n".join(lines(audit.parts(found)))


def test_dropped_and_hard_rows_are_found_by_their_text(lab: Lab, tmp_path: Path) -> None:
    lab.world = World(differing=0.3)
    lab.run(10, filters={"row": ["outline"]})
    made = Dataset(lab.folder / "run")
    drops = [drop for drop in made.drops() if drop["votes"]]
    hard = list(made.rows("hard"))
    lines = [{"query": row["query"], "response": row["response"], "label": "safe"} for row in (*drops, *hard)]
    (tmp_path / "l.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = audit.read(made, labelled(tmp_path / "l.jsonl"))
    assert found.found == len(lines) > 20
    assert found.undecided >= len(hard) > 0
    assert found.judges["j1"].n > (found.panel.n if found.panel else 0)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "id,your_label\nx,bad\n", "row 1: label 'bad' is none of safe"),
        ("a.csv", "id,your_label\nx,\n", "no row has a label; fill in 'your_label'"),
        ("a.csv", "id,verdict\nx,safe\n", "no column 'your_label' or 'label'; there is: id, verdict"),
        ("a.csv", "note,label\nx,safe\n", "row 1: neither 'id' nor 'query' and 'response'"),
        ("a.csv", "id,your_label\nx\n", "no row has a label"),
        ("a.jsonl", '{"label": "safe", "query": 3}\n', "row 1: no text under 'query' but int"),
        ("a.jsonl", "{\n", "line 1: not JSON"),
        ("a.parquet", "x", "not a Parquet file"),
        ("a.xlsx", "x", "is none of .jsonl"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, name: str, text: str, expected: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=expected):
        labelled(tmp_path / name)


def test_a_sheet_saved_in_an_encoding_that_is_not_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,your_label\nx,s\xfb \n")
    with pytest.raises(ConfigError, match=r"not UTF-8 at byte .*; save it as UTF-8"):
        labelled(tmp_path / "a.csv")


def call(*arguments: Any) -> Any:
    return CliRunner().invoke(commands, [str(argument) for argument in arguments])


def test_the_command_takes_one_thing_at_a_time(made: Dataset, tmp_path: Path) -> None:
    assert call("audit", made.folder).exit_code == 2
    assert call("audit", made.folder, "-o", "a.csv", "--read", "b.csv").exit_code == 2
    assert call("audit", made.folder, "-o", "a.csv", "--judge").exit_code == 2
    assert call("audit", made.folder, "-o", tmp_path / "a.csv").exit_code == 0
    (tmp_path / "b.jsonl").write_text('{"query": "没有的", "response": "没有的", "label": "safe"}\n')
    assert "With --judge the panel judges them" in str(
        call("audit", made.folder, "--read", tmp_path / "b.jsonl").exception
    )


def test_the_panel_judges_rows_it_has_not_seen(made: Dataset, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"id": f"p{i}", "prompt": sentence(i), "answer": f"第{i}个回答", "label": "安全"} for i in range(30)
    ]
    lines += [{"prompt": sentence(0), "answer": "第0个回答", "label": "不安全"}]  # twice, and labelled otherwise
    lines += [{"prompt": sentence(40), "answer": "又一个", "label": None}]
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    first = json.loads(call("audit", made.folder, "--read", path, "--judge", "--json").stdout.splitlines()[-1])
    assert (first["labelled"], first["blank"], first["found"]) == (31, 1, 31)
    assert first["panel"]["n"] + first["undecided"] == 31
    folder = next((made.folder / "audit").iterdir())
    before = json.loads((folder / "run.json").read_text())
    assert {entry["stage"] for entry in before["spent"]} == {"judge"}
    again = json.loads(call("audit", made.folder, "--read", path, "--judge", "--json").stdout.splitlines()[-1])
    assert again == first
    assert json.loads((folder / "run.json").read_text())["calls"] == 0


def test_nothing_is_judged_before_the_whole_file_was_read(made: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(
        '{"query": "甲", "response": "乙", "label": "safe"}\n{"query": "甲", "response": " ", "label": "safe"}\n'
    )
    assert "row 2: no text under" in str(call("audit", made.folder, "--read", path, "--judge").exception)
    assert not (made.folder / "audit").exists()


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (5, 5), (1, 1), (36, 40), (999, 1000)])
def test_wilsons_interval_is_scipys(hits: int, n: int) -> None:
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    found = wilson(hits, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_the_interval_of_f1_is_that_of_rows_drawn_again() -> None:
    yours = ["unsafe"] * 60 + ["safe"] * 140
    theirs = ["unsafe"] * 50 + ["safe"] * 10 + ["safe"] * 125 + ["unsafe"] * 15
    found = scores(zip(yours, theirs, strict=True))  # type: ignore[arg-type]
    assert found is not None
    assert found.f1_unsafe is not None
    chance = np.random.default_rng(7)
    drawn = []
    for _ in range(400):
        picked = chance.integers(0, 200, 200)
        drawn.append(f1_score([yours[i] for i in picked], [theirs[i] for i in picked], pos_label="unsafe"))
    assert found.f1_unsafe.value == pytest.approx(f1_score(yours, theirs, pos_label="unsafe"))
    assert (found.f1_unsafe.low, found.f1_unsafe.high) == pytest.approx(
        tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.02
    )


def test_scores_of_nothing_and_of_one_label() -> None:
    assert scores([]) is None
    found = scores([("safe", "safe")] * 3)
    assert found is not None
    assert (found.f1_unsafe, found.accuracy.value) == (None, 1.0)
    assert replace(found, n=3) == found


def test_a_recipe_with_much_of_its_own_can_judge_too(lab: Lab, tmp_path: Path) -> None:
    lab.run(
        20,
        output={"held_out": ["two.s1"], "validation": 0.1},
        mixture={"subcategories": {"one.s0": 2}, "cells": {"two": {"harmful/unsafe": 0.5, "harmful/safe": 0.5}}},
        filters={"personal": "drop", "row": ["label_agrees"]},
    )
    path = tmp_path / "set.csv"
    write(
        path,
        [
            {"question": "打13912345678", "output": f"第{i}个", "label": "safe", "subcategory": "two.s1"}
            for i in range(5)
        ],
    )
    made = Dataset(lab.folder / "run")
    assert audit.read(judged(made, labelled(path)), labelled(path)).found == 5
