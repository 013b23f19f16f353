"""Rows and drops to read: a sample of every cell, and of every reason for a drop."""

from synth.report.blocks import Browse, Section, whole
from synth.report.facts import ReportFacts
from synth.report.words import Words


def section(facts: ReportFacts, words: Words) -> Section | None:
    """Where the rows and drops of a data set can be read; None where no text may be shown, or there is none."""
    drops = sum(map(len, facts.drops.values()))
    if not facts.samples or not (facts.rows or drops):
        return None
    look = words("browse_look", rows=whole(facts.counted.rows))
    return Section("browse", words("browse_title"), look, [Browse(len(facts.rows), drops)])
