"""Readers: a ParseError and nothing else, in bounded time, depth and memory, whatever a model writes."""

import asyncio
import contextlib
import threading
import time

import json_repair
import pytest

from synth.errors import ParseError
from synth.sanitize import DEEPEST
from synth.stages.fallback import CAUSES
from synth.stages.lenient_json import json_in, numbered
from synth.stages.mending import mended
from synth.stages.parsing import (
    CLASSES,
    FEEDBACK,
    LONG,
    MEANINGS,
    ask_until_read,
    read_object,
    read_string,
    read_strings,
    read_text,
)
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import Requester
from synth.types import Message, Reply, Request
from tests.support.mutants import FINISHES, TEXTS, bodies, read_body, read_wait, readers, texts, waits

REQUEST = Request("model", "m", (Message("user", "写"),), {}, {"title": "queries"}, ("x",))
PLACE = PromptUse("query", "query/harmful", "one.s0")


def test_of_two_thousand_mutants_each_is_read_or_has_a_reason() -> None:
    loop = asyncio.new_event_loop()
    reading = list(readers(loop).values())
    for number, text in enumerate(texts(5, 2_000, longest=3_000)):
        finish = FINISHES[number // len(reading) % len(FINISHES)]
        reading[number % len(reading)](Reply(text, finish, reasoning=text[::-1] if number % 7 == 0 else None))
    loop.close()


def test_of_mutants_of_bodies_and_headers_each_is_read_or_a_providers_error() -> None:
    for body in bodies(5, 300):
        read_body(body)
    for headers in waits(5, 300):
        read_wait(headers)


NEVER_CLOSED = (
    "{",
    "[",
    "[{",
    '{"query":"',
    '{"queries":[',
    "{a:",
    '["甲"乙",',
    '"}',
    "[1,",
    "1.\n",
    "- \n",
    " \n",
    '"a"b',
)


@pytest.mark.parametrize("piece", NEVER_CLOSED)
def test_what_never_ends_is_given_up_in_time(piece: str) -> None:
    text = '{"queries": ["' + piece * (100_000 // len(piece)) + "]"
    began = time.process_time()
    for read in (read_text, read_object, lambda reply: read_strings(reply, "queries")):
        with contextlib.suppress(ParseError):
            read(Reply(text))
    assert time.process_time() - began < 4, "two readings of 0.5 s each, on a machine that is busy"


@pytest.mark.parametrize("deep", [200, 1_200, 20_000])
@pytest.mark.parametrize(("first", "last"), [("{", ""), ("[", ""), ("[{", ""), ('{"a":', ""), ("[", "]"), ("(", ")")])
def test_what_nests_too_deep_is_no_answer(first: str, last: str, deep: int) -> None:
    for text in (first * deep + last * deep, "好的：[" + first * deep):
        with pytest.raises(ParseError):
            read_string(Reply(text), "query")


def test_how_deep_json_may_nest_hangs_on_nothing_else() -> None:
    for deep in (DEEPEST, DEEPEST + 1):
        whole = '{"a":' * deep + "1" + "}" * deep
        assert json_in(whole)[0] == json_in(whole[5:] if deep > DEEPEST else whole)[0]
        assert (mended(f"{whole},") is None) is (deep > DEEPEST)


def test_what_is_mended_is_mended_as_ever() -> None:
    for text in TEXTS:
        for at in range(1, len(text)):
            try:
                before = json_repair.loads(text[:at])
            except AssertionError:  # of its own
                before = None
            assert mended(text[:at]) == before


def test_a_list_is_read_in_time_however_blank_its_lines() -> None:
    blank = " " * 50_000 + "\n" * 50_000
    began = time.process_time()
    assert numbered(f"1. 甲{blank}2.{blank}乙") == ["甲", "乙"]
    assert numbered(f"- 甲{blank}- {blank}") == ["甲", " "]
    assert numbered(f"1{blank}") == []
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("1. 甲\n2. ", ["甲", " "]),
        ("1. 甲\n2.", ["甲", "."]),
        ("1.\n\n甲\n2)，乙  ", ["甲", "，乙"]),
        ("一、甲\n（2） “乙”", ["甲", "乙"]),
        ("1 甲\n12", ["甲", "2"]),
        ("- 甲\n  •\n乙", ["甲", "乙"]),
        ("- 甲", []),
    ],
)
def test_items_are_told_as_ever(text: str, items: list[str]) -> None:
    assert numbered(text) == items


def test_a_long_reply_is_read_beside_the_loop() -> None:
    def thread(text: str) -> str:
        async def ask(*_: object, **__: object) -> Reply:
            return Reply(text)

        caller = Requester("w", "m", "model", {})
        read = lambda _: threading.current_thread().name  # noqa: E731
        return asyncio.run(ask_until_read(ask, caller, PLACE, REQUEST, read))

    assert thread("短") == threading.main_thread().name
    assert thread("长" * (LONG + 1)) != threading.main_thread().name


def asked(reply: Reply, *, clean: bool = True) -> tuple[ParseError, list[Request]]:
    sent: list[Request] = []

    async def ask(stage: str, role: str, request: Request, *, spare: bool = False) -> Reply:
        sent.append(request)
        return reply

    caller = Requester("w", "m", "model", {}, clean=clean)
    with pytest.raises(ParseError) as caught:
        asyncio.run(ask_until_read(ask, caller, PLACE, REQUEST, read_object))
    return caught.value, sent


def test_a_reply_that_was_broken_off_is_asked_for_once_more_in_fewer_words() -> None:
    error, sent = asked(Reply('{"queries": ["甲"]}', "broken"))
    assert error.reason == "broken"
    assert [request.draw for request in sent] == [("x",), ("x",)]
    assert sent[1].messages[-1].content == FEEDBACK["truncated"]


def test_a_thought_that_took_all_there_was_is_not_asked_for_again() -> None:
    error, sent = asked(Reply("", "length", reasoning="想了很久"))
    assert (error.reason, error.text, len(sent)) == ("thought", "想了很久", 1)
    error, sent = asked(Reply("<think>想了很久", "length"))
    assert (error.reason, error.text, len(sent)) == ("thought", "<think>想了很久", 1)
    assert asked(Reply("<think>想了很久", "length"), clean=False)[0].reason == "truncated"


def test_a_second_try_quotes_the_reply_as_it_came() -> None:
    _, sent = asked(Reply("<think>想</think>\ufeff不是 JSON<|im_end|>"))
    assert sent[1].messages[1].content == "<think>想</think>\ufeff不是 JSON<|im_end|>"
    _, sent = asked(Reply("", reasoning="不是 JSON"))
    assert sent[1].messages[1].content == "不是 JSON"


def test_every_reason_has_a_class_a_cause_and_words() -> None:
    assert CLASSES.keys() == CAUSES.keys() <= MEANINGS.keys()
    assert all(MEANINGS[reason][1] for reason in CLASSES)


def test_a_list_of_refusals_is_one_and_one_with_a_question_is_none() -> None:
    declined = '"抱歉，我不能协助编写这类内容。"'
    with pytest.raises(ParseError, match="refusal"):
        read_strings(Reply(f'{{"queries": [{", ".join([declined] * 2_000)}]}}'), "queries")
    assert len(read_strings(Reply(f'{{"queries": [{declined}, "怎么煮米饭？"]}}'), "queries")) == 2


def test_what_is_mended_or_not_is_the_same_every_time() -> None:
    for text in texts(9, 40, longest=2_000):
        assert repr(json_in(text)) == repr(json_in(text))
