"""`synth dedup`: the first row of each cluster of near-duplicates, in two passes over files of any size.

A row joins the earliest kept row that it is near to: what the gate of a run decides one query after the other. Where several columns
are compared, each is clustered by itself, and rows are nearly the same when they agree in every cluster.
"""

import json
import os
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from synth.aside import begins
from synth.dedup.ngrams import Index
from synth.dedup.passages import Finder, Passages
from synth.dedup.vectors import Cascade, Vectors
from synth.errors import ConfigError
from synth.mark.compare import unmarked
from synth.mark.rows import restored_row
from synth.tables.columns import find, is_answer
from synth.tables.io import Chunk, aside, batches, files_of, targets, text, writer
from synth.tables.kinds import stem
from synth.tables.labels import LabelReader, reader_of
from synth.tables.text_columns import FOUND, Choice, Columns
from synth.tables.vectors import embedder
from synth.vector import Embed

Rule: TypeAlias = Literal["majority", "stricter", "drop"]
SHOWN = 5
"""Templates told on the terminal."""


@dataclass(frozen=True)
class Want:
    """What `synth dedup` is asked for: the columns compared, by n-grams and by meaning, how near is near, what becomes of
    conflicts."""

    threshold: float
    ngram: int = 2
    columns: tuple[str, ...] = ()
    """Compared, each by itself; if empty the query as `choice` has it or `find` finds it, with the response if conflicts are to be resolved."""
    choice: Choice = FOUND
    conflicts: Rule | None = None
    label_names: str | None = None
    """What numbers in the label column stand for, from 0 on, with commas."""
    semantic: str | None = None
    """The model by whose vectors rows are compared that n-grams keep apart."""
    semantic_threshold: float = 0.9
    base_url: str | None = None
    """Of the server that has the model."""
    passages: bool = False
    """Whether passages that many rows share are left out of what is compared."""
    short: int = 0
    """Texts of at most so many characters are nearly the same only where nothing that they ask differs; 0: as longer ones are."""


@dataclass
class Report:
    """What `synth dedup` made of a table's rows, as counts: rows = kept + joined + conflicting."""

    rows: int = 0
    kept: int = 0
    joined: int = 0
    by_meaning: int = 0
    """Of those not kept, rows that n-grams alone would have kept apart."""
    conflicting: int = 0
    """Rows given up because rows that are nearly the same have another label."""
    conflicts: int = 0
    """Clusters whose rows differ in their label."""
    undecided: int = 0
    """Of those, clusters of which no row was kept."""
    columns: list[str] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    """Name, number of its first row counted over all files, rows, kept rows."""
    templates: list[dict[str, Any]] = field(default_factory=list)
    """Passages that many rows share, left out of what was compared: column, rows, its first characters."""

    def lines(self) -> list[str]:
        """The report of `synth dedup` for the terminal: one line, then one for each of the passages most rows share."""
        told = [f"template in {it['rows']:,} rows, not compared: {it['text']}" for it in self.templates[:SHOWN]]
        more = len(self.templates) - len(told)
        return [self.line(), *told, *([f"{more:,} more templates are in the report"] if more else [])]

    def line(self) -> str:
        """The report of `synth dedup` in one line, for the terminal."""
        told = f"{self.rows:,} rows: {self.kept:,} kept, {self.joined:,} joined to an earlier one"
        more = f", {self.conflicting:,} in {self.conflicts:,} conflicts of labels" if self.conflicts else ""
        meant = f" ({self.by_meaning:,} of the rows not kept by meaning alone)" if self.by_meaning else ""
        return f"{told}{more}{meant} (by {', '.join(self.columns)})"


def dedup(path: Path, out: Path, want: Want) -> Report:
    """Writes the rows of a table that are no near-duplicates to `out`, a file or a folder as `path` is, and beside it which
    row was joined to which, and a report."""
    if want.base_url and not want.semantic:
        raise ConfigError("--base-url goes with --semantic MODEL", status=2)
    files = files_of(path)
    places, beside = targets(path, files, out), _beside(out)
    with embedder(want.semantic, want.base_url) as embed:
        found = Columns(want.columns) if want.columns else find(path, files, want.choice)
        clusters = _Clusters(want, reader_of(path, want.label_names), embed, found)
        if want.passages:
            clusters.learn(files)
        for file in files:
            for batch in batches(file):
                clusters.take(file, batch)
    if not clusters.leaders:
        raise ConfigError(f"{path}: holds no rows")
    report = Report(columns=list(clusters.columns), templates=clusters.templates())
    winners = clusters.winners(report)
    with aside(beside["joined.jsonl"]) as new, new.open("w", encoding="utf-8") as joined:
        for file, target in zip(files, places, strict=True):
            with writer(target, file) as keep:
                before = report.rows, report.kept
                for batch in batches(file):
                    kept, lines = clusters.verdicts(report, len(batch.rows), winners)
                    keep(batch, kept)
                    joined.writelines(f"{json.dumps(line)}\n" for line in lines)
            counts = {"first": before[0] + 1, "rows": report.rows - before[0], "kept": report.kept - before[1]}
            report.files.append({"file": file.name, **counts})
    with aside(beside["report.json"]) as new:
        facts: dict[str, Any] = {"threshold": want.threshold, "ngram": want.ngram, "rule": want.conflicts}
        facts |= {"short": want.short, "passages": want.passages, **vars(report)}
        if want.semantic:
            facts |= {"semantic": want.semantic, "semantic_threshold": want.semantic_threshold}
        new.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return report


