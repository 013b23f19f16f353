"""The commands that need no recipe: near-duplicates out of any table, its rows filtered, what a data set teaches, a stand-in server."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from synth.cli.options import AS_JSON, BENIGN, LABEL_NAMES, QUERY_COLUMN, RESPONSE_COLUMN, choice
from synth.cli.say import complain, give, say, then
from synth.cli.way import beside, typed


@click.command()
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.7,
    show_default=True,
    metavar="T",
    help="Jaccard from which on two texts are nearly the same.",
)
@click.option("--ngram", type=click.IntRange(1, 8), default=2, show_default=True, help="Characters of a shingle.")
@click.option(
    "--on",
    "columns",
    multiple=True,
    metavar="COLUMN",
    help="Column to compare; repeated, rows must be alike in each.  [default: the query]",
)
@QUERY_COLUMN
@RESPONSE_COLUMN
@click.option(
    "--conflicts",
    type=click.Choice(["majority", "stricter", "drop"]),
    help="Compare queries with answers, and where labels differ keep a row of the label that most have, of the most severe, or none.",
)
@LABEL_NAMES
@click.option(
    "--semantic",
    metavar="MODEL",
    help="Compare what n-grams keep apart by meaning too: a model2vec or sentence-transformers model (folder or hub name), or the model of a server.",
)
@click.option(
    "--semantic-threshold",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.9,
    show_default=True,
    metavar="T",
    help="Cosine from which on two texts mean the same; it hangs on the model.",
)
@click.option("--base-url", metavar="U", help="OpenAI-compatible server that has MODEL.")
@click.option(
    "--passages/--no-passages",
    default=True,
    show_default=True,
    help="Leave out of the comparison what 20 rows and 1 % of them share, 12 characters or more: wrappers of other requests.",
)
@click.option(
    "--short",
    type=click.IntRange(0, 100),
    default=20,
    show_default=True,
    metavar="CHARS",
    help="Texts of at most so many are nearly the same only where no word that matters differs; 0: compared as longer ones are.",
)
@click.option(
    "-o", "out", type=click.Path(path_type=Path), required=True, metavar="OUT", help="File or folder to write."
)
@AS_JSON
def dedup(
    path: Path,
    out: Path,
    columns: tuple[str, ...],
    query_columns: tuple[str, ...],
    response_column: str | None,
    as_json: bool,
    **want: Any,
) -> None:
    """Write the rows of PATH (JSON lines, CSV, Parquet, or a data set) to OUT without near-duplicates: the first of each stays."""
    from synth.dataset.reader import changed_since
    from synth.tables import dedup

    if columns and (query_columns or response_column):
        raise click.UsageError("--on compares columns each by itself; leave out --query-column and --response-column")
    for line in changed_since(path):
        complain(line)
    asked = dedup.Want(columns=columns, choice=choice(query_columns, response_column), **want)
    found = dedup.dedup(path, out, asked)
    if as_json:
        give(asdict(found) | {"out": str(out)})
        return
    for line in found.lines():
        say(line, err=True)
    then(
        f"the rows kept are in {out}; `{typed('filter', out, '-o', beside(out, 'filtered'))}` says what is wrong with each"
    )


@click.command("filter")
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option(
    "--only", multiple=True, metavar="NAME", help="Only this filter; may be repeated. See `synth list filters`."
)
@LABEL_NAMES
@QUERY_COLUMN
@RESPONSE_COLUMN
@click.option(
    "--of",
    type=click.Choice(["brought", "written"]),
    default="brought",
    show_default=True,
    help="Whose texts they are: a user's own, or a writer model's, which have faults of their making.",
)
@click.option(
    "-o", "out", type=click.Path(path_type=Path), required=True, metavar="OUT", help="File or folder to write."
)
@AS_JSON
def filter_(
    path: Path,
    only: tuple[str, ...],
    label_names: str | None,
    of: Literal["written", "brought"],
    query_columns: tuple[str, ...],
    response_column: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Write every row of PATH (JSON lines, CSV, Parquet, or a data set) to OUT with `reasons` (empty: kept) and `response_class`."""
    from synth.dataset.reader import changed_since
    from synth.stages.parsing import SECOND_TRIES
    from synth.tables.filter import filter_table

    told = choice(query_columns, response_column)
    for line in changed_since(path):
        complain(line)
    found = filter_table(path, out, only, label_names, of=of, sent=SECOND_TRIES, choice=told)
    if as_json:
        give(vars(found) | {"out": str(out)})
        return
    for line in found.lines():
        say(line, err=True)
    then(
        f"the rows to keep in {out} are those whose `reasons` is empty; `{typed('list', 'filters')}` says what each reason is"
    )


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--test",
    "tests",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Labelled table or data set to try it on; a column `source` groups it. May be repeated.",
)
@BENIGN
@LABEL_NAMES
@QUERY_COLUMN
@RESPONSE_COLUMN
@AS_JSON
def probe(
    folder: Path,
    tests: tuple[Path, ...],
    benign: tuple[Path, ...],
    label_names: str | None,
    query_columns: tuple[str, ...],
    response_column: str | None,
    as_json: bool,
) -> None:
    """Train a small linear model on the rows in DIR (a run, or any labelled table) and say what it learns, and by which shortcuts."""
    from synth.cli.table import lines
    from synth.dataset.reader import changed_since
    from synth.quality.probe import report, table

    for path in (folder, *tests, *benign):
        for line in changed_since(path):
            complain(line)
    found = report.probe(folder, tests, benign, label_names, choice=choice(query_columns, response_column))
    if as_json:
        give(found.facts())
    else:
        for text in lines(table.parts(found)):
            say(text)
    for line in found.warnings:
        complain(f"warning: {line}")
    if not as_json and (folder / "run.json").is_file():
        then(f"`{typed('export', folder, '--to', 'sft')}` gives files for a trainer")


