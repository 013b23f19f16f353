"""`synth eval`: a guard measured on a labelled test, as Libra-Test is and beyond."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from synth.cli.options import AS_JSON, BENIGN, LABEL_NAMES, QUERY_COLUMN, RESPONSE_COLUMN, choice
from synth.cli.say import complain, escaped, say, then


def _next(files: Sequence[Path]) -> str:
    """What to do with the results of an evaluation."""
    card = next((path for path in files if path.name.endswith(".md")), None)
    rows = next((path for path in files if path.name.endswith(".jsonl")), None)
    told = [f"{card} is for the guard's card" if card else "", f"{rows} has every row with its answer" if rows else ""]
    return "; ".join(filter(None, told)) or "-o DIR keeps the results, with a row for each answer"


@click.command("eval")
@click.argument("test", metavar="TEST", type=click.Path(path_type=Path))
@click.option("--guard", metavar="G", help="How the guard is asked and read: a name of `synth list guards`.")
@click.option(
    "--prompt",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The text that asks the guard as its makers published it, with {query} and {response} in their places.",
)
@click.option(
    "--tokenizer",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the guard's tokenizer, by whose template what is asked is rendered here; the server is sent plain text.",
)
@click.option("--base-url", metavar="U", help="Address of the OpenAI-compatible server that has the guard.")
@click.option("--model", metavar="M", help="The guard's name there.")
@click.option("--provider", metavar="P", help="Whose server it is; see `synth list providers`.")
@click.option("--backend", metavar="B", help="Another backend: vllm answers in this process.")
@click.option(
    "--predictions",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Answers that are there already, under `critic` (as Libra's script has them) or `reply`; nothing is asked. With --guard "
    "its file reads them, else they are read as Libra-Test's script does.",
)
@click.option(
    "-o",
    "out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of journal and results; the same command goes on there.  [default: runs/eval-TEST-G-M; none with --predictions]",
)
@click.option(
    "--mode",
    type=click.Choice(["answer", "prompt", "both"]),
    help="What is judged: the answer in its conversation, the query alone, each by itself.  [default: answers, where TEST has any]",
)
@click.option(
    "--split", metavar="NAME", help="Of a run or data set.  [default: test, validation or train, the first with rows]"
)
@LABEL_NAMES
@QUERY_COLUMN
@RESPONSE_COLUMN
@click.option("--label-column", metavar="COLUMN", help="Column of the label in TEST.  [default: found by its name]")
@click.option(
    "--fpr",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    metavar="X",
    help="Share of safe rows that a threshold on the guard's probabilities may call unsafe.",
)
@BENIGN
@click.option(
    "--ordinary/--no-ordinary", default=True, help="Ask about the 60 ordinary questions that ship, too.  [default: yes]"
)
@click.option("--concurrency", type=click.IntRange(1, 4096), default=32, show_default=True, metavar="C")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Any key of a role in a recipe, e.g. max_tokens=256 or api_key_env=MY_KEY; may be repeated.",
)
@click.option("--retry-given-up", is_flag=True, help="Ask again for what was given up on.")
@AS_JSON
def evaluate(
    test: Path, guard: str | None, predictions: Path | None, out: Path | None, as_json: bool, **given: Any
) -> None:
    """Measure a guard on TEST: Libra-Test, a run's own rows, WildGuard's columns, or any table of query, response and label.

    Accuracy, F1 of both labels, precision, recall and false alarms with their intervals, by source, category, query type, attack,
    class and length of the answer; answers that cannot be read are counted apart. Where the server tells probabilities: AUROC, AUPRC,
    a threshold and the calibration error.
    """
    from synth.cli.live import Screen
    from synth.cli.table import lines
    from synth.quality.evaluate.table import parts
    from synth.run import evaluate as work
    from synth.run.evaluation_files import as_json as written
    from synth.run.evaluation_files import default_folder
    from synth.run.guard_role import role_of

    role_options = {name: given.pop(name) for name in ("base_url", "model", "provider", "backend", "settings")}
    if (guard is None) and predictions is None:
        raise click.UsageError("give --guard G with --base-url U and --model M to ask a guard, or --predictions FILE")
    if predictions is not None and (told := [name for name, value in role_options.items() if value]):
        raise click.UsageError(
            f"--predictions holds the answers, so nothing is asked; leave out --{told[0].replace('_', '-')}"
        )
    asking = ("benign", "prompt", "tokenizer")
    if predictions is not None and (told := [name for name in asking if given[name]]):
        raise click.UsageError(
            f"--{told[0].replace('_', '-')} is of a guard that is asked; leave it out beside --predictions"
        )
    screen, role = Screen(), None if predictions else role_of(**role_options)
    options = work.EvaluationOptions(
        test,
        out or (default_folder(test, str(guard), role.named) if role else None),
        guard,
        role=role,
        predictions=predictions,
        say=lambda line: screen.line(f"synth: note: {line}"),
        report=lambda line: screen.line(f"synth: {line}"),
        choice=replace(
            choice(given.pop("query_columns"), given.pop("response_column")), label=given.pop("label_column")
        ),
        **given,
    )
    came = work.evaluate(options)
    if came.report is not None:
        if as_json:
            click.echo(escaped(written(came.report)), nl=False)
        else:
            for text in lines(() if came.message else parts(came.report)):
                say(text)
    for path in came.files:
        complain(path)
    if came.report is not None and not as_json:
        then(_next(came.files))
    if came.message:
        screen.line(f"synth: {came.message}")
    sys.exit(came.status)
