"""The card's section on doubts: who and what, no text of a sample, nothing that leaves its cell."""

from synth.dataset.card_doubts import doubts_section

DOUBT = {
    "kind": "empty_analysis",
    "role": "judge|b",
    "model": "a<b>",
    "count": 13,
    "n": 52,
    "share": 0.25,
    "words": "13 of 52 analyses say nothing (25%)",
    "mend": "give the role another model",
    "samples": [{"place": "crime.gambling/harmful#0.2", "text": "样本的文字"}],
    "whole": True,
}


def test_doubts_are_told_without_the_text_of_samples() -> None:
    told = "\n".join(doubts_section([DOUBT]))
    assert "| judge\\|b | a&lt;b> | 13 of 52 analyses say nothing (25%) | yes |" in told
    assert "do not train on them" in told
    assert "样本的文字" not in told
    assert "#0.2" not in told
    assert "None of this speaks against" in "\n".join(doubts_section([DOUBT | {"whole": False}]))
    assert doubts_section([]) == []
