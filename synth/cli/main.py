"""The command line: options in, words to stderr, results to stdout or files, an exit status. No logic of its own."""

import contextlib
import errno
import io
import signal
import sys
from pathlib import Path
from typing import Any, Literal

import click

from synth import __version__
from synth.cli import audit, evaluate, folder, journal, new, report, tools
from synth.cli.recipe import FOLDER, MAX_COST, MAX_TOKENS, ONLY, ROWS, changed_recipe, recipe_options
from synth.cli.say import complain, say
from synth.errors import ConfigError


def main() -> None:
    """The `synth` program. Whatever the user can mend is one line on stderr."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        commands(standalone_mode=False)
    except click.exceptions.Abort:
        _end("interrupted", 130)
    except click.ClickException as error:
        told = io.StringIO()
        error.show(told)
        say(told.getvalue().rstrip("\n"), err=True)
        sys.exit(error.exit_code)
    except ConfigError as error:
        _end(str(error), error.status)
    except KeyboardInterrupt:
        _end("interrupted", 130)
    except RuntimeError as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):  # an import was interrupted within a class
            raise
        _end("interrupted", 130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            raise
        with contextlib.suppress(OSError):
            sys.stdout.close()  # or its buffer would be tried once more at the very end
        _end(f"what was to be written could not be ({error.strerror}); free space and run the same command again", 1)


def _end(line: str, status: int) -> None:
    from synth.recipe.credentials import hidden

    complain(hidden(line))
    sys.exit(status)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__)
def commands() -> None:
    """Synthetic training data for Chinese guard models: from a harm taxonomy to shards that load."""


@commands.command()
@click.argument("recipe")
@ROWS
@FOLDER
@ONLY
@click.option(
    "--shard", metavar="I/N", help="Ask only for the lanes of shard I of N; `synth merge` puts the shards together."
)
@recipe_options
@MAX_COST
@MAX_TOKENS
@click.option("--retry-given-up", is_flag=True, help="Ask again for what was given up on in earlier runs.")
@click.option(
    "--upgrade", is_flag=True, help="Go on though what synth ships has changed and replies already paid for go unused."
)
@click.option(
    "--on-doubt",
    type=click.Choice(["stop", "warn"]),
    default="stop",
    show_default=True,
    help="What to do once the run cannot vouch for its data, as when a judge is unfit: pause, or say so and go on.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be asked and what it may cost; ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="One final JSON object on stdout.")
@click.option(
    "--events",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Progress as JSON lines to FILE, - for stderr.",
)
def run(
    recipe: str,
    n: int | None,
    out: Path | None,
    only: tuple[str, ...],
    shard: str | None,
    max_cost: float | None,
    max_tokens: int | None,
    retry_given_up: bool,
    upgrade: bool,
    on_doubt: Literal["stop", "warn"],
    dry_run: bool,
    as_json: bool,
    events: Path | None,
    **given: Any,
) -> None:
    """Make RECIPE's dataset in DIR, or go on with it. RECIPE is a name or a path."""
    from synth.cli import run
    from synth.engine.budget import Bounds
    from synth.run.options import RunOptions

    loaded = changed_recipe(recipe, given)
    options = RunOptions(
        out or Path("runs") / loaded.name,
        n,
        only,
        bounds=Bounds(max_cost, max_tokens),
        retry_given_up=retry_given_up,
        upgrade=upgrade,
        on_doubt=on_doubt,
    )
    if dry_run:
        say(run.price(loaded, options, shard))
        return
    sys.exit(run.run(loaded, options, shard=shard, as_json=as_json, events=events))


@commands.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("recipe")
@ROWS
@ONLY
@recipe_options
def diff(folder: Path, recipe: str, n: int | None, only: tuple[str, ...], **given: Any) -> None:
    """Say what running RECIPE in DIR would reuse and what it would ask; nothing is asked."""
    from synth.cli import run

    say(run.diff(changed_recipe(recipe, given), n, folder, only))


@commands.command()
@click.argument("recipe", required=False)
@recipe_options
def check(recipe: str | None, **given: Any) -> None:
    """Check RECIPE, or everything there is: load it, render every prompt, bind every option, run it small and offline."""
    from synth.cli import check as command

    for line in command.check(changed_recipe(recipe, given) if recipe else None):
        say(line, err=True)


@commands.command()
@click.argument("recipe")
@ONLY
@click.option("--rows", type=click.IntRange(0, 50), default=3, show_default=True, help="Finished rows to show.")
@recipe_options
def preview(recipe: str, only: tuple[str, ...], rows: int, **given: Any) -> None:
    """Show RECIPE's rendered prompts and a few finished rows, made offline unless --backend or --base-url names a server."""
    from synth.cli import check as command

    if not given["backend"] and not given["base_url"] and not given["provider"]:
        given["backend"] = "offline"
    for text in command.preview(changed_recipe(recipe, given), only, rows):
        say(text)


@commands.command()
@click.argument("recipe")
@ROWS
@FOLDER
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=90,
    show_default=True,
    metavar="S",
    help="How long the models are asked, about.",
)
@ONLY
@MAX_COST
@MAX_TOKENS
@recipe_options
def doctor(
    recipe: str,
    n: int | None,
    out: Path | None,
    seconds: float,
    only: tuple[str, ...],
    max_cost: float | None,
    max_tokens: int | None,
    **given: Any,
) -> None:
    """Ask every model of RECIPE a little, before anything is paid for in earnest: can it do its part, what will N rows take."""
    from synth.cli import doctor as command
    from synth.engine.budget import Bounds
    from synth.run.options import RunOptions

    loaded = changed_recipe(recipe, given)
    options = RunOptions(
        out or Path("runs") / loaded.name,
        n,
        only,
        bounds=Bounds(max_cost, max_tokens),
        say=complain,
    )
    lines, status = command.doctor(loaded, options, seconds)
    for line in lines:
        say(line)
    sys.exit(status)


@commands.command("list")
@click.argument(
    "kind",
    type=click.Choice(
        [
            "recipes",
            "taxonomies",
            "scenarios",
            "prompts",
            "filters",
            "stages",
            "verdicts",
            "backends",
            "providers",
            "formats",
            "guards",
        ]
    ),
)
def list_(kind: str) -> None:
    """List what there is of KIND, with a line on each."""
    from synth.cli import catalogue

    for name, line in catalogue.entries(kind):
        say(f"{name:<32} {line}".rstrip())


commands.add_command(new.new)
commands.add_command(folder.export)
commands.add_command(folder.show)
commands.add_command(report.report)
commands.add_command(journal.merge)
commands.add_command(journal.journal)
commands.add_command(audit.audit)
commands.add_command(evaluate.evaluate)
commands.add_command(tools.dedup)
commands.add_command(tools.filter_)
commands.add_command(tools.probe)
commands.add_command(tools.serve)
