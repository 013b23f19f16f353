"""The page to label on: what stands in the file, and what does not. How it works in a browser is tested in tests/browser."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from synth.cli.main import commands
from synth.dataset.reader import Dataset
from synth.quality.draw import drawn
from synth.report.label_words import EN, ZH
from tests.conftest import Lab


@pytest.fixture
def made(lab: Lab) -> Dataset:
    lab.run(20)
    return Dataset(lab.folder / "run")


def call(*arguments: Any) -> Any:
    return CliRunner().invoke(commands, [str(argument) for argument in arguments])


def data_of(path: Path) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found
    return json.loads(found[1])


def test_a_page_holds_the_rows_of_the_sheet_their_policies_and_no_label(made: Dataset, tmp_path: Path) -> None:
    done = call("audit", made.folder, "--page", "--per-cell", 2)
    assert done.exit_code == 0, done.output
    data, given = data_of(made.folder / "audit.html"), drawn(made, per_cell=2, seed=0)
    assert [row["id"] for row in data["rows"]] == [row["id"] for row in given.rows]
    for row, was in zip(data["rows"], given.rows, strict=True):
        assert row.keys() == {"id", "context", "query", "response", "policy"}
        policy = made.policies.of(was)
        assert data["policies"][row["policy"]] == {
            name: getattr(policy, name)
            for name in ("subcategory", "name", "definition", "unsafe", "safe", "borderline")
        }
    assert data["labels"] == [{"name": "safe", "word": "安全"}, {"name": "unsafe", "word": "不安全"}]
    text = (made.folder / "audit.html").read_text(encoding="utf-8")
    assert not [row["analysis"] for row in given.rows if row["analysis"] in text]
    assert '<html lang="zh-CN">' in text
    assert ZH["lead"] in text
    assert f"synth audit {made.folder} --read FILE" in done.stdout
    assert "is there already" in str(call("audit", made.folder, "--page").exception)
    assert call("audit", made.folder, "--page", "--lang", "en", "-o", tmp_path / "new" / "a.html").exit_code == 0
    assert [label["word"] for label in data_of(tmp_path / "new" / "a.html")["labels"]] == ["safe", "unsafe"]


def test_no_page_comes_into_a_dataset_that_stands_alone_unasked(made: Dataset, tmp_path: Path) -> None:
    shutil.copytree(made.repository, tmp_path / "alone")
    done = call("audit", tmp_path / "alone", "--page")
    assert (done.exit_code, "give -o FILE" in done.output) == (2, True)
    assert not (tmp_path / "alone" / "audit.html").exists()
    assert call("audit", tmp_path / "alone", "--page", "-o", tmp_path / "a.html").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--page", "--to", "argilla"],
        ["--page", "--read", "a.csv"],
        ["--page", "--labels"],
        ["--to", "argilla"],
        ["--page", "--date", "2026-11-30"],
        ["-o", "a.csv", "--annotators", "3"],
    ],
)
def test_one_thing_at_a_time(words: list[str], tmp_path: Path) -> None:
    assert call("audit", tmp_path, *words).exit_code == 2
    assert not [*tmp_path.iterdir()]


def test_the_words_are_the_same_in_both_languages() -> None:
    assert ZH.keys() == EN.keys()
    names = re.compile(r"\{(\w+)\}")
    assert {key: {*names.findall(text)} for key, text in ZH.items()} == {
        key: {*names.findall(text)} for key, text in EN.items()
    }
