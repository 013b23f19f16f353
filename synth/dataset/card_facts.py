"""What the dataset card tells of a run besides its recipe."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synth.dedup.decontaminate import Source


@dataclass(frozen=True, slots=True)
class Facts:
    """What the dataset card tells of a run besides its recipe."""

    splits: Mapping[str, int]
    content: str
    """Hash of the shards."""
    cells: Sequence[Mapping[str, Any]]
    dropped: Mapping[str, int]
    fingerprint: str
    versions: Mapping[str, str]
    prompts: Mapping[str, str]
    stopped: str | None
    avoided: Sequence[Source] = ()
    agreement: Mapping[str, Any] = field(default_factory=dict)
    controls: Sequence[Mapping[str, Any]] = ()
    doubts: Sequence[Mapping[str, Any]] = ()
    diversity: Mapping[str, Any] = field(default_factory=dict)
    asked_without: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    stand_ins: Collection[str] = ()
    """The models of whose replies a stand-in server made some up; how many hangs on what was asked ahead, and a card does not."""
    scenarios: Mapping[str, str] = field(default_factory=dict)
    """The Chinese names of scenarios, by id."""
    refuse_only: frozenset[str] = frozenset()
    """The subcategories of which a card shows no row."""
    shown: Mapping[str, Any] = field(default_factory=dict)
    """What was seen of the rows as they were written: `card_rows.Seen.facts`."""
