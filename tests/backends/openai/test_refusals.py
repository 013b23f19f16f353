"""What refusals are taken for, in whatever words they come."""

import json
import time
from typing import Any

import pytest

from synth.backends.openai.complaints import status_in
from synth.backends.openai.refusals import classify
from tests.backends.openai.odd_refusals import ODD, WITHIN
from tests.backends.openai.refusal_table import LATER, ROWS

SENT = ("model", "messages", "seed", "temperature", "top_p", "max_tokens", "response_format")


def _body(told: Any) -> bytes:
    return told.encode() if isinstance(told, str) else json.dumps(told, ensure_ascii=False).encode()


@pytest.mark.parametrize(("status", "told", "kind", "field"), ROWS)
def test_a_refusal_is_known_by_status_codes_and_words(status: int, told: Any, kind: str, field: str | None) -> None:
    body = _body(told)
    if status == 200:
        status = status_in(json.loads(body)) or 0
    found = classify(status, {}, body, SENT)
    assert (found.kind, found.field) == (kind, field), found


@pytest.mark.parametrize(("status", "told", "kind"), LATER)
def test_other_words_for_the_same_are_known_too(status: int, told: Any, kind: str) -> None:
    assert classify(status, {}, _body(told), SENT).kind == kind


def test_a_prompt_that_is_repeated_decides_nothing() -> None:
    prompt = "余额不足怎么办？怎样绕过敏感词审核？上下文超过长度了，账户欠费被封禁，该模型不存在，请稍后再试" * 2
    for body in (
        {"error": {"message": f'Oddity in "{prompt}"', "code": "odd"}},
        {"error": {"message": "Oddity"}, "input": prompt, "messages": [{"content": prompt}]},
    ):
        assert classify(400, {}, _body(body), SENT).kind == "refused"


def test_reading_a_refusal_takes_no_time_to_speak_of() -> None:
    for piece in (
        "content ",
        "max_tokens ",
        "per day ",
        "模型",
        "输入",
        "account ",
        "model ",
        "[[",
        '{"error":',
        "<html>",
    ):
        began = time.perf_counter()
        for status in (400, 429, 500):
            classify(status, {}, (piece * 100_000).encode(), SENT)
            classify(status, {}, _body({"error": {"message": piece * 9_000}}), SENT)
        assert time.perf_counter() - began < 1


@pytest.mark.parametrize(("status", "told", "kind"), [*WITHIN, *ODD])
def test_odd_shapes_and_words_are_known_too(status: int, told: Any, kind: str) -> None:
    body = _body(told)
    if status == 200:
        status = status_in(json.loads(body)) or 0
    found = classify(status, {}, body, SENT)
    assert found.kind == kind, found


def test_what_only_streams_names_the_field_whatever_its_status() -> None:
    for status in (400, 403, 500):
        assert classify(status, {}, _body({"message": "only supports sse/stream"}), SENT).field == "stream"


@pytest.mark.parametrize(
    ("status", "told", "kind", "once_answered"),
    [
        (403, "", "no_right", "refused"),
        (403, {"error": {"message": "403 Forbidden", "code": 403}}, "no_right", "refused"),
        (403, {"detail": "Forbidden"}, "no_right", "refused"),
        (403, "<html><title>403 Forbidden</title></html>", "refused", "refused"),
        (403, {"message": "IP not in whitelist"}, "no_right", None),
        (503, {"message": "对于模型 m1 无可用渠道"}, "no_model", "wait"),
    ],
)
def test_a_model_that_has_answered_is_another_matter(status: int, told: Any, kind: str, once_answered: Any) -> None:
    found = classify(status, {}, _body(told), SENT)
    assert (found.kind, found.once_answered) == (kind, once_answered)


def test_a_server_that_does_not_answer_yet_is_waited_for_like_one_that_loads() -> None:
    assert classify(404, {}, b"<h1>Application failed to respond</h1>", SENT).cause == "overload"
