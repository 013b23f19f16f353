"""Whole runs against servers with habits: what concerns one request costs that one, what will not pass stops at once."""

import zlib
from collections.abc import Callable
from typing import Any

import pytest

from synth.recipe import load
from synth.run import execute
from synth.run.compile import compile_recipe
from synth.run.result import Result
from tests.conftest import Lab, tiny_recipe
from tests.support.quirky import Quirky, Refused, quirky
from tests.support.standin import standing_in


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")


def run(lab: Lab, refuses: Callable[[dict[str, Any]], Refused], said: list[str] | None = None) -> tuple[Result, Quirky]:
    with standing_in() as server, quirky(server.url, refuses=refuses) as strange:
        recipe = load.with_models(tiny_recipe(), backend=None, model="m", base_url=strange.url)
        say = (said if said is not None else []).append
        return execute.run(compile_recipe(recipe), execute.RunOptions(lab.folder / "run", 10, say=say)), strange


def some(body: dict[str, Any]) -> bool:
    """One request in eight, always the same ones."""
    return zlib.crc32(body["messages"][-1]["content"].encode()) % 8 == 0


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"code": "1301", "message": "可能包含不安全或敏感内容"}}),
        (403, {"error": {"code": 403, "message": "The request was blocked by the moderation endpoint"}}),
        (200, {"base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}}),
        (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"}),
        (400, {"error": {"code": "1261", "message": "Prompt 超长"}}),
    ],
)  # fmt: skip
def test_a_request_refused_for_what_it_holds_costs_that_request(lab: Lab, status: int, body: Any) -> None:
    result, server = run(lab, lambda sent: (status, body) if some(sent) else None)
    assert (result.status, result.asked_without) == (0, {})
    assert server.refused


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (429, {"error": {"code": "1113", "message": "余额不足或无可用资源包,请充值。"}}, "余额不足或无可用资源包"),
        (429, {"error": {"message": "Rate limit reached for requests per day (RPD): Limit 200"}}, "requests per day"),
        (403, {"error": {"code": "AccountOverdueError", "message": "an overdue balance"}}, "an overdue balance"),
    ],
)  # fmt: skip
def test_no_money_stops_at_once_in_the_servers_words(lab: Lab, status: int, body: Any, words: str) -> None:
    result, server = run(lab, lambda sent: (status, body))
    assert (result.status, len(server.bodies) <= 8) == (1, True)
    assert words in str(result.message)
    assert "top up the account" in str(result.message)


def test_the_same_rows_come_of_a_server_that_takes_less(lab: Lab) -> None:
    said: list[str] = []

    def refuses(body: dict[str, Any]) -> Refused:
        for field in ("max_tokens", "response_format"):
            if field in body:
                other = " Use 'max_completion_tokens' instead." if field == "max_tokens" else ""
                return 400, {"error": {"message": f"Unsupported parameter: '{field}'.{other}", "param": field}}
        return None

    result, server = run(lab, refuses, said)
    assert result.status == 0
    assert result.asked_without == {"m": {"max_tokens": "sent as max_completion_tokens", "response_format": "left out"}}
    told = [line for line in said if "from now on" in line]
    assert len(told) == 3
    assert len([line for line in told if "since the server says" in line]) == 2, "its words once for each field"
    assert server.refused <= 8
