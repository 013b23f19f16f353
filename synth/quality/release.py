"""The label error of a release: of its rows, the share whose label people who read them would not have given.

An audit reads as many rows of a small cell as of a large one, so each row read counts for as many as it stands for.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from synth import aside
from synth.dataset import audited, card_file
from synth.dataset.marks import has_card
from synth.dataset.reader import Dataset
from synth.dataset.shards import content_hash
from synth.errors import ConfigError
from synth.quality.metrics import wilson
from synth.types import Label


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row of a release that people have read: its cell, the label it bears, and the one that most of them gave."""

    cell: str
    subcategory: str
    label: Label
    yours: Label


@dataclass(frozen=True, slots=True)
class LabelError:
    """Of `rows` read, how many bear a wrong label, and of the whole release the share that does (0 to 1), with the ends of its 95 %
    interval."""

    rows: int
    errors: int
    error: float
    low: float
    high: float


@dataclass
class Release:
    """What an audit found of a release: how many rows each of its cells has, and which of them were read."""

    sizes: Counter[str] = field(default_factory=Counter)
    read: list[ReadRow] = field(default_factory=list)

    def error(self, label: Label | None = None) -> LabelError | None:
        """The label error of the release, or of its rows with one label; None where none of them was read."""
        return label_error([row for row in self.read if label in (None, row.label)], self.sizes)

    @property
    def covered(self) -> float:
        """The share of the release's rows that stand in a cell of which a row was read."""
        return sum(self.sizes[cell] for cell in {row.cell for row in self.read}) / max(1, self.sizes.total())


def label_error(rows: Sequence[ReadRow], sizes: Mapping[str, int]) -> LabelError | None:
    """The label error of a release whose cells have these sizes, by the rows of it that were read: each weighs what its cell holds for
    every row read of it. The interval is Wilson's on as many rows as would tell as much if all weighed the same (Kish 1965)."""
    if not rows:
        return None
    read = Counter(row.cell for row in rows)
    weights = [sizes[row.cell] / read[row.cell] for row in rows]
    wrong = [row.label != row.yours for row in rows]
    total = sum(weights)
    share = sum(weight for weight, is_wrong in zip(weights, wrong, strict=True) if is_wrong) / total
    told = wilson(share * (worth := total**2 / sum(weight**2 for weight in weights)), worth)
    return LabelError(len(rows), sum(wrong), *(round(one, 4) for one in (told.value, told.low, told.high)))


def facts(made: Dataset, release: Release, readers: Mapping[str, Any] | None, day: str | None) -> dict[str, Any]:
    """What audit.json keeps of an audit. `readers` is how several agree, as `together` has it; `day` the last on which they
    read."""
    whole = release.error()
    assert whole is not None, "no row of the release was read"
    overall = readers["overall"] if readers else {}
    return {
        "content": content_hash(made.repository / "data"),
        "readers": len(readers["judges"]) if readers else 1,
        **_told(whole),
        "covered": round(release.covered, 4),
        "agreed": overall.get("agreed"),
        "kappa": overall.get("kappa"),
        "alpha": readers["alpha"]["value"] if readers else None,
        "tied": readers["tied"] if readers else 0,
        "date": day,
        "by_label": {name: _told(one) for name in made.labels.names if (one := release.error(name))},
        "by_category": _by_category(release.read),
    }


def day(text: str | None) -> str | None:
    """A day as the user gives it, `2026-11-30`. ConfigError (exit status 2) for what is none."""
    try:
        return text and date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ConfigError(f"--date {text}: is no day; write it as 2026-11-30", status=2) from error


def record(made: Dataset, found: Mapping[str, Any]) -> Path:
    """Writes audit.json beside the dataset, an earlier one of synth's replaced, and the card anew, on which it stands first. ConfigError for
    what else stands there."""
    path = made.repository / audited.NAME
    if path.exists() and audited.read(path) is None:
        raise ConfigError(
            f"{path}: is not what synth wrote, or was changed since; move it away and read the files again"
        )
    with aside.file(path) as new:
        new.write_text(audited.written(found), encoding="utf-8")
    if (made.repository / card_file.NAME).is_file() and has_card(made.repository):
        card_file.renew(made.repository)
    return path


def line(found: Mapping[str, Any]) -> str:
    """The label error that audit.json keeps, in a line."""
    each = "; ".join(f"{name} {one['errors']:,} of {one['rows']:,}" for name, one in found["by_label"].items())
    tied = f"; {found['tied']:,} on which they tie are left out" if found["tied"] else ""
    return (
        f"label error of the release: {found['error']:.1%} ({found['low']:.1%} to {found['high']:.1%}, 95 %), by {found['rows']:,} rows that "
        f"{_counted(found['readers'], 'reader')} read, {found['errors']:,} of them wrong ({each}); cells read hold {found['covered']:.0%} of its rows{tied}"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _told(one: LabelError) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("rows", "errors", "error", "low", "high")}


def _by_category(rows: Iterable[ReadRow]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(lambda: {"rows": 0, "errors": 0})
    for row in rows:
        found[row.subcategory]["rows"] += 1
        found[row.subcategory]["errors"] += row.label != row.yours
    return dict(sorted(found.items()))
