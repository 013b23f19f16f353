"""What a run must not repeat, read from files and data sets of earlier releases and benchmarks."""

from collections.abc import Sequence
from pathlib import Path

from synth.dedup.decontaminate import Avoided, Source
from synth.errors import ConfigError
from synth.mark.rows import restored_row
from synth.tables.columns import find
from synth.tables.io import Chunk, batches, files_of, hash_of
from synth.tables.text_columns import Choice, Columns


def avoided(paths: Sequence[str], *, ngram: int, threshold: float, unmarked: bool = False) -> Avoided:
    """What a run must avoid: the queries and answers of the files and data sets at `paths`, to be compared with;
    answers with the mark 【略】 taken out if `unmarked`. ConfigError for one that cannot be read or holds no rows."""
    found = Avoided(ngram=ngram, threshold=threshold, unmarked=unmarked)
    found.seal([_filed(found, Path(path)) for path in paths])
    return found


def _filed(avoided: Avoided, path: Path) -> Source:
    files, rows = files_of(path), 0
    columns = find(path, files, Choice(say=avoided.reads.append))
    for file in files:
        for chunk in batches(file):
            rows += len(chunk.rows)
            avoided.add(*_texts(file, chunk, columns))
    if not rows:
        raise ConfigError(f"{path}: holds no rows to avoid")
    return Source(path.resolve().name, rows, hash_of(files))


def _texts(file: Path, chunk: Chunk, columns: Columns) -> tuple[list[str], list[str]]:
    queries, responses = [], []
    for number, row in enumerate(chunk.rows, start=chunk.first):
        place = f"{file}: row {number}"
        queries.append(columns.compared(row, place))
        said = (columns.answer_of(one) for one in (row, restored_row(row)))
        responses += [one for one in dict.fromkeys(said) if one is not None]
    return queries, responses
