"""docs/reference/messages.md: exit statuses, how cells and runs end, reasons of drops, doubts; the words stand in messages.yaml."""

from pathlib import Path
from typing import Any

import yaml

from synth.quality.doubts.measures import MEASURES

from .blocks import NOTE, table

FACTS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("messages.yaml").read_text(encoding="utf-8"))
WHERE = {
    "any": "At any stage",
    "query": "Writing and rewriting queries (`query.`, `augment.`)",
    "dedup": "Near-duplicates (`dedup.`)",
    "redact": "Redaction (`redact.`)",
    "judge": "Judging (`judge.`)",
    "accept": "Filling cells (`accept.`)",
    "filters": "Filters (`query.`, `augment.`, `respond.`, `judge.`: the stage whose text it was)",
}
HEAD = f"""# Messages

{NOTE}

Words that do not change from version to version, so that a script may rely on them.

## Exit statuses
"""


def of(rows: dict[Any, str], head: str) -> str:
    """One table of words and what they mean."""
    return table([head, "what it means"], [[f"`{name}`", about] for name, about in rows.items()])


def doubts() -> dict[str, str]:
    """What a run may find that speaks against its own rows, in the words that it uses."""
    measured = {name: one.words.replace("{count} of {n}", "Too many") + "." for name, one in MEASURES.items()}
    return dict(sorted({**measured, **FACTS["doubts"]}.items()))


def document() -> str:
    """The whole file."""
    parts = [HEAD.rstrip(), of(FACTS["exit_statuses"], "status")]
    parts += ["## How a cell or a run ends", "`status` of a cell, `stopped` of a run, in tables and in `run.json`."]
    parts += [of(FACTS["statuses"], "status"), "## Why something was dropped"]
    parts.append("`STAGE.REASON` in tables, in `run.json` and as names of the files in `drops/`.")
    for place, title in WHERE.items():
        parts += [f"### {title}", of(FACTS["reasons"][place], "reason")]
    parts += ["## What a run finds wrong with its own rows", "`kind` in `run.json`, under `doubts`."]
    parts.append(of(doubts(), "kind"))
    return "\n\n".join(parts) + "\n"
