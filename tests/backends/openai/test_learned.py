"""What a server does not take is learnt from its first refusal and left out from then on."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synth.backends import openai as backend
from synth.backends.openai.learned import applied
from synth.errors import ConfigError, ProviderError
from synth.recipe import load
from synth.recipe.role import Role
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.types import Message, Reply, Request
from tests.conftest import Lab, tiny_recipe
from tests.support.opened import opened
from tests.support.quirky import Quirky, Refused, events, quirky
from tests.support.standin import standing_in

SCHEMA = {"title": "query", "type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
PARAMS = {"temperature": 0, "top_p": 0.9, "max_tokens": 99}
REQUEST = Request("model", "m", (Message("user", "你好"),), PARAMS, None, ("x",))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


def error(message: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def unless(good: bool, status: int, body: Any) -> Refused:
    return None if good else (status, body)


def asked(
    refuses: Callable[[dict[str, Any]], Refused],
    request: Request = REQUEST,
    times: int = 2,
    known: dict[str, dict[str, str]] | None = None,
    **habits: Any,
) -> tuple[Quirky, list[Reply], list[tuple[str, ...]]]:
    learnt: list[tuple[str, ...]] = []

    async def go(url: str) -> list[Reply]:
        client = opened(backend, Role(model="m", base_url=url))
        client.adapt(known or {}, lambda *told: learnt.append(told))
        try:
            return [await client.complete(replace(request, draw=(i,)), f"{i:032x}") for i in range(times)]
        finally:
            await client.close()

    with standing_in() as server, quirky(server.url, refuses=refuses, **habits) as strange:
        return strange, asyncio.run(go(strange.url)), learnt


HABITS: dict[str, tuple[Callable[[dict[str, Any]], Refused], str, str]] = {
    "seed forbidden": (
        lambda body: unless("seed" not in body, 422, {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}),
        "seed",
        "left out",
    ),
    "seed forbidden in Chinese": (lambda body: unless("seed" not in body, 400, error("不支持参数 seed")), "seed", "left out"),
    "both sampling fields": (
        lambda body: unless("top_p" not in body, 400, error("`temperature` and `top_p` cannot both be specified")),
        "top_p",
        "left out",
    ),
    "temperature zero": (
        lambda body: unless(body.get("temperature") != 0, 400, error("temperature 取值范围为 (0, 1]", "1210")),
        "temperature",
        "left out where it is 0",
    ),
    "other name": (
        lambda body: unless(
            "max_tokens" not in body,
            400,
            error("'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", None, "max_tokens"),
        ),
        "max_tokens",
        "sent as max_completion_tokens",
    ),
    "too many": (
        lambda body: unless(body["max_tokens"] <= 50, 400, error("Range of max_tokens should be [1, 50]")),
        "max_tokens",
        "sent as at most 50",
    ),
    "thinking": (
        lambda body: unless(body.get("enable_thinking") is False, 400, error("enable_thinking must be set to false for non-streaming calls")),
        "enable_thinking",
        "sent as false",
    ),
    "says nothing": (lambda body: unless("seed" not in body, 400, error("API 调用参数有误，请检查文档。", "1210")), "seed", "left out"),
    "in words nobody knows": (lambda body: unless("seed" not in body, 400, "no"), "seed", "left out"),
}  # fmt: skip


@pytest.mark.parametrize("habit", HABITS)
def test_one_refusal_teaches_and_is_told_once(habit: str) -> None:
    refuses, field, what = HABITS[habit]
    server, replies, learnt = asked(refuses, times=3)
    assert all(reply.text for reply in replies)
    assert server.refused == 1
    assert [(model, name, told.partition(": ")[0]) for model, name, told in learnt] == [("m", field, what)]
    again, replies, learnt = asked(refuses, known={"m": {field: what}})
    assert (again.refused, learnt) == (0, [])


def test_another_value_of_a_field_is_still_sent() -> None:
    facts = {"temperature": "left out where it is 0, 2.5"}
    assert applied({"temperature": 0.7}, facts) == {"temperature": 0.7}
    assert applied({"temperature": 2.5}, facts) == {}


def test_of_many_at_once_each_is_sent_again_with_what_is_known() -> None:
    learnt: list[tuple[str, ...]] = []

    async def go(url: str) -> list[Reply]:
        client = opened(backend, Role(model="m", base_url=url))
        client.adapt({}, lambda *told: learnt.append(told))
        asking = (client.complete(replace(REQUEST, draw=(i,)), f"{i:032x}") for i in range(32))
        try:
            return await asyncio.gather(*asking)
        finally:
            await client.close()

    def refuses(body: dict[str, Any]) -> Refused:
        return unless("seed" not in body, 400, error("unknown field seed")) or unless(
            "top_p" not in body, 400, error("unknown field top_p")
        )

    with standing_in(latency="0.01") as server, quirky(server.url, refuses=refuses) as strange:
        assert len(asyncio.run(go(strange.url))) == 32
    assert sorted(field for _, field, _ in learnt) == ["seed", "top_p"]
    assert len(strange.bodies) <= 3 * 32


def test_a_field_refused_for_ever_ends() -> None:
    with pytest.raises(ProviderError) as caught:
        asked(lambda body: (400, error("unknown field seed")))
    assert (caught.value.cause, caught.value.words) == ("refused", "unknown field seed")


def test_what_is_null_or_was_not_asked_for_is_not_sent() -> None:
    request = replace(REQUEST, params=PARAMS | {"seed": None, "stop": None}, unasked=frozenset({"top_p"}))
    server, _, _ = asked(lambda body: None, request, times=1)
    assert server.bodies[0].keys() == {"model", "messages", "temperature", "max_tokens"}


def test_a_server_that_only_streams_is_streamed() -> None:
    server, replies, learnt = asked(
        lambda body: unless(body.get("stream") is True, 400, error("This model only support stream mode")),
        changes=lambda body, completion: events(completion) if body.get("stream") else completion,
    )
    assert [(field, told.partition(": ")[0]) for _, field, told in learnt] == [("stream", "streamed")]
    assert server.refused == 1
    assert all(reply.finish == "stop" and reply.text and reply.completion_tokens for reply in replies)


def test_a_stream_that_nobody_asked_for_is_read_and_one_without_an_end_is_broken() -> None:
    _, (reply,), _ = asked(lambda body: None, times=1, changes=lambda body, completion: events(completion))
    assert (reply.finish, bool(reply.text)) == ("stop", True)
    _, (reply,), _ = asked(
        lambda body: None, times=1, changes=lambda body, completion: events(completion).partition('"delta": {}')[0]
    )
    assert (reply.finish, bool(reply.text)) == ("broken", True)


def test_json_is_asked_for_in_another_way_and_that_is_known_afterwards() -> None:
    request = replace(REQUEST, schema=SCHEMA)

    def refuses(body: dict[str, Any]) -> Refused:
        kind = body.get("response_format", {}).get("type")
        return unless(kind != "json_schema", 400, error("This response_format type is unavailable now"))

    server, _, learnt = asked(refuses, request)
    assert [told.partition(": ")[0] for _, _, told in learnt] == ["sent as json_object"]
    assert asked(refuses, request, known={"m": {"response_format": "sent as json_object"}})[0].refused == 0
    assert server.refused == 1


@pytest.mark.parametrize(
    ("status", "body", "stops"),
    [
        (429, error("余额不足", "1113"), True),
        (404, error("The model `m` does not exist", "model_not_found"), True),
        (400, error("something odd"), False),
        (429, error("rate limit"), False),
        (400, error("敏感内容", "1301"), False),
    ],
)
def test_a_check_stops_for_no_more_than_the_run_would(status: int, body: Any, *, stops: bool) -> None:
    async def go(url: str) -> None:
        client = opened(backend, Role(model="other", base_url=url))
        try:
            await client.check("other")
        finally:
            await client.close()

    with standing_in() as server, quirky(server.url, refuses=lambda _: (status, body)) as strange:
        if stops:
            with pytest.raises(ConfigError):
                asyncio.run(go(strange.url))
        else:
            asyncio.run(go(strange.url))


def test_a_run_says_what_it_asked_without_and_the_next_one_knows(lab: Lab) -> None:
    said: list[str] = []

    def refuses(body: dict[str, Any]) -> Refused:
        return unless(
            "seed" not in body, 422, {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}
        )

    def run(url: str, n: int) -> Any:
        recipe = load.with_models(tiny_recipe(), backend=None, model="m", base_url=url)
        return execute.run(compile_recipe(recipe), execute.RunOptions(lab.folder / "run", n, say=said.append))

    with standing_in() as server, quirky(server.url, refuses=refuses) as strange:
        first = run(strange.url, 10)
        refused = strange.refused
        assert run(strange.url, 20).asked_without == first.asked_without == {"m": {"seed": "left out"}}
        assert strange.refused == refused
    (line,) = [line for line in said if "seed" in line]
    roles = "models.writer, models.a, models.b, models.j1, models.j2"
    assert line.startswith(f"{roles}: seed is left out from now on, since the server says: ")
    assert "Extra inputs are not permitted" in line
    told = json.loads(Path(lab.folder / "run" / "run.json").read_text())
    assert told["asked_without"] == {"m": {"seed": "left out"}}
    assert "seed left out" in Path(lab.folder / "run" / "dataset" / "README.md").read_text()
    assert any("seed left out" in note for note in first.notes)


@pytest.mark.parametrize("words", ["", "Bad Request", "Internal Server Error", error("Bad Request", "400")])
@pytest.mark.parametrize("status", [400, 500])
def test_a_server_without_a_word_of_why_is_tried_without_what_synth_adds(status: int, words: Any) -> None:
    request = replace(REQUEST, schema=SCHEMA)

    def refuses(body: dict[str, Any]) -> Refused:
        return unless(not body.keys() & {"seed", "response_format"}, status, words)

    server, replies, learnt = asked(refuses, request, times=3)
    assert all(reply.text for reply in replies)
    assert {field for _, field, _ in learnt} == {"seed", "response_format"}
    assert all(told.startswith("left out: ") and told.removeprefix("left out: ") for _, _, told in learnt)
    assert len(server.bodies) == server.refused + 3


def test_a_failure_of_a_moment_teaches_nothing_and_one_that_stays_is_tried_once() -> None:
    left = [None]
    server, replies, learnt = asked(lambda body: (500, "") if left and not left.clear() else None)
    assert (server.refused, len(replies), learnt) == (1, 2, [])

    async def go(url: str) -> None:
        client = opened(backend, Role(model="m", base_url=url))
        for _ in range(2):
            with pytest.raises(ProviderError) as caught:
                await client.complete(REQUEST, "0" * 32)
            assert caught.value.cause == "server"
        await client.close()

    with standing_in() as upstream, quirky(upstream.url, refuses=lambda _: (500, "")) as strange:
        asyncio.run(go(strange.url))
    assert strange.refused == 3 + 1


def test_a_bare_403_of_a_model_that_has_answered_is_no_matter_of_rights() -> None:
    with pytest.raises(ConfigError, match="check what the API key may use"):
        asked(lambda body: (403, "Forbidden"))
    answered: list[int] = []
    with pytest.raises(ProviderError) as caught:
        asked(lambda body: (403, "Forbidden") if answered else answered.append(1))
    assert (caught.value.cause, caught.value.words) == ("refused", "Forbidden")
