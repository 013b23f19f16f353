"""Doubts: unfit models are found and named, fit ones never doubted, and what is counted hangs on no order."""

import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from synth.quality.controls import ASKED, Answer, Exam, asked
from synth.quality.doubts.bounds import ALPHA, at_chance, exceeds, odd_one
from synth.quality.doubts.causes import cause
from synth.quality.doubts.evidence import BUCKETS, Evidence, restored
from synth.quality.doubts.findings import doubts
from synth.quality.doubts.sink import CountingSink
from synth.quality.doubts.votes import RoleNames
from synth.stages.parsing import SECOND_TRIES
from synth.types import Drop, Vote
from tests.support.panels import LANES, Judge, Nowhere, Panel, looked_at, made

COIN, FIT = Judge(right=0.5), Judge()


def exam_of(role: str, right: int) -> dict[str, Any]:
    answers = [Answer(control, "safe", "", number < right) for number, control in enumerate(asked(1)[:ASKED])]
    return Exam(role, role, answers).row()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("judges", [2, 3])
def test_a_fit_panel_is_never_doubted(seed: int, judges: int) -> None:
    """The figures of fifty seeds: `benchmarks/doubts.py`."""
    found = looked_at(Panel((FIT,) * judges), 400, seed)
    assert found.found == []


@pytest.mark.parametrize(
    ("panel", "kind", "role", "within"),
    [
        (Panel((COIN, COIN)), "chance", "judge_a and judge_b", 400),
        (Panel((FIT, FIT, COIN)), "odd_judge", "judge_c", 300),
        (Panel((FIT, Judge(empty=0.25))), "empty_analysis", "judge_b", 90),
        (Panel((FIT, Judge(same=1.0))), "one_analysis", "judge_b", 40),
        (Panel((FIT, Judge(same=0.8))), "one_analysis", "judge_b", 120),
        (Panel((Judge(against=0.4), FIT)), "contradiction", "judge_a", 90),
        (Panel((FIT, Judge(silent=0.8))), "no_verdict", "judge_b", 60),
        (Panel(repeats=1.0), "repeats_in_call", "writer", 60),
        (Panel(cut=0.9), "cut", "answerer", 60),
    ],
    ids=[
        "coins",
        "one of three",
        "placeholders",
        "one sentence",
        "mostly one sentence",
        "against itself",
        "silent",
        "one query",
        "cut",
    ],
)
def test_what_is_unfit_is_named(panel: Panel, kind: str, role: str, within: int) -> None:
    found = looked_at(panel, within, 1, every=within)
    assert [(doubt.kind, doubt.role) for doubt in found.found if doubt.kind == kind] == [(kind, role)]
    doubt = next(doubt for doubt in found.found if doubt.kind == kind)
    assert 0 < doubt.facts()["share"] <= 1
    assert len(doubt.samples) <= 3
    assert doubt.model
    assert f"{doubt.count}" in doubt.words
    assert f"{doubt.n}" in doubt.words


def test_of_two_judges_at_chance_the_one_whose_controls_or_analyses_fail_is_named() -> None:
    panel = Panel((FIT, COIN))
    found = looked_at(panel, 400, 3)
    controls = [exam_of("judge_b", 15), exam_of("judge_a", 38)]
    told = doubts(found.watched.evidence, panel.cast(), {}, controls)
    assert [(doubt.kind, doubt.role, doubt.whole) for doubt in told] == [
        ("chance", "judge_b", True),
        ("unfit_judge", "judge_b", True),
    ]
    assert told[1].words.startswith("15 of 40 pairs with known labels judged right (38%)")
    chain = replace(panel.cast(), members={"judge_b": {"leaf", "spare"}})
    told = doubts(found.watched.evidence, chain, {}, [exam_of("spare", 15), exam_of("judge_a", 38)])
    assert [(doubt.kind, doubt.role) for doubt in told] == [("chance", "judge_b"), ("unfit_judge", "spare")]
    panel = Panel((FIT, Judge(right=0.5, against=0.5)))
    evidence = looked_at(panel, 60, 3).watched.evidence
    evidence.ballots = Counter({"00": 60, "01": 60, "10": 60, "11": 60})
    chance = next(doubt for doubt in doubts(evidence, panel.cast(), {}) if doubt.kind == "chance")
    assert (chance.role, chance.whole) == ("judge_b", True)


