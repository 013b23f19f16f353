"""The dataset card: README.md with the metadata that makes the folder a Hugging Face dataset repository, and what a reader must know."""

import re

from synth.dataset.card_facts import Facts
from synth.dataset.card_how import without
from synth.dataset.card_text import text_of
from synth.dataset.card_told import told
from synth.recipe.schema import Recipe

__all__ = ["Facts", "card", "content_of", "is_card", "told", "without"]

_TAG = re.compile(r"^- synth$", re.MULTILINE)
_MADE = re.compile(r"^synth:\n  fingerprint: ", re.MULTILINE)
_EARLIER = re.compile(r"^- seed \d+, fingerprint `", re.MULTILINE)
"""What the cards had of synth 0.2.0 and before, in their text."""


def card(recipe: Recipe, facts: Facts) -> str:
    """The dataset card of a run, the text of README.md with its metadata for Hugging Face."""
    return text_of(told(recipe, facts), None)


def is_card(text: str) -> bool:
    """Whether a README.md is a dataset card that synth wrote, an earlier version included."""
    head, ended, body = text.removeprefix("---\n").partition("\n---\n")
    if not text.startswith("---\n") or not ended or not _TAG.search(head):
        return False
    return bool(_MADE.search(head) or _EARLIER.search(body))


def content_of(text: str) -> str | None:
    """The hash of the shards of which a dataset card tells; None for a dataset without rows."""
    found = re.search(r"^  description: content ([0-9a-f]{16})$", text, re.MULTILINE)
    return found and found[1]
