"""A probe's report as tables for the eye."""

from collections.abc import Iterator

from synth.quality.grid import Grid
from synth.quality.probe.model import Rate
from synth.quality.probe.report import Report

_VIEWS = {"query": "query alone", "response": "answer alone", "both": "query and answer"}
_INTERVAL = "95 % interval"


def parts(report: Report) -> Iterator[str | Grid]:
    """The report of `synth probe` for the terminal, table by table, all but its warnings."""
    of = "" if report.rows == report.sampled else f" of {report.rows:,}"
    yield f"{report.folder}: {report.sampled:,}{of} labelled rows, {report.roots:,} root queries, {report.unsafe:,} unsafe rows"
    for grid in (_held_out(report), _alarms(report), _shortcuts(report), *_grams(report), *_tests(report)):
        yield ""
        yield grid


def _held_out(report: Report) -> Grid:
    most = max(report.unsafe, report.sampled - report.unsafe) / report.sampled
    rows = [["  always the label most have", f"{report.sampled:,}", f"{most:.1%}", "", ""]]
    for view, rate in report.held_out.items():
        auc = report.auc[view]
        rows.append([*_rate(_VIEWS[view], rate), "–" if auc is None else f"{auc.value:.3f}"])
    return Grid(("told right, root queries held out", "rows", "right", _INTERVAL, "AUC"), rows)


def _alarms(report: Report) -> Grid:
    rows = [_rate(name, rate) for name, rate in report.false_alarms.items()]
    return Grid(("ordinary helpful answers called unsafe", "rows", "unsafe", _INTERVAL), rows)


def _rate(name: str, rate: Rate) -> list[str]:
    return [f"  {name}", f"{rate.of:,}", f"{rate.value:.1%}", f"{rate.low:.1%} to {rate.high:.1%}"]


def _shortcuts(report: Report) -> Grid:
    rows = [[f"  {feature.name}", f"{feature.explained:.1%}"] for feature in report.features]
    if report.gram:
        gram = report.gram
        rows.append([f"  the n-gram {gram.shown} in the {gram.where}", f"{gram.explained:.1%}"])
    rows.append(["safe answers that are refusals", f"{report.refusals:.1%}"])
    return Grid(("one feature alone, of what that leaves open", "explains"), rows)


def _grams(report: Report) -> Iterator[Grid]:
    for label, grams in report.telling.items():
        rows = [
            [f"  {gram.where}  {gram.shown}", f"{gram.weight:.2f}", f"{gram.safe:,}", f"{gram.unsafe:,}"]
            for gram in grams
        ]
        yield Grid((f"n-grams that speak for {label}", "weight", "in safe rows", "in unsafe rows"), rows)


def _tests(report: Report) -> Iterator[Grid]:
    for name, tried in report.tests.items():
        rows = [
            [
                f"  {one.source}",
                f"{one.rows:,}",
                f"{one.accuracy:.1%}",
                *("–" if score is None else f"{score:.1%}" for score in (one.f1_safe, one.f1_unsafe)),
            ]
            for one in tried
        ]
        yield Grid((f"tried on {name}", "rows", "right", "F1 safe", "F1 unsafe"), rows)
