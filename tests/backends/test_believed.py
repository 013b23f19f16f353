"""What a backend answers is believed as far as it can be: counts are counts, and no end is one that only the engine gives."""

import pytest

from synth.backends import believed
from synth.types import Reply


@pytest.mark.parametrize("finish", ["gave_up", "retry", "outage"])
def test_no_backend_speaks_for_the_engine(finish: str) -> None:
    assert believed(Reply("x", finish)) == Reply("x", "broken")


@pytest.mark.parametrize("finish", ["stop", "length", "content_filter", "rejected", "broken", "eos"])
def test_any_other_end_is_kept(finish: str) -> None:
    assert believed(Reply("x", finish)).finish == finish


@pytest.mark.parametrize(
    ("told", "count"), [(7, 7), (-1, 0), (2**31, 0), (float("nan"), 0), ("7", 0), (None, 0), (True, 0)]
)
def test_a_count_is_a_whole_number_that_can_be(told: object, count: int) -> None:
    assert believed(Reply("x", "stop", told, told)) == Reply("x", "stop", count, count)  # type: ignore[arg-type]


def test_a_thought_that_is_no_text_is_none() -> None:
    assert believed(Reply("x", reasoning=["想"])).reasoning is None  # type: ignore[arg-type]
