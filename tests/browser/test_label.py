"""The page to label on, in a browser: keys, what survives a reload, the file that comes back, and texts that would be more than text."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect

from synth.cli.main import commands
from synth.dataset.policies import Policies, written
from synth.dataset.reader import Dataset
from synth.quality.draw import drawn
from synth.report.label_page import write_page
from synth.report.label_words import EN, ZH
from synth.sanitize import for_page
from tests.browser.conftest import Opened
from tests.browser.markup import MARKUP, MEGABYTE, TIMES


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "demo"
    command = [
        sys.executable,
        "-m",
        "synth",
        "run",
        "demo",
        "-n",
        "12",
        "--only",
        "crime.gambling",
        "--only",
        "bias.region",
    ]
    # In a process of its own: here runs the loop of the browser's driver.
    done = subprocess.run([*command, "-o", str(folder)], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode in (0, 3), done.stderr
    return folder


@pytest.fixture
def file(run: Path, tmp_path: Path) -> Path:
    path = tmp_path / "audit.html"
    done = CliRunner().invoke(commands, ["audit", str(run), "--page", "--lang", "en", "-o", str(path)])
    assert done.exit_code == 0, done.output
    return path


def begin(page: Page, who: str = "李四") -> None:
    page.fill("#reader", who)
    page.keyboard.press("Enter")


def rows_of(file: Path) -> list[dict[str, Any]]:
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', file.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found
    return json.loads(found[1])["rows"]


def test_labels_are_not_in_the_file(run: Path, file: Path) -> None:
    assert {name for row in rows_of(file) for name in row} == {"id", "context", "query", "response", "policy"}
    made = Dataset(run)
    text = file.read_text(encoding="utf-8")
    assert not [
        row["id"]
        for split in made.labelled()
        for row in made.rows(split)
        if row["analysis"] and row["analysis"] in text
    ]


def test_keys_label_move_and_skip_and_a_reload_keeps_it(file: Path, opened: Opened) -> None:
    page, rows = opened(file), rows_of(file)
    begin(page)
    assert page.inner_text("#query") == rows[0]["query"]
    page.keyboard.press("2")
    assert page.inner_text("#query") == rows[1]["query"]
    page.keyboard.press("1")
    page.keyboard.press("s")
    page.keyboard.press("9")  # no such label
    page.keyboard.press("n")
    page.keyboard.type("12s look twice")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#at") == f"Row 3 of {len(rows)} · Skipped"
    page.reload()
    assert page.inner_text("#counts").startswith(f"2 labelled, 1 skipped, {len(rows) - 3} left")
    assert page.inner_text("#at").startswith(f"Row 3 of {len(rows)}")
    page.keyboard.press("ArrowRight")
    assert page.input_value("#note") == "12s look twice"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#labels button:nth-child(2)", "aria-pressed") == "true"
    page.keyboard.press("u")
    assert page.inner_text("#at").startswith("Row 3 of")


def test_a_key_held_down_labels_one_row(file: Path, opened: Opened) -> None:
    page, rows = opened(file), rows_of(file)
    begin(page)
    for key in ("1", "s"):
        for _ in range(3):  # the second and third are what a keyboard repeats
            page.keyboard.down(key)
        page.keyboard.up(key)
    assert page.inner_text("#counts").startswith(f"1 labelled, 1 skipped, {len(rows) - 2} left")
    for _ in range(2):
        page.keyboard.down("ArrowLeft")
    assert page.inner_text("#at").startswith("Row 1 of")


def test_three_labels_have_three_keys(run: Path, opened: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    facts["recipe"]["labels"] = {name: [] for name in ("unsafe", "controversial", "safe")}
    (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    made = Dataset(folder)
    write_page(made, drawn(made, per_cell=3, seed=0), tmp_path / "audit.html", lang="zh")
    page = opened(tmp_path / "audit.html")
    begin(page)
    for key in "321":
        page.keyboard.press(key)
    lines = save(page, tmp_path / "saved.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["your_label"] for line in lines[:4]] == ["unsafe", "controversial", "safe", None]
    assert page.locator("#labels button").all_inner_texts() == ["1安全", "2有争议", "3不安全"]


def test_readers_on_one_machine_do_not_meet(file: Path, opened: Opened) -> None:
    page = opened(file)
    begin(page, "Ann")
    page.keyboard.press("1")
    page.click("#other")
    begin(page, "Bob")
    assert page.inner_text("#counts").startswith("0 labelled")
    page.click("#other")
    begin(page, "Ann")
    assert page.inner_text("#counts").startswith("1 labelled")


def save(page: Page, path: Path) -> Path:
    with page.expect_download() as download:
        page.keyboard.press("d")
    download.value.save_as(path)
    return path


def test_what_is_saved_comes_back(run: Path, file: Path, opened: Opened, tmp_path: Path) -> None:
    made = Dataset(run)
    labels = {row["id"]: row["label"] for split in made.labelled() for row in made.rows(split)}
    rows, saved = rows_of(file), []
    for who, wrong in (("Ann", 1), ("Bob", 1), ("Cy", 3)):
        page = opened(file)
        begin(page, who)
        for number, row in enumerate(rows):
            page.keyboard.press("1" if (labels[row["id"]] == "safe") != (number < wrong) else "2")
        assert page.inner_text("#counts").startswith(EN["done"])
        saved.append(save(page, tmp_path / f"{who}.jsonl"))
        assert page.inner_text("#counts") == EN["done"]
    reads = [word for path in saved for word in ("--read", str(path))]
    out = tmp_path / "testset"
    done = CliRunner().invoke(commands, ["audit", str(run), *reads, "--annotators", "3", "-o", str(out)])
    assert done.exit_code == 0, done.output
    kept = json.loads((run / "dataset" / "audit.json").read_text(encoding="utf-8"))
    assert (kept["readers"], kept["rows"], kept["errors"]) == (3, len(rows), 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", kept["date"])
    assert kept["kappa"] < 1
    test = [json.loads(line) for line in (out / "test.jsonl").read_text(encoding="utf-8").splitlines()]
    assert Counter(len(row["annotators"]) for row in test) == {3: len(rows)}


def test_a_saved_file_is_gone_on_with(file: Path, opened: Opened, tmp_path: Path) -> None:
    page = opened(file)
    begin(page, "Ann")
    page.keyboard.press("2")
    page.keyboard.press("n")
    page.keyboard.type("why")
    saved = save_by_button(page, tmp_path / "saved.jsonl")
    page = opened(file)  # another browser: nothing is kept in it
    begin(page, "Ann")
    page.set_input_files("#file", saved)
    expect(page.locator("#said")).not_to_be_empty()
    assert page.inner_text("#counts").startswith("1 labelled")
    (tmp_path / "else.jsonl").write_text('{"id": "__proto__", "your_label": "safe"}\nno json\n[]\nnull\n')
    page.set_input_files("#file", tmp_path / "else.jsonl")
    expect(page.locator("#said")).to_have_text(EN["foreign"])


def save_by_button(page: Page, path: Path) -> Path:
    with page.expect_download() as download:
        page.click("#save")
    download.value.save_as(path)
    return path


def test_a_browser_that_keeps_nothing_is_said(file: Path, opened: Opened) -> None:
    page = opened(
        file, before="Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no') }})"
    )
    assert page.inner_text("#kept") == EN["not_kept"]
    begin(page)
    page.keyboard.press("1")
    assert page.inner_text("#counts").startswith("1 labelled")
    assert page.inner_text("#lost") == EN["not_kept"]


def test_a_browser_that_is_full_is_said(file: Path, opened: Opened) -> None:
    page = opened(file)
    begin(page)
    page.evaluate("localStorage.setItem('other', 'x'.repeat(5 * 1024 * 1024 - 200))")
    page.keyboard.press("1")
    assert page.inner_text("#lost") == EN["not_kept"]
    save(page, file.with_name("saved.jsonl"))  # else leaving the page asks whether what was labelled may be lost
    page.evaluate("localStorage.clear()")


def made_of(texts: list[str], run: Path, folder: Path) -> Dataset:
    """A run whose rows and policies are made of these texts: each 20 times in every place."""
    shutil.copytree(run, folder)
    made, data = Dataset(folder), folder / "dataset" / "data"
    table = pq.read_table(next(data.glob("train-*.parquet")))
    first, policy = table.to_pylist()[0], made.policies.every[0]
    rows, policies = [], []
    for n, text in enumerate(texts):
        subcategory, rule = first["subcategory"], f"{n:016x}"
        rules = dict.fromkeys(("name", "definition", "unsafe", "safe", "borderline"), text)
        policies.append(replace(policy, **rules, subcategory=subcategory, hash=rule))
        context = [{"role": who, "content": text} for who in ("user", text[:100])]
        told = {"query": text, "response": text, "marks": [], "context": context}
        told["provenance"] = first["provenance"] | {"rule": subcategory, "rule_hash": rule}
        rows += [first | told | {"id": f"{n:04x}-{copy}"} for copy in range(TIMES)]
    for shard in data.glob("*.parquet"):
        shard.unlink()
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), data / "train-00000-of-00001.parquet")
    (folder / "dataset" / "policies.json").write_text(written(Policies(tuple(policies))), encoding="utf-8")
    return Dataset(folder)


PLACES = ["query", "response", "turns", "name", "definition", "unsafe", "safe", "borderline", "who"]
WALK = """(note) => {
    const seen = [];
    for (let n = 0; n < sheet.rows.length; n += 1) {
        const box = document.getElementById("note");
        box.value = note ?? sheet.rows[at].query;
        box.dispatchEvent(new Event("input"));
        seen.push(PLACES.map((id) => document.getElementById(id).textContent).concat(box.value));
        document.getElementById("forward").click();
    }
    return seen;
}""".replace("PLACES", json.dumps(PLACES))


NAME = """(who) => {
    document.getElementById("reader").value = who;
    document.getElementById("start").requestSubmit();
    return document.getElementById("who").textContent;
}"""
ELEMENTS = "document.querySelectorAll('body *:not(.turn, .turn *)').length"


def test_no_text_is_anything_but_text(run: Path, opened: Opened, tmp_path: Path) -> None:
    """Every hostile text in every place where the page shows one, as the name of the reader and as a note too, which a reload shows
    again and the saved file holds."""
    file, made = tmp_path / "audit.html", made_of(MARKUP, run, tmp_path / "hostile")
    write_page(made, drawn(made, per_cell=10_000, seed=0), file, lang="en")
    page = opened(file)
    calm = page.evaluate(ELEMENTS)
    for text in MARKUP * TIMES:
        assert page.evaluate(NAME, text[:60]) == f"Reader: {text[:60].strip()}"
    seen = Counter[tuple[str, str]]()
    for shown in page.evaluate(WALK, None):
        seen.update(zip([*PLACES, "note"], shown, strict=True))
    for text in map(for_page, MARKUP):
        said = f"User: {text}{for_page(text[:100])}: {text}"
        for place in PLACES[:-1]:
            assert seen[place, said if place == "turns" else text] == TIMES, (place, text)
        assert seen["note", text.replace("\r", "\n")] == TIMES, text
    assert page.evaluate(ELEMENTS) == calm
    page.reload()
    assert page.evaluate(ELEMENTS) == calm
    assert page.input_value("#note") != ""
    lines = save(page, tmp_path / "saved.jsonl").read_text(encoding="utf-8").strip().split("\n")
    assert Counter(json.loads(line)["note"] for line in lines) == Counter(map(for_page, MARKUP * TIMES))


def test_texts_of_a_megabyte_are_shown(run: Path, opened: Opened, tmp_path: Path) -> None:
    file, made = tmp_path / "audit.html", made_of([MEGABYTE], run, tmp_path / "hostile")
    write_page(made, drawn(made, per_cell=10_000, seed=0), file, lang="zh")
    page = opened(file)
    begin(page)
    walk = """(text) => sheet.rows.map(() => {
        const begun = PLACES.every((id) => document.getElementById(id).textContent.includes(text.slice(0, 20000)));
        document.getElementById("forward").click();
        return begun;
    })""".replace("PLACES", json.dumps(PLACES[:-1]))
    assert page.evaluate(walk, MEGABYTE) == [True] * TIMES
    for number in range(page.locator(".more").count()):
        page.locator(".more").first.click()
        assert number < 20
    whole = "(text) => PLACES.every((id) => document.getElementById(id).textContent.endsWith(text))"
    assert page.evaluate(whole.replace("PLACES", json.dumps(PLACES[:-1])), MEGABYTE)


@pytest.mark.parametrize(
    "look", [{"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}, {}], ids=["dark", "phone", "light"]
)
def test_the_page_fits(look: dict[str, Any], file: Path, opened: Opened) -> None:
    page = opened(file, **look)
    begin(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if pictures := os.environ.get("PICTURES"):
        page.screenshot(path=Path(pictures) / f"label-{'-'.join(look) or 'light'}.png", full_page=True)


def test_the_words_of_both_languages_are_the_same_in_number() -> None:
    assert ZH.keys() == EN.keys()
