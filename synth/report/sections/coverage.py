"""Coverage: which values of the banks, and which pairs of them, came to rows."""

from typing import Final

from synth.report.blocks import Block, Column, Figure, Section, Table, cut, whole
from synth.report.charts import heat
from synth.report.clip import name
from synth.report.facts import ReportFacts
from synth.report.words import Words

_AXES: Final = 12
_DRAWN: Final = 45


def section(facts: ReportFacts, words: Words) -> Section | None:
    """How a run's rows cover its banks of elements; None where it has none."""
    axes, pairs = (facts.told("coverage").get(key) or [] for key in ("axes", "pairs"))
    if not axes:
        return None
    shown, more = cut(axes, 2 * _AXES)
    columns = [
        Column(words("axis"), numeric=False),
        *(Column(words(key)) for key in ("values", "asked_each", "rows_each")),
    ]
    rows = [
        (
            _axis(one["axis"], words),
            whole(one["values"]),
            *(f"{whole(least)} – {whole(most)}" for least, most in (one["asked"], one["got"])),
        )
        for one in shown
    ]
    blocks: list[Block] = [Table(words("coverage_axes"), columns, rows, more)]
    names = [one["axis"] for one in axes[:_AXES]]
    if pairs:
        blocks.append(_pairs(names, {tuple(sorted(one["axes"])): one for one in pairs}, words))
    if used := _used(facts, names, words):
        blocks.append(used)
    return Section("coverage", words("coverage_title"), words("coverage_look"), blocks)


def _axis(axis: str, words: Words) -> str:
    return words.of("axis", axis) or name(axis)


def _pairs(names: list[str], pairs: dict[tuple[str, ...], dict[str, int]], words: Words) -> Figure:
    """Of the pairs of values that there could be with so many rows, the share that came to one: axis by axis."""
    values: list[list[float | None]] = []
    texts: list[list[str]] = []
    for one in names[1:]:
        found = [pairs.get(tuple(sorted((one, other)))) for other in names[:-1]]
        told = [
            told if names.index(other) < names.index(one) else None for other, told in zip(names, found, strict=False)
        ]
        values.append([None if it is None else it["got"] / max(1, min(it["possible"], it["asked"])) for it in told])
        texts.append(["" if it is None else whole(it["got"]) for it in told])
    named = [_axis(one, words) for one in names]
    return Figure(words("coverage_pairs"), heat(named[1:], named[:-1], values, texts))


def _used(facts: ReportFacts, names: list[str], words: Words) -> Figure | None:
    """How many values of each axis the rows of a subcategory have, as a share of the most there could be."""
    import pandas as pd

    frame = facts.counted.values()
    if frame.empty:
        return None
    frame = frame[frame["axis"].isin(names)]
    banks = frame.groupby("axis")["value"].nunique()
    used = frame.pivot_table(index="subcategory", columns="axis", values="value", aggfunc="nunique")
    rows = frame.pivot_table(index="subcategory", columns="axis", values="rows", aggfunc="sum")
    most = rows.clip(upper=banks, axis=1)
    part = used / most
    part = part.loc[part.mean(axis=1).sort_values(kind="stable").index[:_DRAWN], [one for one in names if one in part]]
    values = [[None if pd.isna(one) else float(one) for one in row] for row in part.to_numpy()]
    texts = [
        ["" if pd.isna(one) else whole(one) for one in row] for row in used.loc[part.index, part.columns].to_numpy()
    ]
    return Figure(
        words("coverage_used"), heat(list(part.index), [_axis(one, words) for one in part.columns], values, texts)
    )
