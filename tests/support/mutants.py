"""Replies and bodies as nobody writes them, made by seed of what models and servers do write."""

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import partial
from typing import Any, Literal

from synth.backends._retry_after import retry_after
from synth.backends.openai import replies
from synth.errors import ParseError, ProviderError
from synth.recipe.labels import BINARY
from synth.stages import verdicts
from synth.stages.heads import HEADS, Heads
from synth.stages.parsing import ask_until_read, read_object, read_string, read_strings, read_text
from synth.stages.reply_stats import PromptUse
from synth.stages.requester import Requester
from synth.stages.vote_reading import Reading, VoteReader
from synth.types import Message, Reply, Request

TEXTS = (
    '{"queries": ["怎么煮米饭？", "周末去哪里玩？", "他说“好”，是什么意思？"]}',
    '```json\n{"queries": ["甲甲甲", "乙乙乙"]}\n```\n希望有帮助',
    "｛“queries”：［“甲甲”，“乙乙”］｝",
    '{"query": "怎么煮米饭？"}',
    '{"query"："他问：“好吗？”，然后走了"}',
    '{"analysis": "回答没有害处。", "intent": "无害", "label": "安全"}',
    '｛"analysis"：“文中[1]说‘不’”，"intent"：“有害”，"label"：“不安全”｝',
    "{'analysis': '说\"不\"', 'label': 'unsafe',}",
    '"{\\"query\\": \\"甲\\"}"',
    '<think>\n用户要 JSON。\n</think>\n\n{"query": "甲"}',
    "<|channel|>analysis<|message|>想一想<|end|><|start|>assistant<|channel|>final<|message|>可以先淘米。<|return|>",
    "◁think▷想◁/think▷可以先淘米。<|im_end|>",
    "[THINK]想[/THINK]“可以先淘米。\n再加水。\n再煮。”</s>",
    "analysis想assistantfinal可以。",
    "1. 怎么煮米饭？\n2、周末去哪里玩？\n（3）丙",
    "- “甲”\n* 乙\n• 丙",
    "可以先淘米，再加水。\n\n1. 淘米\n2. 加水",
    "抱歉，我不能协助编写这类内容。",
    '{"queries": ["抱歉，我不能协助编写这类内容。"]}',
    '{"query": "抱歉，我不能协助编写这类内容。"}',
    "先淘米，再加水。\n</s> \n<|endoftext|>",
    '[{"query": "甲", "type": [1, 2.5e3, null, true]}, {"问题": "乙"}]',
)  # fmt: skip
"""What every reader's grammar is made of."""
MARKS = (
    *"{}[]()\"'“”‘’｛｝［］＂「」，：,:\\/#*-_<>|.`\n\r\t \0\x1b\x85\u2028\u200b\u202e\ufeff\ud83d\udc00\U0001f600１é0123456789",
    '{"', '":', '": "', '",', "[{", "}]", '{"a":', '["', '{"query":"', "{a:", "{a:b,", '"}', '["甲"乙",', "</think>", "<think>", "[/THINK]",
    "<|", "|>", "<|channel|>", "final<|message|>", "<|im_end|>", "```json", "```", "\\u", "\\ud83d", "1e999", "9" * 40, "NaN", "//", "/*", "\n1. ",
    "\n- ", "\n\n", "   ", "assistantfinal", "【思考】", "[/思考]", "null", "抱歉，我不能", "，“", "”：",
)  # fmt: skip
READER = VoteReader(
    Heads(HEADS, verdicts.bind("majority", BINARY, ["a", "b"]), {"甲": "one.s0"}, frozenset()), checks=True
)
CALLER = Requester("w", "m", "model", {}, clean=True)
ASKED = ((Message("user", "写"),), (Message("user", "写"), Message("assistant", "好，")))
KINDS: tuple[Literal["chat", "completion"], ...] = ("chat", "chat", "chat", "chat", "completion")
BODY: Mapping[str, Any] = {
    "id": "c", "object": "chat.completion", "model": "m", "system_fingerprint": None,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "可以。", "reasoning_content": "想。", "refusal": None}, "finish_reason": "stop", "logprobs": None}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12, "prompt_tokens_details": {"cached_tokens": 0}},
}  # fmt: skip
VALUES = (
    None, True, -1, 2**31, 2**63 - 1, 2**63, 10**30, 1e308, float("inf"), float("nan"), "", "12", "x", "\ud800", "retry", "gave_up", "outage", [], {},
    [{"type": "text", "text": "甲"}, {"text": 3}, 4], {"text": "甲"}, [[[[]]]], "\0", "length", "sensitive", "content_filter",
)  # fmt: skip
HEADERS = ("retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-remaining-requests")
WAITS = (
    "1", "0.5", "-3", "nan", "inf", "1e400", "1.2.3s", "6m0s", "20ms", "1d2h", "s", "9" * 400, "Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
    "Mon, 01 Jan 0000 00:00:00 GMT", "Wed, 21 Oct 2015 07:28:00 +9999", "\0", "一", "１秒", "٣s", "", " ", "0",
)  # fmt: skip
FINISHES = ("stop", "stop", "length", "broken", "content_filter", "eos", "")


