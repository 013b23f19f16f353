"""What the documents say is so."""

import re
import tomllib
from pathlib import Path

import click
import pytest

from synth.cli.main import commands
from synth.recipe.files import find, names
from synth.recipe.yaml import read_yaml

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text(encoding="utf-8")


def test_every_command_and_option_the_readme_shows_is_there() -> None:
    for line in re.findall(r"^ *(?:\$ )?(synth [^#\n]*)", README, re.MULTILINE):
        _, name, *rest = line.split()
        command = commands.commands[name]
        known = {
            option for parameter in command.params if isinstance(parameter, click.Option) for option in parameter.opts
        }
        assert {word for word in rest if re.match(r"--?[a-z]", word)} <= known, line


@pytest.mark.parametrize("name", names("pipelines"))
def test_the_readme_has_a_row_on_every_recipe_in_the_recipes_own_words(name: str) -> None:
    held = read_yaml(find("pipelines", name))
    base = f"`{held['extends']}` " if "extends" in held else ""
    assert f"| `{name}` | {base}| {held['about']} |" in README.splitlines()


def test_every_file_the_readme_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (TOP / target).exists(), target


def test_every_module_says_what_it_is_for() -> None:
    for path in (TOP / "synth").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith('"""'), path
        assert len(text.splitlines()) <= 300, path


def test_what_is_said_to_be_installed_is_this_project() -> None:
    """`synth` is a stranger's name on the package index; an extra is installed from the checkout."""
    extras = set(
        tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    )
    texts = [README, *(path.read_text(encoding="utf-8") for path in (TOP / "synth").rglob("*.py"))]
    named = {name for text in texts for name in re.findall(r"pip install -e '\.\[(\w+)\]'", text)}
    assert "vllm" in named
    assert named <= extras
    assert not [text for text in texts if re.search(r"pip install '?synth\b", text)]
