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
from synth.cli import audit, evaluate, folder, journal, new, report, tools, trial
from synth.cli.options import AS_JSON
from synth.cli.recipe import FOLDER, MAX_COST, MAX_TOKENS, ONLY, ROWS, changed_recipe, recipe_options
from synth.cli.say import complain, give, say, tell, then
from synth.cli.way import Way, again, way
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


@click.group(
    cls=Way,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(__version__)
@click.pass_context
def commands(context: click.Context) -> None:
    """Synthetic training data for Chinese guard models: from a harm taxonomy to a guard that is trained and measured."""
    if context.invoked_subcommand is None:
        say(way(commands, context.make_formatter().width))


@commands.command()
@click.argument("recipe")
@ROWS
@FOLDER
@ONLY
@click.option(
    "--shard", metavar="I/N", help="Make part I of N alone, on this machine; `synth merge` puts the parts together."
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
@AS_JSON
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
    """Make RECIPE's dataset in DIR, or go on with it. RECIPE is a name or a path.

    Rows are counted by cell: a subcategory of harm, what the user is after (harmful or benign), and the label that the judges agree on.
    A run ends when every cell has its rows, or says which fell short and why. Ctrl-C stops it and keeps everything; the same command
    goes on.
    """
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
        goes = f"nothing was asked; `{again('run', without={'--dry-run': 0, '--json': 0})}` runs it"
        tell(run.price(loaded, options, shard), as_json, goes)
        return
    sys.exit(run.run(loaded, options, shard=shard, as_json=as_json, events=events))


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
@AS_JSON
def list_(kind: str, as_json: bool) -> None:
    """List what there is of KIND, with a line on each."""
    from synth.cli import catalogue
    from synth.cli.table import plain_lines

    found = list(catalogue.entries(kind))
    if as_json:
        give({"kind": kind, "entries": [{"name": name, "line": line} for name, line in found]})
        return
    for text in plain_lines(found):
        say(text)
    then(catalogue.use(kind, found[0][0] if found else "NAME"))


for _command in (trial.diff, trial.check, trial.preview, trial.doctor):
    commands.add_command(_command)
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
