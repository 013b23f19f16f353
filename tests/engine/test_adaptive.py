"""How fast a model is asked: on virtual time, against servers that bear so much and no more."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.engine import adaptive as pacing
from synth.engine.adaptive import START, Pace
from synth.engine.ask import Engine
from synth.engine.endpoints import Endpoints
from synth.engine.rate_window import Window
from synth.engine.retry import POISON
from synth.engine.scheduler import Slots
from synth.errors import ProviderError, Stopped
from synth.journal.store import Journal
from synth.journal.usage import GAVE_UP
from synth.recipe.role import Ceiling, Role
from synth.types import Message, Origin, Reply, Request
from tests.support.virtual import run_virtual


def now() -> float:
    return asyncio.get_running_loop().time()


class Server:
    """Answers as `law` says, which is told the request, how many are in flight and how often this one was asked before."""

    family = "model"
    self_scheduling = False

    def __init__(self, law: Callable[[str, int, int], Exception | None], seconds: float = 1.0) -> None:
        self.law, self.seconds = law, seconds
        self.times: list[float] = []
        self.tries: Counter[str] = Counter()
        self.active = self.peak = 0

    async def complete(self, request: Request, key: str) -> Reply:
        name = request.messages[0].content
        self.times.append(now())
        self.active += 1
        self.peak = max(self.peak, self.active)
        self.tries[name] += 1
        error = self.law(name, self.active, self.tries[name] - 1)
        try:
            await asyncio.sleep(self.seconds if error is None else 0.01)
            if error:
                raise error
            return Reply("好", prompt_tokens=100, completion_tokens=50)
        finally:
            self.active -= 1

    async def check(self, model: str) -> None: ...
    async def close(self) -> None: ...


def request(name: Any, model: str = "m", **params: Any) -> Request:
    return Request("model", model, (Message("user", str(name)),), params, None, ())


def drive(tmp_path: Path, server: Server, work: Callable[[Engine], Any], *, slots: int = 256, **role: Any) -> Any:
    journal = Journal(tmp_path)
    try:
        models = Endpoints({"r": server}, Slots(slots), {"r": Role(model="m", **role)})
        return run_virtual(work(Engine(journal, models)))
    finally:
        journal.close()


async def ask_all(engine: Engine, count: int, *, start: int = 0, **params: Any) -> list[Reply]:
    return await asyncio.gather(
        *(engine.ask(request(i, **params), Origin("r", "query", "lane", i)) for i in range(start, start + count))
    )


def only_pace(engine: Engine) -> Pace:
    (pace,) = engine.models.paces.values()
    return pace


def test_a_server_that_bears_everything_is_soon_asked_at_full_width(tmp_path: Path) -> None:
    server = Server(lambda name, active, tries: None)

    async def work(engine: Engine) -> None:
        await ask_all(engine, 3000)
        assert [limit for _, limit in only_pace(engine).changes] == [64, 128, 256]
        assert now() < 3 + 3000 / 256 + 2

    drive(tmp_path, server, work)
    assert server.peak == 256


def test_slots_nobody_uses_are_not_learned(tmp_path: Path) -> None:
    server = Server(lambda name, active, tries: None)

    async def work(engine: Engine) -> None:
        for turn in range(40):
            await ask_all(engine, 20, start=20 * turn)
        assert only_pace(engine).limit == START

    drive(tmp_path, server, work)


def test_an_episode_of_refusals_is_one_cut_and_growth_goes_on_after_it(tmp_path: Path) -> None:
    storm = (10.0, 12.0)

    def law(name: str, active: int, tries: int) -> Exception | None:
        return ProviderError("busy", cause="limit") if storm[0] <= now() < storm[1] else None

    async def work(engine: Engine) -> None:
        await ask_all(engine, 20_000)
        changes = only_pace(engine).changes
        cuts = [(time, limit) for (_, before), (time, limit) in pairwise(changes) if limit < before]
        assert len(cuts) == 1
        assert storm[0] <= cuts[0][0] < storm[1]
        assert cuts[0][1] == int(256 * pacing.CUT)
        assert changes[-1][1] == 256

    drive(tmp_path, Server(law), work)


def test_when_everything_is_refused_nobody_hammers_and_the_end_is_soon_noticed(tmp_path: Path) -> None:
    def law(name: str, active: int, tries: int) -> Exception | None:
        return ProviderError("busy", cause="limit") if 5.0 <= now() < 12.0 else None

    server = Server(law)

    async def work(engine: Engine) -> None:
        await ask_all(engine, 8000)

    drive(tmp_path, server, work)
    assert len([time for time in server.times if 6.0 <= time < 12.0]) < 30
    assert len([time for time in server.times if 21.0 <= time < 22.0]) > 150


def test_a_server_with_room_for_forty_is_asked_for_about_forty(tmp_path: Path) -> None:
    refused: list[float] = []

    def law(name: str, active: int, tries: int) -> Exception | None:
        if active <= 40:
            return None
        refused.append(now())
        return ProviderError("overloaded", cause="overload")

    async def work(engine: Engine) -> float:
        await ask_all(engine, 8000)
        return now()

    took = drive(tmp_path, Server(law), work)
    assert took < 1.15 * 8000 / 40
    assert len(refused) < 0.15 * 8000


def test_errors_of_the_servers_own_do_not_cut_but_hold_growth_up(tmp_path: Path) -> None:
    chance = random.Random(1)
    server = Server(lambda name, active, tries: ProviderError("500") if now() < 60 and chance.random() < 0.5 else None)

    async def work(engine: Engine) -> None:
        await ask_all(engine, 4000)
        changes = only_pace(engine).changes
        assert [limit for time, limit in changes if time < 60] == []
        assert [limit for time, limit in changes if time >= 60] == [64, 128]

    drive(tmp_path, server, work, concurrency=128)


def test_retry_after_is_obeyed_in_full_by_the_whole_model_and_by_no_other(tmp_path: Path) -> None:
    asked: dict[str, list[float]] = {"m": [], "other": []}

    class Two(Server):
        async def complete(self, request: Request, key: str) -> Reply:
            asked[request.model].append(now())
            return await super().complete(request, key)

    def law(name: str, active: int, tries: int) -> Exception | None:
        return ProviderError("busy", cause="limit", retry_after=30.0) if name == "7" and tries == 0 else None

    async def work(engine: Engine) -> None:
        other = asyncio.gather(
            *(engine.ask(request(f"o{i}", "other"), Origin("r", "query", "lane", i)) for i in range(200))
        )
        await asyncio.gather(ask_all(engine, 200), other)

    drive(tmp_path, Two(law), work, slots=64)
    quiet = [time for time in asked["m"] if 0.02 < time < 30.0]
    assert not quiet
    assert max(asked["m"]) >= 30.01
    assert len([time for time in asked["other"] if 0.02 < time < 30.0]) > 100


def test_a_rest_longer_than_anybodys_patience_stops_the_run_at_once(tmp_path: Path) -> None:
    server = Server(lambda name, active, tries: ProviderError("answers 429", cause="limit", retry_after=86_400.0))

    async def work(engine: Engine) -> float:
        with pytest.raises(Stopped, match="answers 429"):
            await ask_all(engine, 5)
        await engine.drain()
        return now()

    assert drive(tmp_path, server, work) < 1


def busiest(times: list[float], seconds: float = 60.0) -> int:
    ordered = sorted(times)
    return max(sum(start <= time < start + seconds for time in ordered) for start in ordered)


def test_no_minute_sees_more_requests_than_the_recipe_allows_retries_counted(tmp_path: Path) -> None:
    chance = random.Random(1)
    server = Server(lambda name, active, tries: ProviderError("500") if chance.random() < 0.1 else None)

    async def work(engine: Engine) -> float:
        await ask_all(engine, 400)
        return now()

    took = drive(tmp_path, server, work, rpm=100)
    assert busiest(server.times) <= 100
    assert took < 61 * 5  # 444 tries or so: five minutes' worth, the last of them begun at once


def test_no_minute_sees_more_tokens_than_the_recipe_allows_what_is_in_flight_counted_at_its_worst(
    tmp_path: Path,
) -> None:
    server = Server(lambda name, active, tries: None, seconds=5.0)

    async def work(engine: Engine) -> float:
        await ask_all(engine, 100, max_tokens=900)
        return now()

    took = drive(tmp_path, server, work, tpm=3000)
    assert server.peak <= 3  # at 900 and more a request
    assert busiest(server.times) * 150 <= 3000
    assert took < 61 * 100 * 150 / (3000 - 950) + 61  # the last request must fit at its worst


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 20)), max_size=60),
)
def test_a_window_never_lets_through_more_than_it_may(most: int, asks: list[tuple[float, int]]) -> None:
    window, time, taken = Window(most, 10.0), 0.0, []
    for pause, amount in asks:
        time += pause
        time += window.wait(amount, time) + 1e-9
        assert window.wait(amount, time) < 1e-6
        window.take(amount, time)
        taken.append((time, amount))
    for start, first in taken:
        load = sum(amount for time, amount in taken if start <= time < start + 9.999)
        assert load <= max(most, first, *(amount for time, amount in taken if start <= time < start + 9.999))


def test_what_was_reserved_and_not_used_is_given_back() -> None:
    window = Window(100, 60.0)
    entry = window.take(90, 0.0)
    assert window.wait(50, 1.0) == 59.0
    window.settle(entry, 20)
    assert window.wait(50, 1.0) == 0.0


def test_a_request_that_fails_while_its_neighbours_succeed_is_given_up_on_and_stays_so(tmp_path: Path) -> None:
    server = Server(lambda name, active, tries: ProviderError("answers 500") if name == "13" else None)

    async def work(engine: Engine) -> None:
        asking = asyncio.create_task(ask_all(engine, 20))
        for batch in range(1, 2000):
            if asking.done():
                break
            await ask_all(engine, 5, start=100 * batch)
        replies = await asking
        assert [reply.finish for reply in replies].count(GAVE_UP) == 1
        assert (replies[13].finish, replies[13].text) == (GAVE_UP, "answers 500")
        assert server.tries["13"] == POISON
        assert (await engine.ask(request(13), Origin("r", "query", "lane"))).finish == GAVE_UP
        assert server.tries["13"] == POISON

    drive(tmp_path, server, work)


def test_a_refusal_of_everything_is_waited_out_while_others_are_served(tmp_path: Path) -> None:
    """However unlucky a request is with 429: while its model answers others, the run does not stop."""
    chance = random.Random(2)
    server = Server(lambda name, active, tries: ProviderError("busy", cause="limit") if chance.random() < 0.7 else None)

    async def work(engine: Engine) -> list[Reply]:
        return await ask_all(engine, 300)

    assert {reply.finish for reply in drive(tmp_path, server, work)} == {"stop"}


class Silent(Server):
    """Accepts, and never answers those it chooses."""

    def __init__(self, silent: Callable[[str, int], bool]) -> None:
        super().__init__(lambda name, active, tries: None)
        self.silent = silent

    async def complete(self, request: Request, key: str) -> Reply:
        name = request.messages[0].content
        if self.silent(name, self.tries[name]):
            self.tries[name] += 1
            await asyncio.sleep(1e9)
        return await super().complete(request, key)


def test_a_server_that_accepts_and_never_answers_does_not_hold_a_run(tmp_path: Path) -> None:
    server = Silent(lambda name, tries: True)

    async def work(engine: Engine) -> float:
        with pytest.raises(Stopped, match=r"no reply for 600 s.*raise models.r.timeout \(now 300 s\)"):
            await ask_all(engine, 5)
        return now()

    assert drive(tmp_path, server, work) <= 2 * 300 + 10


def test_a_hang_is_noticed_by_what_the_model_usually_takes(tmp_path: Path) -> None:
    server = Silent(lambda name, tries: name == "77" and tries == 0)

    async def work(engine: Engine) -> float:
        await ask_all(engine, 30)
        await ask_all(engine, 60, start=30)
        return now()

    assert drive(tmp_path, server, work, slots=8) < 60


def test_an_answer_that_takes_long_is_waited_for_in_full_the_second_time(tmp_path: Path) -> None:
    class Slow(Server):
        async def complete(self, request: Request, key: str) -> Reply:
            self.seconds = 200.0 if request.messages[0].content == "40" else 1.0
            return await super().complete(request, key)

    server = Slow(lambda name, active, tries: None)

    async def work(engine: Engine) -> None:
        await ask_all(engine, 30)
        assert (await engine.ask(request(40), Origin("r", "query", "lane"))).finish == "stop"

    drive(tmp_path, server, work)
    assert server.tries["40"] == 2


def test_a_stop_ends_the_wait_for_a_rest_and_for_a_minute(tmp_path: Path) -> None:
    server = Server(
        lambda name, active, tries: ProviderError("busy", cause="limit", retry_after=500.0) if name == "0" else None
    )

    async def work(engine: Engine) -> float:
        asking = asyncio.gather(ask_all(engine, 40), return_exceptions=True)
        await asyncio.sleep(5.0)
        engine.stop(Stopped("interrupted"))
        await engine.drain()
        await asking
        return now()

    assert drive(tmp_path, server, work, rpm=20) < 7


def test_two_roles_of_one_model_share_its_pace_and_the_least_of_their_ceilings(tmp_path: Path) -> None:
    server = Server(lambda name, active, tries: None)
    journal = Journal(tmp_path)
    roles = {"r": Role(model="m", concurrency=50, rpm=90), "s": Role(model="m", concurrency=10)}
    engine = Engine(journal, Endpoints({"r": server, "s": server}, Slots(64), roles))

    async def work() -> None:
        await asyncio.gather(*(engine.ask(request(i), Origin("rs"[i % 2], "query", "lane", i)) for i in range(60)))

    run_virtual(work())
    journal.close()
    assert server.peak == 10
    assert only_pace(engine).ceiling == Ceiling(10, 90, None, 300.0)


def test_a_backend_that_queues_is_asked_for_all_there_is_room_for_and_has_no_deadline(tmp_path: Path) -> None:
    pace = Pace(500, Ceiling(timeout=0.1), self_scheduling=True)
    assert (pace.limit, pace.deadline(again=False)) == (500, None)


def test_a_backend_that_queues_is_not_slowed_by_what_it_could_not_answer_and_may_take_days(tmp_path: Path) -> None:
    class Queue(Server):
        self_scheduling = True

    def law(name: str, active: int, tries: int) -> Exception | None:
        return (
            ProviderError("out of luck", cause="limit" if int(name) % 2 else "overload") if tries < POISON - 1 else None
        )

    server = Queue(law, seconds=3600.0)

    async def work(engine: Engine) -> None:
        server.law = lambda name, active, tries: None
        await ask_all(engine, 1, start=1000)
        server.law = law
        replies = await ask_all(engine, 100)
        assert {reply.text for reply in replies} == {"好"}
        assert only_pace(engine).changes == []

    drive(tmp_path, server, work, rpm=1)
    assert server.peak == 100


def test_a_queue_that_never_answers_stops_the_run_after_so_many_tries(tmp_path: Path) -> None:
    class Queue(Server):
        self_scheduling = True

    server = Queue(lambda name, active, tries: ProviderError("out of luck", cause="overload"))

    async def work(engine: Engine) -> None:
        with pytest.raises(Stopped, match="does not answer: out of luck"):
            await engine.ask(request(0), Origin("r", "query", "lane"))

    drive(tmp_path, server, work)
    assert server.tries["0"] == POISON


def test_what_waits_in_a_backend_that_queues_takes_no_slot_from_other_models() -> None:
    slots = Slots(2)
    queueing, other = Pace(2, Ceiling(), self_scheduling=True), Pace(2, Ceiling())

    async def work() -> None:
        slots.add(queueing)
        slots.add(other)
        assert slots.free == 4
        held = [await slots.acquire((0, i), queueing) for i in range(2)]
        third = asyncio.create_task(slots.acquire((0, 2), queueing))
        await asyncio.sleep(0)
        for i in range(2):
            await asyncio.wait_for(slots.acquire((1, i), other), 1)
        assert slots.free == 0
        assert not third.done()
        slots.release(queueing, held[0])
        await asyncio.wait_for(third, 1)

    run_virtual(work())
