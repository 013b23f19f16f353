"""A probe's report as a table for the eye."""

from collections.abc import Iterator

from synth.quality.probe.model import Rate
from synth.quality.probe.report import Report, Tried
from synth.quality.probe.shortcuts import Gram
from synth.sanitize import for_terminal

_VIEWS = {"query": "query alone", "response": "answer alone", "both": "query and answer"}


def table(report: Report) -> str:
    """The report of `synth probe` as a table for the terminal, all but its warnings."""
    return "\n".join([*_opening(report), *_alarms(report), *_shortcuts(report), *_grams(report), *_tests(report)])


def _opening(report: Report) -> Iterator[str]:
    of = "" if report.rows == report.sampled else f" of {report.rows:,}"
    yield f"{for_terminal(report.folder)}: {report.sampled:,}{of} labelled rows, {report.roots:,} root queries, {report.unsafe:,} unsafe"
    most = max(report.unsafe, report.sampled - report.unsafe) / report.sampled
    yield f"\n{'told right, root queries held out':<44}{'rows':>8}{'right':>9}   95 % interval        AUC"
    yield f"{'  always the label most have':<44}{report.sampled:>8,}{most:>9.1%}"
    for view, rate in report.held_out.items():
        auc = report.auc[view]
        yield f"{_line(_VIEWS[view], rate):<79}{'–' if auc is None else f'{auc.value:.3f}':>9}"


def _alarms(report: Report) -> Iterator[str]:
    yield f"\n{'ordinary helpful answers called unsafe':<44}{'rows':>8}{'unsafe':>9}   95 % interval"
    for name, rate in report.false_alarms.items():
        yield _line(for_terminal(name), rate)


def _line(name: str, rate: Rate) -> str:
    return f"{'  ' + name:<44}{rate.of:>8,}{rate.value:>9.1%}   {rate.low:.1%} to {rate.high:.1%}"


def _shortcuts(report: Report) -> Iterator[str]:
    yield f"\n{'one feature alone, of what that leaves open':<52}{'explains':>9}"
    for feature in report.features:
        yield f"{'  ' + feature.name:<52}{feature.explained:>9.1%}"
    if report.gram:
        yield f"{f'  the n-gram {report.gram.shown} in the {report.gram.where}':<52}{report.gram.explained:>9.1%}"
    yield f"{'safe answers that are refusals':<52}{report.refusals:>9.1%}"


def _grams(report: Report) -> Iterator[str]:
    for label, grams in report.telling.items():
        yield f"\n{f'n-grams that speak for {label}':<40}{'weight':>8}{'in safe':>9}{'in unsafe':>11}"
        yield from map(_gram, grams)


def _gram(gram: Gram) -> str:
    return f"{f'  {gram.where}  {gram.shown}':<40}{gram.weight:>8.2f}{gram.safe:>9,}{gram.unsafe:>11,}"


def _tests(report: Report) -> Iterator[str]:
    for name, tried in report.tests.items():
        yield f"\n{'tried on ' + for_terminal(name):<44}{'rows':>8}{'right':>9}{'F1-safe':>9}{'F1-unsafe':>11}"
        yield from map(_source, tried)


def _source(tried: Tried) -> str:
    scores = ["–" if score is None else f"{score:.1%}" for score in (tried.f1_safe, tried.f1_unsafe)]
    return f"{'  ' + for_terminal(tried.source):<44}{tried.rows:>8,}{tried.accuracy:>9.1%}{scores[0]:>9}{scores[1]:>11}"
