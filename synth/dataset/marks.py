"""By what a dataset of synth's is known: its card, in the card the hash of its shards, and the hash in its policies."""

import os
from pathlib import Path

from synth.dataset import policies
from synth.dataset.card import content_of, is_card
from synth.dataset.shards import SHARD, content_hash, shards_in


def ours(path: str) -> bool:
    """Whether a path marks what it holds as synth's: in a dataset's folder synth alone writes under it."""
    return path in ("README.md", policies.NAME, "data/") or (
        path.startswith("data/") and SHARD.fullmatch(path[5:]) is not None
    )


def has_card(dataset: Path) -> bool:
    """Whether a folder is marked as a dataset of synth's: its README.md is a card that synth wrote."""
    try:
        return is_card((dataset / "README.md").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def foreign_policies(dataset: Path) -> bool:
    """Whether a dataset's folder holds a policies.json without synth's mark: one that it did not write, or that was
    changed since."""
    path = dataset / policies.NAME
    return os.path.lexists(path) and not policies.made_by_synth(path)


def made_here(dataset: Path) -> bool:
    """Whether a folder bears all marks of a dataset just as synth wrote it: the card, the policies if any, and no
    shards but those of which the card tells."""
    data = dataset / "data"
    if data.is_symlink() or not has_card(dataset) or foreign_policies(dataset):
        return False
    told = content_of((dataset / "README.md").read_text(encoding="utf-8"))
    return (content_hash(data) == told) if told else not shards_in(data)
