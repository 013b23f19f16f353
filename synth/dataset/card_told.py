"""The facts of a dataset card, as JSON: what is told of the recipe and of what the run came to, before any word is put to it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from synth.backends import _terms
from synth.dataset.card_facts import Facts
from synth.dataset.card_floors import floor_lines
from synth.dataset.card_how import how_made
from synth.recipe.licences import OTHER, Licence
from synth.recipe.schema import Recipe

_LEAST_BENIGN: Final = 0.2
"""Of the safe rows those that answer benign queries, below which the card warns: docs/decisions/010."""
_WIDTH: Final = 20
"""Characters of the longest bar of a chart."""


def told(recipe: Recipe, facts: Facts) -> dict[str, Any]:
    """What a dataset card tells, as JSON: all that its template may speak of, besides an audit."""
    seen = {"examples": [], "redacted": 0, "marked": 0} | dict(facts.shown)
    return {
        "name": recipe.name,
        "about": recipe.about,
        "content": facts.content,
        "stopped": facts.stopped,
        "splits": [{"name": name, "rows": rows} for name, rows in facts.splits.items() if rows],
        "made": _made(recipe, facts.stand_ins),
        "licence": (recipe.output.licence or Licence(id=OTHER)).model_dump(),
        "terms": [_terms_of(one) for one in _terms.writers(recipe)],
        "kinds": _kinds(facts.cells),
        "scenarios": _scenarios(facts),
        "few": _few(recipe, facts.cells),
        **seen,
        "how": how_made(recipe, facts),
        "doubts": [{name: one[name] for name in ("role", "model", "words", "whole")} for one in facts.doubts],
        "agreement": _agreement(facts.agreement),
        "controls": [_control(one) for one in facts.controls],
        "diversity": _diversity(facts.diversity),
        "floors": list(floor_lines(facts.cells)),
        "cells": [_cell(one) for one in facts.cells],
        "dropped": [{"reason": reason, "count": count} for reason, count in facts.dropped.items()],
    }


def _made(recipe: Recipe, made_up: Collection[str]) -> dict[str, Any]:
    """Who made the rows: models by name with their roles, what stood in for one, and the models whose replies a server made up."""
    found: dict[bool, dict[tuple[str, str], list[str]]] = {True: {}, False: {}}
    for name in dict.fromkeys(role for _, role in recipe.role_uses()):
        role = recipe.models[name]
        found[role.answering.STAND_IN].setdefault((role.named, role.answerer), []).append(name)
    models, stand_ins = (
        [{"model": model, "backend": backend, "roles": roles} for (model, backend), roles in found[kind].items()]
        for kind in (False, True)
    )
    source = "run" if recipe.from_run else "file" if recipe.from_file else "written"
    posed = [one for one in models if one["model"] in made_up]
    return {"models": models, "stand_ins": stand_ins, "posed": posed, "source": source, "answers": recipe.answers}


def _terms_of(writer: _terms.Writer) -> dict[str, Any]:
    found = {"who": writer.name, "roles": list(writer.roles), "provider": writer.provider, "known": bool(writer.terms)}
    told = writer.terms.model_dump(mode="json") if writer.terms else dict.fromkeys(_terms.Terms.model_fields, "")
    return found | {name: told[name] for name in ("name", "outputs", "says", "must", "source", "date")}


def _kinds(cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Accepted rows by kind of query and label, with a bar each."""
    rows: dict[tuple[str, str], int] = {}
    for cell in cells:
        key = (cell["query_type"], cell["label"])
        rows[key] = rows.get(key, 0) + cell["accepted"]
    return _bars([{"query_type": kind, "label": label, "rows": count} for (kind, label), count in rows.items()])


def _scenarios(facts: Facts) -> list[dict[str, Any]]:
    counted: dict[str, dict[str, Any]] = {}
    for cell in facts.cells:
        id = cell.get("scenario") or cell["subcategory"].partition(".")[0]
        one = counted.setdefault(id, {"id": id, "name": facts.scenarios.get(id, ""), "rows": 0, "subcategories": []})
        one["rows"] += cell["accepted"]
        one["subcategories"] = list(dict.fromkeys((*one["subcategories"], cell["subcategory"])))
    return _bars([one | {"subcategories": len(one["subcategories"])} for one in counted.values()])


def _bars(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    total, most = sum(one["rows"] for one in found), max((one["rows"] for one in found), default=0)
    return [
        one
        | {
            "share": one["rows"] / total if total else 0.0,
            "bar": "█" * round(_WIDTH * one["rows"] / most) if most else "",
        }
        for one in found
    ]


def _few(recipe: Recipe, cells: Sequence[Mapping[str, Any]]) -> dict[str, int] | None:
    """How many of the safe rows answer benign queries, where those are few."""
    safe = [cell for cell in cells if cell["label"] == recipe.scheme.safe]
    rows = sum(cell["accepted"] for cell in safe)
    benign = sum(cell["accepted"] for cell in safe if cell["query_type"] == "benign")
    return {"safe": rows, "benign": benign} if benign < _LEAST_BENIGN * rows else None


def _agreement(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """How far the judges agree; None where nothing was judged."""
    if not found or not found["overall"]["n"]:
        return None
    shares = [one.get("labels") or {"unsafe": one["unsafe"]} for one in found["judges"]]
    judges = [
        {name: one[name] for name in ("judge", "model", "n", "no_verdict", "bias")} | {"shares": list(said.values())}
        for one, said in zip(found["judges"], shares, strict=True)
    ]
    pairs = found["pairs"] if len(found["pairs"]) > 1 else ()
    answerers = found.get("answerers") or []
    return {
        "labels": list(shares[0]),
        "judges": judges,
        "overall": [
            _agreed("all", found["overall"]),
            *(_agreed(" and ".join(pair["judges"]), pair) for pair in pairs),
        ],
        "subcategories": [_agreed(one["subcategory"], one) for one in found["subcategories"]],
        "answerers": answerers if len(answerers) > 1 and len(answerers[0]["judges"]) > 1 else [],
    }


def _agreed(name: str, one: Mapping[str, Any]) -> dict[str, Any]:
    kappa = None if one.get("rare") else one["kappa"]
    return {"name": name, "n": one["n"], "agreed": one["agreed"], "kappa": kappa, "ac1": one.get("ac1")}


def _control(one: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: one[name] for name in ("role", "model", "right", "n", "low", "high", "verdict")}
    late = one["lately"]
    return named | {"lately": late and {name: late[name] for name in ("right", "n", "fell")}}


def _diversity(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """How much rows differ from each other; None where nothing was measured."""
    kinds = found.get("kinds") or {}
    if not kinds:
        return None
    behaviours = found.get("behaviours") or {}
    return {
        "kinds": [
            {
                "kind": kind,
                "rows": one["rows"],
                "matched": one["matched"],
                "forms": _named(one["forms"]),
                "found": _named(one["found"]),
                "answers": [
                    {"label": label} | {name: told[name] for name in ("length", "lines", "lists")}
                    for label, told in one["answers"].items()
                ],
            }
            for kind, one in kinds.items()
        ],
        "real": list(found.get("real") or ()),
        "reached": behaviours.get("reached"),
        "possible": behaviours.get("possible"),
        "largest": (behaviours.get("largest") or [None])[0],
        "telling": _named(kinds.get("harmful", {}).get("telling") or {}),
    }


def _named(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _cell(one: Mapping[str, Any]) -> dict[str, Any]:
    names = ("subcategory", "name", "query_type", "label", "accepted", "target", "status")
    return {name: one[name] for name in names} | {"doubtful": bool(one.get("doubtful"))}
