"""Packages beside synth: what they add is found and used, and a broken one is a line to whoever asks for it and to nobody else."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import tiny_taxonomy

TOP = Path(__file__).parents[2]
Ended = subprocess.CompletedProcess[str]

FILTERS = '''"""Rules of ours."""


def no_cats(*, word: str = "猫"):
    """Drops what speaks of cats."""
    return lambda text: "cats" if word in text else None
'''
EXPORTER = '''"""A line a row."""


FILE = "jsonl"


def records(dataset):
    for split in dataset.splits():
        for row in dataset.rows(split):
            yield split, {"id": row["id"]}
'''
RECIPE = """\
# Libra in our words, offline, with our rule and our look-alikes.
name: ours
extends: demo
about: 我们的配方。
taxonomies: [tiny]
ordinary: 0
n: 12
query:
  prompts: {harmful: ours/harmful}
filters:
  query: [no_cats, {length: {min: 2}}]
"""


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., None]:
    """Puts a package where Python finds it, as pip would: its files, and what it says of its entry points."""

    def put(name: str, points: dict[str, str], files: dict[str, str]) -> None:
        about = tmp_path / "site" / f"{name}-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text("".join(f"[{group}]\n{line}\n" for group, line in points.items()))
        for path, text in files.items():
            target = tmp_path / "site" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")

    return put


@pytest.fixture
def synth(here: Path, tmp_path: Path) -> Callable[..., Ended]:
    (here / "taxonomies").mkdir()
    (here / "taxonomies" / "tiny.yaml").write_text(tiny_taxonomy(), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TOP), str(tmp_path / "site")])}

    def call(*arguments: str) -> Ended:
        command = [sys.executable, "-m", "synth", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return call


def one_line(ended: Ended, *expected: str) -> None:
    assert ended.returncode == 1, ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    for part in expected:
        assert part in ended.stderr


def test_a_package_brings_a_filter_a_format_a_prompt_and_a_recipe(
    install: Callable[..., None], synth: Callable[..., Ended], here: Path
) -> None:
    points = {
        "synth.filters.text": "no_cats = ours.rules:no_cats",
        "synth.exporters": "ids = ours.ids",
        "synth.folders": "ours = ours",
    }
    prompt = (TOP / "prompts" / "sheet" / "harmful.j2").read_text(encoding="utf-8")
    files = {"ours/__init__.py": "", "ours/rules.py": FILTERS, "ours/ids.py": EXPORTER}
    install("ours", points, files | {"ours/pipelines/ours.yaml": RECIPE, "ours/prompts/ours/harmful.j2": prompt})
    ended = synth("run", "ours", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["counts"]["accepted"] == 24
    facts = json.loads((here / "runs" / "ours" / "run.json").read_text(encoding="utf-8"))
    assert facts["recipe"]["filters"]["query"][0] == {"name": "no_cats", "options": {}}
    assert "extends" not in facts["recipe"]
    assert "ours/harmful" in facts["prompts"]
    assert synth("export", "runs/ours", "--to", "ids").returncode == 0
    assert len((here / "runs" / "ours" / "export" / "ids" / "train.jsonl").read_text().splitlines()) > 20
    assert "[text] Drops what speaks of cats. (word: str = '猫')" in synth("list", "filters").stdout
    assert "A line a row." in synth("list", "formats").stdout
    assert "我们的配方。" in synth("list", "recipes").stdout


def test_the_users_own_come_before_a_packages_and_a_packages_before_ours(
    install: Callable[..., None], synth: Callable[..., Ended], here: Path
) -> None:
    recipe = "name: libra\nextends: libra\nabout: {}\nseed: {}\n"
    files = {"one/__init__.py": "", "two/__init__.py": ""}
    install("one", {"synth.folders": "b = one"}, files | {"one/pipelines/libra.yaml": recipe.format("of one", 5)})
    install("two", {"synth.folders": "a = two"}, {"two/pipelines/libra.yaml": recipe.format("of two", 6)})
    assert "of two" in synth("list", "recipes").stdout
    (here / "pipelines").mkdir()
    (here / "pipelines" / "libra.yaml").write_text("name: libra\nextends: libra\nabout: mine\nn: 41\n")
    assert "mine" in synth("list", "recipes").stdout
    assert synth("run", "libra", "--backend", "offline", "--taxonomy", "tiny", "--set", "ordinary=0").returncode == 0
    facts = json.loads((here / "runs" / "libra" / "run.json").read_text(encoding="utf-8"))
    assert (facts["recipe"]["n"], facts["recipe"]["seed"]) == (41, 6)


@pytest.mark.parametrize(
    ("group", "asking", "fault"),
    [
        ("synth.filters.text", ["run", "demo", "--set", "filters.query=[bad]"], "raise RuntimeError('two\\nlines')"),
        ("synth.filters.row", ["run", "demo", "--set", "filters.row=[bad]"], "import nowhere"),
        ("synth.backends", ["run", "demo", "--backend", "bad"], "raise SystemExit(5)"),
        ("synth.exporters", ["export", "runs/demo", "--to", "bad"], "x = 1"),
    ],
)
def test_a_broken_package_is_a_line_to_whoever_asks_for_it(
    install: Callable[..., None], synth: Callable[..., Ended], group: str, asking: list[str], fault: str
) -> None:
    install("bad-package", {group: "bad = bad"}, {"bad.py": fault})
    run = synth("run", "demo", "--taxonomy", "tiny", "--set", "ordinary=0", "-n", "12")
    assert run.returncode == 0, run.stderr
    one_line(synth(*asking), "'bad' of the package bad-package", "uninstall bad-package")
    assert synth("list", "recipes").returncode == 0


def test_what_is_broken_is_listed_as_broken(install: Callable[..., None], synth: Callable[..., Ended]) -> None:
    install("bad-package", {"synth.filters.row": "bad = bad", "synth.backends": "worse = bad"}, {"bad.py": "1 / 0"})
    (line,) = [line for line in synth("list", "filters").stdout.splitlines() if line.startswith("bad ")]
    assert "broken: 'bad' of the package bad-package cannot be loaded (ZeroDivisionError" in line
    assert "worse" in synth("list", "backends").stdout


def test_what_answers_for_itself_in_odd_ways_takes_no_command_down(
    install: Callable[..., None], synth: Callable[..., Ended]
) -> None:
    groups = ("filters.text", "stages", "verdicts", "backends", "exporters")
    odd = "__doc__ = 5\n\ndef __getattr__(name):\n    raise ValueError('odd')\n"
    points = {f"synth.{group}": "odd = oddly\nleft = leaving" for group in groups}
    install("oddly", points, {"oddly.py": odd, "leaving.py": "import sys\nsys.exit(7)\n"})
    for kind in ("filters", "formats"):
        ended = synth("list", kind)
        assert ended.returncode == 0, ended.stderr
        assert {line.split()[0] for line in ended.stdout.splitlines() if "broken: " in line} == {"odd", "left"}
    one_line(synth("run", "demo", "--dry-run", "--set", "filters.query=[odd]"), "'odd' of the package oddly")
    one_line(synth("run", "demo", "--dry-run", "--backend", "left"), "'left' of the package oddly")


@pytest.mark.parametrize(
    ("group", "name", "asking"),
    [
        ("synth.filters.text", "length", ["run", "demo"]),
        ("synth.backends", "offline", ["run", "demo"]),
        ("synth.exporters", "jsonl", ["export", "runs/demo", "--to", "jsonl"]),
    ],
)
def test_a_package_that_takes_a_name_of_ours_is_one_line(
    install: Callable[..., None], synth: Callable[..., Ended], group: str, name: str, asking: list[str]
) -> None:
    install("greedy", {group: f"{name} = json"}, {})
    if asking[0] == "export":
        assert synth("run", "demo", "--taxonomy", "tiny", "--set", "ordinary=0", "-n", "12").returncode == 0
    one_line(synth(*asking), f"'{name}' is synth's own, and greedy takes the name too", "uninstall greedy")
    assert synth("list", "scenarios").returncode == 0


def test_two_packages_of_one_name_are_one_line(install: Callable[..., None], synth: Callable[..., Ended]) -> None:
    install("one", {"synth.filters.text": "cats = ours:no_cats"}, {"ours.py": FILTERS})
    install("two", {"synth.filters.text": "cats = theirs:no_cats"}, {"theirs.py": FILTERS})
    one_line(
        synth("run", "demo", "--set", "filters.query=[cats]"), "'cats' of synth.filters.text is given by one and two"
    )
    assert synth("list", "filters").returncode == 0


def test_a_folder_is_found_without_running_its_package(
    install: Callable[..., None], synth: Callable[..., Ended], here: Path
) -> None:
    recipe = "name: deep\nextends: demo\nabout: deep down\n"
    files = {"boom/__init__.py": "1 / 0", "boom/data/__init__.py": "1 / 0", "boom/data/pipelines/deep.yaml": recipe}
    install("boom", {"synth.folders": "boom = boom.data"}, files)
    assert "deep down" in synth("list", "recipes").stdout
    assert synth("run", "deep", "--taxonomy", "tiny", "--set", "ordinary=0", "-n", "12").returncode == 0


@pytest.mark.parametrize("value", ["nowhere.at.all", "json.nowhere", "not a name"])
def test_a_folder_that_is_not_there_is_told_of_where_a_name_is_not_found(
    install: Callable[..., None], synth: Callable[..., Ended], value: str
) -> None:
    install("hollow", {"synth.folders": f"hollow = {value}"}, {})
    assert synth("run", "demo", "--taxonomy", "tiny", "--set", "ordinary=0", "-n", "12").returncode == 0
    one_line(synth("run", "theirs"), "no recipe 'theirs'", "the package hollow names a folder that is not there")
    one_line(synth("run", "demo", "--set", "judge.prompt=judge/x"), "no prompt 'judge/x'", "hollow")
    one_line(synth("check"), "the package hollow names a folder that is not there")


def test_two_folders_of_one_name_are_one_line(install: Callable[..., None], synth: Callable[..., Ended]) -> None:
    for name in ("one", "two"):
        recipe = {f"{name}/pipelines/{name}.yaml": f"name: {name}\nextends: demo\n"}
        install(name, {"synth.folders": f"same = {name}"}, {f"{name}/__init__.py": ""} | recipe)
    one_line(synth("run", "one"), "no recipe 'one'", "'same' of synth.folders is given by one and two")
    assert synth("list", "recipes").returncode == 0
