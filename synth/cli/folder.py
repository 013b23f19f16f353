"""The commands that read a finished run: its rows shown, its data set handed on in a format a trainer reads."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from synth.cli.options import AS_JSON
from synth.cli.say import complain, give, say, then
from synth.cli.way import typed

if TYPE_CHECKING:
    from synth.exporters._huggingface import Access
    from synth.types import MarkMode

MARKS = ("delete", "vary", "keep")
"""Those of `types.MarkMode`, told here so that help needs nothing else of synth."""


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "to",
    required=True,
    metavar="FORMAT",
    help="sft, preference, classify, hf, jsonl …: see `synth list formats`.",
)
@click.option(
    "-o", "out", type=click.Path(path_type=Path), metavar="OUT", help="Where to.  [default: DIR/export/FORMAT]"
)
@click.option(
    "--guard", metavar="G", help="The guard that is trained: libra, or a file of your own; see `synth list guards`."
)
@click.option(
    "--tokenizer", metavar="DIR", help="Folder of the model that is trained, by whose tokenizer is rendered or counted."
)
@click.option("--prompt", metavar="FILE", help="The published text of the guard's prompt.")
@click.option("--template", metavar="T", help="The guard's file, for chat: --set template=T.  [default: guard/libra]")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the format, e.g. template=guard/lines; may be repeated.",
)
@click.option(
    "--mark",
    type=click.Choice(MARKS),
    help="How 【略】 goes out in answers: deleted without a hole, in vague words, or kept.  [default: as the recipe's `output.mark`]",
)
@click.option(
    "--push-to",
    metavar="REPO",
    help="Upload the dataset (with --to hf) to OWNER/NAME on Hugging Face, or where HF_ENDPOINT says, or to modelscope:OWNER/NAME.",
)
@click.option("--public", is_flag=True, help="Make the uploaded repository public; it is private unless you say so.")
@click.option(
    "--access",
    type=click.Choice(["manual", "auto", "open"]),
    help="Who may read the repository: whom you let in, who has answered its questions, everybody.  [default: manual; one that stands is kept]",
)
def export(
    folder: Path,
    to: str,
    out: Path | None,
    settings: tuple[str, ...],
    public: bool,
    access: "Access | None",
    mark: "MarkMode | None",
    push_to: str | None,
    **named: str | None,
) -> None:
    """Write the dataset in DIR in a format a trainer reads, with what the trainer needs beside it. How it is started comes last."""
    from synth import exporters
    from synth.cli import run
    from synth.cli.summary import after_export, private
    from synth.dataset.reader import changed_since

    for line in changed_since(folder):
        complain(line)
    options = {name: value for name, value in named.items() if value is not None} | exporters.settings(settings)
    last: list[str] = []
    for line in run.export(
        folder,
        to,
        out,
        options=options,
        push_to=push_to,
        private=not public,
        access=access,
        mark=mark,
        say=last.append,
    ):
        say(line)
    for line in [*last, private(folder, out or folder / "export" / to)]:
        say(line, err=True)
    then(after_export(folder, to, named.get("guard")))


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("cell", required=False)
@click.option(
    "--most", type=click.IntRange(1), default=5, show_default=True, help="Rows and drops, or replies, to show."
)
@click.option(
    "--coverage",
    is_flag=True,
    help="How often values of each axis (region, event, persona …) were asked for and got rows.",
)
@click.option("--live", is_flag=True, help="Read the journal, not the dataset; so it is anyway while the run goes on.")
@click.option("--raw", is_flag=True, help="The newest replies of models, as they came; CELL may be a stage too.")
@AS_JSON
def show(folder: Path, cell: str | None, most: int, coverage: bool, live: bool, raw: bool, as_json: bool) -> None:
    """Read the rows and drops of CELL, or see all cells and how far each is.

    A cell is a subcategory, what the user is after and the judged label: crime.gambling/harmful/unsafe. CELL may name less (crime,
    crime.gambling, crime.gambling/harmful) or have * in it.
    """
    from synth.cli import show as command
    from synth.dataset.reader import changed_since

    for line in changed_since(folder):
        complain(line)
    if as_json:
        give(
            {"replies": command.replies(folder, cell, most)}
            if raw
            else command.coverage(folder)
            if coverage
            else command.facts(folder, cell, most, live=live)
        )
        return
    if raw:
        texts = command.raw_replies(folder, cell, most)
    else:
        texts = command.covered(folder) if coverage else command.show(folder, cell, most, live=live)
    for text in texts:
        say(text)
    if raw or coverage or cell:
        then(f"`{typed('show', folder)}` lists the cells{'' if coverage else f'; --most {4 * most} shows more'}")
