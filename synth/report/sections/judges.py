"""Judges: how far they agree, who stands apart, on whose answers."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from synth.quality.agreement import kappa, shares
from synth.report.blocks import Block, Cell, Column, Figure, Section, Table, Tone, cut, figure, share, whole
from synth.report.charts import heat
from synth.report.clip import name
from synth.report.facts import ReportFacts
from synth.report.words import Words

_MOST: Final = 40
_FAR: Final = 0.1
"""How far a judge may be from the panel before it is marked."""


def section(facts: ReportFacts, words: Words) -> Section | None:
    """How the judges of a run agree; None where nothing was judged."""
    found = facts.told("agreement")
    if not (found.get("overall") or {}).get("n"):
        return None
    blocks: list[Block] = [_each(found["judges"], words), _together(found, words)]
    if drawn := _answerers(found.get("answerers") or [], words):
        blocks.append(drawn)
    blocks.append(_subcategories(found["subcategories"], words))
    return Section("judges", words("judges_title"), words("judges_look"), blocks)


def _each(judges: Sequence[Mapping[str, Any]], words: Words) -> Table:
    names = list(shares(judges[0]))
    columns = [
        Column(words("judge"), numeric=False),
        Column(words("model"), numeric=False),
        Column(words("judged")),
        Column(words("no_verdict")),
    ]
    columns += [*(Column(words("says", label=label)) for label in names), Column(words("bias"))]
    rows: list[list[str | Cell]] = [
        [
            name(one["judge"]),
            name(one["model"]),
            whole(one["n"]),
            share(one["no_verdict"], 1),
            *(share(part, 1) for part in shares(one).values()),
            Cell(_signed(one["bias"]), _tone(one["bias"])),
        ]
        for one in judges[:_MOST]
    ]
    return Table(words("judges_each"), columns, rows)


def _signed(value: float | None) -> str:
    return share(None) if value is None else f"{value:+.1%}"


def _tone(bias: float | None) -> Tone:
    return "warn" if bias is not None and abs(bias) > _FAR else "plain"


def _together(found: Mapping[str, Any], words: Words) -> Table:
    pairs = found["pairs"] if len(found["pairs"]) > 1 else []
    rows = [(words("all_judges"), found["overall"]), *((" · ".join(pair["judges"]), pair) for pair in pairs[:_MOST])]
    return Table(
        words("judges_together"), _agreeing(words("judges_who"), words), [_agreed(title, one) for title, one in rows]
    )


def _agreeing(first: str, words: Words) -> Sequence[Column]:
    return [Column(first, numeric=False), *(Column(words(key)) for key in ("judged", "agreed", "kappa", "ac1"))]


def _agreed(title: str, one: Mapping[str, Any]) -> Sequence[str]:
    return name(title), whole(one["n"]), share(one["agreed"], 1), figure(kappa(one)), figure(one.get("ac1"))


def _subcategories(found: Sequence[Mapping[str, Any]], words: Words) -> Table:
    """By subcategory, the one on which the judges agree least first."""
    order = sorted(found, key=lambda one: (one["agreed"] if one["agreed"] is not None else 2.0, one["subcategory"]))
    shown, more = cut(order, _MOST)
    rows = [_agreed(str(one["subcategory"]), one) for one in shown]
    return Table(words("judges_by"), _agreeing(words("category"), words), rows, more, folded=len(rows) > 15)


def _answerers(found: Sequence[Mapping[str, Any]], words: Words) -> Figure | None:
    """How far each judge is from the panel on the answers of each answerer: who spares its own family."""
    if not found or len(found[0]["judges"]) < 2:
        return None
    shown = found[:_MOST]
    heads = [one["judge"] for one in shown[0]["judges"]]
    values = [[min(1.0, abs(judge["bias"] or 0.0) / 0.2) for judge in one["judges"]] for one in shown]
    texts = [[_signed(judge["bias"]) for judge in one["judges"]] for one in shown]
    return Figure(words("judges_answerers"), heat([one["answerer"] for one in shown], heads, values, texts))
