"""Lengths and forms by label: what a guard might learn in place of the meaning."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from synth.quality.diversity_band import TELLING
from synth.quality.diversity_forms import LENGTHS
from synth.report.blocks import Block, Cell, Column, Figure, Section, Table, figure, share, whole
from synth.report.charts import ACCENT, BAD, DIM, GOOD, columns
from synth.report.clip import name
from synth.report.facts import ReportFacts
from synth.report.words import Words

_BINS: Final = (*map(str, LENGTHS), "over")


def section(facts: ReportFacts, words: Words) -> Section | None:
    """Lengths of queries and answers by label, forms, and what a single feature tells of the label; None where there are no rows."""
    if not facts.counted.rows:
        return None
    blocks: list[Block] = [drawn for side in ("answers", "queries") if (drawn := _lengths(facts, side, words))]
    kinds = facts.told("diversity").get("kinds") or {}
    if kinds:
        blocks += [_forms(kinds, words), _answers(kinds, words)]
    if telling := (kinds.get("harmful") or {}).get("telling"):
        blocks.append(_telling(telling, words))
    return Section("lengths", words("lengths_title"), words("lengths_look"), blocks)


def _lengths(facts: ReportFacts, side: str, words: Words) -> Figure | None:
    frame = facts.counted.frame(side)
    key = {"answers": "response_bin", "queries": "query_bin"}[side]
    frame = frame[(frame["label"] != "") & (frame[key] != "")]
    if frame.empty:
        return None
    table = frame.pivot_table(index=key, columns="label", values="rows", aggfunc="sum", fill_value=0)
    table = table.reindex([one for one in _BINS if one in table.index])
    names = [one for one in facts.labels.names if one in table] or list(table.columns)[:4]
    parts = table[names] / table[names].sum().clip(lower=1)
    bins = [f"≤{one}" if one != "over" else f">{LENGTHS[-1]}" for one in table.index]
    return Figure(
        words(f"lengths_{side}"), columns(bins, {one: list(parts[one]) for one in names}, label_colours(facts, names))
    )


def label_colours(facts: ReportFacts, names: Sequence[str]) -> list[str]:
    """A figure's colours for labels: the most severe, the safe one, those in between."""
    fixed = {facts.labels.names[0]: BAD, facts.labels.safe: GOOD}
    others = iter([ACCENT, DIM] * len(names))
    return [fixed.get(one) or next(others) for one in names]


def _forms(kinds: Mapping[str, Any], words: Words) -> Table:
    forms = ("question", "order", "statement")
    heads = [
        Column(words("queries_of"), numeric=False),
        Column(words("rows")),
        *(Column(words(f"form_{one}")) for one in forms),
    ]
    rows = [
        (words.of("type", kind) or name(kind), whole(one["rows"]), *(share(one["forms"].get(form)) for form in forms))
        for kind, one in kinds.items()
    ]
    return Table(words("forms_title"), heads, rows)


def _answers(kinds: Mapping[str, Any], words: Words) -> Table:
    heads = [Column(words("answers_to"), numeric=False), Column(words("label"), numeric=False)]
    heads += [Column(words(key)) for key in ("texts", "length", "text_lines", "lists")]
    rows = [
        (
            words.of("type", kind) or name(kind),
            name(label),
            whole(told["n"]),
            whole(told["length"]),
            whole(told["lines"]),
            share(told["lists"]),
        )
        for kind, one in kinds.items()
        for label, told in one["answers"].items()
    ]
    return Table(words("answer_forms"), heads, rows)


def _telling(telling: Mapping[str, float], words: Words) -> Table:
    heads = [Column(words("feature"), numeric=False), Column(words("balanced"))]
    rows = [
        (words.of("feature", key) or name(key), Cell(figure(value), "warn" if value > TELLING else "plain"))
        for key, value in telling.items()
    ]
    return Table(words("telling_title", most=f"{TELLING:.2f}"), heads, rows)
