"""Diversity: how much the queries differ from each other, beside real sets of Chinese questions."""

from collections.abc import Mapping
from typing import Any, Final

from synth.quality.diversity_band import BOUNDS, REAL
from synth.quality.diversity_report import LEAST
from synth.report.blocks import Block, Cell, Column, Figure, Note, Section, Table, figure, share, whole
from synth.report.charts import ACCENT, BAD, INK, band, heat
from synth.report.clip import name
from synth.report.facts import ReportFacts
from synth.report.words import Words

_MEASURES: Final = ("distinct_2", "self_bleu", "vendi", "nearest", "openings", "opening")
_LEAST: Final = ("distinct_2", "vendi", "openings")
"""Measures of which less is worse."""
_COLOURS: Final = {"harmful": BAD, "benign": ACCENT, "ordinary": INK}
_WORST: Final = 15


def section(facts: ReportFacts, words: Words) -> Section | None:
    """The diversity of a run's queries, beside real sets and by lane; None where nothing was measured."""
    told = facts.told("diversity")
    kinds = {kind: one for kind, one in (told.get("kinds") or {}).items() if one.get("matched")}
    if not kinds:
        return None
    real = told.get("real") or REAL
    bands = [(min(one[key] for one in real), max(one[key] for one in real)) for key in _MEASURES]
    points = {_kind(kind, words): [one["matched"][key] for key in _MEASURES] for kind, one in kinds.items()}
    colours = [_COLOURS.get(kind, ACCENT) for kind in kinds]
    drawn = band([words(f"measure_{key}") for key in _MEASURES], bands, points, colours)
    columns = [Column(words("queries_of"), numeric=False), *(Column(words(key)) for key in ("texts", "length"))]
    columns += [Column(words(f"measure_{key}")) for key in _MEASURES]
    rows = [_row(_kind(kind, words), one["matched"], bounded=kind == "harmful") for kind, one in kinds.items()]
    rows += [_row(name(one["set"]), {**one, "n": 200}, bounded=False) for one in real]
    blocks: list[Block] = [
        Figure(words("diversity_figure"), drawn),
        Table(words("diversity_table"), columns, rows),
        Note(words("diversity_about")),
    ]
    blocks += _lanes(told.get("lanes") or {}, words)
    blocks += _behaviours(facts, told.get("behaviours") or {}, words)
    return Section("diversity", words("diversity_title"), words("diversity_look"), blocks)


def _kind(kind: str, words: Words) -> str:
    return words.of("type", kind) or name(kind)


def _row(title: str, told: Mapping[str, Any], *, bounded: bool) -> list[str | Cell]:
    cells: list[str | Cell] = [title, whole(told["n"]), whole(told["length"])]
    for key in _MEASURES:
        bound = BOUNDS.get(key)
        beyond = bounded and told["n"] >= LEAST and bound is not None and bound.beyond(told[key], bound.doubt)
        cells.append(Cell(figure(told[key], 0 if key == "vendi" else 2), "warn" if beyond else "plain"))
    return cells


def _lanes(lanes: Mapping[str, Mapping[str, Any]], words: Words) -> list[Block]:
    """The lanes whose queries are most alike, as a heat map: the deeper, the worse among all lanes."""
    import pandas as pd

    frame = pd.DataFrame.from_dict(
        {lane: {key: told[key] for key in _MEASURES} for lane, told in lanes.items()}, orient="index"
    )
    if len(frame) < 2:
        return []
    ranks = frame.rank(pct=True)
    for key in _LEAST:
        ranks[key] = 1 - ranks[key]
    order = ranks.mean(axis=1).sort_values(ascending=False, kind="stable").index[:_WORST]
    texts = [
        [figure(one, 0 if key == "vendi" else 2) for key, one in zip(_MEASURES, row, strict=True)]
        for row in frame.loc[order].to_numpy()
    ]
    values = [[float(one) for one in row] for row in ranks.loc[order].to_numpy()]
    heads = [words(f"measure_{key}") for key in _MEASURES]
    return [Figure(words("diversity_lanes"), heat([name(one) for one in order], heads, values, texts))]


def _behaviours(facts: ReportFacts, told: Mapping[str, Any], words: Words) -> list[Block]:
    if not told.get("possible") or not told.get("largest"):
        return []
    columns = [
        Column(words("cell"), numeric=False),
        Column(words("behaviour"), numeric=False),
        Column(words("got")),
        Column(words("part")),
    ]
    rows = [
        (
            name(one["cell"]),
            name(one["behaviour"]) if facts.samples else "–",
            f"{whole(one['count'])} / {whole(one['n'])}",
            share(one["count"] / one["n"]),
        )
        for one in told["largest"]
    ]
    title = words("behaviours_title", reached=whole(told["reached"]), possible=whole(told["possible"]))
    return [Table(title, columns, rows)]
