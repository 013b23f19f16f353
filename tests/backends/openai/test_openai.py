"""The `openai` backend against a real server on loopback: what passes, what is waited out, what is the user's to mend."""

import asyncio
import contextlib
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synth.backends import openai as backend
from synth.engine.ask import Engine
from synth.engine.endpoints import Endpoints
from synth.engine.scheduler import Slots
from synth.errors import ConfigError, ProviderError
from synth.journal.store import Journal
from synth.recipe import load, schema
from synth.recipe.role import Role
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.serve.server import StandIn
from synth.types import Message, Origin, Reply, Request
from tests.conftest import Lab, tiny_recipe
from tests.support.opened import opened
from tests.support.standin import standing_in

SCHEMA = {"title": "query", "type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
REQUEST = Request(
    "model", "m", (Message("user", "你好"),), {"temperature": 0.5, "max_tokens": 9, "top_k": 3}, SCHEMA, ("x",)
)
KEY = "00ff" * 8


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


def complete(server: StandIn, request: Request = REQUEST, times: int = 1) -> Reply:
    async def go() -> Reply:
        client = opened(backend, Role(model="m", base_url=server.url))
        try:
            for _ in range(times):
                reply = await client.complete(request, KEY)
            return reply
        finally:
            await client.close()

    return asyncio.run(go())


def test_what_is_sent_and_what_comes_back() -> None:
    with standing_in(api_key="sk-test") as server:
        reply = complete(server)
    (body,) = server.bodies
    assert body["messages"] == [{"role": "user", "content": "你好"}]
    assert (body["temperature"], body["max_tokens"], body["top_k"]) == (0.5, 9, 3)
    assert body["seed"] == 0x00FF00FF
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert server.completed == {KEY: 1}
    assert reply.prompt_tokens > 0
    assert reply.completion_tokens > 0


def test_a_server_that_takes_no_schema_is_asked_in_plain_text_from_then_on() -> None:
    with standing_in(formats=frozenset()) as server:
        complete(server, times=3)
    kinds = [body.get("response_format", {}).get("type") for body in server.bodies]
    assert kinds == ["json_schema", "json_object", None, None, None]


def test_a_server_that_takes_json_but_no_schema_is_asked_for_json() -> None:
    with standing_in(formats=frozenset({"json_object"})) as server:
        complete(server, times=2)
    kinds = [body.get("response_format", {}).get("type") for body in server.bodies]
    assert kinds == ["json_schema", "json_object", "json_object"]


def complete_at_once(server: StandIn, count: int) -> list[Reply | BaseException]:
    """So many first requests in the same moment."""

    async def go() -> list[Reply | BaseException]:
        client = opened(backend, Role(model="m", base_url=server.url))
        try:
            asked = (client.complete(replace(REQUEST, draw=(i,)), f"{i:032x}") for i in range(count))
            return await asyncio.gather(*asked, return_exceptions=True)
        finally:
            await client.close()

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("formats", "rungs"), [((), ["json_object", "json_schema"]), (("json_object",), ["json_schema"])]
)
def test_of_many_first_requests_one_alone_finds_out_how_to_ask(formats: tuple[str, ...], rungs: list[str]) -> None:
    with standing_in(formats=frozenset(formats), latency="0.02") as server:
        assert all(isinstance(reply, Reply) for reply in complete_at_once(server, 64))
    asked = [body.get("response_format", {}).get("type") for body in server.bodies]
    assert sorted(str(kind) for kind in asked if kind not in formats and kind) == rungs
    assert len(asked) == 64 + len(rungs)


def test_one_that_fails_while_finding_out_leaves_it_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with standing_in(formats=frozenset({"json_object"}), script=["503", "reset"]) as server:
        replies = complete_at_once(server, 20)
    assert sum(isinstance(reply, ProviderError) for reply in replies) == 2
    assert [body["response_format"]["type"] for body in server.bodies].count("json_schema") == 1


def test_a_server_that_takes_its_time_holds_nobody_up_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "FINDING", 0.1)
    with standing_in(latency="0.4") as server:
        complete_at_once(server, 8)
        assert server.peak == 8


