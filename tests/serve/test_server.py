"""The stand-in: what goes wrong goes wrong as told, limits hold, everything is counted."""

import contextlib
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import IncompleteRead
from typing import Any

import pytest

from synth.errors import ConfigError
from synth.serve.faults import CONTENT, Habits
from synth.serve.listen import serving
from synth.serve.server import StandIn

QUERIES = {
    "type": "json_schema",
    "json_schema": {"schema": {"title": "queries", "properties": {"queries": {"maxItems": 4}}}},
}


def post(url: str, *, key: str = "k", seed: int = 1, **more: Any) -> tuple[int, Mapping[str, str], bytes]:
    body = {"model": "m", "messages": [{"role": "user", "content": "写几条"}], "seed": seed, **more}
    request = urllib.request.Request(
        f"{url}/chat/completions", json.dumps(body).encode(), {"Idempotency-Key": key, "Authorization": "Bearer x"}
    )
    try:
        with urllib.request.urlopen(request, timeout=1) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def text_of(server: StandIn, **more: Any) -> tuple[str, str]:
    _, _, body = post(server.url, **more)
    choice = json.loads(body)["choices"][0]
    return choice["message"]["content"], choice["finish_reason"]


def test_equal_requests_have_equal_answers_and_completed_answers_are_counted_by_key() -> None:
    with serving() as server:
        answers = {text_of(server, key=key) for key in ("a", "b", "b")}
        assert len(answers) == 1
        assert text_of(server, key="c", seed=2) not in answers
        with urllib.request.urlopen(server.url.replace("/v1", "/stats")) as response:
            stats = json.load(response)
    assert (stats["arrived"], stats["completed"], stats["repeated"]) == (4, 4, 1)
    assert stats["completion_tokens"] > 0


@pytest.mark.parametrize(
    ("fault", "status", "retry_after"),
    [("429", 429, "2.5"), ("429-bare", 429, None), ("500", 500, None), ("529", 529, None), ("418", 418, None)],
)
def test_a_status_is_answered_with_an_error(fault: str, status: int, retry_after: str | None) -> None:
    with serving(script=[fault], retry_after=2.5) as server:
        answered, headers, _ = post(server.url)
        assert (answered, headers.get("Retry-After")) == (status, retry_after)
        assert post(server.url)[0] == 200
        assert server.stats()["completed"] == 1


@pytest.mark.parametrize("fault", ["reset", "torn", "hang"])
def test_a_connection_breaks_or_says_nothing(fault: str) -> None:
    with serving(script=[fault]) as server:
        with pytest.raises((OSError, IncompleteRead)):
            post(server.url)
        assert server.stats()["completed"] == 0
        assert post(server.url)[0] == 200


@pytest.mark.parametrize(("fault", "kind"), [("cut", "json"), ("html", "html"), ("latin", "json"), ("null", "json")])
def test_a_body_that_is_no_completion(fault: str, kind: str) -> None:
    with serving(script=[fault]) as server:
        status, headers, body = post(server.url)
    assert status == 200
    assert kind in headers["Content-Type"]
    with contextlib.suppress(ValueError):
        assert json.loads(body) is None


@pytest.mark.parametrize(
    ("fault", "items", "finish"),
    [
        ("ok", 4, "stop"),
        ("short", 2, "stop"),
        ("extra", 7, "stop"),
        ("twice", 4, "stop"),
        ("filtered", None, "content_filter"),
    ],
)
def test_content_faults_change_the_answer(fault: str, items: int | None, finish: str) -> None:
    with serving(script=[fault]) as server:
        text, ended = text_of(server, response_format=QUERIES)
    assert ended == finish
    if items is None:
        assert text == ""
    else:
        found = json.loads(text)["queries"]
        assert len(found) == items
        assert (len(set(found)) < items) == (fault == "twice")


def test_a_huge_answer_is_a_megabyte() -> None:
    with serving(script=["huge"]) as server:
        assert len(text_of(server)[0].encode()) > 1_000_000


def test_content_faults_are_a_function_of_the_request_and_weather_is_not() -> None:
    faults = dict.fromkeys(CONTENT, 0.05)
    with serving(faults=faults) as one, serving(faults=faults | {"500": 0.0}, seed=0, latency="0..0.001") as two:
        seeds = range(40)
        first = [text_of(one, seed=seed, response_format=QUERIES) for seed in seeds]
        second = [text_of(two, seed=seed, response_format=QUERIES) for seed in reversed(seeds)]
        assert first == second[::-1]
        assert one.stats()["faults"] == two.stats()["faults"]
        assert 8 <= sum(one.stats()["faults"].values()) <= 32
    with serving(faults={"500": 0.5}) as stormy:
        assert {post(stormy.url)[0] for _ in range(20)} == {200, 500}


def test_a_fault_of_one_model_is_of_no_other() -> None:
    with serving(faults={"refusal": 0.0, "refusal@shy": 1.0, "503@away": 1.0}) as server:
        assert "无法协助" in text_of(server, model="shy")[0]
        assert "无法协助" not in text_of(server)[0]
        assert [post(server.url, model=model)[0] for model in ("away", "m")] == [503, 200]


def test_limits_are_enforced_and_counted() -> None:
    with serving(rpm=3, minute=0.5) as server:
        answers = [post(server.url) for _ in range(4)]
        assert [status for status, _, _ in answers] == [200, 200, 200, 429]
        assert 0 < float(answers[3][1]["Retry-After"]) <= 0.5
        assert answers[3][1]["x-ratelimit-remaining-requests"] == "0"
        time.sleep(float(answers[3][1]["Retry-After"]) + 0.01)
        assert post(server.url)[0] == 200
        assert server.stats()["over_limit"] == {"requests": 1, "tokens": 0}
        assert server.stats()["most_a_minute"]["requests"] == 3
    with serving(tpm=30, answer="好" * 20, minute=60) as server:
        assert [post(server.url)[0] for _ in range(2)] == [200, 429]
        assert server.stats()["over_limit"]["tokens"] == 1


@pytest.mark.parametrize(
    ("habits", "expected"),
    [
        ({"faults": {"42": 0.1}}, r"no fault '42'"),
        ({"faults": {"500": 2.0}}, "rate must be from 0 to 1"),
        ({"faults": {"50@m": 0.1}}, "no fault '50'"),
        ({"script": ["later"]}, "no fault 'later'"),
        ({"latency": "slow"}, "must be SECONDS"),
    ],
)
def test_a_habit_that_is_none_is_one_line(habits: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        Habits(**habits)


def test_the_command_says_where_it_listens_and_at_its_end_what_it_counted() -> None:
    command = [sys.executable, "-m", "synth", "serve", "--port", "0", "--fault", "twice=0.5", "--script", "ok,503"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        assert [post(url)[0] for _ in range(3)] == [200, 503, 200]
    finally:
        process.send_signal(signal.SIGINT)
        told, words = process.communicate(timeout=60)
    assert process.returncode == 0, words
    assert json.loads(told)["completed"] == 2
