"""Examples of what a run dropped, by reason: lines at even distances in each file of drops, so that the largest takes no longer to read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from synth.errors import BROKEN
from synth.report.entries import Entry, drop_entry

OF_REASON: Final = 12
"""Examples of a reason."""
REASONS: Final = 100
"""Reasons that examples are shown of."""
_LONGEST: Final = 8 << 20
"""Bytes of a line that is read."""


def examples(folder: Path) -> Mapping[str, Sequence[Entry]]:
    """What was dropped, a few of each reason (`stage.reason`), out of DIR/drops. A line that is no drop is passed over."""
    files = sorted(folder.glob("*.jsonl"))[:REASONS] if folder.is_dir() else []
    return {path.name.removesuffix(".jsonl"): list(_of(path)) for path in files}


def _of(path: Path) -> Iterator[Entry]:
    size, kind, seen = path.stat().st_size, path.name.removesuffix(".jsonl"), set()
    with path.open("rb") as lines:
        for number in range(OF_REASON):
            start = size * number // OF_REASON
            lines.seek(max(0, start - 1))
            if start:
                lines.readline(_LONGEST)  # the rest of the line that stands there
            at = lines.tell()
            if at in seen or at >= size:
                continue
            seen.add(at)
            if (drop := _drop(lines.readline(_LONGEST), kind)) is not None:
                yield drop


def _drop(line: bytes, kind: str) -> Entry | None:
    try:
        return drop_entry(json.loads(line.decode("utf-8", "replace")), kind)
    except BROKEN:
        return None
