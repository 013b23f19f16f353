"""One JSON object a row, every column, one file a split."""

import json
from pathlib import Path

from synth.dataset.reader import Dataset
from synth.exporters import write_lines


def export(made: Dataset, out: Path, template: str) -> list[Path]:
    del template
    return [
        write_lines(out / f"{split}.jsonl", (json.dumps(row, ensure_ascii=False) + "\n" for row in made.rows(split)))
        for split in made.splits()
    ]
