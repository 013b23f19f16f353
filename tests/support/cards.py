"""Dataset cards of facts of one's own, without a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synth.dataset.card import Facts, card, told
from synth.dataset.card_file import write_card
from synth.dataset.reader import Dataset
from synth.dataset.shards import content_hash
from tests.conftest import tiny_recipe
from tests.support.datasets import ROWS, dataset_of

CELL = {
    "scenario": "one",
    "subcategory": "one.s0",
    "name": "类",
    "query_type": "benign",
    "label": "safe",
    "accepted": 4,
    "target": 4,
    "status": "met",
}


def facts_of(**facts: Any) -> Facts:
    """What a card tells of a small run, with these facts in place of the usual."""
    usual: dict[str, Any] = {
        "splits": {"train": 4},
        "content": "0123456789abcdef",
        "cells": [CELL],
        "dropped": {},
        "prompts": {},
        "fingerprint": "fedcba9876543210",
        "versions": {"synth": "1"},
        "stopped": None,
    }
    return Facts(**usual | facts)


def card_of(recipe: dict[str, Any] | None = None, **facts: Any) -> str:
    """The card of the tiny recipe, with these keys of it changed, of a run that came to these facts."""
    return card(tiny_recipe(**(recipe or {})), facts_of(**facts))


def carded(folder: Path, rows: Sequence[dict[str, Any]] = ROWS, **facts: Any) -> Dataset:
    """A run's folder with a few rows and the card of them, as synth writes it."""
    made = dataset_of(folder, {"train": [*rows]})
    content = content_hash(folder / "dataset" / "data")
    found = facts_of(**{"splits": {"train": len(rows)}, "content": content} | facts)
    write_card(folder / "dataset", told(tiny_recipe(), found))
    return made