@pytest.mark.parametrize(
    "fault",
    ["408", "409", "429", "429-bare", "500", "502", "503", "529", "reset", "torn", "cut", "html", "latin", "null"],
)
def test_what_may_pass_is_weather(fault: str) -> None:
    with standing_in(script=[fault], retry_after=7) as server, pytest.raises(ProviderError) as caught:
        complete(server)
    assert caught.value.retry_after == (7 if fault == "429" else None)
    assert "sk-test" not in str(caught.value)


@pytest.mark.parametrize(
    ("habits", "expected"),
    [
        ({"api_key": "another"}, "answers 401: .*check the API key"),
        ({"models": frozenset({"other"})}, "answers 404: .*check the model's name 'm' and --base-url"),
        ({"script": ["403"]}, "answers 403: .*what the API key may use"),
    ],
)
def test_what_will_not_pass_is_one_line(habits: dict[str, Any], expected: str) -> None:
    with standing_in(**habits) as server, pytest.raises(ConfigError, match=expected) as caught:
        complete(server)
    assert "\n" not in str(caught.value)
    assert "sk-test" not in str(caught.value)


def test_a_server_that_drips_or_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    async def go(url: str) -> Reply:
        role = Role(model="m", base_url=url, timeout=0.3)
        client = opened(backend, role)
        with contextlib.closing(Journal(tmp_path)) as journal:
            try:
                return await Engine(journal, Endpoints({"r": client}, Slots(1), {"r": role})).ask(
                    REQUEST, Origin("r", "query", "lane")
                )
            finally:
                await client.close()

    with standing_in(script=["drip", "hang"]) as server:
        assert asyncio.run(go(server.url)).text
        assert server.arrived == 3
        assert server.stats()["completed"] == 1


def test_further_headers_are_sent_and_those_from_the_environment_are_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_TOKEN", "tok-secret")

    async def go(url: str) -> None:
        client = opened(backend, Role(model="m", base_url=url, headers={"X-Team": "$TEAM_TOKEN", "X-Title": "synth"}))
        try:
            await client.complete(REQUEST, KEY)
        finally:
            await client.close()

    with standing_in() as server:
        asyncio.run(go(server.url))
        assert (server.headers["X-Team"], server.headers["X-Title"]) == ("tok-secret", "synth")
    with pytest.raises(ConfigError, match=r"headers\.X-Team: OTHER is not set; export it"):
        opened(backend, Role(model="m", headers={"X-Team": "$OTHER"}))


def check(server: StandIn) -> None:
    async def go() -> None:
        client = opened(backend, Role(model="m", base_url=server.url))
        try:
            await client.check("m")
        finally:
            await client.close()

    asyncio.run(go())


def test_a_model_is_looked_up_and_only_asked_where_it_is_not_listed() -> None:
    with standing_in() as server:
        check(server)
        assert not server.bodies
    with standing_in(listed=None) as server:
        check(server)
        check(server)
        assert [body["max_tokens"] for body in server.bodies] == [1, 1]
        assert server.stats()["repeated"] == 0, "no server may take one model's check for another's"
    with (
        standing_in(listed=frozenset({"other"}), models=frozenset({"other"})) as server,
        pytest.raises(ConfigError, match="check the model's name 'm'"),
    ):
        check(server)