@pytest.mark.parametrize(
    ("ballots", "expected"),
    [
        ({"00": 50, "01": 50, "10": 50, "11": 50}, True),
        ({"00": 5, "01": 5, "10": 5, "11": 5}, False),  # too few to tell
        ({"00": 80, "01": 20, "10": 20, "11": 80}, False),  # fit
        ({"11": 950, "01": 25, "10": 25}, False),  # labels so uneven that agreement tells nothing
        ({"00": 9, "10": 120, "11": 120}, False),  # one label has too few votes of one seat
    ],
)
def test_chance_is_said_only_where_votes_can_tell(ballots: dict[str, int], expected: bool) -> None:
    assert at_chance(ballots, 0, 1) is expected


def test_even_a_thousand_looks_find_no_more_than_there_is() -> None:
    """At the very share that is still fit, some 1 in 1,000 may ever be found: none of 100 is."""
    chance, ever = random.Random(5), 0
    for _ in range(100):
        count = 0
        crossed = False
        for n in range(1, 1001):
            count += chance.random() < 0.1
            crossed = crossed or exceeds(count, n, 0.1)
        ever += crossed
    assert ever <= 100 * ALPHA + 1


def test_the_odd_judge_is_the_one_that_stands_alone() -> None:
    assert odd_one({"000": 40, "111": 40, "001": 40, "110": 30, "100": 5}, 3) == 2
    assert odd_one({"000": 40, "111": 40, "001": 12, "010": 12, "100": 12}, 3) is None
    assert odd_one({"00": 40, "01": 40}, 2) is None


def test_what_is_counted_hangs_on_no_order_and_survives_a_checkpoint() -> None:
    panel, chance = Panel((Judge(same=0.9), Judge(empty=0.5))), random.Random(3)
    rows = []
    for query in made(panel, 200, chance):
        votes = tuple(
            judge.vote(model, "safe", chance) for judge, (_, model) in zip(panel.judges, panel.seats(), strict=True)
        )
        rows.append(
            replace(
                query,
                wanted="safe",
                responder="r",
                response="可以先把事情放一放，量力而行。",
                votes=votes,
                label="safe",
            )
        )
    orders = [rows, rows[::-1], random.Random(1).sample(rows, len(rows))]
    told = []
    for order in orders:
        watched = CountingSink(Nowhere(), panel.cast())
        for number, row in enumerate(order):
            if number == 77:
                watched.evidence = restored(json.loads(json.dumps(watched.evidence.state())))
            watched.keep("accepted", row)
        told.append([doubt.facts() for doubt in doubts(watched.evidence, panel.cast(), {})])
    assert told[0] == told[1] == told[2]
    assert told[0][0]["kind"] == "empty_analysis"
    assert [sample["text"] for sample in told[0][0]["samples"]] == ["分析"] * 3


def test_what_no_model_wrote_is_not_doubted() -> None:
    panel = Panel(repeats=1.0)
    watched = CountingSink(Nowhere(), RoleNames(seats=(None, None)))
    for query in made(panel, 100, random.Random(1)):
        watched.gated(query)
        watched.keep("accepted", replace(query, label="safe", votes=(Vote("m0", "safe", "分析"),) * 2))
    assert doubts(watched.evidence, RoleNames(seats=(None, None)), {}) == []


