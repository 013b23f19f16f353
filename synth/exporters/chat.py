"""`messages` ready for a trainer: a guard's prompt from a template under `prompts/guard/`, the assistant's turn the JSON of 答案 and 分析."""

import json
from collections.abc import Iterator
from pathlib import Path

from synth.dataset.reader import Dataset
from synth.exporters import write_lines
from synth.recipe import prompt
from synth.sanitize import as_data

OFFERED = frozenset({"query", "response", "scenario_name", "subcategory_name", "scenario", "subcategory"})


def export(made: Dataset, out: Path, template: str) -> list[Path]:
    """Rows without a label (the hard pile) have no answer to teach and are left out."""
    guard = prompt.load(template, OFFERED)
    return [write_lines(out / f"{split}.jsonl", _lines(made, split, guard)) for split in made.labelled()]


def _lines(made: Dataset, split: str, guard: prompt.Prompt) -> Iterator[str]:
    words = made.labels.word
    for row in made.rows(split):
        told = {name: as_data(row[name]) for name in OFFERED}
        messages = [{"role": message.role, "content": message.content} for message in guard.render(told)]
        verdict = {"答案": words(row["label"]), "分析": row["analysis"]}
        messages.append({"role": "assistant", "content": json.dumps(verdict, ensure_ascii=False)})
        yield json.dumps({"id": row["id"], "messages": messages}, ensure_ascii=False) + "\n"
