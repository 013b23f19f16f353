"""A sheet's texts are read by their numbers, whatever else a model makes of the format."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.errors import ParseError
from synth.stages.slots import filled, read_slots
from synth.types import Reply
from tests.support.hostile import strings

SIZE = 5


def numbered(*pairs: tuple[Any, str]) -> dict[str, Any]:
    return {"queries": [{"n": number, "query": text} for number, text in pairs]}


REPLIES: list[tuple[Any, dict[int, str], list[int], list[str]]] = [
    (numbered((1, "甲"), (2, "乙"), (3, "丙")), {0: "甲", 1: "乙", 2: "丙"}, [], []),
    (numbered((3, "丙"), (1, "甲")), {0: "甲", 2: "丙"}, [], []),
    (numbered((2, "乙"), (2, "又乙"), (9, "外")), {1: "乙"}, [], ["又乙", "外"]),
    (numbered(("1", "甲"), ("第2条", "乙"), ("3.", "丙")), {0: "甲", 1: "乙", 2: "丙"}, [], []),
    (numbered((0, "甲"), (4, "戊")), {0: "甲", 4: "戊"}, [], []),
    (numbered((0, "零"), (5, "戊")), {4: "戊"}, [], ["零"]),
    (numbered((1, "甲"), (2, "  "), (True, "丙")), {0: "甲", 1: "丙"}, [1], []),
    ({"queries": ["甲", "乙", "丙", "丁", "戊"]}, dict(enumerate("甲乙丙丁戊")), [], []),
    ({"queries": ["甲", "乙"]}, {0: "甲", 1: "乙"}, [0, 1], []),
    ({"queries": [*"甲乙丙丁戊己"]}, dict(enumerate("甲乙丙丁戊")), [0, 1, 2, 3, 4], ["己"]),
    ({"queries": ["4. 丁香", "2. 乙醇"]}, {1: "乙醇", 3: "丁香"}, [], []),
    ({"queries": ["4. 丁香", "乙醇"]}, {0: "4. 丁香", 1: "乙醇"}, [0, 1], []),
    ({"queries": ["3.5升油", "2.5升油"]}, {0: "3.5升油", 1: "2.5升油"}, [0, 1], []),
    ({"queries": {"2": "乙", "1": "甲"}}, {0: "甲", 1: "乙"}, [], []),
    ({"2": "乙", "4": "丁"}, {1: "乙", 3: "丁"}, [], []),
    ({"queries": [{"2": "乙"}, {"1": "甲"}]}, {0: "甲", 1: "乙"}, [], []),
    ([{"序号": 2, "问题": "乙"}, {"序号": 1, "问题": "甲"}], {0: "甲", 1: "乙"}, [], []),
    ({"问题": [{"id": 5, "text": "戊"}]}, {4: "戊"}, [], []),
    ({"queries": [{"n": 3, "query": "丙"}, {"query": "谁"}]}, {0: "谁", 2: "丙"}, [0], []),
    ('{"n": 2, "query": "乙"}\n{"n": 1, "query": "甲"}', {0: "甲", 1: "乙"}, [], []),
    ("2. 乙醇\n1. 甲醇", {0: "甲醇", 1: "乙醇"}, [], []),
    ("- 甲醇\n- 乙醇", {0: "甲醇", 1: "乙醇"}, [0, 1], []),
    ('好的：\n```json\n{"queries": [{"n": 4, "query": "丁"}]}\n```', {3: "丁"}, [], []),
    (
        '{"queries": [{"n": 2, "query": "乙"}, {"n": 1, "query": "甲"}, {"n": 3, "query": "写了一',
        {0: "甲", 1: "乙"},
        [],
        [],
    ),
    (numbered((2, "一行\n两行\n1. 三行")), {1: "一行\n两行\n1. 三行"}, [], []),
]


@pytest.mark.parametrize(("said", "texts", "unnumbered", "extra"), REPLIES)
def test_a_text_takes_the_slot_of_its_number(
    said: Any, texts: dict[int, str], unnumbered: list[int], extra: list[str]
) -> None:
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    found = read_slots(Reply(text), SIZE)
    assert (dict(found.texts), sorted(found.unnumbered), list(found.extra)) == (texts, unnumbered, extra)
    assert list(found.texts) == sorted(found.texts)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("抱歉，我不能协助编写这类内容。", "refusal"),
        (json.dumps(numbered((1, "抱歉，我不能协助编写这类内容。")), ensure_ascii=False), "refusal"),
        ("今天天气不错", "unreadable"),
        ('{"queries": []}', "shape"),
        ('{"queries": [{"n": 1, "query": "只写了一', "truncated"),
        ("", "empty"),
    ],
)
def test_what_holds_no_text_has_its_reason(said: str, reason: str) -> None:
    with pytest.raises(ParseError) as found:
        read_slots(Reply(said), SIZE)
    assert found.value.reason == reason


def test_any_reply_is_read_or_refused() -> None:
    for text in strings(1, 300):
        for said in (text, json.dumps({"queries": [{"n": text, "query": text}, text]})):
            _read_or_refused(said)


def _read_or_refused(said: str) -> None:
    with contextlib.suppress(ParseError):
        found = read_slots(Reply(said), SIZE)
        assert found.texts.keys() <= set(range(SIZE))


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(-3, 9)), st.text(min_size=1)), max_size=12))
def test_no_text_is_lost_and_none_is_twice(items: list[tuple[int | None, str]]) -> None:
    found = filled(items, SIZE)
    assert sorted([*found.texts.values(), *found.extra]) == sorted(text for _, text in items)
    assert found.unnumbered <= found.texts.keys()
