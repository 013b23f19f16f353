"""`synth report`: a run's folder as one page to read."""

from pathlib import Path
from typing import Literal

import click

from synth.cli.say import complain, give, say, then
from synth.cli.way import typed


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "-o", "out", type=click.Path(path_type=Path), metavar="FILE", help="Where to.  [default: DIR/report.html]"
)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="The page's language.")
@click.option(
    "--no-samples", is_flag=True, help="No text of any row, drop or doubt in it: for a page that may leave the team."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Its tables and lines as one JSON object on stdout; no page is written."
)
def report(folder: Path, out: Path | None, lang: Literal["en", "zh"], no_samples: bool, as_json: bool) -> None:
    """Write the run in DIR as one page: what is wrong with its rows, what was dropped and why, figures, rows to read. It needs no network."""
    from synth.dataset.reader import changed_since
    from synth.report.report import report_facts, write_report

    for line in changed_since(folder):
        complain(line)
    if as_json:
        give(report_facts(folder, lang=lang, samples=not no_samples))
        return
    say(write_report(folder, out, lang=lang, samples=not no_samples))
    holds = "figures alone" if no_samples else "rows as they are, unsafe ones folded"
    then(
        f"open it in a browser; it holds {holds}",
        f"`{typed('audit', folder, '--page')}` makes a page to label rows on, which tells how many labels are wrong",
    )
