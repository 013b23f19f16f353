"""docs/reference/columns.md: the columns of a dataset with their types, and the keys of a drop."""

from pathlib import Path
from typing import Any

import yaml

from synth.dataset.shards import schema

from .blocks import NOTE, table

FACTS: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_name("columns.yaml").read_text(encoding="utf-8"))
HEAD = f"""# Columns

{NOTE}

## A row of `dataset/`

Parquet, in the splits `train`, `validation` (where the recipe says so), `test` (what is held out) and `hard` (rows on which the judges differ).
All columns stand in every row, in this order.
"""


def kind(told: Any) -> str:
    """An Arrow type in words."""
    words = str(told).replace("string", "text").replace("item: ", "").replace("element: ", "")
    return (
        words.replace("int64", "whole number")
        .replace("list<struct<", "list of (")
        .replace("struct<", "(")
        .replace(">>", ")")
        .replace("list<", "list of ")
        .replace(">", ")" if "(" in words or "struct" in words else "")
    )


def document() -> str:
    """The whole file."""
    rows: list[list[object]] = [
        [f"`{field.name}`", kind(field.type), FACTS["columns"][field.name]] for field in schema()
    ]
    drops: list[list[object]] = [[f"`{name}`", about] for name, about in FACTS["drops"].items()]
    told = "## A drop\n\nOne JSON object a line in `drops/STAGE.REASON.jsonl`: what stopped on the way, and why."
    return (
        "\n\n".join(
            [
                HEAD.rstrip(),
                table(["column", "type", "what it holds"], rows),
                told,
                table(["key", "what it holds"], drops),
            ]
        )
        + "\n"
    )
