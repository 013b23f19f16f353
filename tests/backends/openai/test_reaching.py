"""How a server is reached: past or through a proxy, with a key or none, under `/v1` where an address lacks it."""

import asyncio
from typing import Any

import pytest

from synth.backends import openai as backend
from synth.errors import ConfigError, ProviderError
from synth.recipe.role import Role
from synth.serve.server import StandIn
from synth.types import Message, Reply, Request
from tests.support.opened import opened
from tests.support.standin import standing_in

REQUEST = Request("model", "m", (Message("user", "你好"),), {"max_tokens": 9}, None, ())
DEAD = "http://127.0.0.1:9"
WAYS = pytest.mark.parametrize("transport", ["lean", "openai"])


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def ask(told: list[Any] | None = None, *, times: int = 1, **role: Any) -> Reply:
    async def go() -> Reply:
        client = opened(backend, Role(model="m", **role))
        client.adapt({}, lambda *learnt: told.append(learnt) if told is not None else None)
        try:
            return (await asyncio.gather(*(client.complete(REQUEST, "00ff" * 8) for _ in range(times))))[0]
        finally:
            await client.close()

    return asyncio.run(go())


@WAYS
@pytest.mark.parametrize("proxy", [DEAD, "socks5://127.0.0.1:9", "127.0.0.1:9"])
def test_loopback_goes_past_any_proxy_and_needs_no_key(
    monkeypatch: pytest.MonkeyPatch, proxy: str, transport: str
) -> None:
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    with standing_in() as server:
        assert ask(base_url=server.url, transport=transport).text
        assert "Authorization" not in server.headers
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-mine")
        ask(base_url=server.url, transport=transport)
        assert server.headers["Authorization"] == "Bearer sk-of-mine"


def test_a_key_that_somebody_named_is_asked_for_on_loopback_too() -> None:
    with pytest.raises(ConfigError, match="MY_KEY is not set"):
        ask(base_url="http://127.0.0.1:9/v1", api_key_env="MY_KEY")


@WAYS
def test_another_address_is_asked_through_the_proxy(monkeypatch: pytest.MonkeyPatch, transport: str) -> None:
    with standing_in() as server:  # a proxy is sent the whole address, of which this one reads the path
        host = server.url.removeprefix("http://").removesuffix("/v1")
        for proxy in (host, f"http://{host}"):
            monkeypatch.setenv("http_proxy", proxy)
            assert ask(base_url="http://model.example/v1", api_key_env=None, transport=transport).text
            assert server.headers["Host"] == "model.example"


def test_a_proxy_that_is_not_there_is_named_with_the_way_past_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://me:secret@127.0.0.1:9")
    with pytest.raises(ProviderError) as caught:
        ask(base_url="http://model.example/v1", api_key_env=None)
    assert "cannot be reached at http://model.example/v1 through the proxy http://[key]@127.0.0.1:9" in str(
        caught.value
    )
    assert "with model.example in no_proxy it is asked directly" in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "proxy", "expected"),
    [
        ("http_proxy", "socks5://127.0.0.1:7891", "http_proxy is socks5://127.0.0.1:7891, a SOCKS5 proxy"),
        ("all_proxy", "socks5h://127.0.0.1:7891", "all_proxy is socks5h://127.0.0.1:7891, a SOCKS5H proxy"),
        ("http_proxy", "http://", "http_proxy is 'http://', which is no proxy's address"),
        ("http_proxy", "http://a:b", "which is no proxy's address"),
    ],
)
def test_a_proxy_that_cannot_be_asked_through_is_one_line(
    monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str, expected: str
) -> None:
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(ConfigError) as caught:
        ask(base_url="http://model.example/v1", api_key_env=None)
    assert expected in str(caught.value)
    assert "put model.example into no_proxy" in str(caught.value)
    monkeypatch.setenv("no_proxy", "model.example")
    opened(backend, Role(model="m", base_url="http://model.example/v1", api_key_env=None))


@WAYS
def test_an_address_without_a_version_is_looked_for_under_v1_and_told_once(transport: str) -> None:
    told: list[Any] = []
    with standing_in() as server:
        base = server.url.removesuffix("/v1")
        assert ask(told, times=8, base_url=base, transport=transport).text
        assert server.stats()["completed"] == 8
    assert told == [("m", "base_url", f"completed with /v1: 404 without it; give --base-url {base}/v1")]


def test_a_model_that_is_not_there_has_nothing_looked_for_under_v1() -> None:
    with standing_in(models=frozenset({"other"})) as server, pytest.raises(ConfigError, match="check the model's name"):
        ask(base_url=server.url)
    with standing_in(models=frozenset({"other"})) as server:
        with pytest.raises(ConfigError, match="does not exist"):
            ask(base_url=server.url.removesuffix("/v1"))
        assert server.stats()["arrived"] == 1


@pytest.mark.parametrize("path", ["/nowhere", "/nowhere/chat/completions"])
def test_where_nothing_answers_the_line_says_what_was_tried(path: str) -> None:
    with standing_in() as server:
        base = server.url.removesuffix("/v1")
        with pytest.raises((ConfigError, ProviderError)) as caught:
            ask(base_url=base + path)
    assert f"answers 404 (nor is it at {base}/nowhere/v1)" in str(caught.value)


def test_azure_bears_its_key_in_a_header_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key-of-mine")
    with standing_in() as server:
        ask(provider="azure", base_url=server.url)
        assert server.headers["api-key"] == "azure-key-of-mine"
        assert "Authorization" not in server.headers
        assert "max_completion_tokens" in server.bodies[-1]
    with pytest.raises(ConfigError, match="provider azure: has an address of yours; give base_url"):
        ask(provider="azure")


def headers_of(server: StandIn) -> set[str]:
    return {name.lower() for name in server.headers}


def test_the_package_sends_what_the_lean_way_sends_and_nothing_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-mine")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://model.example/v1")
    sent = []
    with standing_in() as server:
        for transport in ("lean", "openai"):
            reply = ask(base_url=server.url, transport=transport)
            sent.append((reply, server.bodies[-1], headers_of(server)))
    assert sent[0] == sent[1]


@pytest.mark.parametrize("fault", ["429", "503", "reset", "html", "null", "cut"])
def test_through_the_package_what_may_pass_is_told_as_ever(fault: str) -> None:
    found = []
    for transport in ("lean", "openai"):
        with standing_in(script=[fault], retry_after=7) as server, pytest.raises(ProviderError) as caught:
            ask(base_url=server.url, transport=transport)
        found.append((caught.value.cause, caught.value.retry_after, caught.value.words))
    assert found[0] == found[1]
