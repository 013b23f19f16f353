"""What in README and docs/ is written by program is what the program writes now, and says something of everything."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate import columns, messages, recipe_keys
from docs.generate.__main__ import documents
from docs.generate.blocks import TOP
from synth.dataset.rows import COLUMNS, drop_of
from synth.stages.parsing import CLASSES
from synth.types import Drop, Lane

REASON = re.compile(r"[a-z][a-z_]*(\.[a-z_]+)?")
RULES = ("query", "response", "row", "text")


@pytest.fixture(scope="module")
def written() -> dict[Path, str]:
    return documents()


def test_what_is_written_by_program_is_up_to_date(written: dict[Path, str]) -> None:
    stale = [path for path, text in written.items() if path.read_text(encoding="utf-8") != text]
    assert not stale, "run `make docs`"


def test_every_key_of_a_recipe_has_words() -> None:
    blocks = [(place, model) for place, model in recipe_keys.places() if "root" not in model.model_fields]
    found = [(place, row) for place, model in blocks for row in recipe_keys.rows_of(model)]
    assert len(found) > 80
    assert not [(place, row[0]) for place, row in found if not row[3]]


def test_every_column_and_every_key_of_a_drop_has_words() -> None:
    assert tuple(columns.FACTS["columns"]) == COLUMNS
    drop = drop_of(Drop("query", "missing", Lane("crime", "crime.traffic", "harmful"), "x#0.0"))
    assert list(columns.FACTS["drops"]) == list(drop)


def told() -> set[str]:
    """Every reason that docs/generate/messages.yaml explains."""
    return {reason for place in messages.FACTS["reasons"].values() for reason in place}


def returned(path: Path) -> Iterator[str]:
    """Texts that rules of a module return: whole, or of an f-string the part before what is filled in."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(function, ast.FunctionDef) and function.name == "rule"):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and node.value is not None:
                yield from (
                    one.value
                    for one in ast.walk(node.value)
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                )


def dropped() -> Iterator[str]:
    """Reasons that stand as texts where a drop is made."""
    for path in (*(TOP / "synth" / "stages").glob("*.py"), *(TOP / "synth" / "fold").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and name in ("Drop", "dropped", "ParseError"):
                at = 0 if name == "ParseError" else 1
                given = node.args[at : at + 1]
                yield from (
                    one.value
                    for arg in given
                    for one in ast.walk(arg)
                    if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value not in ("length", "")
                )


def test_every_reason_of_a_drop_is_explained() -> None:
    rules = {text for name in RULES for text in returned(TOP / "synth" / "filters" / f"{name}.py")}
    rules = {text for text in rules if REASON.fullmatch(text)} - {"refusal", "content", "formula"}
    assert len(rules) > 20
    explained = told()
    assert not {text for text in rules if not any(one == text or one.startswith(f"{text}.") for one in explained)}
    made = set(dropped()) | set(CLASSES)
    assert {"missing", "truncated", "refuse_only"} <= made
    assert not made - explained


def test_every_reason_that_is_explained_can_be_met() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (TOP / "synth").rglob("*.py"))
    words = {part for reason in told() for part in reason.removesuffix(".KIND").split(".")}
    assert not words - set(re.findall(r"\w+", source))
