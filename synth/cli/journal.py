"""The commands on journals: `synth merge`, and `synth journal stats|verify|export|cancel-batches|merge`."""

import sys
from pathlib import Path

import click

from synth.cli.options import AS_JSON
from synth.cli.say import give, say, then
from synth.cli.way import typed

PLACE = click.argument("place", metavar="DIR|FILE", type=click.Path(path_type=Path))


@click.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder of the whole.")
@AS_JSON
def merge(folders: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Unite runs of one recipe that were split by --shard (or made apart), and write the dataset they make together.

    Asks for nothing: what falls short is said, and `synth run RECIPE -o DIR` goes on from there.
    """
    from synth.cli import run

    sys.exit(run.merge(folders, out, as_json=as_json))


@click.group()
def journal() -> None:
    """Look into the journal of a run: the store of what was paid for."""


@journal.command()
@PLACE
@AS_JSON
def stats(place: Path, as_json: bool) -> None:
    """Replies and tokens by stage and model, decisions, bytes."""
    from synth.cli.table import lines
    from synth.run import journal_tools

    found = journal_tools.stats(place)
    if as_json:
        give(found.facts())
        return
    for line in lines(found.parts()):
        say(line)
    then(f"`{typed('journal', 'verify', place)}` reads every reply and says whether all are whole")


@journal.command()
@PLACE
def verify(place: Path) -> None:
    """Whether the file is whole, every key well formed and every decision readable; exit status 1 if not."""
    from synth.run import journal_tools

    say(journal_tools.verify(place))
    then(f"`{typed('journal', 'stats', place)}` says what it holds")


@journal.command()
@PLACE
@click.option("-o", "out", type=click.Path(path_type=Path), metavar="FILE", help="Where to.  [default: stdout]")
def export(place: Path, out: Path | None) -> None:
    """Every decision and reply as a line of JSON."""
    from synth.run import journal_tools

    if path := journal_tools.export(place, out, sys.stdout):
        say(path)
    say("these lines hold raw answers that a data set leaves out: keep them to yourself", err=True)


@journal.command("cancel-batches")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--base-url", metavar="U", help="Where they were left; the key is that in OPENAI_API_KEY.")
@click.option("--recipe", metavar="RECIPE", help="The recipe of the run, whose addresses and keys are used.")
def cancel_batches(folder: Path, base_url: str | None, recipe: str | None) -> None:
    """Cancel the batches that a run has left with a server; what they had answered is collected by the next run in DIR.

    The address is yours to say, with --base-url or --recipe: without either the command says where they are, and asks nothing.
    """
    from synth.recipe import load
    from synth.run import journal_tools

    for line in journal_tools.cancel(folder, base_url, load.load(recipe) if recipe else None):
        say(line)
    then(f"`{typed('run', recipe or 'RECIPE', '-o', folder)}` collects what they had answered")


@journal.command("merge")
@click.argument("places", metavar="DIR|FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR|FILE",
    help="A folder for a run to begin in, or a file whose name ends in .sqlite.",
)
def merge_replies(places: tuple[Path, ...], out: Path) -> None:
    """Put the replies of several journals, without their plans, into a new one: a recipe run there asks for none of them again."""
    from synth.run import journal_tools

    say(journal_tools.merge(places, out))
    if out.suffix != ".sqlite":
        then(f"`{typed('run', 'RECIPE', '-o', out)}`, with the recipe to be made, asks for none of them again")
