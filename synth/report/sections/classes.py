"""What answers do and how they were asked for, by label."""

from typing import TYPE_CHECKING, Final

from synth.recipe.labels import column
from synth.report.blocks import Block, Column, Figure, Section, Table, whole
from synth.report.charts import heat
from synth.report.clip import name
from synth.report.facts import ReportFacts
from synth.report.words import Words

if TYPE_CHECKING:
    import pandas as pd

_MOST: Final = 20


def section(facts: ReportFacts, words: Words) -> Section | None:
    """The classes and stances of a data set's answers by label, and who gave them; None where there are no rows."""
    if not facts.counted.rows:
        return None
    blocks: list[Block] = []
    for table, key, title in (("classes", "response_class", "class"), ("stances", "stance", "stance")):
        frame = _crossed(facts.counted.frame(table), key)
        if frame is not None:
            blocks.append(_drawn(frame, words(f"{title}_figure"), title, words))
    blocks.append(_answerers(facts, words))
    return Section("classes", words("classes_title"), words("classes_look"), blocks)


def _crossed(frame: "pd.DataFrame", key: str) -> "pd.DataFrame | None":
    frame = frame[(frame["label"] != "") & (frame[key] != "")]
    if frame.empty:
        return None
    cells = [column(kind, label) for kind, label in zip(frame["query_type"], frame["label"], strict=True)]
    crossed = frame.assign(cell=cells).pivot_table(
        index=key, columns="cell", values="rows", aggfunc="sum", fill_value=0
    )
    return crossed.loc[crossed.sum(axis=1).sort_values(ascending=False, kind="stable").index[:_MOST]].iloc[:, :_MOST]


def _drawn(frame: "pd.DataFrame", title: str, kind: str, words: Words) -> Figure:
    """Each column as shares of its sum, with counts."""
    parts = frame / frame.sum().clip(lower=1)
    rows = [words.of(kind, str(one)) or name(one) for one in frame.index]
    values: list[list[float | None]] = [[float(one) if one else None for one in row] for row in parts.to_numpy()]
    return Figure(
        title, heat(rows, list(frame.columns), values, [[whole(one) for one in row] for row in frame.to_numpy()])
    )


def _answerers(facts: ReportFacts, words: Words) -> Table:
    frame = facts.counted.frame("answerers")
    frame = frame[frame["label"] != ""]
    table = frame.pivot_table(index="responder", columns="label", values="rows", aggfunc="sum", fill_value=0)
    table = table.loc[table.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    columns = [
        Column(words("answerer"), numeric=False),
        Column(words("rows")),
        *(Column(name(one)) for one in table.columns[:_MOST]),
    ]
    rows = [
        (name(who) or "–", whole(counts.sum()), *(whole(one) for one in counts.to_numpy()[:_MOST]))
        for who, counts in table.iloc[:_MOST].iterrows()
    ]
    return Table(words("answerers_title"), columns, rows, max(0, len(table) - _MOST))
