"""The section of the dataset card on diversity: a run's queries and answers beside real sets of questions."""

from collections.abc import Iterator, Mapping
from typing import Any

from synth.dataset.cell import in_cell

_MEASURES = ("distinct_2", "self_bleu", "vendi", "nearest", "openings", "opening")


def diversity_section(found: Mapping[str, Any]) -> list[str]:
    """The card's lines on how much rows differ from each other; none where nothing was measured."""
    kinds = found.get("kinds") or {}
    if not kinds:
        return []
    lines = [
        "## Diversity",
        "",
        "Of up to 200 queries of 20 to 60 characters each, one of a family; beside real sets of Chinese questions. distinct-2: different character bigrams",
        "of all; self-BLEU-4: how much of a query the others hold; Vendi: how many wholly different ones 200 are worth; nearest: bigrams shared with",
        "the nearest other; openings: different first four characters, and the share of the commonest.",
        "",
        "| queries | n | median length | distinct-2 | self-BLEU-4 | Vendi | nearest | openings | commonest |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_line(f"**{kind}**", one["matched"], one["matched"]["n"]) for kind, one in kinds.items() if one["matched"]),
        *(_line(in_cell(one["set"]), one, "200") for one in found.get("real") or ()),
        "",
    ]
    return [*lines, *_behaviours(found.get("behaviours") or {}), *_forms(kinds), *_answers(kinds)]


def _line(name: str, measures: Mapping[str, Any], n: object) -> str:
    values = " | ".join(f"{measures[name]:.0f}" if name == "vendi" else f"{measures[name]:.2f}" for name in _MEASURES)
    return f"| {name} | {n} | {measures['length']:.0f} | {values} |"


def _behaviours(found: Mapping[str, Any]) -> Iterator[str]:
    if found.get("possible"):
        yield f"- behaviours in harmful rows: {found['reached']:,} of {found['possible']:,}"
    if found.get("largest"):
        first = found["largest"][0]
        yield f"- largest share of one behaviour in a cell: {first['count']} of {first['n']} rows ({in_cell(first['cell'])})"


def _forms(kinds: Mapping[str, Any]) -> Iterator[str]:
    for kind, one in kinds.items():
        forms = ", ".join(f"{form} {share:.0%}" for form, share in one["forms"].items())
        again = ", ".join(f"{in_cell(axis)} {share:.0%}" for axis, share in one["found"].items())
        yield f"- {kind} queries, of {one['rows']} rows: {forms}" + (
            f"; found in the text of what was drawn: {again}" if again else ""
        )


def _answers(kinds: Mapping[str, Any]) -> Iterator[str]:
    for kind, one in kinds.items():
        for label, told in one["answers"].items():
            words = f"median {told['length']:.0f} characters, {told['lines']:.0f} lines, {told['lists']:.0%} lists"
            yield f"- answers to {kind} queries labelled {in_cell(label)}: {words}"
    if told := kinds.get("harmful", {}).get("telling"):
        features = ", ".join(f"{name} {value:.2f}" for name, value in told.items())
        yield f"- a single feature of its answer tells the label of a harmful row with a balanced accuracy of: {features} (0.5 is chance; aim at 0.60 or less)"
    yield ""
