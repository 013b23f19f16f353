"""By what a dataset of synth's is known: its card, in the card the hash of its shards, and the hashes in its policies and the card's facts."""

import os
from pathlib import Path

from synth.dataset import audited, card_file, policies
from synth.dataset.card import content_of, is_card
from synth.dataset.shards import SHARD, content_hash, shards_in


def ours(path: str) -> bool:
    """Whether a path marks what it holds as synth's: in a dataset's folder synth alone writes under it."""
    return path in ("README.md", policies.NAME, card_file.NAME, audited.NAME, "data/") or (
        path.startswith("data/") and SHARD.fullmatch(path[5:]) is not None
    )


def has_card(dataset: Path) -> bool:
    """Whether a folder is marked as a dataset of synth's: its README.md is a card that synth wrote."""
    try:
        return is_card((dataset / "README.md").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def foreign_file(dataset: Path) -> str | None:
    """The name of what a dataset's folder holds under a name of synth's without its mark (policies.json, card.json, audit.json): a file that it
    did not write, or that was changed since; None if all are its own."""
    marked = {
        policies.NAME: policies.made_by_synth,
        card_file.NAME: card_file.made_by_synth,
        audited.NAME: _audited,
    }
    return next(
        (name for name, ours in marked.items() if os.path.lexists(dataset / name) and not ours(dataset / name)), None
    )


def _audited(path: Path) -> bool:
    return audited.read(path) is not None


def made_here(dataset: Path) -> bool:
    """Whether a folder bears all marks of a dataset just as synth wrote it: the card, the policies and the card's facts if any,
    and no shards but those of which the card tells."""
    data = dataset / "data"
    if data.is_symlink() or not has_card(dataset) or foreign_file(dataset):
        return False
    told = content_of((dataset / "README.md").read_text(encoding="utf-8"))
    return (content_hash(data) == told) if told else not shards_in(data)
