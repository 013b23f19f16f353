"""The section of the dataset card on its judges: how far they agree, over every row they judged, and on whose answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from synth.dataset.cell import in_cell

_ABOUT = (
    "Over every row that was judged, kept or not. Kappa is Cohen's for two judges, Fleiss' for more; where one label is so rare that it says "
    "nothing it is left out. AC1 is Gwet's."
)


def agreement_section(found: Mapping[str, Any]) -> list[str]:
    """The card's lines on how far its judges agree, of what `agreement` gave; none where nothing was judged."""
    if not found or not found["overall"]["n"]:
        return []
    lines = [
        "## Judges",
        "",
        _ABOUT,
        "",
    ]
    each = [one.get("labels") or {"unsafe": one["unsafe"]} for one in found["judges"]]
    names = list(each[0])
    lines += [f"| judge | model | judged | no verdict | {' | '.join(names)} | against the panel |"]
    lines += ["|---|---|---|---|---|" + "---|" * len(names)]
    lines += [
        f"| {in_cell(one['judge'])} | {in_cell(one['model'])} | {one['n']} | {_share(one['no_verdict'])} |"
        f" {' | '.join(map(_share, shares.values()))} | {_share(one['bias'], sign='+')} |"
        for one, shares in zip(found["judges"], each, strict=True)
    ]
    lines += ["", "| rows with a verdict of every judge | n | agreed | kappa | AC1 |", "|---|---|---|---|---|"]
    parts = [
        ("all", found["overall"]),
        *(((" and ").join(pair["judges"]), pair) for pair in found["pairs"] if len(found["pairs"]) > 1),
        *((one["subcategory"], one) for one in found["subcategories"]),
    ]
    lines += [f"| {in_cell(name)} | {it['n']} | {_share(it['agreed'])} | {_beyond_chance(it)} |" for name, it in parts]
    return [*lines, "", *_by_answerer(found.get("answerers") or [])]


def _by_answerer(answerers: Sequence[Mapping[str, Any]]) -> list[str]:
    """How the judges vote on whose answers; nothing where there is one answerer or one judge."""
    judges = [in_cell(one["judge"]) for one in answerers[0]["judges"]] if len(answerers) > 1 else []
    if len(judges) < 2:
        return []
    lines = [f"| answers of | n | agreed | AC1 | {' | '.join(f'{judge} against the panel' for judge in judges)} |"]
    lines += ["|---|---|---|---|" + "---|" * len(judges)]
    lines += [
        f"| {in_cell(one['answerer'])} | {one['n']} | {_share(one['agreed'])} | {_figure(one['ac1'])} |"
        f" {' | '.join(_share(judge['bias'], sign='+') for judge in one['judges'])} |"
        for one in answerers
    ]
    return [*lines, ""]


def _beyond_chance(it: Mapping[str, Any]) -> str:
    return f"{_figure(None if it.get('rare') else it['kappa'])} | {_figure(it.get('ac1'))}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _share(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{value:{sign}.1%}"
