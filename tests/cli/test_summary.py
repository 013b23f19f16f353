"""The table at a run's end: what became of what was begun, what a cell stalled for, what to keep; and the lines while it goes."""

from pathlib import Path

import pytest

from synth.cli import live, summary


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("stalled: respond.thought", "raise max_tokens"),
        ("stalled: query.empty", "chat template"),
        ("stalled: query.broken", "ended by the server"),
        ("stalled: query.length.short", ""),
        ("stalled: judge.other_label", "of another label"),
        ("blocked: refusals", ""),
        ("exhausted: novelty", "a larger model as writer"),
        ("met", ""),
    ],
)
def test_what_a_cell_stalled_for_is_said_in_words(status: str, words: str) -> None:
    said = summary._in_words({"status": status, "grounds": {"cause": None}})
    assert words in said
    assert bool(words) == bool(said)
    assert summary._in_words({"status": status, "grounds": {"cause": {"words": "who did it", "samples": []}}}) == ""


def test_what_became_of_the_candidates_adds_up_in_words() -> None:
    counts = {"born": 1776, "accepted": 480, "surplus": 1175, "unanswered": 1136, "dropped": 75, "hard": 46}
    assert summary.of_candidates(counts | {"aside": {"hard": 46}}) == (
        "1,776 candidates (a query, or a query with its answer): 480 accepted, 46 set aside as `hard`, its judges being of two minds, "
        "75 dropped, 1,175 not needed, since their cells were full, 1,136 of them before they were answered"
    )
    nothing = summary.of_candidates(dict.fromkeys(counts, 0) | {"aside": {}})
    assert nothing.endswith(": 0 accepted, 0 dropped")


def test_what_is_to_be_kept_is_what_is_there(tmp_path: Path) -> None:
    assert summary.private(tmp_path, None) == ""
    (tmp_path / "drops").mkdir()
    (tmp_path / "report.html").touch()
    line = summary.private(tmp_path, tmp_path / "dataset")
    assert line.startswith("keep to yourself what drops/, report.html in ")
    assert line.endswith(f"; to hand on: {tmp_path / 'dataset'}")


def test_a_line_of_progress_says_what_is_out_how_old_and_how_fast(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {"in_flight": 3, "calls": 1200, "refusals": 0, "retries": 2, "dropped": 5, "tokens": 90000}
    shares = {"yield": 0.25, "novelty": None, "cost": None, "tokens_a_second": 1500.0, "seconds_left": 90.0}
    live._plain(
        {
            "scenarios": {"crime": {"accepted": 3, "target": 60}},
            "total": counts | shares,
            "stages": {"judge": 1, "query": 2},
            "oldest": 41.6,
            "weather": "",
        }
    )
    assert capsys.readouterr().err == (
        "rows: crime 3/60; 3 calls out (judge 1, query 2; the oldest 42 s), 1,200 calls answered, 90,000 tokens, 1,500 tokens/s, "
        "25% of calls became rows, ? of queries new, 0 refusals, 2 retries, 5 dropped, 90 s left\n"
    )
