"""Refusals in words nobody knows, on virtual time: the request's fault while its neighbours succeed, the model's where none does."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synth.engine.ask import Engine
from synth.errors import ConfigError, ProviderError, Stopped
from synth.journal.store import Journal
from synth.journal.usage import GAVE_UP
from synth.types import Origin, Reply, Request
from tests.engine.test_ask import Told, request, told_lab
from tests.support.virtual import run_virtual


class Choosy:
    """A server that refuses some requests at once, in words of its own, and answers others after ten seconds."""

    family = "model"
    self_scheduling = False

    def __init__(self, refuses: Callable[[str], bool]) -> None:
        self.refuses, self.asked = refuses, Counter[str]()

    async def complete(self, request: Request, key: str) -> Reply:
        name = request.messages[0].content
        self.asked[name] += 1
        refused = self.refuses(name)
        await asyncio.sleep(0.1 if refused else 10.0)
        if refused:
            raise ProviderError("answers 400", cause="refused", words="此请求无法处理")
        return Reply("好")

    async def check(self, model: str) -> None: ...
    async def close(self) -> None: ...


def drive(tmp_path: Path, server: Any, work: Callable[[Engine], Any], slots: int = 8) -> tuple[Any, Told]:
    told = Told()
    engine, journal = told_lab(tmp_path, server, told, slots)
    try:
        return run_virtual(work(engine)), told
    finally:
        journal.close()


def ask(engine: Engine, number: int) -> Any:
    return engine.ask(request(number), Origin("r", "query", "lane", number))


@pytest.mark.parametrize("slots", [1, 4, 64])
def test_a_refused_request_is_given_up_after_two_tries_while_others_are_answered(tmp_path: Path, slots: int) -> None:
    """The refusals come long before the first answer, and are still no reason to stop."""
    chance = random.Random(3)
    poison = {str(number) for number in range(200) if chance.random() < 0.15} | {"0"}
    server = Choosy(poison.__contains__)

    async def work(engine: Engine) -> list[Reply]:
        return list(await asyncio.gather(*(ask(engine, number) for number in range(200))))

    replies, told = drive(tmp_path, server, work, slots)
    assert {str(number) for number, reply in enumerate(replies) if reply.finish == GAVE_UP} == poison
    assert replies[0].text == "answers 400: 此请求无法处理"
    assert sum(server.asked.values()) <= 1.3 * 200 + 20
    assert told == [
        "model 'm' (role r) refuses a request in words that are not known: 此请求无法处理; trying again",
        "model 'm' (role r) refuses single requests: 此请求无法处理; they are given up (--retry-given-up asks for them again)",
    ]


@pytest.mark.parametrize("slots", [1, 64])
def test_a_model_that_refuses_everything_from_the_start_ends_the_run_within_seconds(tmp_path: Path, slots: int) -> None:
    server = Choosy(lambda name: True)

    async def work(engine: Engine) -> float:
        with pytest.raises(
            ConfigError, match=r"model 'm' \(r\) refuses whatever it is asked: answers 400: 此请求无法处理; check"
        ):
            await asyncio.gather(*(ask(engine, number) for number in range(100)))
        await engine.drain()
        return asyncio.get_running_loop().time()

    assert drive(tmp_path, server, work, slots)[0] < 10
    assert sum(server.asked.values()) <= 3 * slots + 2


def test_a_model_that_answered_and_refuses_everything_now_pauses_the_run_after_a_minute(tmp_path: Path) -> None:
    server = Choosy(lambda name: asyncio.get_running_loop().time() > 30)

    async def work(engine: Engine) -> tuple[float, list[Any]]:
        found = await asyncio.gather(*(ask(engine, number) for number in range(100)), return_exceptions=True)
        await engine.drain()
        return asyncio.get_running_loop().time(), found

    (seconds, found), _ = drive(tmp_path, server, work)
    stops = {str(one) for one in found if isinstance(one, Stopped)}
    assert stops == {
        "model 'm' (r) refuses whatever it is asked now: answers 400: 此请求无法处理; run the same command again once it does not"
    }
    assert 90 <= seconds <= 120
    assert sum(isinstance(one, Reply) and one.finish == GAVE_UP for one in found) <= 5


def test_the_last_few_of_a_folder_are_given_up_though_nothing_else_is_left_to_ask(tmp_path: Path) -> None:
    async def first(engine: Engine) -> None:
        await ask(engine, 0)

    async def then(engine: Engine) -> list[str]:
        return [reply.finish for reply in await asyncio.gather(*(ask(engine, number) for number in (0, 1, 2)))]

    drive(tmp_path, Choosy(lambda name: False), first)
    journal = Journal(tmp_path)
    spent = journal.spent()
    journal.close()

    async def resumed(engine: Engine) -> list[str]:
        from synth.journal.usage import UsageLog

        engine.usage = UsageLog(spent)
        return await then(engine)

    assert drive(tmp_path, Choosy(lambda name: True), resumed)[0] == ["stop", GAVE_UP, GAVE_UP]


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (
            Reply("输入包含敏感内容", finish="content_filter"),
            "refuses single requests as filtered: 输入包含敏感内容; they count as dropped",
        ),
        (
            Reply("超出最大长度", finish="rejected"),
            "refuses single requests as too long: 超出最大长度; they count as dropped",
        ),
        (
            Reply("一半", finish="content_filter", completion_tokens=2),
            "refuses single requests as filtered; they count as dropped",
        ),
    ],
)
def test_each_kind_of_refusal_is_told_once_in_the_servers_words(tmp_path: Path, reply: Reply, line: str) -> None:
    class Filtering(Choosy):
        async def complete(self, request: Request, key: str) -> Reply:
            return reply

    async def work(engine: Engine) -> None:
        await asyncio.gather(*(ask(engine, number) for number in range(5)))

    assert drive(tmp_path, Filtering(lambda name: False), work)[1] == [f"model 'm' (role r) {line}"]


def test_an_error_is_told_once_a_cause_and_shown_while_it_lasts(tmp_path: Path) -> None:
    class Busy(Choosy):
        async def complete(self, request: Request, key: str) -> Reply:
            self.asked["all"] += 1
            if 1 < self.asked["all"] < 5:
                raise ProviderError("answers 429", cause="limit", words="请求过于频繁")
            return Reply("好")

    seen: list[str | None] = []

    async def work(engine: Engine) -> None:
        await ask(engine, 0)
        asking = asyncio.gather(*(ask(engine, number) for number in (1, 2)))
        await asyncio.sleep(0.01)
        seen.append(engine.weather)
        await asking

    assert drive(tmp_path, Busy(lambda name: False), work)[1] == [
        "model 'm' (role r) answers 429: 请求过于频繁; trying again"
    ]
    assert seen == ["model 'm' answers 429: 请求过于频繁"]
