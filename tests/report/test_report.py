"""The report of a run's folder: what stands in it, in both languages, and what must not."""

import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from synth.cli.main import commands
from synth.dataset import audited
from synth.errors import ConfigError
from synth.report import report as pages
from synth.report.page import TEMPLATES
from synth.report.report import report, write_report
from synth.report.words import words_of
from synth.run.leave_report import leave_report
from tests.support.reported import HOSTILE, facts, folder_of, hostile, little, rows

SECTIONS = [
    "doubts",
    "funnel",
    "cells",
    "coverage",
    "diversity",
    "novelty",
    "judges",
    "classes",
    "lengths",
    "cost",
    "browse",
]


class Seen(HTMLParser):
    """Elements of a page, and its data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.data: dict[str, Any] = {}
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name in ("srcdoc", "action", "src")]
        self._inside = ("id", "data") in attrs

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.data, self._inside = json.loads(data), False


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return little(tmp_path_factory.mktemp("report") / "run")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_section_stands_there_in_its_order_and_language(lang: str, made: Path) -> None:
    page, words = report(made, lang=lang), words_of("report", lang)
    assert re.findall(r'<section id="(\w+)">', page) == SECTIONS
    for name in SECTIONS:
        assert f"<h2>{words(f'{name}_title')}</h2>" in page
    assert f'<html lang="{words.lang}">' in page


def test_the_folder_stands_beside_its_recipe_and_in_the_command_but_not_in_a_page_that_leaves(made: Path) -> None:
    page, bare = report(made), report(made, samples=False)
    assert re.findall(r"<h1>(.*?)</h1>", page) == ["little · run"]
    assert f"synth audit {made} --page" in page
    assert re.findall(r"<h1>(.*?)</h1>", bare) == ["little"]
    assert str(made) not in bare
    assert "synth audit DIR --page" in bare


def test_what_is_wrong_is_said_first_and_the_worst_before_the_rest(made: Path) -> None:
    found = re.findall(r'<li class="(\w+)">', report(made).partition('id="funnel"')[0])
    assert found == sorted(found, key=["bad", "warn", "plain", "good"].index)
    assert {"bad", "warn"} <= set(found)


def test_the_funnel_ends_at_the_rows_that_were_kept(made: Path) -> None:
    found = [int(one) for one in re.findall(r'<div class="step"><strong>(\d+)</strong>', report(made))]
    assert (found[0], found[-1]) == (20, 7)
    assert found == sorted(found, reverse=True)


def test_the_same_folder_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    first = report(made)
    other = tmp_path / "elsewhere" / made.name
    shutil.copytree(made, other)
    assert report(other).replace(str(other), str(made)) == first


def texts_of(folder: Path) -> list[str]:
    """Every text that the rows, drops and doubts of the small run hold."""
    held = [json.loads(line) for path in (folder / "drops").iterdir() for line in path.read_text().splitlines()]
    found = {one[name] for one in held for name in ("text", "query", "response")}
    found |= {vote["analysis"] for one in held for vote in one["votes"]}
    for row in rows():
        found |= {row["query"], row["response"], row["analysis"], *(vote["analysis"] for vote in row["votes"])}
        found |= {turn["content"] for turn in row["context"]} | {note["value"] for note in row.get("notes", ())}
        found |= {one["value"] for one in row.get("elements", ())}
    return sorted(found | {"一处样本的话", "做甲事"})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_page_without_samples_holds_no_text_of_the_folder(lang: str, made: Path) -> None:
    whole, bare = report(made, lang=lang), report(made, lang=lang, samples=False)
    assert len([text for text in texts_of(made) if text in whole]) > 30
    assert [text for text in texts_of(made) if text in bare] == []
    assert {"en": "3 of 9 times there was no verdict", "zh": "9 次中有 3 次没有给出结论"}[lang] in bare


def test_unsafe_texts_and_drops_are_folded_and_queries_are_not(made: Path) -> None:
    data = Seen(report(made)).data
    for one in data["rows"]:
        folds = {kind: fold for kind, _, fold in one["texts"]}
        assert folds["query"] == 0
        assert folds["response"] == int(one["label"] != "safe")
    assert {
        fold for drops in data["drops"].values() for one in drops for kind, _, fold in one["texts"] if kind != "query"
    } == {1}
    assert sorted(data["drops"]) == sorted(facts()["dropped"])


def test_nothing_hostile_is_more_than_text(tmp_path: Path) -> None:
    page = report(hostile(tmp_path / "hostile", times=2))
    calm = set(Seen(report(little(tmp_path / "calm"))).tags)
    seen = Seen(page)
    assert set(seen.tags) <= calm
    assert seen.handlers == []
    assert len(page.encode()) < 5_000_000
    assert not set(page) & set("\u202e\u2066\u200b\u2028\u2029\x00\x1b")
    rows = seen.data["rows"]
    assert len(rows) == 2 * len(HOSTILE)
    assert sorted(
        {len(piece[0]) // 100 for one in rows for _, piece, _ in one["texts"] if not isinstance(piece, str)}
    ) == [20]


def test_a_folder_of_an_older_synth_is_told_as_far_as_it_tells(tmp_path: Path) -> None:
    old = {key: value for key, value in facts().items() if key in ("recipe", "cells", "splits", "dropped")}
    old["cells"] = [
        {key: value for key, value in cell.items() if key not in ("slots", "hits", "cost", "tokens")}
        for cell in old["cells"]
    ]
    bare = [{key: value for key, value in one.items() if key not in ("elements", "notes", "stance")} for one in rows()]
    page = report(folder_of(tmp_path / "old", bare, {}, old))
    assert re.findall(r'<section id="(\w+)">', page) == ["doubts", "cells", "classes", "lengths", "browse"]


@pytest.mark.parametrize("stopped", ["running", "stopped: interrupted"])
def test_a_run_that_goes_on_or_was_stopped_says_so(stopped: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(facts(stopped=stopped, doubts=[])))
    page = report(folder)
    assert words_of("report", "en")("found_no_rows") in page
    assert ("goes on, or was killed" in page) == (stopped == "running")


@pytest.mark.parametrize("models", [("m", "m"), ("m", "n")])
def test_judges_of_one_model_are_warned_of(models: tuple[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    told = facts()
    for judge, model in zip(told["agreement"]["judges"], models, strict=True):
        judge["model"] = model
    (folder / "run.json").write_text(json.dumps(told))
    assert ("Two judges are one model (m)" in report(folder)) == (models == ("m", "m"))


def test_what_people_found_stands_there_as_long_as_the_rows_are_those_they_read(tmp_path: Path) -> None:
    folder = little(tmp_path / "run")
    told = {"content": "0123456789abcdef", "rows": 100, "error": 0.12, "low": 0.08, "high": 0.2}
    (folder / "dataset" / "audit.json").write_text(audited.written(told))
    assert "Nobody has read" in report(folder)
    (folder / "dataset" / "README.md").write_text("  description: content 0123456789abcdef\n")
    assert "12.0% are wrong (8.0% – 20.0%)" in report(folder)


def test_what_is_damaged_is_one_line(tmp_path: Path) -> None:
    folder = little(tmp_path / "run")
    (folder / "dataset" / "data" / "train-00000-of-00001.parquet").write_bytes(b"PAR1 no")
    for argument in (folder, tmp_path / "nothing"):
        done = CliRunner().invoke(commands, ["report", str(argument)])
        assert isinstance(done.exception, ConfigError)
        assert "\n" not in str(done.exception)
    said: list[str] = []
    leave_report(folder, said.append)
    assert len(said) == 1
    assert "parquet" in said[0]


def test_the_command_writes_a_page_and_takes_no_others_place(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    done = CliRunner().invoke(commands, ["report", str(made), "-o", str(out), "--lang", "zh", "--no-samples"])
    assert (done.exit_code, done.stdout.strip()) == (0, str(out))
    first = out.read_bytes()
    assert write_report(made, out, lang="zh", samples=False).read_bytes() == first
    out.write_text("mine")
    with pytest.raises(ConfigError, match="something else"):
        write_report(made, out)
    told = json.loads(CliRunner().invoke(commands, ["report", str(made), "--json"]).stdout)
    assert [section["id"] for section in told["sections"]] == SECTIONS[:-1]


def test_both_languages_say_the_same_things() -> None:
    texts = {lang: words_of("report", lang).texts for lang in ("en", "zh")}
    assert texts["en"].keys() == texts["zh"].keys()
    for key, text in texts["en"].items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", texts["zh"][key])), key


def test_every_word_that_is_said_is_known() -> None:
    said = set()
    for path in [*Path(pages.__file__).parent.rglob("*.py"), TEMPLATES / "report.js"]:
        said |= set(re.findall(r'\b(?:words|say)\("(\w+)"', path.read_text(encoding="utf-8")))
    said |= set(re.findall(r"words\.(\w+)", (TEMPLATES / "report.html.j2").read_text(encoding="utf-8")))
    assert len(said) > 80
    assert said <= words_of("report", "en").texts.keys()
    script = set(re.findall(r'\bsay\("(\w+)"', (TEMPLATES / "report.js").read_text(encoding="utf-8")))
    assert not [key for key in script if key.startswith(pages._WRITTEN)]


def test_a_run_writes_its_report_where_the_recipe_wants_one_and_something_was_made(here: Path) -> None:
    command = ["run", "demo", "--only", "crime.gambling", "--set", "ordinary=0", "-n", "6", "-o", "run"]
    page = here / "run" / "report.html"
    assert CliRunner().invoke(commands, [*command, "--set", "output.report=false"]).exit_code == 0
    assert not page.exists()
    assert CliRunner().invoke(commands, command).exit_code == 0
    page.write_text("as it was", encoding="utf-8")
    os.utime(page, ns=(2**62, 2**62))
    assert CliRunner().invoke(commands, command).exit_code == 0
    assert page.read_text(encoding="utf-8") == "as it was"