def test_what_a_server_says_never_shows_the_key() -> None:
    client = opened(backend, Role(model="m", base_url="http://127.0.0.1:1/v1"))
    with pytest.raises(ConfigError) as caught:
        client.read(401, {}, b'{"error": {"message": "Incorrect API key provided: Bearer sk-test"}}', "m")
    assert "Bearer [key]" in str(caught.value)
    assert "sk-test" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("localhost:8000/v1", "is no address; write it like http"),
        ("ftp://127.0.0.1/v1", "is no address"),
        ("http://", "is no address"),
        ("http://[::1/v1", "is no address"),
        ("http://127.0.0.1:70000/v1", "is no address"),
        ("http://me:secret@127.0.0.1/v1", "holds a user name or password"),
    ],
)
def test_an_address_that_is_none_is_one_line(address: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        opened(backend, Role(model="m", base_url=address))
    assert "secret" not in str(caught.value)


def test_a_key_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is not set; export it"):
        opened(backend, Role(model="m"))
    opened(backend, Role(model="m", api_key_env=None, base_url="http://127.0.0.1:1/v1"))


def test_a_key_with_a_line_break_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test\n")
    with pytest.raises(ConfigError, match="OPENAI_API_KEY holds characters"):
        opened(backend, Role(model="m"))


def served(address: str, **changes: Any) -> schema.Recipe:
    return load.with_models(tiny_recipe(**changes), backend=None, model=None, base_url=address)


def test_a_recipe_runs_against_a_server_through_a_storm(lab: Lab) -> None:
    storm = ["429", "500", "reset", "torn", "html", "503", "429", "latin", "529"] * 3
    with standing_in(script=storm, retry_after=0.05) as server:
        bound = compile_recipe(served(server.url))
        result = execute.run(bound, execute.RunOptions(lab.folder / "storm", 20))
        assert result.status == 0
        assert not server.script
    with standing_in() as server:
        calm = execute.run(compile_recipe(served(server.url)), execute.RunOptions(lab.folder / "calm", 20))
    assert lab.bytes("storm") == lab.bytes("calm")
    assert result.counts == calm.counts
    assert set(server.completed.values()) == {1}


def test_an_address_nobody_answers_at_is_waited_for_and_fails(lab: Lab) -> None:
    with contextlib.closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        result = execute.run(compile_recipe(served(address)), execute.RunOptions(lab.folder / "run", 20))
    assert result.status == 1
    assert result.message is not None
    assert "cannot be reached" in result.message
    assert "check --base-url" in result.message


def test_an_address_that_is_no_model_server_fails_at_once(lab: Lab) -> None:
    with standing_in(faults={"html": 1.0}) as server:
        result = execute.run(compile_recipe(served(server.url)), execute.RunOptions(lab.folder / "run", 20))
    assert result.status == 1
    assert result.message is not None
    assert "sends something that is no completion" in result.message
    assert "check --base-url" in result.message


def test_a_key_that_stops_working_ends_the_run_with_one_line_and_a_new_key_goes_on(lab: Lab) -> None:
    with standing_in() as server:
        execute.run(compile_recipe(served(server.url)), execute.RunOptions(lab.folder / "calm", 20))
    with standing_in(expires_after=60, latency="0.01") as server:
        result = execute.run(compile_recipe(served(server.url)), execute.RunOptions(lab.folder / "run", 20))
        assert (result.status, result.stopped) == (1, "stopped: provider")
        assert result.message is not None
        assert "401" in result.message
        server.habits = replace(server.habits, expires_after=None)
        assert execute.run(compile_recipe(served(server.url)), execute.RunOptions(lab.folder / "run", 20)).status == 0
        assert set(server.completed.values()) == {1}
    assert lab.bytes() == lab.bytes("calm")


def test_a_judge_that_is_not_served_is_found_before_anything_is_paid_for(lab: Lab) -> None:
    four = frozenset({"writer", "a", "b", "j1"})
    with standing_in(listed=four, models=four) as server:
        result = execute.run(compile_recipe(served(server.url)), execute.RunOptions(lab.folder / "run", 20))
    assert result.status == 1
    assert result.message is not None
    assert "'j2'" in result.message
    assert not server.completed


def test_keys_reach_neither_journal_nor_run_file(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    with standing_in() as server:
        execute.run(compile_recipe(served(server.url)), execute.RunOptions(lab.folder / "run", 20))
    for path in (lab.folder / "run").rglob("*"):
        if path.is_file():
            assert b"sk-very-secret" not in path.read_bytes()


def test_without_a_schema_the_plain_text_is_still_read(lab: Lab, tmp_path: Path) -> None:
    with standing_in(formats=frozenset()) as server:
        assert execute.run(compile_recipe(served(server.url)), execute.RunOptions(lab.folder / "run", 20)).status == 0
