"""What a run must not repeat, read from files and data sets of earlier releases and benchmarks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synth.dedup.decontaminate import Avoided, Source
from synth.errors import ConfigError
from synth.mark.rows import restored_row
from synth.tables.io import Chunk, batches, column, files_of, hash_of, text

QUERY = ("query", "prompt", "question", "instruction", "text")
RESPONSE = ("response", "answer", "output")


def avoided(paths: Sequence[str], *, ngram: int, threshold: float, unmarked: bool = False) -> Avoided:
    """What a run must avoid: the queries and answers of the files and data sets at `paths`, to be compared with;
    answers with the mark 【略】 taken out if `unmarked`. ConfigError for one that cannot be read or holds no rows."""
    found = Avoided(ngram=ngram, threshold=threshold, unmarked=unmarked)
    found.seal([_filed(found, Path(path)) for path in paths])
    return found


def _filed(avoided: Avoided, path: Path) -> Source:
    files, rows = files_of(path), 0
    for file in files:
        for chunk in batches(file):
            rows += len(chunk.rows)
            avoided.add(*_texts(file, chunk))
    if not rows:
        raise ConfigError(f"{path}: holds no rows to avoid")
    return Source(path.resolve().name, rows, hash_of(files))


def _texts(file: Path, chunk: Chunk) -> tuple[list[str], list[str]]:
    first: dict[str, Any] = chunk.rows[0]
    query = column(first, QUERY, f"{file}: row {chunk.first}")
    response = next((name for name in RESPONSE if name in first), None)
    queries = [text(row, query, f"{file}: row {number}") for number, row in enumerate(chunk.rows, start=chunk.first)]
    if response is None:
        return queries, []
    answered = [row for row in chunk.rows if isinstance(row.get(response), str)]
    return queries, [
        str(one) for row in answered for one in dict.fromkeys((row[response], restored_row(row)[response]))
    ]
