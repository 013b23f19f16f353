"""The table at a run's end: a cell that stalled for replies says in words what that means."""

import pytest

from synth.cli import summary


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("stalled: respond.thought", "raise max_tokens"),
        ("stalled: query.empty", "answers nothing"),
        ("stalled: query.broken", "the server ends answers"),
        ("stalled: query.length.short", ""),
        ("stalled: judge.other_label", ""),
        ("blocked: refusals", ""),
        ("met", ""),
    ],
)
def test_what_a_cell_stalled_for_is_said_in_words(status: str, words: str) -> None:
    said = summary._in_words(status)
    assert words in said
    assert bool(words) == bool(said)
