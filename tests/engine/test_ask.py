"""The engine on virtual time: one reply a key, no slot held while waiting, the most urgent first, a stop that ends."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synth.engine import retry
from synth.engine.adaptive import Pace
from synth.engine.ask import Engine
from synth.engine.endpoints import Endpoints
from synth.engine.scheduler import Slots
from synth.errors import ConfigError, ProviderError, Stopped
from synth.journal.store import Journal
from synth.recipe.role import Ceiling, Role
from synth.types import Message, Origin, Reply, Request
from tests.support.virtual import VirtualLoop, run_virtual


def request(number: int) -> Request:
    return Request("model", "m", (Message("user", str(number)),), {}, None, ())


def origin(stage: str = "query", position: int = 0) -> Origin:
    return Origin("r", stage, "lane", position)


class Scripted:
    """A server that does as `law` says: seconds to wait, then a reply or an exception."""

    family = "model"
    self_scheduling = False

    def __init__(self, law: Callable[[str, int], tuple[float, Exception | None]]) -> None:
        self.law, self.asked, self.active, self.peak = law, [], 0, 0  # type: ignore[var-annotated]

    async def complete(self, request: Request, key: str) -> Reply:
        name = request.messages[0].content
        seconds, error = self.law(name, sum(other == name for other, _ in self.asked))
        self.asked.append((name, asyncio.get_running_loop().time()))
        self.active += 1
        self.peak = max(self.peak, self.active)
        try:
            await asyncio.sleep(seconds)
            if error:
                raise error
            return Reply(f"to {name}")
        finally:
            self.active -= 1

    async def check(self, model: str) -> None:
        if model == "missing":
            raise ConfigError("no such model")

    async def close(self) -> None:
        return None


ORDER = ("judge", "respond", "embed", "augment", "query")


def lab(tmp_path: Path, server: Scripted, slots: int) -> tuple[Engine, Journal]:
    journal = Journal(tmp_path)
    return Engine(journal, Endpoints({"r": server}, Slots(slots)), order=ORDER), journal


def drive(tmp_path: Path, server: Scripted, slots: int, work: Callable[[Engine], Any]) -> Any:
    engine, journal = lab(tmp_path, server, slots)
    try:
        return run_virtual(work(engine))
    finally:
        journal.close()


def test_equal_requests_in_flight_are_one_call(tmp_path: Path) -> None:
    server = Scripted(lambda name, tries: (1.0, None))

    async def work(engine: Engine) -> None:
        replies = await asyncio.gather(*(engine.ask(request(i % 2), origin()) for i in range(6)))
        assert [reply.text for reply in replies] == ["to 0", "to 1"] * 3
        assert await engine.ask(request(0), origin()) == replies[0]

    drive(tmp_path, server, 4, work)
    assert len(server.asked) == 2


def test_no_more_calls_at_once_than_slots(tmp_path: Path) -> None:
    server = Scripted(lambda name, tries: (1.0, None))

    async def work(engine: Engine) -> float:
        await asyncio.gather(*(engine.ask(request(i), origin()) for i in range(20)))
        return asyncio.get_running_loop().time()

    assert drive(tmp_path, server, 4, work) == pytest.approx(5.0)
    assert server.peak == 4


def test_later_stages_and_earlier_places_go_first(tmp_path: Path) -> None:
    server = Scripted(lambda name, tries: (1.0, None))

    async def work(engine: Engine) -> None:
        first = asyncio.create_task(engine.ask(request(0), origin()))
        await asyncio.sleep(0.5)
        seats = [
            origin("query", 1),
            origin("respond", 9),
            origin("judge", 8),
            origin("respond", 2),
            origin("augment", 0),
        ]
        await asyncio.gather(first, *(engine.ask(request(i), place) for i, place in enumerate(seats, start=1)))

    drive(tmp_path, server, 1, work)
    assert [name for name, _ in server.asked] == ["0", "3", "4", "2", "5", "1"]


def test_a_waiting_retry_holds_no_slot_and_keeps_to_retry_after(tmp_path: Path) -> None:
    def law(name: str, tries: int) -> tuple[float, Exception | None]:
        return 1.0, ProviderError("busy", retry_after=50.0) if name == "0" and tries == 0 else None

    server = Scripted(law)

    async def work(engine: Engine) -> None:
        await asyncio.gather(*(engine.ask(request(i), origin(position=i)) for i in range(10)))

    drive(tmp_path, server, 1, work)
    times = dict(reversed(server.asked))
    assert max(time for name, time in server.asked if name != "0") <= 10.0
    assert [time for name, time in server.asked if name == "0"][1] >= 51.0
    assert times["0"] == 0.0


def test_weather_is_waited_out_and_paid_for_once(tmp_path: Path) -> None:
    server = Scripted(lambda name, tries: (1.0, ProviderError("500") if tries < 5 else None))

    async def work(engine: Engine) -> Reply:
        return await engine.ask(request(0), origin())

    assert drive(tmp_path, server, 1, work).text == "to 0"
    assert len(server.asked) == 6


def test_weather_without_end_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PATIENCE", 0.0)
    server = Scripted(lambda name, tries: (1.0, ProviderError("answers 500")))

    async def work(engine: Engine) -> None:
        with pytest.raises(Stopped, match=r"model 'm' \(r\) does not answer: answers 500") as caught:
            await engine.ask(request(0), origin())
        assert caught.value.why == "provider"
        with pytest.raises(Stopped):
            await engine.ask(request(1), origin())

    drive(tmp_path, server, 1, work)


class Told(list[str]):
    """What an engine has said to the user."""


def told_lab(tmp_path: Path, server: Any, told: Told, slots: int = 8, **role: Any) -> tuple[Engine, Journal]:
    """An engine whose role `r` is model `m`, and whose words are kept."""
    journal = Journal(tmp_path)
    models = Endpoints({"r": server}, Slots(slots), {"r": Role(model="m", **role)}, say=told.append)
    return Engine(journal, models, order=ORDER), journal


def test_a_server_that_cannot_be_reached_yet_is_waited_for_a_minute_and_that_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "CONTACT", 60.0)
    server = Scripted(lambda name, tries: (0.0, ProviderError("cannot be reached at x", cause="network")))
    told = Told()
    engine, journal = told_lab(tmp_path, server, told)

    async def work() -> float:
        with pytest.raises(ConfigError, match="cannot be reached at x; check --base-url"):
            await asyncio.gather(*(engine.ask(request(i), origin()) for i in range(3)))
        return asyncio.get_running_loop().time()

    assert 60 <= run_virtual(work()) <= 60 + retry.KNOCK
    assert told == ["model 'm' (role r) cannot be reached at x; waiting up to 60 s for it"]
    journal.close()


def test_a_server_that_is_started_after_the_run_is_found_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "CONTACT", 60.0)

    def law(name: str, tries: int) -> tuple[float, Exception | None]:
        gone = asyncio.get_running_loop().time() < 30
        return 1.0, ProviderError("cannot be reached", cause="network") if gone else None

    server = Scripted(law)

    async def work(engine: Engine) -> float:
        await asyncio.gather(*(engine.ask(request(i), origin()) for i in range(3)))
        return asyncio.get_running_loop().time()

    assert drive(tmp_path, server, 8, work) < 30 + retry.KNOCK + 3


def test_an_address_that_does_not_resolve_is_given_three_tries(tmp_path: Path) -> None:
    def law(name: str, tries: int) -> tuple[float, Exception | None]:
        error = ProviderError("cannot be reached", cause="network")
        error.__cause__ = OSError("no such host")
        error.__cause__.__cause__ = socket.gaierror(-2, "Name or service not known")
        return 0.0, error

    server = Scripted(law)

    async def work(engine: Engine) -> None:
        with pytest.raises(ConfigError, match="cannot be reached; check --base-url"):
            await engine.ask(request(0), origin())

    drive(tmp_path, server, 1, work)
    assert len(server.asked) == 3


def test_a_server_that_is_loading_is_waited_for_and_that_is_said(tmp_path: Path) -> None:
    def law(name: str, tries: int) -> tuple[float, Exception | None]:
        loading = asyncio.get_running_loop().time() < 400
        return 0.1, ProviderError("answers 503", cause="overload", words="Loading model") if loading else None

    server, told = Scripted(law), Told()
    engine, journal = told_lab(tmp_path, server, told)
    run_virtual(engine.ask(request(0), origin()))
    assert told == ["model 'm' (role r) answers 503: Loading model; waiting up to 600 s for it"]
    journal.close()


def test_what_the_user_must_mend_stops_everybody(tmp_path: Path) -> None:
    server = Scripted(lambda name, tries: (1.0 + int(name), ConfigError("bad key") if name == "0" else None))

    async def work(engine: Engine) -> list[Any]:
        found = await asyncio.gather(*(engine.ask(request(i), origin()) for i in range(6)), return_exceptions=True)
        await engine.drain()
        return found

    found = drive(tmp_path, server, 3, work)
    assert [getattr(reply, "text", None) for reply in found] == [None, "to 1", "to 2", None, None, None]
    assert all(isinstance(reply, ConfigError) for reply in (found[0], *found[3:]))


def test_a_stop_lands_what_was_sent_and_ends_what_waits(tmp_path: Path) -> None:
    def law(name: str, tries: int) -> tuple[float, Exception | None]:
        return (10.0, None) if name in "01" else (1.0, ProviderError("busy", retry_after=500.0))

    server = Scripted(law)
    engine, journal = lab(tmp_path, server, 3)

    async def work() -> float:
        tasks = [asyncio.create_task(engine.ask(request(i), origin(position=i))) for i in range(8)]
        await asyncio.sleep(5.0)
        engine.stop(Stopped("interrupted"))
        await engine.drain()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(outcome, Reply) for outcome in outcomes] == [True, True] + [False] * 6
        assert all(isinstance(outcome, Stopped) for outcome in outcomes[2:])
        return asyncio.get_running_loop().time()

    assert run_virtual(work()) < 30
    assert journal.has(request(0))
    assert journal.has(request(1))
    assert not engine.in_flight
    journal.close()


def test_an_asker_that_goes_away_does_not_waste_what_was_sent(tmp_path: Path) -> None:
    server = Scripted(lambda name, tries: (5.0, None))
    engine, journal = lab(tmp_path, server, 1)

    async def work() -> None:
        asker = asyncio.create_task(engine.ask(request(0), origin()))
        await asyncio.sleep(1.0)
        asker.cancel()
        await asyncio.sleep(10.0)
        assert engine.recall(request(0)).text == "to 0"

    run_virtual(work())
    journal.close()


def test_an_asker_that_goes_away_before_it_was_sent_costs_nothing(tmp_path: Path) -> None:
    server = Scripted(lambda name, tries: (5.0, None))

    async def work(engine: Engine) -> None:
        first = asyncio.create_task(engine.ask(request(0), origin()))
        gone = asyncio.create_task(engine.ask(request(1), origin()))
        stays = [asyncio.create_task(engine.ask(request(2), origin())) for _ in range(2)]
        await asyncio.sleep(1.0)
        gone.cancel()
        stays[0].cancel()
        await asyncio.gather(first, stays[1])
        assert (await engine.ask(request(1), origin())).text == "to 1"

    drive(tmp_path, server, 1, work)
    assert [name for name, _ in server.asked] == ["0", "2", "1"]


def test_an_asker_that_comes_as_the_last_one_goes_is_served(tmp_path: Path) -> None:
    server = Scripted(lambda name, tries: (5.0, None))

    async def work(engine: Engine) -> None:
        first = asyncio.create_task(engine.ask(request(0), origin()))
        gone = asyncio.create_task(engine.ask(request(1), origin()))
        await asyncio.sleep(1.0)
        gone.cancel()
        for _ in range(3):  # at every turn of the loop while the cancellation goes through
            await asyncio.sleep(0)
            assert (await asyncio.gather(first, engine.ask(request(1), origin())))[1].text == "to 1"

    drive(tmp_path, server, 1, work)
    assert [name for name, _ in server.asked] == ["0", "1"]


def test_a_waiter_that_goes_away_gives_its_turn_to_the_next() -> None:
    async def work() -> None:
        slots, pace = Slots(1), Pace(1, Ceiling())
        permit = await slots.acquire((0, 0), pace)
        waiters = [asyncio.create_task(slots.acquire((0, i), pace)) for i in range(3)]
        await asyncio.sleep(0)
        waiters[0].cancel()
        slots.release(pace, permit)
        waiters[1].cancel()  # its turn had come: it must be handed on
        await asyncio.sleep(0)
        slots.release(pace, await asyncio.wait_for(waiters[2], 1.0))
        assert slots.free == 1

    run_virtual(work())


def test_virtual_time_is_virtual() -> None:
    loop = VirtualLoop()
    loop.run_until_complete(asyncio.sleep(10_000))
    assert loop.time() == 10_000
    loop.close()


def test_what_the_latest_try_failed_of_is_told_until_one_succeeds(tmp_path: Path) -> None:
    server = Scripted(lambda name, nth: (1.0, ProviderError("is busy") if nth == 0 else None))

    async def work(engine: Engine) -> tuple[str | None, str | None]:
        asking = asyncio.ensure_future(engine.ask(request(1), origin()))
        await asyncio.sleep(1.2)
        during = engine.weather
        await asking
        return during, engine.weather

    assert drive(tmp_path, server, 1, work) == ("model 'm' is busy", None)
