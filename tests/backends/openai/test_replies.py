"""Any body is a reply or a ProviderError, and nothing in it is believed that cannot be so."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from synth.backends.openai import OpenAIBackend
from synth.backends.openai.finishes import finish_of
from synth.engine.notices import Notices
from synth.errors import ConfigError, ProviderError
from synth.types import Reply
from tests.support.wire_mutants import ask, sending

CLIENT = OpenAIBackend("http://127.0.0.1:1/v1", "sk-none")


def read(body: bytes | str, status: int = 200) -> Reply:
    return CLIENT.read(status, {}, body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body, "m")


def completion(content: Any = "好", finish: Any = "stop", usage: str = "{}", **message: Any) -> str:
    said = json.dumps({"role": "assistant", "content": content, **message})
    return f'{{"choices":[{{"message":{said},"finish_reason":{json.dumps(finish)}}}],"usage":{usage}}}'


@pytest.mark.parametrize(
    ("told", "finish"),
    [
        *((word, "stop") for word in ("stop", "STOP", "eos", "eos_token", "end_turn", "stop_sequence", "completed", "normal", None, "", "null")),
        *((word, "length") for word in ("length", "MAX_TOKENS", "max_length", "model_length", "FINISH_REASON_MAX_TOKENS")),
        *((word, "content_filter") for word in ("content_filter", "sensitive", "SAFETY", "PROHIBITED_CONTENT", "risk", "refusal", "敏感")),
        *((word, "broken") for word in ("insufficient_system_resource", "network_error", "error", "abort", "tool_calls", "gave_up")),
        *((word, "broken") for word in ("retry", "outage", "rejected", "\ud800", "x" * 5_000_000, 7, ["stop"], {"a": 1}, True)),
    ],
)  # fmt: skip
def test_only_words_known_to_mean_a_whole_answer_are_taken_for_it(told: Any, finish: str) -> None:
    assert finish_of(told, content=True) == finish
    assert read(completion(finish=told)).finish == finish


def test_nothing_said_and_no_word_of_an_end_is_no_whole_answer() -> None:
    assert read(completion(content=None, finish=None)).finish == "broken"
    assert read(completion(content="", finish="stop")) == Reply("", "stop")


@pytest.mark.parametrize("told", ["Infinity", "1e999", "NaN", "9223372036854775808", "1e30", "-5", "2147483648", '"x"', "[]", "null", "true", "1.5"])  # fmt: skip
def test_a_count_that_is_none_counts_as_none_told(told: str) -> None:
    reply = read(completion(usage=f'{{"prompt_tokens":{told},"completion_tokens":"12"}}'))
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == ("好", 0, 12)
    assert read(completion(usage=told)).text == "好"


def test_what_was_thought_is_kept_apart_wherever_it_stands() -> None:
    for name in ("reasoning_content", "reasoning", "thinking"):
        assert read(completion(**{name: "想"})) == Reply("好", reasoning="想")
    detailed = [{"type": "reasoning.text", "text": "想"}]
    assert read(completion(reasoning_details=detailed)).reasoning == "想"
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "想"}]}, {"type": "text", "text": "好"}]
    assert read(completion(content=parts)) == Reply("好", reasoning="想")
    assert read(completion(content=None, reasoning_content="全在这里")).reasoning == "全在这里"


def test_json_given_as_the_arguments_of_a_function_is_an_answer() -> None:
    calls = [{"function": {"name": "query", "arguments": '{"query": "x"}'}}]
    assert read(completion(content="", finish="tool_calls", tool_calls=calls)) == Reply('{"query": "x"}')


def nested(depth: int) -> Any:
    part: Any = "x"
    for _ in range(depth):
        part = [{"type": "text", "text": part}]
    return part


BODIES = [
    "[" * 100_000,
    '{"a":' * 100_000 + "1" + "}" * 100_000,
    json.dumps({"choices": []}),
    "null",
    "7",
    '"x"',
    "",
    "{",
    '{"choices": {"0": 1}}',
    '{"choices": [null]}',
    '{"choices": [{"message": []}]}',
    "[" + "[]," * 500_000 + "[]]",
    completion("x" * 3_000_000),
    b"\xff\xfe\x00",
    '{"choices":[{"message":{"content":"\ud800"}}]}',
    completion(nested(300)),
    "data: {",
    "data: " + "[" * 50_000,
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500, 302, 206])
def test_any_body_is_a_reply_or_one_of_our_errors(body: str | bytes, status: int) -> None:
    try:
        assert isinstance(read(body, status), Reply)
    except (ProviderError, ConfigError) as error:
        told = str(error)
    else:
        told = ""
    assert "\n" not in told


def test_mutants_of_bodies_raise_nothing_else() -> None:
    chance = random.Random(7)
    seeds = [
        completion(),
        completion(nested(3)),
        json.dumps({"error": {"code": "1301", "message": "敏感"}}),
        "data: {}\n\n",
    ]
    pieces = [
        b'"',
        b"{",
        b"[",
        b"\\ud800",
        b"\xff",
        b"1e999",
        b"null",
        b"\n",
        b"data: ",
        b"-",
        b"]}",
        b"\x00",
        b":",
        b",",
    ]
    for _ in range(3_000):
        body = bytearray(chance.choice(seeds).encode())
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(body) + 1)
            body[at : at + chance.randint(0, 5)] = chance.choice(pieces)
        try:
            reply = read(bytes(body), chance.choice((200, 200, 200, 400, 429)))
            assert 0 <= reply.prompt_tokens < 2**31
            assert reply.finish in ("stop", "length", "content_filter", "broken", "rejected")
        except (ProviderError, ConfigError):
            pass


@pytest.mark.parametrize(
    "body",
    ['{"choices":[],"note":"worn out sk-none"}', '{"choices":null,"note":"worn out"}', "worn out", '["worn out"]'],
)
def test_what_is_no_completion_keeps_the_words_of_its_server(body: str) -> None:
    with pytest.raises(ProviderError) as caught:
        read(body)
    assert (caught.value.cause, "worn out" in caught.value.words) == ("garbled", True)
    assert "sk-none" not in caught.value.words


def test_a_refusal_without_words_is_told_without_them() -> None:
    for status in (400, 403, 404, 418):
        with pytest.raises((ProviderError, ConfigError)) as caught:
            read("", status)
        assert ": ;" not in str(caught.value)
        assert not str(caught.value).endswith(": ")
    with pytest.raises(ProviderError) as caught:
        read("", 204)
    assert caught.value.cause == "garbled"


def test_a_model_without_a_system_message_is_told_of_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match="System role not supported; set `system: false` under the role"):
        read('{"error": "System role not supported"}', 400)


def test_of_whole_answers_as_no_server_should_send_them_the_client_makes_a_reply_or_an_error_of_its_own() -> None:
    async def all_of(count: int) -> Counter[bool]:
        made = Counter[bool]()
        async with sending(11, count) as server:
            while server.count < count:
                made[await ask(server, made.total()) is not None] += 1
        return made

    made = asyncio.run(all_of(200))
    assert min(made[True], made[False]) > 20


def test_a_word_for_the_end_of_an_answer_that_nobody_knows_is_told_once_by_name() -> None:
    said = list[str]()
    notices = Notices(said.append)
    for word in ("insufficient\x1b[31m resource", "insufficient\x1b[31m resource", "stop", "length", ""):
        notices.of_reply(read(completion(finish=word)), "m", "writer")
    notices.of_reply(CLIENT._unkeyed(replace(read(completion(finish="x")), word="of sk-none")), "m2", "writer")
    assert [line.partition(", which")[0] for line in said] == [
        "model 'm' (role writer) ends an answer with 'insufficient·[31m resource'",
        "model 'm2' (role writer) ends an answer with 'of [key]'",
    ]
    assert read(completion(finish="odd")) == replace(read(completion(finish="odd")), word=""), "it decides nothing"