def _beside(out: Path) -> dict[str, Path]:
    """The two files that nobody names, by their endings. ConfigError where one would replace what is not of an earlier dedup."""
    starts = {"joined.jsonl": b'{"row": ', "report.json": b'{\n "threshold": '}
    found = {ending: out.with_name(f"{stem(out)}.{ending}") for ending in starts}
    for ending, file in found.items():
        if os.path.lexists(file) and not begins(file, starts[ending]):
            raise ConfigError(
                f"{file}: would be replaced, and is not of an earlier dedup; move it away or choose another -o"
            )
    return found


class _Clusters:
    """For every row, by number from 0: the first row of its cluster, its likeness to what it joined, its label (how severe it is,
    from 1 on; 0 for none)."""

    def __init__(self, want: Want, reader: LabelReader, embed: Embed | None, found: Columns) -> None:
        self._want, self._reader, self._label = want, reader, ""
        self.columns, self._found = want.columns, found
        self._ours = False
        self._embed = embed
        self._indexes: dict[tuple[str, str], tuple[Index | Cascade, array[int]]] = {}
        """By column and query type: an index, and the numbers of the rows it keeps."""
        self._firsts: dict[tuple[int, ...], int] = {}
        self.leaders, self._likeness, self._labels = array("q"), array("d"), array("b")
        self._meant = bytearray()
        self._passages: dict[str, Passages] = {}

    def learn(self, files: Sequence[Path]) -> None:
        """Finds the passages that many rows share, in each column that is compared: in all of a table, before any row is taken.
        Of a run's own data set there are none: whom a writer repeats is for its gate to say."""
        finders: dict[str, Finder] = {}
        for file in files:
            for batch in batches(file):
                if not finders:
                    self._look_at(batch.rows[0], f"{file}: row {batch.first}")
                if self._ours:
                    return
                for name in self.columns:
                    finders.setdefault(name, Finder()).add(self._texts(batch, name, file))
        self._passages = {name: finder.found() for name, finder in finders.items()}

    def templates(self) -> list[dict[str, Any]]:
        """The passages that were found, by column, those of most rows first."""
        return [
            {"column": name, "rows": one.rows, "text": one.text}
            for name, found in self._passages.items()
            for one in found.templates
        ]

    def take(self, file: Path, batch: Chunk) -> None:
        start, rows = len(self.leaders), batch.rows
        if not start:
            self._look_at(rows[0], f"{file}: row {batch.first}")
        found = [self._joined(name, file, batch, start) for name in self.columns]
        for offset, row in enumerate(rows):
            parts = [of_column[offset] for of_column in found]
            likeness, number = min(part[1] for part in parts), start + offset
            self._meant.append(any(part[2] for part in parts))
            key = tuple(part[0] for part in parts)
            self.leaders.append(key[0] if len(key) == 1 else self._firsts.setdefault(key, number))
            self._likeness.append(likeness)
            if self._want.conflicts:
                self._labels.append(self._severity(row, f"{file}: row {batch.first + offset}"))

    def winners(self, report: Report) -> dict[int, int | None]:
        """For each cluster of near-duplicates whose labels differ, by its first row, the row to keep instead; None for
        no row."""
        if not self._want.conflicts:
            return {}
        votes: dict[int, Counter[int]] = {}
        for number, leader in enumerate(self.leaders):
            if self._labels[number]:
                votes.setdefault(leader, Counter())[self._labels[number]] += 1
        wanted = {leader: _wins(self._want.conflicts, cast) for leader, cast in votes.items() if len(cast) > 1}
        report.conflicts, report.undecided = len(wanted), list(wanted.values()).count(0)
        winners: dict[int, int | None] = dict.fromkeys(wanted)
        for number, leader in enumerate(self.leaders):
            if leader in wanted and winners[leader] is None and self._labels[number] == wanted[leader] != 0:
                winners[leader] = number
        return winners

    def verdicts(
        self, report: Report, count: int, winners: dict[int, int | None]
    ) -> tuple[list[bool], list[dict[str, Any]]]:
        """Which of a table's next rows `synth dedup` keeps, and a line on each that is not."""
        kept, lines = [], []
        for number in range(report.rows, report.rows + count):
            leader = self.leaders[number]
            keeper = winners.get(leader, leader)
            kept.append(number == keeper)
            conflict = leader in winners
            if not kept[-1]:
                report.conflicting, report.joined = report.conflicting + conflict, report.joined + (not conflict)
                to, likeness = None if keeper is None else keeper + 1, round(self._likeness[number], 6)
                by = {"by": "meaning" if self._meant[number] else "ngrams"} if self._embed else {}
                report.by_meaning += self._meant[number]
                lines.append({"row": number + 1, "kept": to, "similarity": likeness, **by, "conflict": conflict})
        report.rows, report.kept = report.rows + count, report.kept + sum(kept)
        return kept, lines

    def _look_at(self, row: dict[str, Any], place: str) -> None:
        """What the first row tells of all."""
        if not self.columns:
            answers = (self._found.response_name,) if self._want.conflicts and self._found.answers else ()
            self.columns = (self._found.name, *answers)
        # In a run's own data set a query and its augmentations are of one family, and query types do not meet.
        self._ours = self.columns == ("query",) and {"query_id", "parent_id", "query_type"} <= row.keys()
        if self._want.conflicts:
            self._label = self._reader.column(row, place)

    def _severity(self, row: dict[str, Any], place: str) -> int:
        label = self._reader.read(row, self._label, place) if self._label in row else None
        return 0 if label is None else self._reader.scheme.severity(label) + 1

    def _joined(self, name: str, file: Path, batch: Chunk, start: int) -> list[tuple[int, float, bool]]:
        """For each row what its text in a column joins, itself maybe, how like the two are, and whether only by meaning."""
        found: list[tuple[int, float, bool]] = [(0, 1.0, False)] * len(batch.rows)
        kinds: dict[str, list[int]] = {}
        for at, row in enumerate(batch.rows):
            kinds.setdefault(str(row["query_type"]) if self._ours else "", []).append(at)
        for kind, places in kinds.items():
            if (name, kind) not in self._indexes:
                self._indexes[name, kind] = self._index(self._passages.get(name)), array("q")
            index, numbers = self._indexes[name, kind]
            texts = [self._compared(batch.rows[at], name, f"{file}: row {batch.first + at}") for at in places]
            rows = [batch.rows[at] for at in places] if self._ours else []
            families = [row.get("root_id") or row["parent_id"] or row["query_id"] for row in rows]
            for at, near in zip(places, index.admit_all(texts, families), strict=True):
                if near is None:
                    numbers.append(start + at)
                own = start + at, 1.0, False
                found[at] = own if near is None else (numbers[near.row], near.similarity, near.by == "meaning")
        return found

    def _compared(self, row: dict[str, Any], name: str, place: str) -> str:
        """What is compared of a row: its query, or its text in a column, of an answer with the mark taken out."""
        if self._want.columns:
            return unmarked(text(restored_row(row), name, place)) if is_answer(name) else text(row, name, place)
        if name == self._found.name:
            return self._found.compared(row, place)
        response = self._found.response_of(restored_row(row), place)
        if response is None:
            raise ConfigError(f"{place}: no text under {name!r}")
        return unmarked(response)

    def _texts(self, batch: Chunk, name: str, file: Path) -> list[str]:
        """What is compared of a batch's rows in a column."""
        return [
            self._compared(row, name, f"{file}: row {number}")
            for number, row in enumerate(batch.rows, start=batch.first)
        ]

    def _index(self, passages: Passages | None) -> Index | Cascade:
        want, embed = self._want, self._embed
        near = Index(ngram=want.ngram, threshold=want.threshold, short=want.short, passages=passages)
        if embed is None:
            return near
        asked = passages.asked if passages else list
        return Cascade(near, Vectors(threshold=want.semantic_threshold), lambda texts: embed(asked(texts)))


def _wins(rule: Rule, cast: Counter[int]) -> int:
    """The label whose first row is kept; 0 for none."""
    if rule == "stricter":
        return max(cast)
    (label, most), (_, fewer) = cast.most_common(2)
    return label if rule == "majority" and most > fewer else 0
