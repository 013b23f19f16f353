"""How much the rows of a run differ from each other: measured at its end, of the rows of lowest rank, so that it takes the same time for any N
and comes out the same in whatever order rows came."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final, Protocol

from synth.dataset.rendering import rendered_row
from synth.fold.acceptor import Acceptor
from synth.plan.lanes import BEHAVIOUR
from synth.quality.diversity import TEXTS, diversity, matched
from synth.quality.diversity_band import BOUNDS, LARGEST_SHARE, REAL, TELLING
from synth.quality.diversity_forms import answers, found_again, queries, telling
from synth.quality.doubts.findings import Doubt
from synth.quality.doubts.votes import RoleNames
from synth.recipe.labels import LabelScheme
from synth.types import MarkMode

ROWS: Final = 1_000
"""Rows of a kind of lane that are looked at."""
OF_SUBCATEGORY: Final = 60
LEAST: Final = 100
"""Queries of 20 to 60 characters below which nothing is doubted."""
_FEW: Final = 3
"""Rows of one behaviour that no cell is doubted for."""
_SMALL: Final = 10
"""Rows of a cell below which a share of them says little: cells of more come first."""


class Staged(Protocol):
    """What a diversity report reads of the rows that a fold has staged."""

    @property
    def mark(self) -> MarkMode:
        """How the mark goes out in their answers."""

    def lowest(self, kind: str, most: int) -> Iterator[dict[str, Any]]:
        """The staged rows of a kind of lane, those of lowest rank first."""

    def lowest_by_lane(self, most: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The staged rows of every lane, those of lowest rank first."""

    def behaviours(self) -> Iterator[tuple[str, str, str, int]]:
        """Kind, cell and behaviour of staged rows, and how many have them."""


def report(lanes: Iterable[Acceptor], staged: Staged, labels: LabelScheme) -> dict[str, Any]:
    """The diversity of a run's rows as run.json has it: by kind of lane and by lane, of behaviours, and of answers by label, beside
    real sets. Answers are looked at as they go out."""
    found: dict[str, Any] = {"kinds": {}, "lanes": {}, "behaviours": _behaviours(lanes, staged), "real": list(REAL)}
    for kind in ("harmful", "benign", "ordinary"):
        rows = [rendered_row(row, staged.mark) for row in staged.lowest(kind, ROWS)]
        if not rows:
            continue
        texts = _texts(rows)
        whole, alike = diversity(texts[:TEXTS]), diversity(matched(texts))
        found["kinds"][kind] = {
            "rows": len(rows),
            "measures": whole and _rounded(asdict(whole)),
            "matched": alike and _rounded(asdict(alike)),
            **_rounded(queries(rows)),
            "found": _rounded(found_again(rows)),
            "answers": _rounded(answers(rows, labels.names)),
            "telling": _rounded(telling(rows, labels.unsafe)) if kind == "harmful" else {},
        }
    for lane, rows in staged.lowest_by_lane(OF_SUBCATEGORY):
        if (measured := diversity(_texts(rows))) is not None:
            found["lanes"][lane] = _rounded(asdict(measured))
    return found


def _texts(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """One query of a family, since its augmentations are alike on purpose."""
    roots: dict[str, str] = {}
    for row in rows:
        roots.setdefault(row["root_id"], row["query"])
    return list(roots.values())


def _behaviours(lanes: Iterable[Acceptor], staged: Staged) -> dict[str, Any]:
    """How many behaviours harmful rows were drawn of, of how many; and the cells of which one behaviour has too large a share."""
    banks = [lane.spec.banks.get(BEHAVIOUR, ()) for lane in lanes if lane.spec.lane.query_type == "harmful"]
    cells: dict[str, list[tuple[int, str]]] = {}
    reached: set[str] = set()
    for kind, cell, behaviour, count in staged.behaviours():
        cells.setdefault(cell, []).append((count, behaviour))
        if kind == "harmful":
            reached.add(behaviour)
    largest = [(*max(counts), sum(count for count, _ in counts), cell) for cell, counts in cells.items()]
    over = [count > max(_FEW, LARGEST_SHARE * n) for count, _, n, _ in largest]
    shown = sorted(
        zip(over, largest, strict=True),
        key=lambda one: (not one[0], one[1][2] < _SMALL, -one[1][0] / one[1][2], one[1][3]),
    )
    return {
        "possible": len({value for bank in banks for value in bank}),
        "reached": len(reached),
        "cells": len(cells),
        "over": sum(over),
        "largest": [
            {"cell": cell, "behaviour": behaviour, "count": count, "n": n}
            for _, (count, behaviour, n, cell) in shown[:3]
        ],
    }


def doubts(found: Mapping[str, Any], cast: RoleNames) -> Iterator[Doubt]:
    """What the diversity of a run's harmful queries says against it: doubts about their writers, of which one speaks against the whole only
    where it is far beyond its bound. None where no model wrote them."""
    who = _writers(cast)
    if who is None:
        return
    told = (found.get("kinds") or {}).get("harmful", {}).get("matched")
    if told and told["n"] >= LEAST:
        for name, bound in BOUNDS.items():
            if bound.beyond(told[name], bound.doubt):
                words = f"{bound.words.format(told[name])}; real sets are {'above' if bound.least else 'below'} {bound.doubt:g}"
                whole = bound.beyond(told[name], bound.broken)
                share = told[name] / TEXTS if name == "vendi" else told[name]
                yield _doubt(f"diversity_{name}", who, (round(share * told["n"]), told["n"]), words, whole=whole)
    behaviours = found.get("behaviours") or {}
    if behaviours.get("over"):
        first, cells = behaviours["largest"][0], behaviours["cells"]
        words = f"in {behaviours['over']} of {cells} cells one behaviour has over {LARGEST_SHARE:.0%} of the rows ({first['cell']}: {first['count']} of {first['n']})"
        yield Doubt("diversity_behaviour", *who, behaviours["over"], cells, words, _MORE_BEHAVIOURS, [], whole=False)


def _doubt(kind: str, who: tuple[str, str], count: tuple[int, int], words: str, *, whole: bool) -> Doubt:
    mend = "ask for fewer queries a call, vary more elements, or take another model or a higher temperature"
    return Doubt(kind, *who, *count, words, mend, [], whole)


_MORE_BEHAVIOURS: Final = (
    "give these subcategories more behaviours (ten at least), or draw queries by a sheet (`query.sheet`)"
)


def _writers(cast: RoleNames) -> tuple[str, str] | None:
    """The roles that write queries, and their models; None where there are none, or only made-up ones."""
    source = next(iter(cast.gate), "")
    found = {role: model for (stage, model), role in sorted(cast.roles.items()) if stage == source}
    return (" and ".join(found), " and ".join(dict.fromkeys(found.values()))) if found else None


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(below) for key, below in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def notes(found: Mapping[str, Any], cast: RoleNames) -> Iterator[str]:
    """A line on single features of answers that tell the label of harmful rows better than they should, where models wrote them."""
    told = (found.get("kinds") or {}).get("harmful", {}).get("telling") or {}
    over = ", ".join(f"{name} {value:.2f}" for name, value in told.items() if value > TELLING)
    if over and cast.roles:
        yield f"of harmful rows one feature of the answer tells the label: {over} (balanced accuracy; {TELLING:.2f} at most is aimed at)"
