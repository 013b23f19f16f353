"""What is written by program into documents: whole files, and what stands between two marks of a file that people write."""

import re
from pathlib import Path

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"
NOTE = "<!-- Written by `make docs` from the code; not by hand. -->"


def cell(text: object) -> str:
    """A text as a cell of a Markdown table."""
    return re.sub(r"\s+", " ", str(text)).strip().replace("|", "\\|")


def table(heads: list[str], rows: list[list[object]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *([cell(one) for one in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def between(text: str, name: str, inner: str) -> str:
    """A document with other words between the marks `name`."""
    found = re.compile(rf"(<!-- {name} -->).*?(<!-- end of {name} -->)", re.DOTALL)
    if not found.search(text):
        raise SystemExit(f"no <!-- {name} --> … <!-- end of {name} --> in the document")
    return found.sub(lambda match: f"{match[1]}\n{inner}\n{match[2]}", text)


def standing(text: str, name: str) -> str:
    """What stands between the marks `name` of a document."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- end of {name} -->", text, re.DOTALL)
    return found[1] if found else ""
