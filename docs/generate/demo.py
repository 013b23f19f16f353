"""What README shows of the demo: the table's first lines, where the rows lie, and one row that can stand in public."""

import contextlib
import io
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from synth.cli.main import commands

SHOWN = ("subcategory", "query", "response", "label", "analysis")
"""The columns of that row."""
FIRST = ("scenario  ", "crime  ")


def row(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Of the demo's rows the shortest refusal of a traffic offence: harmless to read, and whole."""
    fit = [
        one for one in rows if (one["subcategory"], one["label"], one["stance"]) == ("crime.traffic", "safe", "refuse")
    ]
    return min(fit, key=lambda one: (len(one["query"] + one["response"]), one["id"]))


def block(err: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """The block of README, of what `synth run demo` says on stderr and of the rows that it made."""
    lines = err.splitlines()
    table = [line for line in lines if line.startswith(FIRST)]
    place = next(line for line in lines if "dataset: train" in line)
    found = row(rows)
    told = [f"{name:<12} {found[name]}" for name in SHOWN]
    told[0] += f" {found['subcategory_name']}"
    return "\n".join(["```text", *table, "…", place, "", *told, "```"])


def made() -> str:
    """The block, of a demo run in a folder that is gone afterwards."""
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        ended = CliRunner().invoke(commands, ["run", "demo"], catch_exceptions=True)
        shards = sorted(Path("runs/demo/dataset/data").glob("train-*.parquet"))
        rows = [one for shard in shards for one in pq.read_table(io.BytesIO(shard.read_bytes())).to_pylist()]
        return block(ended.stderr, rows)