@click.command()
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; loopback unless you say so."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--latency", default="0", metavar="LAW", help="SECONDS, LOW..HIGH or lognormal:MEAN:SIGMA.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME=RATE",
    help="A fault and how often, e.g. 429=0.02, or refusal@MODEL=0.9 for one model; may be repeated.",
)
@click.option("--script", metavar="NAMES", help="Faults of the first arrivals, one each, with commas; ok is none.")
@click.option("--retry-after", type=click.FloatRange(0), default=1.0, show_default=True, help="Seconds, as 429 says.")
@click.option("--rpm", type=click.IntRange(1), help="Requests a minute; the rest are refused with 429.")
@click.option("--tpm", type=click.IntRange(1), help="Tokens a minute, likewise.")
@click.option("--batch-latency", default="0", metavar="LAW", help="Until a batch is done, likewise a law.")
@click.option("--batch-rows", type=click.IntRange(1), help="Requests it has waiting in batches at most.")
@click.option("--api-key", metavar="KEY", help="The only key it takes.")
@click.option("--answer", metavar="TEXT", help="One answer to everything, in place of the offline backend's.")
@click.option("--seed", type=int, default=0, help="Seed of latencies and faults.")
def serve(host: str, port: int, faults: tuple[str, ...], script: str | None, **habits: Any) -> None:
    """Stand in for a model server: OpenAI-compatible, answers from sentence frames, with the latency, faults and limits you name.

    Weather (drawn by arrival): 429 429-bare 500 502 503 529 reset torn hang drip cut html latin null. Content (a function of the
    request): refusal refusal-en filtered length empty broken short extra twice huge. Of embeddings alone: few narrow unequal
    null-vector. Batches: upload-500 upload-lost create-500 create-lost late look-500 failed expired shuffled missing doubled
    torn-file row-400 row-429 row-500. GET /stats counts everything.
    """
    from synth.serve.faults import Habits, rates
    from synth.serve.listen import serve

    told = Habits(faults=rates(faults), script=script.split(",") if script else (), **habits)

    def begins(url: str) -> None:
        click.echo(url)
        then(f"`{typed('run', 'demo', '--base-url', url, '-o', 'runs/stand-in')}` asks it; Ctrl-C ends it")

    click.echo(serve(told, host=host, port=port, say=begins))
