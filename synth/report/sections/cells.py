"""Cells: what was wanted, what was got, how many slots it took, what it cost."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from synth.recipe.labels import column
from synth.report.blocks import Cell, Column, Figure, Section, Table, cut, figure, share, whole
from synth.report.charts import heat
from synth.report.clip import line, name
from synth.report.facts import ReportFacts
from synth.report.words import Words

_MOST: Final = 300
_OPEN: Final = 30
"""Cells of a table that stands open."""
_DRAWN: Final = 60


def section(facts: ReportFacts, words: Words) -> Section:
    """The cells of a run, those first that fell short, then those that took most slots a row."""
    cells = sorted(facts.run["cells"], key=_worst)
    shown, more = cut(cells, _MOST)
    rows = [_row(cell, words) for cell in shown]
    tables = [Table(words("cells_table"), _columns(words), rows, more, folded=len(rows) > _OPEN)]
    short = [cell for cell in cells if cell["status"] != "met"][:_OPEN]
    if short and len(rows) > _OPEN:
        tables.insert(0, Table(words("cells_short"), _columns(words), [_row(cell, words) for cell in short]))
    filled = _filled(facts.run["cells"], words)
    return Section("cells", words("cells_title"), words("cells_look"), [*filled, *tables])


def _worst(cell: Mapping[str, Any]) -> tuple[bool, float, str]:
    return cell["status"] == "met", _yield(cell) if _yield(cell) is not None else 2.0, str(cell["subcategory"])  # type: ignore[return-value]


def _yield(cell: Mapping[str, Any]) -> float | None:
    return cell["hits"] / cell["slots"] if cell.get("slots") else None


def _columns(words: Words) -> Sequence[Column]:
    named = [Column(words("category"), numeric=False), Column(words("cell"), numeric=False)]
    counted = [Column(words(key)) for key in ("wanted", "got", "yield", "tokens", "cost", "cost_per_row")]
    return [*named, *counted, Column(words("status"), numeric=False)]


def _row(cell: Mapping[str, Any], words: Words) -> Sequence[str | Cell]:
    target, got = cell["target"], cell["accepted"]
    met = cell["status"] == "met"
    return (
        f"{name(cell.get('name') or '')} {name(cell['subcategory'])}",
        f"{name(cell['query_type'])} / {name(cell['label'])}",
        words("all") if target is None else whole(target),
        Cell(whole(got), "plain" if met else "warn", None if not target else min(1.0, got / target)),
        share(_yield(cell)),
        whole(cell.get("tokens")),
        figure(cell.get("cost"), 4),
        figure(cell.get("cost_per_row"), 4),
        Cell(status(cell, words), "good" if met else "warn"),
    )


def status(cell: Mapping[str, Any], words: Words) -> str:
    """How a cell ended, in a report's words, with its grounds."""
    kind, _, reason = str(cell["status"]).partition(": ")
    told = words.of("status", kind) or name(kind)
    grounds = (cell.get("grounds") or {}).get("words")
    more = [line(one) for one in (reason, grounds if words.lang == "en" else None) if one]
    return ": ".join([told, ", ".join(more)]) if more else told


def _filled(cells: Sequence[Mapping[str, Any]], words: Words) -> Sequence[Figure]:
    """How full the cells of each subcategory are, as a heat map; none where they all are, or there are too many to see anything."""
    import pandas as pd

    if not cells or all(cell["status"] == "met" for cell in cells):
        return []
    held = pd.DataFrame(
        [
            (
                str(one.get("name") or one["subcategory"]),
                column(one["query_type"], one["label"]),
                one["accepted"],
                one["target"] or 0,
            )
            for one in cells
        ],
        columns=["name", "cell", "accepted", "target"],
    )
    table = held.pivot_table(index="name", columns="cell", values=["accepted", "target"], aggfunc="sum", sort=False)
    lack = (table["accepted"].sum(axis=1) / table["target"].sum(axis=1).clip(lower=1)).sort_values(kind="stable")
    table = table.loc[lack.index[:_DRAWN]]
    part = table["accepted"] / table["target"].where(table["target"] > 0)
    values = [[None if pd.isna(one) else float(one) for one in row] for row in part.to_numpy()]
    texts = [
        [f"{got:.0f}/{wanted:.0f}" if not pd.isna(wanted) and wanted else "" for got, wanted in zip(*rows, strict=True)]
        for rows in zip(table["accepted"].to_numpy(), table["target"].to_numpy(), strict=True)
    ]
    return [Figure(words("cells_figure"), heat(list(part.index), list(part.columns), values, texts))]
