"""What `synth new category` says: the draft, the neighbours it collides with, the confusion table, and what to do next."""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from synth.cli.recipe import changed_recipe
from synth.cli.say import complain, give, say
from synth.cli.table import drawn, grid
from synth.engine.budget import Bounds
from synth.quality.metrics import wilson
from synth.recipe.credentials import hidden
from synth.run.category import CategoryOptions, CategoryOutcome, as_json_of, draft_category
from synth.run.category_confusion import DIFFER, NONE, UNREAD, Confusion, Landed
from synth.run.category_draft import Draft
from synth.run.category_file import FOLDER
from synth.run.category_near import SHOWN, Neighbourhood
from synth.run.category_queries import PROMPTS
from synth.run.cost import in_words
from synth.sanitize import shortened

_MEANT = {"harmful": "ill meant", "borderline": "borderline"}
_BESIDES = {NONE: "none of these", DIFFER: "judges differ", UNREAD: "no verdict"}
_ASKED = ("backend", "provider", "base_url", "model")
_ROWS = 20
_EXAMPLES = 3
"""How many queries are shown that landed elsewhere."""
_NAME, _COLUMN = 12, 12
"""Longest name of a category at a row's head and at a column's, in characters of half width."""


def category(text: str, given: dict[str, Any]) -> int:
    """What `synth new category` does: drafts a category of a policy, as the options say, and says what came of it; gives the exit status."""
    as_json = given["as_json"]
    bounds = Bounds(given["max_cost"], given["max_tokens"])
    found = draft_category(
        changed_recipe(given["base"], given), CategoryOptions(text, given["out"], bounds, say=complain)
    )
    commands = _commands(found, given)
    if as_json:
        give(as_json_of(found, commands))
    else:
        for line in _lines(found):
            say(line)
    if found.message:
        complain(found.message)
    elif not as_json:
        say(f"\nread it and change it, then: {hidden(' && '.join(commands))}")
    return found.status


def _commands(found: CategoryOutcome, given: dict[str, Any]) -> list[str]:
    """What to do next: check what came out, then make a few rows of it, asked as the draft was."""
    if found.draft is None or found.path is None:
        return []
    name = found.path.stem if found.path.parent == FOLDER else str(found.path)
    told = [given["base"], "--taxonomy", name]
    asked = [word for option in _ASKED if given[option] for word in (f"--{option.replace('_', '-')}", given[option])]
    folder = Path("runs") / found.draft.subcategory.id.replace(".", "-")
    run = [*told, *asked, "--only", found.draft.subcategory.id, "-n", str(_ROWS), "-o", str(folder)]
    return [f"synth check {shlex.join(told)}", f"synth run {shlex.join(run)}"]


def _lines(found: CategoryOutcome) -> Iterator[str]:
    if found.draft is not None:
        yield from _draft(found.draft)
    if found.around is not None:
        yield from _near(found.around)
    if found.table is not None:
        yield from _table(found.table)
    yield f"\n{found.calls:,} calls now; in {found.folder}: {in_words(found.spent)}"
    if found.frames:
        yield (
            "these are frames of the offline backend, no draft: they show what comes out. "
            "--base-url and --model, or --provider, ask a model"
        )
    if found.path is not None:
        yield f"written: {found.path}"


def _draft(draft: Draft) -> Iterator[str]:
    one = draft.subcategory
    stands = "a scenario of its own" if draft.new else f"in scenario {draft.scenario.id} {draft.scenario.name}"
    yield f"{one.id}  {one.name} ({one.english}), {stands}; drafted by {draft.model}"
    yield f"  definition  {one.definition}"
    for part in ("unsafe", "safe", "borderline"):
        yield f"  {part:<10}  {getattr(one.rule, part)}"
    yield f"  redaction   {one.redaction}; handling {one.handling}"
    left = (
        f"; {draft.left_out} left out, with more than an outline or of a refuse-only subject" if draft.left_out else ""
    )
    yield f"  behaviours  {len(one.behaviours)}: {'、'.join(one.behaviours)}{left}"


def _near(around: Neighbourhood) -> Iterator[str]:
    yield f"\nneighbours, by the words they share (0 none, 1 all; usual between neighbours of this taxonomy: {around.usual:.2f})"
    for one in around.near[:SHOWN]:
        told = [
            *(["collides"] if around.collides(one) else []),
            *(["refuse-only"] if one.subcategory.refuse_only else []),
        ]
        note = f"  [{', '.join(told)}]" if told else ""
        yield f"  {one.similarity:.2f}  {one.subcategory.id}  {one.subcategory.name}{note}"
        for pair in one.pairs:
            yield f"        {pair.own} ~ {pair.theirs} ({pair.similarity:.2f})"


def _table(table: Confusion) -> Iterator[str]:
    besides = [name for name in _BESIDES if any(one.category == name for one in table.landed)]
    columns = [*table.names, *besides]
    heads = [*(_cut(table.names[id], _COLUMN) for id in table.names), *(_BESIDES[name] for name in besides)]
    yield f"\nwhere the judges put {len(table.landed)} queries, and how many of each row they call unsafe"
    rows = []
    for id in table.names:
        for kind in PROMPTS:
            if row := table.row(id, kind):
                counts = Counter(one.category for one in row)
                unsafe = sum(one.label == "unsafe" for one in row)
                cells = [str(counts[column] or "–") for column in columns] + [f"{unsafe} of {len(row)}"]
                rows.append([f"  {_cut(table.names[id], _NAME)} {_MEANT[kind]}", *cells])
    yield drawn(grid(("  written for", *heads, "unsafe"), rows))
    for told, hits in (
        ("in the category they were written for", table.placed),
        ("labelled as they were meant", table.meant),
    ):
        figure = wilson(hits, len(table.landed))
        yield f"  {told}: {hits} of {len(table.landed)} ({figure.value:.0%}, 95 % interval {figure.low:.0%} to {figure.high:.0%})"
    yield from _examples(table)
    yield from (f"  {line}" for line in table.advice())


def _examples(table: Confusion) -> Iterator[str]:
    """Queries of or about the drafted category that landed elsewhere, to be read."""
    own = next(iter(table.names))
    astray = [one for one in table.landed if own in (one.written.subcategory, one.category) and not _right(one)]
    for one in astray[:_EXAMPLES]:
        names: Mapping[str, str] = {**_BESIDES, **table.names}
        meant = f"{table.names[one.written.subcategory]}, {_MEANT[one.written.kind]}"
        yield f"  e.g. {shortened(one.written.query, 80)} (for {meant}; put with {names[one.category]}; label: {_BESIDES.get(one.label, one.label)})"


def _right(one: Landed) -> bool:
    return one.category == one.written.subcategory and one.as_meant


def _cut(text: str, width: int) -> str:
    while _width(text) > width:
        text = text[:-1]
    return text


def _width(text: str) -> int:
    return sum(1 + (east_asian_width(character) in "WF") for character in text)
