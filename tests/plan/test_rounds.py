"""What a lane asks for next, and when it gives up."""

from collections import Counter
from dataclasses import replace

import pytest

from synth.plan.ends import ends, grounds
from synth.plan.lanes import LaneSpec
from synth.plan.quota import Quota
from synth.plan.rounds import Supply, next_round
from synth.plan.tally import Tally
from synth.recipe.sheet import Sheet
from synth.types import Label, Lane, Round, Want

BRIEF = LaneSpec(
    Lane("a", "a.b", "harmful"),
    {},
    {},
    "",
    ordinary=False,
    banks={},
    cells={"unsafe": {"comply": 1.0}, "safe": {"refuse": 1.0}},
)
WANTS: dict[Label, Want] = {"unsafe": Want(1.0, {"comply": 1.0}), "safe": Want(1.0, {"refuse": 1.0})}


def tally(first: int, count: int, **what: object) -> Tally:
    found = Tally(
        Round("a.b/harmful", 0, first, count, WANTS, {}), calls=max(1, count // 10), roots=count, queries=count
    )
    for name, value in what.items():
        setattr(found, name, value)
    return found


def test_a_fresh_lane_asks_by_the_prior() -> None:
    plan = next_round(BRIEF, {"unsafe": 10, "safe": 10}, [])
    assert plan is not None
    assert (plan.first, plan.count) == (0, 27)  # 10 rows at a hit rate of 0.5 and 0.75 new queries a coordinate
    assert {label: want.share for label, want in plan.wants.items()} == {"unsafe": 1.0, "safe": 1.0}


def test_a_lane_that_lacks_nothing_asks_nothing() -> None:
    assert next_round(BRIEF, {"unsafe": 0}, []) is None
    assert next_round(BRIEF, {}, []) is None


def test_the_label_that_lacks_more_gets_more_slots() -> None:
    plan = next_round(BRIEF, {"unsafe": 20, "safe": 5}, [])
    assert plan is not None
    assert (plan.wants["unsafe"].share, plan.wants["safe"].share) == (1.0, 0.25)


def test_a_label_that_is_hard_to_get_gets_more_slots() -> None:
    past = tally(
        0,
        40,
        slots={"unsafe": Counter(comply=40), "safe": Counter(refuse=40)},
        hits={"unsafe": Counter(comply=4), "safe": Counter(refuse=40)},
    )
    plan = next_round(BRIEF, {"unsafe": 10, "safe": 10}, [past])
    assert plan is not None
    assert plan.wants["safe"].share == pytest.approx((10 / (41 / 42)) / (10 / (5 / 42)), abs=1e-3)


def test_a_stance_that_rarely_gives_its_label_is_asked_for_less() -> None:
    mixed = replace(BRIEF, cells={"unsafe": {"natural": 3.0, "comply": 1.0}})
    past = tally(
        0,
        40,
        slots={"unsafe": Counter(natural=30, comply=10)},
        hits={"unsafe": Counter(natural=1, comply=8)},
    )
    fresh, later = next_round(mixed, {"unsafe": 40}, []), next_round(mixed, {"unsafe": 40}, [past])
    assert fresh is not None
    assert later is not None
    assert fresh.wants["unsafe"].stances == {"natural": 3.0, "comply": 1.0}
    assert later.wants["unsafe"].stances == {
        "natural": 0.375,
        "comply": 1.0,
    }  # 3 x (2 / 32) / 0.5; comply keeps its own
    yields = (0.375 * 2 / 32 + 9 / 12) / 1.375
    assert later.count == pytest.approx(40 / yields * 48 / 46, abs=1)  # 40 queries of 40 coordinates so far


def test_a_round_goes_on_where_the_last_ended_and_at_most_doubles() -> None:
    past = tally(0, 8, slots={"unsafe": Counter(comply=8)}, hits={})
    plan = next_round(BRIEF, {"unsafe": 1}, [past])
    assert plan is not None
    assert plan.first == 8
    assert plan.count <= 16
    large = next_round(BRIEF, {"unsafe": 1000}, [past])
    assert large is not None
    assert large.count == 2667  # what a fresh lane would ask for
    poor = tally(0, 2000, slots={"unsafe": Counter(comply=2000)}, hits={"unsafe": Counter(comply=100)}, queries=100)
    doubled = next_round(BRIEF, {"unsafe": 1000}, [poor])
    assert doubled is not None
    assert doubled.count == 4000


def test_augmentations_count_as_queries() -> None:
    plain = next_round(BRIEF, {"unsafe": 100}, [])
    grown = next_round(replace(BRIEF, operators={"rewrite": 0.5, "red_team": 0.5}), {"unsafe": 100}, [])
    assert plain is not None
    assert grown is not None
    assert grown.count < 0.6 * plain.count


def test_a_file_is_not_read_past_its_end() -> None:
    plan = next_round(BRIEF, {"unsafe": 100}, [], supply=Supply(available=7))
    assert plan is not None
    assert plan.count == 7
    assert next_round(BRIEF, {"unsafe": 100}, [tally(0, 7)], supply=Supply(available=7)) is None


ASSUMING = replace(BRIEF, assumed_yield=0.9)


@pytest.mark.parametrize(("lack", "count"), [(10, 10), (100, 62)])  # of 13 and of 124
def test_where_a_yield_is_assumed_a_fresh_lane_asks_for_half_of_its_need_and_a_writer_call_at_least(
    lack: int, count: int
) -> None:
    plan = next_round(ASSUMING, {"unsafe": lack}, [], supply=Supply(page=10))
    assert plan is not None
    assert plan.count == count


@pytest.mark.parametrize(("lack", "least", "most"), [(1, 3, 4), (10, 16, 18), (100, 132, 140)])
def test_later_rounds_are_planned_above_what_is_needed_at_the_yields_measured(lack: int, least: int, most: int) -> None:
    past = tally(0, 80, slots={"unsafe": Counter(comply=80)}, hits={"unsafe": Counter(comply=64)})
    plan, plain = (next_round(spec, {"unsafe": lack}, [past]) for spec in (ASSUMING, BRIEF))
    assert plan is not None
    assert plain is not None
    assert least <= plan.count <= most
    assert plan.count > plain.count
    assert (plan.count - plain.count) / lack <= 0.1 or lack < 100, "the margin grows as the root of what lacks"


def test_where_operators_are_drawn_a_round_counts_those_that_are_due_to_its_coordinates() -> None:
    grown = replace(ASSUMING, operators={"rewrite": 0.5})
    late = Supply(page=1, drawn=lambda operators, at: [*operators] if at >= 20 else [])
    plans = [next_round(grown, {"unsafe": 30}, [], supply=supply) for supply in (Supply(), late)]
    assert [plan and plan.count for plan in plans] == [13, 15]  # half of 25, half of 29


def test_with_a_yield_assumed_no_round_is_rounded_up_to_a_whole_call_of_a_slot_sheet() -> None:
    spec = replace(BRIEF, sheet=Sheet())
    ends = [Quota(one, {}, seed=1, size=10).paid_for(13) for one in (spec, replace(spec, assumed_yield=0.9))]
    assert ends == [20, 13]


DRY = {"roots": 2, "queries": 2, "lost": Counter({"dedup.near_duplicate": 38})}
REFUSED = {"roots": 0, "queries": 0, "calls": 8, "refused_calls": 8, "lost": Counter({"query.refusal": 8})}
MISSED = {
    "slots": {"unsafe": Counter(comply=40)},
    "misses": {"unsafe": Counter({"judge.other_label": 40})},
    "accepted": 1,
}
DECLINED = MISSED | {"refusals": Counter({"unsafe": 38})}
FILTERED = {"roots": 0, "queries": 0, "lost": Counter({"query.length.short": 40})}


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [
        ([DRY], {}),  # one round is no evidence
        ([DRY, DRY], {"unsafe": "exhausted: novelty", "safe": "exhausted: novelty"}),
        ([DRY, DRY, {}], {}),  # a good round clears the record
        ([REFUSED, REFUSED], {"unsafe": "blocked: refusals", "safe": "blocked: refusals"}),
        ([MISSED], {}),
        ([MISSED, MISSED], {"unsafe": "stalled: judge.other_label"}),
        ([DECLINED, DECLINED], {"unsafe": "blocked: refusals"}),
        ([FILTERED, FILTERED], {"unsafe": "stalled: query.length.short", "safe": "stalled: query.length.short"}),
        ([MISSED | {"hits": {"unsafe": Counter(comply=5)}}, MISSED], {}),
    ],
)
def test_ends(rounds: list[dict[str, object]], expected: dict[Label, str]) -> None:
    tallies = [tally(40 * i, 40, **({"accepted": 1} | what)) for i, what in enumerate(rounds)]
    assert ends(tallies, ["unsafe", "safe"]) == expected


