"""Options that several commands have alike, beside those that change a recipe."""

from pathlib import Path

import click

LABEL_NAMES = click.option(
    "--label-names",
    metavar="NAMES",
    help="What the numbers in a label column stand for, from 0 on: safe,unsafe. Names of a data set's own classes are known.",
)
BENIGN = click.option(
    "--benign",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Table of ordinary questions with helpful answers, none of which should be called unsafe. May be repeated.",
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
