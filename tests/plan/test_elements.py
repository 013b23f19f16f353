"""Elements are drawn for even coverage, as a function of seed, lane and call alone."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from synth.hashing import pick, unit
from synth.plan.lanes import LaneSpec, elements
from synth.types import Lane


def spec(lane: str = "a.b", banks: dict[str, tuple[str, ...]] | None = None) -> LaneSpec:
    banks = banks or {"x": tuple("甲乙丙丁戊"), "y": tuple("子丑寅卯辰巳午")}
    return LaneSpec(Lane("a", lane, "harmful"), {}, {}, "", ordinary=False, banks=banks, cells={})


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 99), calls=st.integers(1, 60), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=3))
def test_the_most_and_the_least_used_differ_by_one_at_most(seed: int, calls: int, sizes: list[int]) -> None:
    banks = {f"axis{i}": tuple(f"v{j}" for j in range(size)) for i, size in enumerate(sizes)}
    drawn = [elements(seed, spec(banks=banks), call) for call in range(calls)]
    for axis, (name, bank) in enumerate(banks.items()):
        used = Counter(call[axis].value for call in drawn)
        assert all(call[axis].axis == name for call in drawn)
        assert max(used.values()) - min(used[value] for value in bank) <= 1


def test_a_lane_does_not_see_the_others_or_how_many_calls_there_are() -> None:
    assert [elements(1, spec(), call) for call in range(9)] == [elements(1, spec(), call) for call in range(20)][:9]
    assert elements(1, spec("a.b"), 3) != elements(1, spec("a.c"), 3) or elements(1, spec("a.b"), 4) != elements(
        1, spec("a.c"), 4
    )
    assert any(elements(1, spec(), call) != elements(2, spec(), call) for call in range(5))


def test_two_axes_do_not_go_in_step() -> None:
    banks = {"x": tuple("甲乙丙丁戊己庚辛"), "y": tuple("子丑寅卯辰巳午未")}
    pairs = {tuple(element.value for element in elements(3, spec(banks=banks), call)) for call in range(32)}
    assert len(pairs) > 24


def test_unit_is_uniform_and_of_its_parts_alone() -> None:
    values = [unit(7, "lane", i) for i in range(4000)]
    assert all(0 <= value < 1 for value in values)
    tenths = Counter(int(value * 10) for value in values)
    assert min(tenths.values()) > 330
    assert unit("ab", "c") != unit("a", "bc")


def test_pick_keeps_to_the_weights_whatever_their_order() -> None:
    drawn = [pick({"a": 1.0, "b": 3.0}, i) for i in range(4000)]
    assert 0.72 < drawn.count("b") / 4000 < 0.78
    assert drawn == [pick({"b": 3.0, "a": 1.0}, i) for i in range(4000)]
