"""Options that several commands have alike, beside those that change a recipe."""

from pathlib import Path
from typing import Any

import click

from synth.cli.say import complain

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
QUERY_COLUMN = click.option(
    "--query-column",
    "query_columns",
    multiple=True,
    metavar="COLUMN",
    help="Column of the query; repeated, they are one query together.  [default: found by name and content]",
)
RESPONSE_COLUMN = click.option(
    "--response-column", metavar="COLUMN", help="Column of the response.  [default: found by its name]"
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="The same as one JSON object on stdout.")


def choice(query_columns: tuple[str, ...], response_column: str | None) -> Any:
    """What the user says of a table's columns; what is read as the query is said on stderr, once for each table."""
    from synth.tables.text_columns import Choice

    return Choice(query_columns, response_column, complain)
