"""The row: what it says, what it is compared by, and where it may be set aside."""

from dataclasses import replace

import pytest

from synth.types import Aside, Message
from tests.filters.test_filters import ROW

BEFORE = (Message("user", "在吗？"), Message("assistant", "在的。"))


def test_a_conversation_is_what_came_before_the_query_and_the_answer() -> None:
    row = replace(ROW, context=BEFORE, response="好的。")
    assert row.conversation == (*BEFORE, Message("user", "问"), Message("assistant", "好的。"))
    assert replace(ROW, response=None).conversation == (Message("user", "问"),)


def test_a_query_is_compared_by_its_own_words_unless_its_request_is_known() -> None:
    assert (ROW.compared, replace(ROW, request="原来的问题").compared) == ("问", "原来的问题")


@pytest.mark.parametrize("split", ["train", "validation", "test", "accepted", "default", "", "a-b", "../x", "难"])
def test_no_row_is_set_aside_where_rows_of_cells_stand_or_under_a_name_that_is_no_file_of_ours(split: str) -> None:
    with pytest.raises(ValueError, match="set aside"):
        Aside(split, ROW)
