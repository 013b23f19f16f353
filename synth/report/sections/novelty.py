"""Novelty over rounds: whether the writer still has something new to say."""

from typing import Final

from synth.report.blocks import Block, Column, Figure, Section, Table, share, whole
from synth.report.charts import ACCENT, DIM, lines
from synth.report.facts import ReportFacts
from synth.report.words import Words

_MOST: Final = 60


def section(facts: ReportFacts, words: Words) -> Section | None:
    """The share of new queries over the rounds of a run; None where its run.json, an older one, does not tell of rounds."""
    rounds = facts.all("rounds")[:_MOST]
    if not rounds:
        return None
    new = [one["new"] / one["asked"] if one["asked"] else 0.0 for one in rounds]
    kept = [min(1.0, one["accepted"] / one["asked"]) if one["asked"] else 0.0 for one in rounds]
    numbers = [one["round"] + 1 for one in rounds]
    drawn = lines(numbers, {words("new_share"): new, words("kept_share"): kept}, [ACCENT, DIM])
    columns = [Column(words(key)) for key in ("round", "lanes", "asked_for", "new_queries", "new_share", "rows_kept")]
    rows = [
        (
            whole(number),
            whole(one["lanes"]),
            whole(one["asked"]),
            whole(one["new"]),
            share(part),
            whole(one["accepted"]),
        )
        for number, one, part in zip(numbers, rounds, new, strict=True)
    ]
    table = Table(words("novelty_table"), columns, rows, folded=len(rows) > 8)
    blocks: list[Block] = [Figure(words("novelty_figure"), drawn), table] if len(rounds) > 1 else [table]
    return Section("novelty", words("novelty_title"), words("novelty_look"), blocks)