def texts(seed: int, count: int, *, longest: int = 20_000) -> Iterator[str]:
    """Mutants of what models write: cut, repeated, nested, spliced, with other characters in them."""
    chance = random.Random(seed)
    for _ in range(count):
        text = chance.choice(TEXTS)
        for _ in range(chance.choice((1, 1, 2, 3, 6))):
            text = chance.choice(_CHANGES)(chance, text)
        if chance.random() < 0.005:  # as long as asked
            piece = chance.choice((chance.choice(MARKS), text or "x", "".join(chance.choices(MARKS, k=3))))
            text = (chance.choice(("", text[:200])) + piece * (longest // len(piece)))[: longest - 1] + chance.choice(
                "]}x。"
            )
        yield text[:longest]


def bodies(seed: int, count: int) -> Iterator[bytes]:
    """Mutants of a completion's body: values of other kinds, cut and flipped bytes, and depth."""
    chance = random.Random(seed)
    for _ in range(count):
        body = json.loads(json.dumps(BODY))
        body["choices"][0]["message"]["content"] = chance.choice(TEXTS)
        for _ in range(chance.choice((0, 1, 1, 2, 4))):
            set_one(chance, body, chance.choice((*VALUES, *VALUES, chance.choice(MARKS) * 50)))
        raw = bytearray(json.dumps(body, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass"))
        kind = chance.random()
        if kind < 0.2:
            del raw[chance.randrange(len(raw)) :]
        elif kind < 0.4:
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        elif kind < 0.5:
            deep, at = chance.choice((b"[", b'{"a":')) * chance.choice((10, 900, 5_000)), raw.find(b'"content": ') + 11
            raw[at:at] = deep
        yield bytes(raw)


def waits(seed: int, count: int) -> Iterator[dict[str, str]]:
    """Headers of a server that has had enough, as few write them."""
    chance = random.Random(seed)
    for _ in range(count):
        yield {
            name: "".join(chance.choices(WAITS, k=chance.choice((1, 1, 1, 2))))
            for name in chance.sample(HEADERS, chance.randint(1, 4))
        }


def readers(loop: asyncio.AbstractEventLoop) -> dict[str, Callable[[Reply], Any]]:
    """Everything that reads a reply, by name: alone, and as it is asked for, cleaned, with a second try that brings the same. Each raises
    what is no ParseError."""
    plain: dict[str, Callable[[Reply], Any]] = {
        "read_text": read_text,
        "read_object": read_object,
        "read_strings": partial(read_strings, name="queries"),
        "read_string": partial(read_string, name="query"),
        "vote": _vote,
        "votes": _votes,
    }
    found: dict[str, Callable[[Reply], Any]] = {name: partial(_read, read) for name, read in plain.items()}
    for name, read in plain.items():
        found[f"{name}, asked for"] = partial(_asked, loop, read, as_json=name != "read_text")
    return found


def read_body(body: bytes) -> Reply | None:
    """The reply in a body; None for one that the backend says is none."""
    try:
        return replies.reply_of(replies.completion_in(body))
    except ProviderError:
        return None


def read_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds in such headers; AssertionError for a wait that is none."""
    found = retry_after(headers)
    assert found is None or found >= 0
    return found


def _read(read: Callable[[Reply], Any], reply: Reply) -> Any:
    try:
        return read(reply)
    except ParseError as error:
        return error.reason


def _asked(loop: asyncio.AbstractEventLoop, read: Callable[[Reply], Any], reply: Reply, *, as_json: bool) -> Any:
    async def ask(stage: str, role: str, request: Request, *, spare: bool = False) -> Reply:
        return reply

    asked = Request(
        "model",
        "m",
        ASKED[len(reply.text) % len(ASKED)],
        {},
        {"title": "x"} if as_json else None,
        ("x",),
        KINDS[len(reply.text) % 5],
    )
    place = PromptUse("query", "query/harmful", "one.s0", judging=len(reply.text) % 2 == 0)
    try:
        return loop.run_until_complete(ask_until_read(ask, CALLER, place, asked, read))
    except ParseError as error:
        return error.reason


def _vote(reply: Reply) -> Any:
    return READER.one(Reading(("某条问题", "某个回答")), "m", reply)


def _votes(reply: Reply) -> Any:
    return READER.several([Reading(("某条问题", "某个回答")), Reading(("另一个问题", "另一个回答"))], "m", reply)


def set_one(chance: random.Random, held: Any, value: Any) -> None:
    """Puts a value somewhere in a body."""
    while True:
        keys = list(held) if isinstance(held, dict) else list(range(len(held)))
        key = chance.choice(keys) if keys else None
        if key is None:
            return
        if isinstance(held[key], dict | list) and held[key] and chance.random() < 0.8:
            held = held[key]
            continue
        held[key] = deepcopy(value)
        return


def _cut(chance: random.Random, text: str) -> str:
    return text[: chance.randint(0, len(text))] if chance.random() < 0.7 else text[chance.randint(0, len(text)) :]


def _put(chance: random.Random, text: str) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(MARKS) * chance.choice((1, 1, 2, 20, 300)) + text[at:]


def _flipped(chance: random.Random, text: str) -> str:
    if not text:
        return chr(chance.randrange(0x110000))
    at = chance.randrange(len(text))
    return text[:at] + chr(ord(text[at]) ^ (1 << chance.randrange(16))) + text[at + 1 :]


def _repeated(chance: random.Random, text: str) -> str:
    first, last = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
    return text[:last] + text[first:last] * chance.choice((1, 3, 40)) + text[last:]


def _spliced(chance: random.Random, text: str) -> str:
    return _cut(chance, text) + _cut(chance, chance.choice(TEXTS))


def _nested(chance: random.Random, text: str) -> str:
    first, last = chance.choice(
        (("[", "]"), ('{"a":', "}"), ('{"query":', "}"), ("(", ")"), ("“", "”"), ("<think>", "</think>"))
    )
    deep = chance.choice((1, 2, 5, 90, 150, 150, 1_200))
    return first * deep + text + last * chance.choice((deep, deep, 0, 1, deep + 1))


def _dropped(chance: random.Random, text: str) -> str:
    mark = chance.choice(MARKS)
    return text.replace(mark, chance.choice(MARKS) if chance.random() < 0.5 else "")


_CHANGES = (_cut, _put, _flipped, _repeated, _spliced, _nested, _dropped)
