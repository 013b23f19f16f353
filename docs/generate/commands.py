"""docs/reference/commands.md: every command with its options, as the command line itself has them."""

import inspect
import re
from collections.abc import Iterator

import click

from synth.cli.main import commands

from .blocks import NOTE, table

HEAD = f"""# Commands

{NOTE}

`synth COMMAND --help` says the same. Results go to stdout or to files, words to stderr; [messages.md](messages.md) has the exit statuses.
"""


def walk(group: click.Group, path: tuple[str, ...] = ("synth",)) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command under a group with its words, subcommands after their group."""
    for name in sorted(group.commands):
        command = group.commands[name]
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from walk(command, (*path, name))


def section(path: tuple[str, ...], command: click.Command) -> str:
    """One command: usage, what it does, its options."""
    context = click.Context(command, info_name=" ".join(path))
    words = " ".join([*path, *(piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]")])
    rows: list[list[object]] = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and not (isinstance(parameter, click.Option) and "--help" in parameter.opts):
            rows.append([f"`{record[0]}`", re.sub(r"  (\[)", r" \1", record[1])])
    told = inspect.cleandoc(command.help or "").replace("\b", "")
    parts = [f"## {' '.join(path)}", f"    {words}", told]
    return "\n\n".join([*parts, *([table(["option", "what it does"], rows)] if rows else [])])


def document() -> str:
    """The whole file."""
    return "\n\n".join([HEAD.rstrip(), *(section(*found) for found in walk(commands))]) + "\n"
