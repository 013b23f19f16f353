"""What is told of an answer that is dropped before it was redacted: its class, its length and the reason, no word of it."""

from dataclasses import replace
from typing import Final

from synth.filters.language.response_class import by_rules
from synth.sanitize import masked
from synth.stages.reply_stats import REFUSAL
from synth.types import Drop

_NO_WORDS: Final = frozenset({"rejected", "gave_up", "outage"})
"""Reasons for which a reply holds no words of a model, but why there is none."""


def veiled(drop: Drop) -> Drop:
    """The drop without a word of its answer, or of the reply that was no answer; refusals are told as they are."""
    sample = drop.sample
    if sample is None or (sample.response is None and drop.reason in _NO_WORDS):
        return drop
    said = drop.text if sample.response is None else sample.response
    kind = sample.response_class or by_rules(said)
    if kind == REFUSAL or not said:
        return drop
    told = masked(said, kind, f"{drop.stage}.{drop.reason}")
    bare = replace(sample, response=None, response_class=kind, analysis=None, votes=(), notes=())
    return replace(drop, text=told, sample=bare)
