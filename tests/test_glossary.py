"""Every word of docs/glossary.md is a name in the code, where the glossary says."""

import ast
import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
TERMS = [
    (word.strip(), where)
    for word, _, places in re.findall(
        r"^\| (?!word)(?!---)(.+?) \| (.+) \| (.+) \|$",
        (TOP / "docs" / "glossary.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    for where in re.findall(r"`([^`]+)`", places)
]


def defined(path: Path) -> set[str]:
    """Names that a module defines or hands on at its top."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


@pytest.mark.parametrize(("word", "where"), TERMS, ids=[where for _, where in TERMS])
def test_a_word_of_the_glossary_is_a_name_in_the_code(word: str, where: str) -> None:
    file, name = where.split(": ")
    assert (TOP / "synth" / file).is_file(), f"{word}: {file}"
    assert name in defined(TOP / "synth" / file), f"{word}: {name} is not in {file}"


def test_the_glossary_has_the_words_of_the_design() -> None:
    assert len(TERMS) > 60
