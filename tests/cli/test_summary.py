"""The table at a run's end: a cell that stalled for replies says in words what that means."""

import pytest

from synth.cli import summary


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("stalled: respond.thought", "raise max_tokens"),
        ("stalled: query.empty", "chat template"),
        ("stalled: query.broken", "ended by the server"),
        ("stalled: query.length.short", ""),
        ("stalled: judge.other_label", "of another label"),
        ("blocked: refusals", ""),
        ("met", ""),
    ],
)
def test_what_a_cell_stalled_for_is_said_in_words(status: str, words: str) -> None:
    said = summary._in_words({"status": status, "grounds": {"cause": None}})
    assert words in said
    assert bool(words) == bool(said)
    assert summary._in_words({"status": status, "grounds": {"cause": {"words": "who did it", "samples": []}}}) == ""
