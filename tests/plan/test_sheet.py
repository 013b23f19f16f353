"""Slots are dealt by coordinate: even over values, true to shares in every block, and within what a writer may answer."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.plan.lanes import LaneSpec
from synth.plan.quota import Quota
from synth.plan.sheet import ABSTRACT, BLOCK, asked, fitted, room_in, sheet, tokens_for, unreached
from synth.recipe.sheet import Sheet
from synth.types import Lane

PLENTY = 1_000_000
BANKS = {"behaviour": tuple(f"行为{i}" for i in range(28)), "task": tuple(f"任务{i}" for i in range(7))}


def spec(banks: dict[str, tuple[str, ...]] = BANKS, *, refuse_only: bool = False, **options: object) -> LaneSpec:
    lane = Lane("a", "a.b", "harmful", refuse_only)
    cells = {"unsafe": {"natural": 1.0}}
    found = Sheet.model_validate(options)
    return LaneSpec(lane, {}, {}, "", ordinary=False, banks=banks, cells=cells, sheet=found)  # type: ignore[arg-type]


def values(lane: LaneSpec, axis: str, calls: int, size: int = 10, room: int = PLENTY) -> list[str]:
    slots = [slot for call in range(calls) for slot in sheet(1, lane, call, size, room)]
    return [element.value for slot in slots for element in slot if element.axis == axis]


@settings(max_examples=40, deadline=None)
@given(slots=st.integers(1, 120), sizes=st.lists(st.integers(1, 31), min_size=1, max_size=3))
def test_the_most_and_the_least_used_differ_by_one_at_most(slots: int, sizes: list[int]) -> None:
    banks = {f"axis{i}": tuple(f"v{j}" for j in range(size)) for i, size in enumerate(sizes)}
    for axis, bank in banks.items():
        used = Counter(values(spec(banks), axis, slots, size=1))
        assert max(used.values()) - min(used[value] for value in bank) <= 1


def test_what_a_slot_gets_does_not_hang_on_how_many_are_asked_for_at_once() -> None:
    by_tens = [slot for call in range(6) for slot in sheet(3, spec(), call, 10, PLENTY)]
    assert by_tens == [slot for call in range(12) for slot in sheet(3, spec(), call, 5, PLENTY)]
    assert by_tens != [slot for call in range(6) for slot in sheet(4, spec(), call, 10, PLENTY)]


def test_every_block_of_twenty_has_its_shares() -> None:
    lane = spec(forms={"question": 0.5, "order": 0.25, "half": 0.25}, directness={"direct": 3, "indirect": 1})
    for block in range(8):
        here = slice(block * BLOCK, (block + 1) * BLOCK)
        assert Counter(values(lane, "form", 16)[here]) == {"提问": 10, "要求": 5, "半句": 5}
        assert Counter(values(lane, "directness", 16)[here]) == {"直说": 15, "绕着说": 5}


def test_a_share_that_is_less_than_a_slot_of_a_block_comes_in_its_time() -> None:
    lane = spec(lengths={"2-12": 0.97, "1000-2000": 0.03})
    long = [at // BLOCK for at, value in enumerate(values(lane, "length", 400)) if value == "1000到2000字"]
    assert 100 <= len(long) <= 140  # of 4,000 slots 120
    assert max(Counter(long).values()) == 1


def test_half_sentences_are_short_and_pastes_are_not() -> None:
    slots = [slot for call in range(40) for slot in sheet(1, spec(), call, 10, PLENTY)]
    found = Counter((slot[-3].value, slot[-2].value) for slot in slots)
    assert not [key for key in found if key[0] == "半句" and key[1] not in ("2到12字", "8到25字", "25到60字")]
    pasted = {key: count for key, count in found.items() if key[0] == "粘贴"}
    assert sum(count for (_, length), count in pasted.items() if length in ("2到12字", "8到25字")) == 0
    assert {length for form, length in found if form == "提问"} >= {"2到12字", "60到150字", "400到1000字"}


def test_lanes_of_refusals_alone_stay_abstract() -> None:
    lane = spec(refuse_only=True)
    assert set(values(lane, "form", 20)) == {"提问", "要求"}
    assert all(int(value.partition("到")[2][:-1]) <= ABSTRACT for value in values(lane, "length", 20))
    assert set(values(spec(refuse_only=True, lengths={"60-150": 1}), "length", 2)) == {"2到40字"}


KNOWN = [(2, 12), (8, 25), (60, 150), (1000, 2000)]


@pytest.mark.parametrize(
    ("bands", "room", "expected"),
    [
        ([(1000, 2000), (2, 12)], 2012, [(1000, 2000), (2, 12)]),
        ([(1000, 2000), (2, 12)], 2011, [(60, 150), (2, 12)]),
        ([(60, 150), (60, 150), (2, 12)], 200, [(8, 25), (60, 150), (2, 12)]),
        ([(1000, 2000), (1000, 2000)], 100, [(8, 25), (8, 25)]),
        ([(2, 12), (2, 12)], 5, [(2, 12), (2, 12)]),
    ],
)
def test_the_longest_is_lowered_until_all_fit(
    bands: list[tuple[int, int]], room: int, expected: list[tuple[int, int]]
) -> None:
    assert fitted(bands, KNOWN, room) == expected


def test_the_texts_of_a_call_fit_what_its_writer_may_answer() -> None:
    for call in range(60):
        slots = sheet(1, spec(), call, 10, room_in(2048))
        highs = [int(slot[-2].value.partition("到")[2][:-1]) for slot in slots]
        assert sum(highs) * 0.7 <= 0.6 * 2048


def test_bands_that_no_call_reaches_are_known_with_what_it_would_take() -> None:
    ((band, characters),) = unreached(Sheet(), 10, room_in(2048))
    assert (band, characters) == ((1000, 2000), 2000 + 9 * 12)
    assert not unreached(Sheet(), 10, room_in(tokens_for(characters)))
    assert unreached(Sheet(), 10, room_in(tokens_for(characters) - 2))


def test_quotas_reach_to_the_coordinate_at_which_the_last_value_comes() -> None:
    lane = spec()
    quota = Quota(lane, {"behaviour": 1}, seed=1, size=10)
    assert quota.reach(0, ["unsafe"]) == 28
    assert quota.reach(28, ["unsafe"]) == 56
    assert quota.paid_for(28) == 30
    drawn = [slot for _, slot in asked(1, lane, 5, 24, 10)]
    assert len(drawn) == 20


def test_a_row_of_an_unknown_slot_takes_no_seat_that_is_kept_for_a_value() -> None:
    quota = Quota(spec(), {"task": 1}, seed=1, size=10)
    assert not quota.admits((), "unsafe", open_rows=7)
    assert quota.admits((), "unsafe", open_rows=8)
