"""CONTRIBUTING.md followed to the letter: its package is built, installed beside synth, and every command it ends in is run."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
TEXT = (TOP / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = {
    name: body
    for body in re.findall(r"^```\w+\n(.+?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    if (name := re.match(r"(?:#|\{#) ([\w./]+)", body)[1])  # its first line says where it goes
}
COMMANDS = re.findall(r"^    (synth .+)$", TEXT, re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of installed packages that holds the one of the page, as pip would put it there."""
    site = tmp_path_factory.mktemp("site")
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    for name, body in FILES.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")
    (site / project["name"] / "__init__.py").touch()
    about = site / f"{project['name']}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
    )
    points = (
        f"[{group}]\n" + "".join(f"{name} = {where}\n" for name, where in found.items())
        for group, found in project["entry-points"].items()
    )
    (about / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
    return site


def test_every_command_of_the_page_does_what_it_is_there_for(site: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TOP), str(site)))}
    for command in COMMANDS:
        words = [sys.executable, "-m", *shlex.split(command)]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert list((tmp_path / "per_policy").iterdir())


def test_an_addition_is_forty_lines_at_most_and_a_recipe_twelve() -> None:
    assert {
        name for name, body in FILES.items() if len(body.splitlines()) > (12 if "pipelines" in name else 40)
    } == set()


def test_each_kind_of_addition_ends_in_a_command() -> None:
    sections = re.split(r"^### ", TEXT, flags=re.MULTILINE)[1:]
    assert len(sections) == 8
    for section in sections:
        assert re.search(r"^    synth ", section.partition("\n## ")[0], re.MULTILINE), section.partition("\n")[0]
