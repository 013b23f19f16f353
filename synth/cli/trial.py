"""The commands that say what a run would be before it is one: `diff`, `check`, `preview`, `doctor`."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from synth.cli.options import AS_JSON
from synth.cli.recipe import FOLDER, MAX_COST, MAX_TOKENS, ONLY, ROWS, changed_recipe, recipe_options
from synth.cli.say import complain, give, say, tell, then
from synth.cli.way import again, typed


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("recipe")
@ROWS
@ONLY
@recipe_options
@AS_JSON
def diff(folder: Path, recipe: str, n: int | None, only: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Say what running RECIPE in DIR would reuse and what it would ask; nothing is asked."""
    from synth.cli import run

    runs = again("run", without={str(folder): 0, "--json": 0}, back=("-o", folder))
    tell(run.diff(changed_recipe(recipe, given), n, folder, only), as_json, f"nothing was asked; `{runs}` does it")


@click.command()
@click.argument("recipe", required=False)
@recipe_options
@AS_JSON
def check(recipe: str | None, as_json: bool, **given: Any) -> None:
    """Check RECIPE, or everything there is: load it, render every prompt, bind every option, run it small and offline."""
    from synth.cli import check as command

    found = []
    for checked in command.check(changed_recipe(recipe, given) if recipe else None):
        found.append(asdict(checked))
        if not as_json:
            say(checked, err=True)
    if as_json:
        give({"good": found})
        return
    options = {"--json": 0}
    then(
        f"`{again('doctor', without=options)}` asks its models a little; `{again('run', without=options)}` makes its data set"
        if recipe
        else f"`{typed('run', 'demo')}` makes a small data set, with no model"
    )


@click.command()
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
    then(f"`{again('run', '--dry-run', without={'--rows': 1})}` says what a run takes, and asks nothing")


@click.command()
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
@AS_JSON
def doctor(
    recipe: str,
    n: int | None,
    out: Path | None,
    seconds: float,
    only: tuple[str, ...],
    max_cost: float | None,
    max_tokens: int | None,
    as_json: bool,
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
    found = command.doctor(loaded, options, seconds)
    run = again("run", without={"--seconds": 1, "--json": 0})
    tell(
        found,
        as_json,
        f"`{run}` makes the data set; what was answered here is not asked again"
        if found.fit
        else "another model, or what is said above, for each role that is not fit; then the same command again",
    )
    sys.exit(0 if found.fit else 3)