def test_votes_that_were_asked_for_again_and_fell_are_counted() -> None:
    panel = Panel()
    watched = CountingSink(Nowhere(), panel.cast())
    for query in made(panel, 40, random.Random(1)):
        votes = (
            Vote("m0", "safe", f"用户问的是{query.query[3:20]}，回答给出的也是平常的建议，因此安全。"),
            Vote("m1", None, "copied"),
        )
        watched.drop(Drop("judge", "no_verdict", query.lane, "x", sample=replace(query, votes=votes)))
    assert [(doubt.kind, doubt.role) for doubt in doubts(watched.evidence, panel.cast(), {})] == [
        ("empty_analysis", "judge_b")
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("好的好的好的好的好的好的好的好的好的好的好的好的好的好的好的好的", "loops"),
        ("This answer is in another language than the one that was asked for, from end to end.", "language"),
        (SECOND_TRIES[0], "echo"),
    ],
)
def test_what_no_filter_of_the_recipe_drops_is_counted_all_the_same(text: str, kind: str) -> None:
    panel = Panel()
    watched = CountingSink(Nowhere(), panel.cast())
    for query in made(panel, 40, random.Random(1)):
        watched.keep("accepted", replace(query, responder="r", response=text, response_class="compliance"))
    found = {doubt.kind: doubt for doubt in doubts(watched.evidence, panel.cast(), {})}
    assert (found[kind].role, found[kind].whole) == ("answerer", True)
    assert found[kind].samples[0]["text"] == f"(compliance, {len(text)} characters)"


def test_an_answer_to_a_disguised_query_may_be_in_any_language() -> None:
    panel = Panel()
    watched = CountingSink(Nowhere(), panel.cast())
    for query in made(panel, 40, random.Random(1)):
        row = replace(query, parent_id="root", responder="r", response="An answer as the query was put, in English.")
        watched.keep("accepted", row)
    assert "language" not in {doubt.kind for doubt in doubts(watched.evidence, panel.cast(), {})}


def test_a_lane_that_ran_dry_names_the_writer_that_repeats_itself() -> None:
    panel = Panel(repeats=0.9)
    evidence = looked_at(panel, 30, 1).watched.evidence
    told = cause(evidence, panel.cast(), LANES[0].id, "exhausted: novelty")
    assert told is not None
    assert told["words"].startswith("writer (w) repeats itself: ")
    assert "of 10 in one call alike" in told["words"]
    assert told["samples"]


def test_a_stall_names_whose_work_was_lost() -> None:
    panel = Panel(cut=0.9)
    evidence = looked_at(panel, 50, 1).watched.evidence
    told = cause(evidence, panel.cast(), LANES[0].id, "stalled: respond.truncated")
    assert told is not None
    assert told["words"].startswith("answerer (r): ")
    assert "cut off at max_tokens" in told["words"]
    assert cause(evidence, panel.cast(), LANES[0].id, "exhausted: source") is None


@pytest.mark.parametrize(
    ("analyses", "expected"),
    [
        (["safe 一句话"] * 30, True),
        (["safe 一句话", "unsafe 另一句话"] * 15, True),
        (["safe 一句话"] * 29, False),  # too few to tell
        ([f"safe 第{n % 3}句话" for n in range(300)], False),
        ([f"safe 第{n}句话" for n in range(20_000)], False),
        ([f"safe 第{n if n % 2 else 0}句话" for n in range(2_000)], False),  # one in two is the bound
        ([f"safe 第{n if n % 4 == 0 else 0}句话" for n in range(2_000)], True),
    ],
)
def test_a_judge_that_says_the_same_of_every_row_is_no_judge(analyses: list[str], expected: bool) -> None:
    evidence = Evidence()
    for number, said in enumerate(analyses):
        evidence.count("said", ("judge_a", "m"), True, str(number), said)
        label, _, analysis = said.partition(" ")
        evidence.count_analysis(("judge_a", "m"), label, analysis)
    found = [doubt.kind for doubt in doubts(evidence, RoleNames(), {}) if doubt.whole]
    assert found == ["one_analysis"] * expected
    assert all(len(by_bucket) <= BUCKETS for by_bucket in evidence.said["judge_a"]["m"].values())
