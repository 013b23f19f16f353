"""An evaluation as a table for the eye, and as a block of Markdown for a model's card."""

from collections.abc import Iterator, Mapping
from typing import Final

from synth.quality.evaluate.metrics import Tally
from synth.quality.evaluate.published import Rates
from synth.quality.evaluate.report import Part, Report
from synth.quality.grid import Grid
from synth.quality.metrics import Figure
from synth.sanitize import for_terminal

_OF: Final = {"answer": "answers judged", "prompt": "queries alone judged"}
_FIGURES: Final = (
    *("rows", "unsafe", "unread", "accuracy", "F1 unsafe", "F1 safe"),
    *("precision", "recall", "false alarms"),
)


_LONGEST: Final = 34
"""Characters of a group's name."""


def parts(report: Report) -> Iterator[str | Grid]:
    """The evaluation for the terminal: tables, with lines of words between them."""
    left = f", {report.unlabelled:,} without a label left out" if report.unlabelled else ""
    yield f"{report.test}: {report.rows:,} rows{left}; {_who(report)}"
    for mode, part in report.parts.items():
        yield from _part(mode, part)
    if report.alarms:
        rows = [
            [
                f"  {name}",
                f"{report.alarm_rows[name]:,}",
                f"{report.alarm_unread[name]:,}",
                f"{figure.value:.1%}",
                f"{figure.low:.1%} to {figure.high:.1%}",
            ]
            for name, figure in report.alarms.items()
        ]
        yield ""
        yield Grid(("called unsafe, and should not be", "rows", "unread", "unsafe", "95 % interval"), rows)
    yield from (f"note: {note}" for note in report.notes)


def _who(report: Report) -> str:
    return (
        ", ".join(part for part in (f"guard {report.guard}" if report.guard else "", report.model) if part)
        or "predictions"
    )


def _part(mode: str, part: Part) -> Iterator[str | Grid]:
    why = (
        f" ({', '.join(f'{why} {count:,}' for why, count in part.unread.items())}), counted wrong"
        if part.unread
        else ""
    )
    yield f"\n{_OF[mode]}: {part.read:,} of {part.n:,} read, {part.n - part.read:,} unreadable{why}"
    if part.published is not None:
        rates = [*((f"  {name}", one) for name, one in part.published.sources.items())]
        yield ""
        yield Grid(
            ("as published (unread: the opposite)", "rows", "accuracy", "F1 unsafe", "F1 safe"),
            [_rates(name, one) for name, one in [*rates, ("mean of sources", part.published.average)]],
        )
    named = [("all, strict" if part.loose else "all", part.strict)]
    named += [("all, loose", part.loose)] if part.loose else []
    named += [("all of its own categories", part.inside)] if part.inside else []
    rows = [_tally(name, one) for name, one in named]
    for facet, groups in part.groups.items():
        rows.append([f"by {facet}", *[""] * len(_FIGURES)])
        rows += [_tally(f"  {name}", one) for name, one in groups.items()]
    yield ""
    yield Grid(("unread apart, 95 % intervals", *_FIGURES), rows)
    if "source" in part.groups:
        yield "mean of sources: " + ", ".join(f"{name} {_plain(value)}" for name, value in _means(part))
    yield from _more(part)


def _more(part: Part) -> Iterator[str]:
    if part.refusals:
        yield f"refusals seen: F1 {_told(part.refusals.f1_unsafe)}, {part.refusals.n:,} rows, {part.refusals.unread:,} without a word on it"
    if part.categories:
        found = part.categories
        yield (
            f"categories: {found.n:,} rows; all named {_told(found.exact)}, one at least {_told(found.met)}; F1 {found.micro_f1:.3f} micro, "
            f"{found.macro_f1:.3f} macro"
        )
    for name, one in part.scores.items():
        cut = one.threshold
        from_on = "no threshold" if cut.value is None else f"unsafe from {cut.value:.4f} on"
        yield (
            f"probabilities, {name}: {one.n:,} rows ({one.missing:,} without); AUROC {one.auroc:.4f}, AUPRC {one.auprc:.4f}, calibration "
            f"error {one.ece:.4f}; at {cut.chosen:.1%} false alarms: {from_on}, recall {cut.recall:.1%} (alarms {cut.alarms:.2%})"
        )
    if part.no_scores:
        yield f"probabilities: none; {part.no_scores}"


def _means(part: Part) -> list[tuple[str, float | None]]:
    mean = part.mean
    return [("accuracy", mean.accuracy), ("F1 unsafe", mean.f1_unsafe), ("F1 safe", mean.f1_safe)]


def _rates(name: str, one: Rates) -> list[str]:
    return [name, f"{one.n:,}", _plain(one.accuracy), _plain(one.f1_unsafe), _plain(one.f1_safe)]


def _tally(name: str, one: Tally) -> list[str]:
    figures = map(_told, (one.accuracy, one.f1_unsafe, one.f1_safe))
    shares = map(_share, (one.precision, one.recall, one.alarms))
    return [_cut(name), f"{one.n:,}", f"{one.unsafe:,}", f"{one.unread:,}", *figures, *shares]


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _told(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.value:.3f} ({figure.low:.3f}-{figure.high:.3f})"


def _share(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.value:.1%}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


CARD: Final = "<!-- synth eval -->\n"
"""How the block for a model's card begins."""


def card(report: Report) -> str:
    """The evaluation as a block of Markdown, for a model's card."""
    return CARD + "\n".join(_card(report)) + "\n"


def _card(report: Report) -> Iterator[str]:
    yield f"## {_cell(report.test)}\n"
    yield f"{report.rows:,} rows; {_cell(_who(report))}. 95 % intervals in brackets; answers that cannot be read count as wrong."
    for mode, part in report.parts.items():
        yield f"\n### {_OF[mode].capitalize()}\n"
        yield from _rows(part.strict, part)
        if part.published is not None:
            yield "\nAs Libra-Test is scored (what cannot be read is the opposite of the label):\n"
            yield "| source | n | accuracy | F1 unsafe | F1 safe |\n|---|---|---|---|---|"
            rates: Mapping[str, Rates] = {**part.published.sources, "mean": part.published.average}
            for name, one in rates.items():
                yield f"| {_cell(name)} | {one.n:,} | {_plain(one.accuracy)} | {_plain(one.f1_unsafe)} | {_plain(one.f1_safe)} |"
        yield from (f"\n{line}" for line in _more(part))
    if report.alarms:
        yield "\n| called unsafe, and should not be | n | unread | share |\n|---|---|---|---|"
        for name, figure in report.alarms.items():
            yield f"| {_cell(name)} | {report.alarm_rows[name]:,} | {report.alarm_unread[name]:,} | {_told(figure)} |"


def _rows(strict: Tally, part: Part) -> Iterator[str]:
    yield "| rows | n | unread | accuracy | F1 unsafe | F1 safe | precision | recall | false alarms |"
    yield "|---|---|---|---|---|---|---|---|---|"
    named = [("all, strict" if part.loose else "all", strict), *([("all, loose", part.loose)] if part.loose else [])]
    named += [("all of its own categories", part.inside)] if part.inside else []
    for name, one in [*named, *part.groups.get("source", {}).items()]:
        figures = (one.accuracy, one.f1_unsafe, one.f1_safe, one.precision, one.recall, one.alarms)
        yield f"| {_cell(name)} | {one.n:,} | {one.unread:,} | {' | '.join(map(_told, figures))} |"


def _cell(text: str) -> str:
    """Untrusted text within a table of Markdown."""
    return for_terminal(" ".join(text.split())).translate({ord(c): f"\\{c}" for c in "|`*_[]<>\\"})
