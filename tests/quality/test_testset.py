"""A test set out of a run: what three people say of a row, what is left out, what training must hold out, and the canary."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from synth.cli.main import commands
from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.quality import testset
from synth.quality.draw import drawn
from synth.quality.evaluate.gold import gold_of
from synth.quality.labelled import Labelled, LabelledRow
from tests.conftest import Lab

OTHER = {"safe": "unsafe", "unsafe": "safe"}


@pytest.fixture
def made(lab: Lab) -> Dataset:
    lab.run(20)
    return Dataset(lab.folder / "run")


def readers(made: Dataset, fewer: int = 0, changed: int = 0) -> list[Labelled]:
    """Three readers of a draw: the third calls every row the other way; the second leaves out the first so many and calls the next so
    many the other way."""
    rows = drawn(made, per_cell=2, seed=0).rows
    given: list[list[LabelledRow]] = [[], [], []]
    for number, row in enumerate(rows):
        second = OTHER[row["label"]] if number < fewer + changed else row["label"]
        for reader, label in enumerate([row["label"], second, OTHER[row["label"]]]):
            if reader != 1 or number >= fewer:
                given[reader].append(
                    LabelledRow(f"row {number}", label, row["id"], row["query"], row["response"], None)
                )
    return [Labelled((Path(f"{name}.jsonl"),), found, reader=name) for name, found in zip("ABC", given, strict=True)]


def test_the_label_of_most_counts_and_the_rest_is_told(made: Dataset, tmp_path: Path) -> None:
    rows = drawn(made, per_cell=2, seed=0).rows
    found = testset.test_set(made, readers(made, fewer=2, changed=3), 3)
    label = {"safe": "安全", "unsafe": "不安全"}
    expected = {
        row["id"]: label[OTHER[row["label"]] if number < 5 else row["label"]]
        for number, row in enumerate(rows)
        if number > 1
    }
    assert {one["id"]: one["label"] for one in found.records} == expected
    assert found.left["labelled by fewer than 3"] == 2
    assert all(sorted(Counter(one["annotators"]).values()) == [1, 2] for one in found.records)
    changed = [
        one for one in found.records if label[{row["id"]: row["label"] for row in rows}[one["id"]]] != one["label"]
    ]
    assert len(changed) == 3
    assert not any(one["analyze"] for one in changed)
    ties = testset.test_set(made, readers(made, fewer=2), 2)
    assert ties.left["ties"] == 2


def test_its_files_are_read_as_a_test_and_all_hold_the_canary(made: Dataset, tmp_path: Path) -> None:
    found = testset.test_set(made, readers(made), 3)
    paths = testset.write(found, tmp_path / "out")
    assert sorted(path.name for path in paths) == ["README.md", "held_out.yaml", "test.jsonl"]
    assert all(found.canary in path.read_text(encoding="utf-8") for path in paths)
    assert [*testset.lines(found, tmp_path / "out")][-1] == found.canary
    assert re.search(r"canary GUID [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", found.canary)
    gold = gold_of(tmp_path / "out")
    assert [case.label for case in gold.cases] == [
        {"安全": "safe", "不安全": "unsafe"}[one["label"]] for one in found.records
    ]
    assert testset.test_set(made, readers(made), 3).canary == found.canary
    assert testset.test_set(made, readers(made, changed=1), 3).canary != found.canary


def test_what_training_must_hold_out_is_named(made: Dataset, tmp_path: Path) -> None:
    found = testset.test_set(made, readers(made), 3)
    testset.write(found, tmp_path / "out")
    told = yaml.safe_load((tmp_path / "out" / "held_out.yaml").read_text(encoding="utf-8"))
    ids = {one["id"] for one in found.records}
    every = [row for split in made.labelled() for row in made.rows(split)]
    assert {*told["root_ids"]} == {row["root_id"] for row in every if row["id"] in ids}
    behaviours = {(name, one) for name, several in told["behaviours"].items() for one in several}

    def shares(row: dict[str, Any]) -> bool:
        own = {(row["subcategory"], one["value"]) for one in row["elements"] if one["axis"] == "behaviour"}
        return bool(own & behaviours) or row["root_id"] in told["root_ids"]

    assert all(shares(row) for row in every if row["id"] in ids)
    assert found.shared == sum(shares(row) and row["id"] not in ids for row in every) > 0


def test_nothing_left_is_one_line(made: Dataset) -> None:
    with pytest.raises(ConfigError, match=r"no row for a test set: .* labelled by fewer than 4"):
        testset.test_set(made, readers(made), 4)


def test_the_command_writes_it(made: Dataset, tmp_path: Path) -> None:
    words: list[str] = []
    for reader in readers(made):
        path = tmp_path / f"{reader.reader}.jsonl"
        lines = [{"id": row.id, "your_label": row.label, "reader": reader.reader} for row in reader.rows]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        words += ["--read", str(path)]

    def call(*more: object) -> Any:
        return CliRunner().invoke(commands, ["audit", str(made.folder), *map(str, more)])

    done = call(*words, "--annotators", 3, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert done.stdout.strip().splitlines()[-1].startswith("synth test set; do not train on it. canary GUID")
    assert call(*words, "--annotators", 4, "-o", tmp_path / "out").exit_code == 2
    assert call(*words, "--annotators", 3).exit_code == 2
    (tmp_path / "out" / "test.jsonl").write_text("mine")
    assert "is there already" in str(call(*words, "--annotators", 3, "-o", tmp_path / "out").exception)
