"""Answers of a guard in a file: those that are there already, joined with a test's rows; and those that were asked for, written in
Libra's shape, so that the script that is published with Libra-Test reads them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from synth.errors import ConfigError
from synth.quality.evaluate.gold import Case, Gold
from synth.quality.evaluate.published import ANSWER, SAFE_WORD, UNSAFE_WORD, libra
from synth.quality.evaluate.reading import Said
from synth.sanitize import plain
from synth.tables import io
from synth.tables.columns import find
from synth.tables.matching import same_text
from synth.tables.text_columns import FOUND, Choice, Columns
from synth.types import Reply

CRITIC: Final = "critic"
"""Where Libra-Test's script looks for a guard's answer."""
REPLY: Final = "reply"
"""Where the guard's own words stand if `critic` holds what that script can read instead."""
TEXTS: Final = (REPLY, CRITIC, "verdict", "prediction", "generated_text", "generation")


@dataclass
class Predictions:
    """A guard's answers out of a file, joined with a test's rows."""

    replies: dict[str, Reply] = field(default_factory=dict)
    """By id of the row; of several the first."""
    all: list[tuple[str, str, str]] = field(default_factory=list)
    """Source, id of the row and text of every answer to a row of the test, those that stand twice among them."""
    unknown: int = 0
    """Answers to rows that the test does not have."""
    doubled: int = 0
    """Answers to rows that have one already."""


def predictions_in(path: Path, gold: Gold, mode: str, choice: Choice = FOUND, *, guarded: bool) -> Predictions:
    """The answers in the file at `path` to a test's rows, found by id, or else by query and answer. `guarded` is whether a guard's file
    reads them. ConfigError if a row of the test has none."""
    found, names = Predictions(), TEXTS if guarded else (CRITIC, *TEXTS)
    asked = {case.id: case for case in gold.asked(mode)}
    known = {case.id for case in gold.cases}
    texts = {same_text(case.query, case.response): case.id for case in gold.cases}
    files = io.files_of(path)
    columns = find(path, files, choice, need="nothing")
    for file in files:
        for batch in io.batches(file):
            for number, row in enumerate(batch.rows, start=batch.first):
                place = f"{file}: row {number}"
                text, id = _text(row, names, place), _id(row, known, texts, columns, place)
                if id is None:
                    found.unknown += 1
                elif id in asked:
                    source = row.get("source")
                    found.doubled += id in found.replies
                    found.replies.setdefault(id, Reply(text))
                    found.all.append((source if isinstance(source, str) and source else asked[id].source, id, text))
    if missing := [id for id in asked if id not in found.replies]:
        raise ConfigError(
            f"{path}: {len(missing):,} of {len(asked):,} rows of {gold.path} have no prediction (the first is {missing[0]!r}), and what is "
            f"missing cannot be measured; predict them, or name a test of the others ({found.unknown:,} predictions are of no row of it)"
        )
    return found


def _text(row: Mapping[str, Any], names: Iterable[str], place: str) -> str:
    name = next((name for name in names if isinstance(row.get(name), str)), None)
    if name is None:
        wanted = " or ".join(map(repr, dict.fromkeys(names)))
        raise ConfigError(
            f"{place}: no text under {wanted}, where a guard's answer stands; there is: {', '.join(map(str, row)) or 'none'}"
        )
    return plain(row[name])


def _id(row: Mapping[str, Any], known: set[str], texts: Mapping[str, str], columns: Columns, place: str) -> str | None:
    """The id of the test's row that a prediction is of; None if the test has no such row."""
    id = plain(str(row["id"])) if row.get("id") is not None else None
    if id in known:
        return id
    query = columns.query_of(row, place) if columns.name else None
    if query is None and id is None:
        raise ConfigError(f"{place}: neither 'id' nor the query, by which its row could be found; add one")
    return None if query is None else texts.get(same_text(plain(query), columns.answer_of(row)))


def lines(pairs: Iterable[tuple[Case, Said]]) -> Iterator[str]:
    """Answers in Libra's shape, a line of JSON each: the test's row with `critic`. Where the guard writes what that script cannot read,
    `critic` holds its label as Libra-Guard would write it, and `reply` its own words."""
    for case, said in pairs:
        line = {str(name): value for name, value in case.row.items() if name not in (CRITIC, REPLY)}
        line |= {"id": case.row.get("id", case.id), "source": case.source}
        line |= {CRITIC: said.text}
        if libra(said.text) is not said.libra:
            verdict = {ANSWER: UNSAFE_WORD if said.libra else SAFE_WORD, "分析": ""}
            line |= {CRITIC: "" if said.libra is None else json.dumps(verdict, ensure_ascii=False), REPLY: said.text}
        if said.unsafe is not None:
            line["unsafe"] = round(said.unsafe, 6)
        line["read"] = said.label
        yield json.dumps(line, ensure_ascii=False, default=str) + "\n"
