"""What the data teaches before a GPU is spent: a linear model over n-grams, on a sample of the rows."""

from typing import Final

from synth.quality.probe.report import Report
from synth.report.blocks import Block, Column, Line, Lines, Section, Table, figure, share, whole
from synth.report.clip import name
from synth.report.facts import ReportFacts
from synth.report.words import Words

_MOST: Final = 20


def section(facts: ReportFacts, words: Words) -> Section | None:
    """What a probe learns from a data set; None where there are too few rows to learn from."""
    found = facts.probe
    if found is None:
        return None
    told = (
        Line("warn", words("probe_warned"), section="doubts") if found.warnings else Line("good", words("probe_calm"))
    )
    blocks: list[Block] = [Lines("", [told]), _views(found, words), _alarms(found, words), _features(found, words)]
    if facts.samples and found.gram:
        blocks.append(_grams(found, words))
    return Section("probe", words("probe_title"), words("probe_look", rows=whole(found.sampled)), blocks)


def _views(found: Report, words: Words) -> Table:
    heads = [
        Column(words("probe_sees"), numeric=False),
        *(Column(words(key)) for key in ("rows", "right", "interval", "auc")),
    ]
    most = max(found.unsafe, found.sampled - found.unsafe) / found.sampled
    rows = [(words("probe_always"), whole(found.sampled), share(most, 1), "", "")]
    for view, rate in found.held_out.items():
        auc = found.auc[view]
        interval = f"{share(rate.low, 1)} – {share(rate.high, 1)}"
        rows.append(
            (
                words(f"view_{view}"),
                whole(rate.of),
                share(rate.value, 1),
                interval,
                figure(auc.value if auc else None, 3),
            )
        )
    return Table(words("probe_views"), heads, rows)


def _alarms(found: Report, words: Words) -> Table:
    heads = [
        Column(words("probe_ordinary"), numeric=False),
        *(Column(words(key)) for key in ("texts", "called_unsafe", "interval")),
    ]
    rows = [
        (
            words.of("alarm", alarm.split()[2] if alarm.startswith("its own") else "shipped") or name(alarm),
            whole(rate.of),
            share(rate.value, 1),
            f"{share(rate.low, 1)} – {share(rate.high, 1)}",
        )
        for alarm, rate in found.false_alarms.items()
    ]
    return Table(words("probe_alarms"), heads, rows)


def _features(found: Report, words: Words) -> Table:
    heads = [Column(words("feature"), numeric=False), Column(words("explains"))]
    rows = [
        (words.of("shortcut", one.name.replace(" ", "_")) or name(one.name), share(one.explained, 1))
        for one in found.features
    ]
    return Table(words("probe_features"), heads, [*rows, (words("probe_refusals"), share(found.refusals, 1))])


def _grams(found: Report, words: Words) -> Table:
    """The n-grams that speak most for a label: a word or two, as they stand in rows."""
    heads = [
        Column(words("gram"), numeric=False),
        Column(words("gram_in"), numeric=False),
        Column(words("gram_safe")),
        Column(words("gram_unsafe")),
    ]
    rows = [
        (name(gram.text), words(f"view_{gram.where}"), whole(gram.safe), whole(gram.unsafe))
        for grams in found.telling.values()
        for gram in grams[: _MOST // 2]
    ]
    return Table(words("probe_grams"), heads, rows, folded=True)
