"""How likely tokens were: read from either shape of completion, asked for as each route has it, kept where it was asked for alone."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from synth.backends import completed
from synth.backends.openai.bodies import body_of
from synth.backends.openai.replies import read_answer
from synth.backends.openai.scores import ALTERNATIVES, FIRST, LAST, scores_of
from synth.journal.store import Journal
from synth.types import Message, Origin, Reply, Request
from tests.support.journals import change, seal

TOLD = (("不", (("不", -0.1), ("安全", -2.5))), ("安全", (("安全", 0.0),)))
CHAT = {
    "content": [
        {
            "token": "不",
            "logprob": -0.1,
            "top_logprobs": [{"token": "不", "logprob": -0.1}, {"token": "安全", "logprob": -2.5}],
        },
        {"token": "安全", "logprob": 0.0, "bytes": None, "top_logprobs": []},
    ]
}
TEXT = {"tokens": ["不", "安全"], "token_logprobs": [-0.1, 0.0], "top_logprobs": [{"不": -0.1, "安全": -2.5}, None]}


@pytest.mark.parametrize("told", [CHAT, TEXT])
def test_either_shape_is_read(told: dict[str, Any]) -> None:
    assert scores_of(told) == TOLD


@pytest.mark.parametrize(
    "told",
    [
        *(
            None,
            "x",
            [],
            1,
            {},
            {"content": None},
            {"content": {}},
            {"tokens": "x"},
            {"tokens": [1]},
            {"content": [{"token": 1}]},
        ),
        {"content": [{"token": "a"}] * 100_001},
    ],
)
def test_what_is_none_of_them_tells_nothing(told: Any) -> None:
    assert scores_of(told) == ()


@pytest.mark.parametrize("logprob", [1.0, "x", None, True, float("nan"), float("-inf"), -(10**400)])
def test_what_is_no_probability_is_not_taken(logprob: Any) -> None:
    assert scores_of({"content": [{"token": "a", "logprob": logprob}]}) == (("a", ()),)


def test_of_a_long_answer_the_alternatives_at_its_ends_are_kept() -> None:
    many = [
        {"token": f"t{n}", "logprob": -1.0, "top_logprobs": [{"token": f"u{m}", "logprob": -2.0} for m in range(40)]}
        for n in range(300)
    ]
    found = scores_of({"content": many})
    assert [token for token, _ in found] == [f"t{n}" for n in range(300)]
    assert [at for at, (_, some) in enumerate(found) if some] == [*range(FIRST), *range(300 - LAST, 300)]
    assert {len(some) for _, some in found} == {0, ALTERNATIVES}


def request(kind: Any = "chat", **params: Any) -> Request:
    return Request("model", "m", (Message("user", "问"),), params, None, (), kind)


def test_a_plain_text_is_asked_for_a_number_of_them() -> None:
    asked = {"logprobs": True, "top_logprobs": 20}
    assert body_of(request(**asked), "0" * 32) | asked == body_of(request(**asked), "0" * 32)
    plain = body_of(request("completion", **asked), "0" * 32)
    assert (plain["logprobs"], "top_logprobs" in plain) == (20, False)


def test_they_are_kept_where_they_were_asked_for() -> None:
    body = json.dumps({"choices": [{"message": {"content": "不安全"}, "finish_reason": "stop", "logprobs": CHAT}]})
    reply = read_answer(200, body.encode())
    assert isinstance(reply, Reply)
    assert reply.scores == TOLD

    class Telling:
        family, self_scheduling = "model", False

        async def complete(self, request: Request, key: str) -> Reply:
            return reply

        async def check(self, model: str) -> None: ...
        async def close(self) -> None: ...

    found = [asyncio.run(completed(Telling(), request(**asked), "k", "r")).scores for asked in ({"logprobs": True}, {})]
    assert found == [TOLD, ()]


def put(folder: Path, reply: Reply) -> None:
    journal = Journal(folder)
    asyncio.run(journal.put("k", reply, Origin("guard", "guard", "answer"), "m"))
    journal.close()


def test_a_journal_gives_them_back(tmp_path: Path) -> None:
    put(tmp_path, Reply("不安全", scores=TOLD))
    journal = Journal(tmp_path)
    assert journal.get("k") == Reply("不安全", scores=TOLD)
    journal.close()


@pytest.mark.parametrize(
    "more",
    [
        "{}",
        "[]",
        "x",
        '{"scores": 1}',
        '{"scores": [["a"]]}',
        '{"scores": [["a", [["b", "c"]]]]}',
        '{"scores": [["a", [["b", -1%s]]]]}' % ("0" * 400),
    ],
)
def test_what_a_journal_holds_instead_is_none_told(tmp_path: Path, more: str) -> None:
    put(tmp_path, Reply("不安全", scores=TOLD))
    change(tmp_path / "journal.sqlite", f"UPDATE replies SET more = '{more}'")
    seal(tmp_path / "journal.sqlite")
    journal = Journal(tmp_path)
    assert journal.get("k") == Reply("不安全")
    journal.close()


def test_what_no_json_can_hold_is_not_kept(tmp_path: Path) -> None:
    put(tmp_path, Reply("不安全", scores=(object(),)))  # type: ignore[arg-type]
    journal = Journal(tmp_path)
    assert journal.get("k") == Reply("不安全")
    journal.close()