def test_small_rounds_are_no_evidence_until_they_add_up() -> None:
    small = {
        "slots": {"unsafe": Counter(comply=2)},
        "misses": {"unsafe": Counter({"judge.other_label": 2})},
        "accepted": 1,
    }
    assert ends([tally(2 * i, 2, **small) for i in range(29)], ["unsafe"]) == {}
    assert ends([tally(2 * i, 2, **small) for i in range(30)], ["unsafe"]) == {"unsafe": "stalled: judge.other_label"}


def test_rounds_on_end_without_an_accepted_row_end_a_lane() -> None:
    barren = [tally(i, 1, lost=Counter({"query.unreadable": 1}), roots=0) for i in range(8)]
    assert ends(barren[:7], ["unsafe"]) == {}
    assert ends(barren, ["unsafe"]) == {"unsafe": "stalled: query.unreadable"}


@pytest.mark.parametrize(
    ("rounds", "words"),
    [
        ([DRY, DRY], "4 of 80 queries new (5.0%) in 2 rounds; 100% of the others repeated an earlier query"),
        ([REFUSED, REFUSED], "16 of 16 calls refused (100.0%) in 2 rounds"),
        (
            [MISSED, MISSED],
            "0 of 80 slots with their label (0.0%) in 2 rounds; 100% of the others were lost for this reason",
        ),
        ([DECLINED, DECLINED], "76 of 80 slots refused (95.0%) in 2 rounds"),
        ([{"accepted": 0, "lost": Counter({"query.unreadable": 3, "query.empty": 1})}] * 8, None),
        ([FILTERED, FILTERED], "0 of 80 queries new (0.0%) in 2 rounds; 100% of the others were lost for this reason"),
    ],
)
def test_the_figures_of_an_end(rounds: list[dict[str, object]], words: str | None) -> None:
    tallies = [tally(40 * i, 40, **({"accepted": 1} | what)) for i, what in enumerate(rounds)]
    end, status = grounds(tallies, "unsafe"), ends(tallies, ["unsafe"]).get("unsafe")
    assert (end and end.status) == status
    if words is None or status is None:
        assert status == (None if words else "stalled: query.unreadable")
    else:
        assert str(end) == words


