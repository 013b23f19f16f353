"""The options by which a command changes a recipe, and the recipe as they leave it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def recipe_options(command: Command) -> Command:
    """Gives a command the options that change a recipe, as `run`, `diff`, `check` and `preview` have them."""
    options = [
        click.option(
            "--taxonomy",
            "taxonomies",
            multiple=True,
            metavar="T",
            help="Taxonomy by name or path, in place of the recipe's; may be repeated.",
        ),
        click.option("--seed", type=int, metavar="S", help="Another seed, other rows; the same seed, the same."),
        click.option(
            "--backend",
            metavar="B",
            help="Who answers for every role, in place of the recipe's models: see `synth list backends`.",
        ),
        click.option(
            "--model", metavar="M", help="One model for every role of the recipe (writer, answerers, judges)."
        ),
        click.option("--base-url", metavar="U", help="Address of an OpenAI-compatible server, for every role."),
        click.option(
            "--provider", metavar="P", help="Whose server every role is asked at; see `synth list providers`."
        ),
        click.option("--concurrency", type=click.IntRange(1, 4096), metavar="C", help="Calls in flight at once."),
        click.option(
            "--avoid",
            multiple=True,
            metavar="PATH",
            help="File or data set whose queries and answers must not come again, besides the recipe's; may be repeated.",
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="KEY=VALUE",
            help="Any key of the recipe, e.g. dedup.threshold=0.8; may be repeated.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


ONLY = click.option(
    "--only", multiple=True, metavar="GLOB", help="Only scenarios or subcategories that match; may be repeated."
)

ROWS = click.option(
    "-n",
    "n",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="Rows wanted of each scenario (group of categories of harm).",
)
FOLDER = click.option(
    "-o",
    "out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the run; the same folder goes on with what was asked before.  [default: runs/RECIPE]",
)
MAX_COST = click.option(
    "--max-cost",
    type=click.FloatRange(min=0, min_open=True),
    metavar="X",
    help="Stop before the replies in DIR, those of earlier runs included, cost more, at the recipe's prices.",
)
MAX_TOKENS = click.option(
    "--max-tokens",
    type=click.IntRange(1),
    metavar="X",
    help="Stop before the replies in DIR, those of earlier runs included, take more tokens, in and out.",
)


def changed_recipe(name: str, given: dict[str, Any]) -> Any:
    """The recipe of that name or path, changed as the options of `recipe_options` say; a command's own may stand beside them."""
    from synth import api

    return api.load_recipe(name, **{key: given[key] for key in api.Changes.__annotations__})
