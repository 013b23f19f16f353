"""`synth new`: scaffolds of a taxonomy, recipe or prompt of one's own, and a category that a model drafts of a policy."""

import sys
from pathlib import Path
from typing import Any

import click

from synth.cli.options import AS_JSON
from synth.cli.recipe import MAX_COST, MAX_TOKENS, recipe_options
from synth.cli.say import say, then


@click.group()
def new() -> None:
    """Begin a taxonomy, recipe or prompt of your own in the working directory, or have a category drafted of a policy."""


_NAME = click.argument("name")


@new.command()
@_NAME
@click.option("--from", "base", metavar="RECIPE", hidden=True)
def taxonomy(name: str, base: str | None) -> None:
    """Scaffold taxonomies/NAME.yaml: one category beside Libra's, to be changed."""
    _scaffold("taxonomy", name, base)


@new.command()
@_NAME
@click.option("--from", "base", metavar="RECIPE", help="The recipe that the new one extends.  [default: demo]")
def recipe(name: str, base: str | None) -> None:
    """Scaffold pipelines/NAME.yaml: a recipe that extends another."""
    _scaffold("recipe", name, base)


@new.command()
@_NAME
@click.option("--from", "base", metavar="RECIPE", hidden=True)
def prompt(name: str, base: str | None) -> None:
    """Scaffold prompts/NAME.j2; a prompt that ships is copied to be changed."""
    _scaffold("prompt", name, base)


def _scaffold(kind: str, name: str, base: str | None) -> None:
    from synth.cli import catalogue

    path = catalogue.scaffold(kind, name, base)
    say(path)
    then(f"edit {path}, then {catalogue.checked(kind, path)}")


@new.command()
@click.argument("text", metavar="TEXT")
@click.option(
    "--from",
    "base",
    metavar="RECIPE",
    default="demo",
    show_default=True,
    help="The recipe whose writer drafts, whose judges judge, and whose taxonomies the category stands beside.",
)
@click.option(
    "-o",
    "out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The taxonomy to write, a .yaml file that is not there yet.  [default: taxonomies/ID.yaml]",
)
@MAX_COST
@MAX_TOKENS
@recipe_options
@AS_JSON
def category(text: str, **given: Any) -> None:
    """Draft a category of a policy: TEXT is a paragraph in Chinese or English, a file that holds one, or - for stdin.

    The writer drafts name, definition, rule and behaviours; the neighbours they collide with are shown, and where the judges put 40
    queries that the writer writes for the category and its neighbours, ill meant and at the border. A taxonomy comes out, to be read and
    changed. What was asked stands in runs/new-…: the same command asks for nothing twice.
    """
    from synth.cli import category as command

    sys.exit(command.category(text, given))