def test_the_figures_are_those_of_the_round_at_which_a_cell_ended() -> None:
    tallies = [tally(40 * i, 40, **({"accepted": 1} | what)) for i, what in enumerate([MISSED, MISSED, {}, MISSED])]
    end = grounds(tallies, "unsafe")
    assert end is not None
    assert (end.rounds, end.judged, end.count, end.reason_share) == (2, 80, 0, 1.0)
    assert end == grounds(tallies[:2], "unsafe")


def missing(tally: Tally, count: int, **lost: int) -> Tally:
    return replace(
        tally, lost=Counter({"query.missing": count} | {f"dedup.{name}": times for name, times in lost.items()})
    )


def test_slots_left_empty_say_nothing_of_novelty() -> None:
    past = [
        missing(tally(0, 100, roots=9), 45, near_duplicate=46),
        missing(tally(100, 100, roots=8), 40, near_duplicate=52),
    ]
    assert ends(past, ["unsafe"]) == {}, "17 of the 115 that were written are new"
    few = [
        missing(tally(0, 100, roots=6), 45, near_duplicate=49),
        missing(tally(100, 100, roots=4), 40, near_duplicate=56),
    ]
    assert ends(few, ["unsafe"]) == {"unsafe": "exhausted: novelty"}
    found = grounds(few, "unsafe")
    assert found is not None
    assert (found.judged, found.count, found.unit) == (115, 10, "queries")


def test_a_lane_whose_writer_leaves_more_than_half_of_its_slots_empty_is_stalled_by_that_name() -> None:
    past = [missing(tally(0, 50, roots=24), 26), missing(tally(50, 50, roots=24), 26)]
    assert ends(past, ["unsafe", "safe"]) == dict.fromkeys(("unsafe", "safe"), "stalled: query.missing")
    assert ends(past, ["unsafe"], widest=3) == {"unsafe": "stalled: query.missing"}, "wider banks fill no slots"
    assert str(grounds(past, "unsafe")) == "48 of 100 slots of writer calls with a text (48.0%) in 2 rounds"
    assert ends([missing(tally(0, 50, roots=25), 25), missing(tally(50, 50, roots=25), 25)], ["unsafe"]) == {}
