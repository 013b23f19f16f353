"""`synth audit`: a sheet out, to be labelled by hand; and back in."""

from pathlib import Path

import click

from synth.cli.options import AS_JSON, LABEL_NAMES, QUERY_COLUMN, RESPONSE_COLUMN, choice
from synth.cli.say import say


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "-o", "out", type=click.Path(path_type=Path), metavar="SHEET", help="Write a sheet (CSV) to label by hand."
)
@click.option("--per-cell", type=click.IntRange(1, 10_000), default=3, show_default=True, help="Rows of every cell.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other rows.")
@click.option("--labels", is_flag=True, help="Show the panel's labels; hidden they cannot sway who reads.")
@click.option(
    "--read",
    "given",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Measure the panel against a labelled file: the sheet coming back, or any CSV, JSON lines or Parquet. Repeated, a file of each "
    "reader: the label of most counts, and how far they agree is told.",
)
@click.option(
    "--judge", is_flag=True, help="With --read: the panel judges FILE's rows first (calls are paid for once)."
)
@click.option(
    "--base-url", metavar="U", help="With --judge: where the panel is asked; the key is that in OPENAI_API_KEY."
)
@click.option(
    "--recipe",
    metavar="RECIPE",
    help="With --judge: the recipe of the run, whose addresses and keys are used.",
)
@LABEL_NAMES
@QUERY_COLUMN
@RESPONSE_COLUMN
@AS_JSON
def audit(
    folder: Path,
    out: Path | None,
    per_cell: int,
    seed: int,
    labels: bool,
    given: tuple[Path, ...],
    judge: bool,
    base_url: str | None,
    recipe: str | None,
    label_names: str | None,
    query_columns: tuple[str, ...],
    response_column: str | None,
    as_json: bool,
) -> None:
    """Hold the labels of the dataset in DIR against a person's.

    With -o a sheet of so many rows a cell is written; with --read, accuracy and F1 of panel and judges against the labels in FILE
    (`your_label`, else `label`: safe, unsafe, 安全, 不安全 …), its rows found by id, else by query and response.
    """
    from functools import partial

    from synth.cli import live
    from synth.dataset.reader import Dataset
    from synth.quality import audit as work
    from synth.quality.readers import together
    from synth.recipe import load
    from synth.run.judge_file import judged

    if (out is None) == (not given):
        raise click.UsageError("give -o SHEET to write a sheet, or --read FILE to measure")
    if judge and not given:
        raise click.UsageError("--judge goes with --read")
    if (base_url or recipe) and not judge:
        raise click.UsageError("--base-url and --recipe go with --judge")
    made = Dataset(folder)
    if not given:
        say(work.sheet(made, out or Path(), per_cell=per_cell, seed=seed, labels=labels))
        return
    told = choice(query_columns, response_column)
    file = together([work.labelled(path, made.labels, label_names, told) for path in given], made.labels)
    if judge:
        own = load.load(recipe) if recipe else None
        made = judged(
            made, file, lambda prices: partial(live.watch, prices=prices, events=None), base_url=base_url, own=own
        )
    found = work.read(made, file)
    work.refuse_lost(found, file, folder)
    if as_json:
        click.echo(work.as_json(found))
    else:
        say("\n".join(work.lines(found)))
