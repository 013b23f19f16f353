"""`synth audit`: rows out, to be labelled by hand; and back in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from synth.cli.options import AS_JSON, LABEL_NAMES, QUERY_COLUMN, RESPONSE_COLUMN, choice
from synth.cli.say import complain, give, say, then
from synth.cli.way import typed


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "out",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="A sheet (CSV) to label by hand; with --page the page, with --to the folder for the tool, with --annotators the test set's.",
)
@click.option(
    "--page",
    "as_page",
    is_flag=True,
    help="Write one HTML file to label on by keys, offline.  [default: DIR/audit.html]",
)
@click.option(
    "--to", "tool", type=click.Choice(["argilla", "labelstudio"]), help="Write files that a label tool imports."
)
@click.option(
    "--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Language of page or tool."
)
@click.option("--per-cell", type=click.IntRange(1, 10_000), default=3, show_default=True, help="Rows of every cell.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, other rows.")
@click.option("--labels", is_flag=True, help="Show the panel's labels in the sheet; hidden they cannot sway who reads.")
@click.option(
    "--read",
    "given",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Measure the panel and the release against a labelled file: the sheet or what the page saved, an export of the label tool, or "
    "any CSV, JSON lines or Parquet. Repeated, a file of each reader: the label of most counts, and how far they agree is told.",
)
@click.option(
    "--annotators",
    type=click.IntRange(1, 20),
    metavar="K",
    help="How many are to label each row. With --read and -o: write a test set of the rows that K labelled, in Libra-Test's form.",
)
@click.option("--date", metavar="DAY", help="With --read: when the rows were read.  [default: as the files say]")
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
def audit(folder: Path, given: tuple[Path, ...], **options: Any) -> None:
    """Hold the labels of the dataset in DIR against a person's.

    With -o, --page or --to so many rows a cell are written, to be labelled; with --read, accuracy and F1 of panel and judges against the
    labels in FILE (`your_label`, else `label`: safe, unsafe, 安全, 不安全 …), its rows found by id, else by query and response, and the
    label error of the release, which is kept in DIR/dataset/audit.json for the card.
    """
    from synth.dataset.reader import Dataset

    _refuse_mixed(given, **options)
    if given:
        _read(Dataset(folder), given, **options)
    else:
        _write(Dataset(folder), **options)


def _refuse_mixed(given: tuple[Path, ...], **options: Any) -> None:
    out, writes = options["out"], [name for name in ("as_page", "tool") if options[name]]
    if len(writes) + bool(given) > 1:
        raise click.UsageError("give one of --page, --to and --read")
    if out is None and not given and not options["as_page"]:
        raise click.UsageError("give -o SHEET, --page or --to to write rows to label, or --read FILE to measure")
    if given and (out is None) != (options["annotators"] is None):
        raise click.UsageError("with --read, -o and --annotators go together: a test set of the rows that K labelled")
    if options["labels"] and (writes or given):
        raise click.UsageError("--labels goes with a sheet: page and label tools never show them")
    if (options["judge"] or options["date"]) and not given:
        raise click.UsageError(f"{'--judge' if options['judge'] else '--date'} goes with --read")
    if options["annotators"] and not given and not writes:
        raise click.UsageError("--annotators goes with --page, --to or --read")
    if (options["base_url"] or options["recipe"]) and not options["judge"]:
        raise click.UsageError("--base-url and --recipe go with --judge")


def _write(
    made: Any,
    *,
    out: Path | None,
    as_page: bool,
    tool: str | None,
    lang: str,
    per_cell: int,
    seed: int,
    labels: bool,
    annotators: int | None,
    **_: Any,
) -> None:
    from synth.quality import audit as work
    from synth.quality.draw import drawn
    from synth.report.label_export import write_for_tool
    from synth.report.label_page import write_page

    if not as_page and not tool:
        say(work.sheet(made, out or Path(), per_cell=per_cell, seed=seed, labels=labels))
        return
    if out is None and made.folder == made.repository:
        raise click.UsageError(f"give -o FILE: what stands in {made.folder}, a data set alone, is handed on with it")
    rows, out = drawn(made, per_cell=per_cell, seed=seed), out or made.folder / "audit.html"
    if tool:
        told = write_for_tool(made, rows, out, tool=tool, lang=lang, readers=annotators or 1)
    else:
        write_page(made, rows, out, lang=lang)
        more = f" --annotators {annotators} -o testset" if annotators else ""
        each = " --read FILE" * (annotators or 1)
        told = [f"open it in a browser, label, save the file; then `{typed('audit', made.folder)}{each}{more}`"]
    say("\n".join([f"{out}: {len(rows.rows):,} rows of {rows.cells:,} cells, without their labels", *told]))


def _read(made: Any, given: tuple[Path, ...], **options: Any) -> None:
    from synth.cli.table import lines
    from synth.quality import audit as work
    from synth.quality import release
    from synth.quality.label_files import readers_in
    from synth.quality.readers import gathered, together

    day, annotators, as_json = release.day(options["date"]), options["annotators"], options["as_json"]
    told = choice(options["query_columns"], options["response_column"])
    readers = gathered([one for path in given for one in readers_in(path, made.labels, options["label_names"], told)])
    if annotators and len(readers) < annotators:
        raise click.UsageError(f"--annotators {annotators}: the files are of {len(readers)}; give --read for each")
    file = together(readers, made.labels)
    against = _judged(made, file, options["base_url"], options["recipe"]) if options["judge"] else made
    found = work.read(against, file)
    work.refuse_lost(found, file, made.folder)
    of_release = bool(found.release.read) and not options["judge"]
    kept = release.facts(made, found.release, file.readers, day or file.date) if of_release else None
    if as_json:
        give(work.as_facts(found, kept))
    else:
        for text in lines(work.parts(found)):
            say(text)
    for line in (*_kept(made, kept), *_test_set(made, readers, annotators, options["out"])):
        complain(line) if as_json else say(line)
    if not as_json:
        then(f"`{typed('export', made.folder, '--to', 'sft')}` gives files for a trainer")


def _judged(made: Any, file: Any, base_url: str | None, recipe: str | None) -> Any:
    from functools import partial

    from synth.cli import live
    from synth.recipe import load
    from synth.run.judge_file import judged

    own = load.load(recipe) if recipe else None
    return judged(
        made, file, lambda prices: partial(live.watch, prices=prices, events=None), base_url=base_url, own=own
    )


def _kept(made: Any, kept: dict[str, Any] | None) -> Iterator[str]:
    from synth.quality import release

    if kept:
        path = release.record(made, kept)
        yield release.line(kept)
        yield f"kept in {path}, for the card"


def _test_set(made: Any, readers: Any, annotators: int | None, out: Path | None) -> Iterator[str]:
    from synth.quality import testset

    if annotators and out:
        found = testset.test_set(made, readers, annotators)
        testset.write(found, out)
        yield from testset.lines(found, out)
