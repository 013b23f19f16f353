"""The label error of a release: what an audit of so many rows a cell tells of all its rows, and where it is kept."""

import json
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from synth.cli.main import commands
from synth.dataset import audited
from synth.dataset.reader import Dataset
from synth.dataset.shards import content_hash
from synth.errors import ConfigError
from synth.quality.draw import drawn
from synth.quality.metrics import wilson
from synth.quality.release import ReadRow, day, label_error
from tests.conftest import Lab


@pytest.fixture
def made(lab: Lab) -> Dataset:
    lab.run(20)
    return Dataset(lab.folder / "run")


def call(*arguments: Any) -> Any:
    return CliRunner().invoke(commands, [str(argument) for argument in arguments])


def rows(cell: str, right: int, wrong: int) -> list[ReadRow]:
    return [ReadRow(cell, cell, "safe", label) for label in ["safe"] * right + ["unsafe"] * wrong]


@pytest.mark.parametrize(
    ("read", "sizes", "expected"),
    [
        (rows("a", 9, 1), {"a": 10}, 0.1),
        (rows("a", 1, 1) + rows("b", 2, 0), {"a": 900, "b": 100}, 0.45),  # a row of a large cell stands for more
        (rows("a", 1, 1) + rows("b", 2, 0), {"a": 100, "b": 900}, 0.05),
        (rows("a", 2, 0), {"a": 5, "b": 5}, 0.0),  # a cell of which nothing was read says nothing
    ],
)
def test_a_row_counts_for_what_its_cell_holds(read: list[ReadRow], sizes: dict[str, int], expected: float) -> None:
    found = label_error(read, sizes)
    assert found is not None
    assert found.error == pytest.approx(expected)
    assert found.low <= found.error <= found.high
    assert (found.rows, found.errors) == (len(read), sum(row.yours != "safe" for row in read))


def test_of_rows_that_weigh_the_same_the_interval_is_wilsons() -> None:
    found = label_error(rows("a", 36, 4), {"a": 4_000})
    told = wilson(4, 40)
    assert found is not None
    assert (found.error, found.low, found.high) == tuple(round(one, 4) for one in (told.value, told.low, told.high))
    assert label_error([], {"a": 1}) is None


def test_the_interval_holds_the_error_of_the_release() -> None:
    """400 audits of a release whose 20 large cells are bad and 60 small ones good; counting rows alone is far off."""
    chance, sizes = random.Random(5), {f"large{n}": 100 for n in range(20)} | {f"small{n}": 10 for n in range(60)}
    truth = (2_000 * 0.2 + 600 * 0.02) / 2_600
    held, plain = 0, []
    for _ in range(400):
        read = []
        for cell in sizes:
            wrong = sum(chance.random() < (0.2 if cell[0] == "l" else 0.02) for _ in range(3))
            read += rows(cell, 3 - wrong, wrong)
        found = label_error(read, sizes)
        assert found is not None
        held += found.low <= truth <= found.high
        plain.append(found.errors / found.rows)
    assert held >= 0.9 * 400
    assert sum(plain) / len(plain) < truth / 2


def labelled(made: Dataset, path: Path, wrong: int, who: str = "Ann", date: str | None = "2026-11-29") -> Path:
    """What a page saves: the rows of a draw, the first so many called the other way."""
    lines, other = [], {"safe": "unsafe", "unsafe": "safe"}
    for number, row in enumerate(drawn(made, per_cell=2, seed=0).rows):
        label = other[row["label"]] if number < wrong else row["label"]
        told = {"id": row["id"], "your_label": label, "note": "a: b", "skipped": False, "reader": who, "date": date}
        lines.append(json.dumps(told) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_what_readers_found_is_kept_beside_the_dataset(made: Dataset, lab: Lab, tmp_path: Path) -> None:
    path = made.folder / "dataset" / audited.NAME
    saved = [labelled(made, tmp_path / f"{who}.jsonl", wrong, who) for who, wrong in (("A", 1), ("B", 3), ("C", 1))]
    done = call("audit", made.folder, *(word for one in saved for word in ("--read", one)))
    assert done.exit_code == 0
    kept = audited.read(path)
    assert kept is not None
    assert (kept["readers"], kept["errors"], kept["tied"], kept["date"]) == (3, 1, 0, "2026-11-29")
    assert 0 < kept["low"] < kept["error"] < kept["high"] < 0.5
    assert kept["kappa"] < 1
    assert kept["covered"] == 1
    assert {name: one["rows"] for name, one in kept["by_label"].items()} == Counter(
        row["label"] for row in drawn(made, per_cell=2, seed=0).rows
    )
    assert f"label error of the release: {kept['error']:.1%}" in done.stdout
    told = json.loads(call("audit", made.folder, "--read", saved[0], "--date", "2026-11-30", "--json").stdout)
    assert told["release"] == audited.read(path)
    assert (told["release"]["readers"], told["release"]["kappa"], told["release"]["date"]) == (1, None, "2026-11-30")
    assert kept["content"] == content_hash(made.folder / "dataset" / "data")
    lab.run(40)
    assert audited.read(path) == told["release"]  # a run that goes on leaves it, and it tells of which rows it is
    assert kept["content"] != content_hash(made.folder / "dataset" / "data")


def test_a_dataset_that_stands_alone_keeps_what_its_readers_found(made: Dataset, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    shutil.copytree(made.repository, alone)
    done = call("audit", alone, "--read", labelled(made, tmp_path / "a.jsonl", 1))
    assert done.exit_code == 0
    kept = audited.read(alone / audited.NAME)
    assert kept is not None
    assert (kept["errors"], kept["content"]) == (1, content_hash(alone / "data"))
    assert f"**Label error: {kept['error']:.1%}**" in (alone / "README.md").read_text(encoding="utf-8")


def test_another_file_of_that_name_stays(made: Dataset, tmp_path: Path) -> None:
    path = made.folder / "dataset" / audited.NAME
    saved = labelled(made, tmp_path / "a.jsonl", 0)
    for text in ("mine", '{"made": "0", "readers": 1}'):
        path.write_text(text)
        assert "is not what synth wrote" in str(call("audit", made.folder, "--read", saved).exception)
        assert path.read_text() == text


def test_rows_that_are_not_released_tell_nothing_of_the_release(lab: Lab, tmp_path: Path) -> None:
    lab.run(10)
    made = Dataset(lab.folder / "run")
    lines = [json.dumps({"id": row["id"], "label": "safe"}) for row in made.rows("hard")]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    assert call("audit", made.folder, "--read", tmp_path / "a.jsonl").exit_code == 0
    assert not (made.folder / "dataset" / audited.NAME).exists()


def test_a_day_is_a_day() -> None:
    assert (day(None), day("2026-11-30")) == (None, "2026-11-30")
    with pytest.raises(ConfigError, match="is no day"):
        day("yesterday")
