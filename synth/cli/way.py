"""The way through the commands, in the order of the work: what `synth` alone and `--help` show, and the line on what comes next."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import click

SECTIONS: Final[Mapping[str, Sequence[str]]] = {
    "Try": ("list", "check", "preview", "doctor"),
    "Make": ("run", "diff", "merge"),
    "Look": ("show", "report", "audit", "probe"),
    "Hand on": ("export",),
    "Measure a guard": ("eval",),
    "Of your own": ("new",),
    "Any table, no recipe": ("filter", "dedup"),
    "Beneath": ("journal", "serve"),
}
"""The commands by what they are for. One that stands nowhere here comes last in `--help`."""
_WAY: Final = (
    ("run demo", "a small data set in runs/demo, with no model and no key"),
    ("show runs/demo", "how far each of its cells is, and how its rows are read"),
    ("list recipes", "what else can be made; `synth new` begins one of your own"),
    ("check libra", "does a recipe hold together? nothing is asked"),
    ("doctor libra", "can your models do their part, and what will it take?"),
    ("run libra", "the data set; the same command again goes on"),
    ("report runs/libra", "all of it as one page, to look through"),
    ("audit runs/libra --page", "a page to label rows on: how many labels are wrong?"),
    ("export runs/libra --to sft", "files a trainer reads, and the line that starts it"),
    (
        "eval runs/libra --guard libra --base-url http://127.0.0.1:8000/v1 --model guard",
        "how good is the trained guard that this server has?",
    ),
)
_TYPED: Final = "synth.typed"
"""Where a click context keeps the words that were typed after `synth`."""


class Way(click.Group):
    """The group of all commands: its help lists them by section, and without a command it shows the way through them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keeps what was typed, so that a command can say the next one as it is to be typed."""
        ctx.meta[_TYPED] = list(args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order of the work."""
        there = super().list_commands(ctx)
        placed = [name for names in SECTIONS.values() for name in names if name in there]
        return [*placed, *(name for name in there if name not in placed)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands of `--help`, a list for each section."""
        there = self.list_commands(ctx)
        placed = {name for names in SECTIONS.values() for name in names}
        wide = max(map(len, there))
        for title, names in (*SECTIONS.items(), ("More", [name for name in there if name not in placed])):
            found = ((name, self.get_command(ctx, name)) for name in names if name in there)
            rows = [(name.ljust(wide), command.get_short_help_str(1000)) for name, command in found if command]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def way(group: click.Group, width: int) -> str:
    """What `synth` alone says, in lines of at most so many characters: the commands that lead from nothing to a guard that is
    measured."""
    formatter = click.HelpFormatter(width=width)
    formatter.write_text((group.help or "").partition("\n")[0])
    with formatter.section("The way through, a line a step"):
        rows = [(typed(*line.split()), why) for line, why in _WAY if line.split()[0] in group.commands]
        formatter.write_dl(rows, col_max=40)
    formatter.write_paragraph()
    formatter.write_text(f"`{typed('--help')}` lists all commands, `{typed('run', '--help')}` the options of one.")
    return formatter.getvalue().rstrip()


def typed(*words: object) -> str:
    """A command of synth as it is to be typed here: quoted for the shell, with the program's path where it is not on PATH."""
    return " ".join([_program(), *(shlex.quote(str(word)) for word in words)])


def again(*front: object, without: Mapping[str, int] | None = None, back: Sequence[object] = ()) -> str:
    """The command just given, as it is to be typed once more: with other words in front in place of the command's name, without
    some options (each with how many values it takes), with some words at its end. Keys in addresses are left out."""
    from synth.recipe.credentials import hidden

    context = click.get_current_context(silent=True)
    words = list(context.meta.get(_TYPED, ()))[1:] if context else []
    return hidden(typed(*front, *_kept(words, without or {}), *back))


def beside(out: Path, word: str) -> Path:
    """A name beside a file's or folder's, for what may be made of it: `rows.filtered.jsonl` of `rows.jsonl`."""
    return out.with_name(f"{out.stem}.{word}{out.suffix}")


def _kept(words: Iterable[str], without: Mapping[str, int]) -> list[str]:
    kept, skip = [], 0
    for word in words:
        if skip:
            skip -= 1
        elif word in without:
            skip = without[word]
        elif word.partition("=")[0] not in without:
            kept.append(word)
    return kept


def _program() -> str:
    program = Path(sys.argv[0])
    if program.name != "synth" or len(program.parts) == 1 or shutil.which("synth"):
        return "synth"
    near = os.path.relpath(program)
    return shlex.quote(str(program) if near.startswith("..") else near)
