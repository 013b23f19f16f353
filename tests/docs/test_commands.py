"""Every command that README and docs/ show is one that the command line takes: no option that is not there, no value that does not fit."""

import re
import shlex
from pathlib import Path

import click
import pytest

from docs.generate.blocks import TOP
from synth.cli.main import commands

PAGES = [
    TOP / "README.md",
    TOP / "README.zh.md",
    *(path for path in sorted((TOP / "docs").glob("*.md")) if path.name not in ("architecture.md", "glossary.md")),
]


def shown(text: str) -> list[str]:
    """The command lines of a page: of its shell blocks and those that are set in, in their order; one that goes on in the next line is
    one."""
    found, fence = [], ""
    for line in re.sub(r" \\\n +", " ", text).splitlines():
        if line.startswith("```"):
            fence = "" if fence else line
        elif fence == "```sh" or (not fence and line.startswith("    ")):
            found.append(line.strip())
    words = r"(?:synth|make|python3|vllm|\.venv-train/bin/\S+|export|\.) "
    return [line for line in found if re.match(words, line)]


def parsed(line: str) -> list[click.Context]:
    """A `synth` line as the command line reads it: a context for each command. Raises what click raises for one it does not take."""
    words = shlex.split(line, comments=True)[1:]
    found = [click.Context(commands, info_name="synth")]
    while isinstance(group := found[-1].command, click.Group):
        name, command, words = group.resolve_command(found[-1], words)
        assert command is not None
        found.append(command.make_context(name, words, parent=found[-1]))
        words = [*found[-1]._protected_args, *found[-1].args]
    return found[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_synth_line_is_taken(page: Path) -> None:
    for line in shown(page.read_text(encoding="utf-8")):
        if line.startswith("synth "):
            try:
                parsed(line)
            except click.ClickException as error:
                pytest.fail(f"{line}: {error.format_message()}")


def test_the_pages_show_every_command() -> None:
    lines = [line for page in PAGES for line in shown(page.read_text(encoding="utf-8"))]
    names = {line.split()[1] for line in lines if line.startswith("synth ")}
    assert set(commands.commands) <= names


@pytest.mark.parametrize("line", ["synth run libra --no-such-option", "synth run libra -n many", "synth nothing"])
def test_a_line_that_is_not_taken_is_found(line: str) -> None:
    with pytest.raises(click.ClickException):
        parsed(line)
