"""A test set out of a run: rows that several people labelled, in the form of Libra-Test, with what training must hold out."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

import yaml

from synth.dataset.reader import Dataset
from synth.errors import ConfigError
from synth.exporters import files
from synth.exporters.libra import record_of, words_of
from synth.hashing import short_hash
from synth.mark.rows import restored_row
from synth.plan.lanes import BEHAVIOUR
from synth.quality.labelled import Labelled
from synth.quality.readers import ballots
from synth.tables.matching import same_text
from synth.types import LABELLED

TEST, HELD_OUT, README = "test", "held_out.yaml", "README.md"
_CANARY = "synth test set; do not train on it. canary GUID {}"


@dataclass
class TestSet:
    """The rows of a test set, and how many were left out for which reason."""

    records: list[dict[str, Any]] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    behaviours: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """What the queries were drawn from, by subcategory."""
    roots: set[str] = field(default_factory=set)
    shared: int = 0
    """Rows of the run that are not in the test set, and have a behaviour or a root query of one that is."""

    @property
    def canary(self) -> str:
        """A text with a GUID that hangs on the rows alone: found in a model's training data, or said by it, it shows the test was seen."""
        content = short_hash(*(short_hash(one["id"], one["label"]) for one in self.records))
        return _CANARY.format(uuid.uuid5(uuid.NAMESPACE_OID, content))


def test_set(made: Dataset, readers: Sequence[Labelled], least: int) -> TestSet:
    """The rows of a run that at least so many people labelled, each with the label that most of them gave. Left out and counted: those
    that fewer labelled, ties, labels between safe and unsafe, rows without an answer, and what stands in no split. ConfigError where none
    is left."""
    found, words = TestSet(), words_of(made.labels)
    told = [(row, [*by.values()]) for row, by in ballots(readers)]
    open_ = {key: labels for row, labels in told for key in (row.text, row.id) if key is not None}
    for split in made.filled():
        for row in made.rows(split):
            labels = next((open_[key] for key in _keys(row) if open_.get(key)), None)
            if labels is None:
                continue
            given = [*labels]
            labels.clear()  # found; a row of the same text is another
            (label, votes), *others = Counter(given).most_common()
            reason = (
                (f"labelled by fewer than {least}" if len(given) < least else None)
                or ("ties" if others and others[0][1] == votes else None)
                or ("with a label between safe and unsafe" if label not in words else None)
                or ("without an answer" if row["response"] is None else None)
            )
            if reason:
                found.left[reason] += 1
                continue
            behaviours = [element["value"] for element in row["elements"] if element["axis"] == BEHAVIOUR]
            found.records.append(
                record_of(row, words[label])
                | {"analyze": row["analysis"] if row["label"] == label else None}
                | {"annotators": [words.get(one, one) for one in given], "behaviours": behaviours}
            )
            found.behaviours[row["subcategory"]].update(behaviours)
            found.roots.add(row["root_id"])
    found.left["not among the run's rows"] = sum(1 for _, labels in told if labels)
    if not found.records:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in found.left.items() if count)
        raise ConfigError(f"no row for a test set: {reasons}")
    found.shared = sum(1 for _ in _sharing(made, found))
    return found


def write(found: TestSet, out: Path) -> list[Path]:
    """Writes a test set's folder: `test.jsonl`, `held_out.yaml` and `README.md`, each with its canary; gives their paths."""
    rows = ((TEST, {**one, "canary": found.canary}) for one in found.records)
    behaviours = {subcategory: sorted(several) for subcategory, several in sorted(found.behaviours.items()) if several}
    held_out = {"canary": found.canary, "behaviours": behaviours, "root_ids": sorted(found.roots)}
    extras = {
        HELD_OUT: yaml.safe_dump(held_out, allow_unicode=True, sort_keys=False, width=120),
        README: _README.format(rows=len(found.records), canary=found.canary),
    }
    return files.write(rows, out, "jsonl", extras=extras)


def lines(found: TestSet, out: Path) -> Iterator[str]:
    """What was written, what was left out, what training must hold out, and the canary."""
    counts = Counter(one["label"] for one in found.records)
    each = ", ".join(f"{label} {count:,}" for label, count in sorted(counts.items()))
    yield f"{out / 'test.jsonl'}: {len(found.records):,} rows ({each}); `synth eval {quote(str(out))} --guard G --base-url U --model M` measures a guard by it"
    for reason, count in found.left.items():
        if count:
            yield f"left out: {count:,} {reason}"
    several = sum(map(len, found.behaviours.values()))
    yield (
        f"hold out of training what {out / HELD_OUT} names ({several:,} behaviours, {len(found.roots):,} root queries): besides the rows of "
        f"the test {found.shared:,} rows of this run have them"
    )
    yield found.canary


def _keys(row: Mapping[str, Any]) -> tuple[str, ...]:
    """By what a row is found again among those that people labelled: they read it as it was judged."""
    texts = (same_text(one["query"] or "", one["response"] or "") for one in (row, restored_row(row)))
    return (row["id"], *texts)


def _sharing(made: Dataset, found: TestSet) -> Iterator[Mapping[str, Any]]:
    ids = {one["id"] for one in found.records}
    for split in made.filled():
        for row in made.rows(split) if split in LABELLED else ():
            known = found.behaviours.get(row["subcategory"], ())
            drawn = any(one["axis"] == BEHAVIOUR and one["value"] in known for one in row["elements"])
            if row["id"] not in ids and (drawn or row["root_id"] in found.roots):
                yield row


_README = """# A test set

{rows} rows that several people read, in the fields of Libra-Test (`question`, `response`, `label` 安全 or 不安全): `label` is what most of
them gave, `annotators` what each gave, `behaviours` what the query was drawn from. Rows on which they tied are not in it. They show
harmful requests and unsafe attitudes on purpose; nothing here is advice.

A guard that is measured by it must not be trained on it, nor on rows of the behaviours and root queries that held_out.yaml names.

{canary}
"""
