"""Chains with `on: outage`: a model that is out is replaced and used again, each decision journalled before its effect."""

import asyncio
import contextlib
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synth.engine import retry
from synth.engine.adaptive import Pace
from synth.engine.ask import Engine
from synth.engine.circuit_breaker import PROBE_EVERY, Circuit
from synth.engine.endpoints import Endpoints
from synth.engine.retry import PATIENCE
from synth.engine.scheduler import Slots
from synth.errors import ConfigError, ProviderError
from synth.journal.store import Journal
from synth.journal.usage import OUTAGE
from synth.recipe.role import Ceiling
from synth.run import merge
from synth.run.compile import compile_recipe
from synth.run.execute import run as run_bound
from synth.run.options import RunOptions
from synth.run.result import FAILED, INTERRUPTED, OK, SHORT
from synth.types import Origin
from tests.conftest import Lab, tiny_recipe
from tests.engine.test_ask import Scripted, request
from tests.promises.test_chains import Troupe, answered_by, made_of
from tests.support.forked import forking, run
from tests.support.standin import standing_in
from tests.support.virtual import fixed, heavy_tailed, run_virtual

SEAT = Origin("r", "query", "lane")


def loop_time() -> float:
    return asyncio.get_running_loop().time()


SPARED: dict[str, Any] = {
    "models": made_of(c={"chain": ["a", "b"], "on": ["refusal", "outage"]}),
    "respond": {"models": ["c"]},
}


def dark(model: str, begin: float, end: float = float("inf")) -> Any:
    """The law of a model that is overloaded for a while."""
    return lambda other, now: (
        ProviderError("answers 503", cause="overload") if model == other and begin <= now < end else None
    )


def outages(lab: Lab, out: str = "run") -> int:
    with contextlib.closing(sqlite3.connect(lab.folder / out / "journal.sqlite")) as db:
        return int(db.execute("SELECT count(*) FROM replies WHERE finish = ?", (OUTAGE,)).fetchone()[0])


def assert_replays(lab: Lab, out: str = "run", **changes: Any) -> None:
    """The journal alone gives the same bytes, at another concurrency and without a call, models in the best of health."""
    before, lab.world.away = lab.bytes(out), lambda model, now: None
    assert lab.run(out=out, **{"concurrency": 64} | changes).calls == 0
    assert lab.bytes(out) == before


def test_a_model_that_goes_dark_is_replaced_and_used_again(lab: Lab) -> None:
    lab.world = Troupe()
    lab.world.away = dark("a", 30.0, 1000.0)
    result = lab.run(60, only=("one.s0",), latency=fixed(25.0), concurrency=4, **SPARED)
    assert result.status == OK
    assert min(answered_by(lab)[model] for model in "ab") > 5
    assert result.notes == ["model 'a' is out: answers 503; the next of its chain is asked"]
    declared = 30.0 + PATIENCE
    tried = [when for when in lab.world.times["a"] if declared + 100 < when < 1000.0]
    assert all(later - earlier >= PROBE_EVERY - 1 for earlier, later in pairwise(tried)), "only now and then"
    assert [when for when in lab.world.times["a"] if when >= 1000.0], "and again once it answers"
    assert outages(lab) > 0
    assert_replays(lab, n=60, only=("one.s0",), **SPARED)


def test_while_a_model_is_out_nobody_waits_for_it(lab: Lab) -> None:
    """One patience is lost, not one a request."""
    lab.world = Troupe()
    lab.world.away = dark("a", 0.0)
    ended: list[float] = []
    result = lab.run(40, only=("one.s0",), **SPARED)
    ended += [times[-1] for times in lab.world.times.values()]
    assert result.status == OK
    assert set(answered_by(lab)) == {"b"}
    assert max(ended) < PATIENCE + 300


def test_without_outage_among_its_causes_a_chain_waits_and_stops(lab: Lab) -> None:
    lab.world = Troupe()
    lab.world.away = dark("a", 2.0)
    models = made_of(c={"chain": ["a", "b"], "on": ["filtered"]})
    result = lab.run(12, only=("one.s0",), models=models, respond={"models": ["c"]})
    assert result.stopped == "stopped: provider"
    assert outages(lab) == 0
    lab.world.away = lambda model, now: None
    assert lab.run(12, only=("one.s0",), models=models, respond={"models": ["c"]}).status == OK
    assert lab.world.asked["b"] == 0


def test_when_the_last_of_a_chain_is_out_too_the_run_stops_and_goes_on_later(lab: Lab) -> None:
    lab.world = Troupe()
    lab.world.away = lambda model, now: ProviderError("answers 503") if model in "ab" and now >= 4.0 else None
    result = lab.run(12, only=("one.s0",), **SPARED)
    assert (result.stopped, result.status) == ("stopped: provider", SHORT)
    assert "model 'b' (b) does not answer" in str(result.message)
    lab.world.away = lambda model, now: None
    assert lab.run(12, only=("one.s0",), **SPARED).status == OK


def test_a_model_that_is_also_needed_elsewhere_stops_the_run(lab: Lab) -> None:
    lab.world = Troupe()
    lab.world.away = dark("a", 4.0)
    assert lab.run(12, only=("one.s0",), **SPARED | {"judge": {"models": ["a", "j2"]}}).stopped == "stopped: provider"


def test_a_chain_that_no_longer_names_outage_asks_the_first_after_all(lab: Lab) -> None:
    """No row is lost to what another recipe decided about the weather."""
    lab.world = Troupe()
    lab.world.away = dark("a", 0.0)
    lab.run(20, only=("one.s0",), **SPARED)
    assert set(answered_by(lab)) == {"b"}
    lab.world.away = lambda model, now: None
    plain = {"models": made_of(c={"chain": ["a", "b"]}), "respond": {"models": ["c"]}}
    result = lab.run(20, only=("one.s0",), **plain)
    assert result.status == OK
    assert not any(reason.endswith(OUTAGE) for reason in result.dropped)
    assert set(answered_by(lab)) == {"a"}


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    begin=st.floats(0, 30),
    length=st.sampled_from([5.0, 700.0, 1e9]),
    concurrency=st.sampled_from([1, 8, 64]),
    interrupt=st.sampled_from([None, 2.0, 300.0]),
    model=st.sampled_from(["writer", "a", "j1"]),
)
def test_whatever_was_out_and_whenever_it_was_interrupted_the_journal_replays(
    lab: Lab, begin: float, length: float, concurrency: int, interrupt: float | None, model: str
) -> None:
    made = SPARED | {
        "models": made_of(
            c={"chain": ["a", "b"], "on": ["refusal", "outage"]},
            w={"chain": ["writer", "c2"], "on": ["outage"]},
            c2={"mix": {"a": 1, "b": 1}},
            j={"chain": ["j1", "b"], "on": ["outage", "refusal"]},
        ),
        "query": {"model": "w", "elements": ["behaviour", "task"]},
        "judge": {"models": ["j", "j2"]},
    }
    lab.world = Troupe(shy={"a": 0.3}, pool=200)
    lab.world.away = dark(model, begin, begin + length)
    out = f"{begin}{length}{concurrency}{interrupt}{model}"
    told = {"n": 12, "out": out, "only": ("one",)} | made
    storm = {"latency": heavy_tailed(1.0), "faults": 0.1, "concurrency": concurrency}
    results = [lab.run(**told, **storm, interrupt=interrupt) if interrupt else None, lab.run(**told, **storm)]
    assert results[-1] is not None
    if results[-1].stopped:  # `a` is needed by the writer's chain too
        lab.world.away = lambda model, now: None
        assert lab.run(**told, **storm).status == OK
    assert_replays(lab, **told)


def test_an_interrupt_while_waiting_decides_nothing(lab: Lab) -> None:
    lab.world = Troupe()
    lab.world.away = dark("a", 0.0)
    assert lab.run(12, only=("one.s0",), interrupt=300.0, **SPARED).status == INTERRUPTED
    assert outages(lab) == 0


def test_shards_with_outages_merge_and_what_was_decided_stands(lab: Lab) -> None:
    lab.world = Troupe()
    for shard, begin in (("1/2", 0.0), ("2/2", 8.0)):
        lab.world.away = dark("a", begin)
        assert lab.run(24, out=shard[0], shard=shard, **SPARED).status == OK
    merged = merge.merge([lab.folder / "1", lab.folder / "2"], lab.folder / "all")
    assert merged.result.calls == 0
    rows = {**lab.rows("1"), **lab.rows("2")}
    assert sum(id in rows for id in lab.rows("all")) > 0.9 * len(rows)
    assert_replays(lab, "all", n=24, **SPARED)


def test_an_equal_request_outside_a_chain_waits_for_its_model(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    server = Scripted(lambda name, tries: (1.0, ProviderError("busy", cause="overload") if loop_time() < 900 else None))

    async def work() -> None:
        engine = Engine(journal, Endpoints({"r": server}, Slots(4)))
        spared = asyncio.create_task(engine.ask(request(0), replace(SEAT, spare=True)))
        await asyncio.sleep(400)
        needed = asyncio.create_task(engine.ask(request(0), SEAT))
        assert (await spared).finish == OUTAGE
        assert (await needed).text == "to 0"
        assert engine.recall(request(0), spare=True).finish == OUTAGE, "what was decided stands"
        assert engine.recall(request(0)).text == "to 0"
        assert (await engine.ask(request(1), replace(SEAT, spare=True))).text == "to 1", "the model is used again"

    run_virtual(work())
    journal.close()


# --- what will not pass ---


def test_a_model_that_is_not_served_is_left_out_with_one_line(lab: Lab) -> None:
    class Without(Troupe):
        async def check(self, model: str) -> None:
            if model == "a":
                raise ConfigError("the server answers 404: no such model; check the model's name 'a'")

    lab.world = Without()
    result = lab.run(12, only=("one.s0",), **SPARED)
    assert (result.status, len(result.notes)) == (OK, 1)
    assert "model 'a' is out: the server answers 404" in result.notes[0]
    assert lab.world.asked["a"] == 0
    assert_replays(lab, n=12, only=("one.s0",), **SPARED)
    stopped = lab.run(12, out="needed", only=("one.s0",), **SPARED | {"judge": {"models": ["a", "j2"]}})
    assert (stopped.status, stopped.stopped) == (FAILED, "stopped: provider")
    plain = lab.run(
        12, out="plain", only=("one.s0",), models=made_of(c={"chain": ["a", "b"]}), respond={"models": ["c"]}
    )
    assert plain.status == FAILED


def test_a_key_that_expires_takes_out_its_model_alone(lab: Lab) -> None:
    lab.world = Troupe()
    lab.world.away = lambda model, now: (
        ConfigError("the server answers 401: expired; check the API key") if model == "a" and now >= 10.0 else None
    )
    result = lab.run(40, **SPARED)
    assert result.status == OK
    assert len([when for when in lab.world.times["a"] if when >= 10.0]) <= 8, "those in flight, and no more"
    assert_replays(lab, n=40, **SPARED)


def test_what_will_not_pass_stays_so_whatever_else_fails_later() -> None:
    pace = Pace(8, Ceiling())
    circuit = Circuit(lambda: pace)
    assert circuit.declare(ConfigError("the server answers 401"), 0.0)
    assert not circuit.declare(ProviderError("answers 503"), 1.0)
    pace.last_good = 2.0  # an answer that was on its way
    assert circuit.out
    assert not circuit.admits(1e6)


# --- real servers ---


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    """An address at which nobody listens."""
    with contextlib.closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}/v1"


def at(url: str, **addresses: str) -> dict[str, Any]:
    """The tiny recipe's models on a server, some of them elsewhere."""
    return {name: {"model": name, "base_url": addresses.get(name, url)} for name in ("writer", "a", "b", "j1", "j2")}


def test_a_server_that_is_started_after_the_run_is_waited_for(lab: Lab) -> None:
    said: list[str] = []
    with nobody() as address:
        port = address.rpartition(":")[2].partition("/")[0]
    recipe = tiny_recipe(models=at(address))
    serving = Timer(2.0, lambda: servers.append(subprocess.Popen([*SERVE, "--port", port], stdout=subprocess.DEVNULL)))
    servers: list[subprocess.Popen[bytes]] = []
    serving.start()
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(retry, "CONTACT", 60.0)
            result = run_bound(compile_recipe(recipe), RunOptions(lab.folder / "run", 20, say=said.append))
    finally:
        serving.join()
        for server in servers:
            server.terminate()
            server.wait(10)
    assert result.status == OK, result.message
    assert [line for line in said if "waiting up to 60 s for it" in line and "cannot be reached at" in line] == said


def test_the_same_model_at_another_address_stands_in_for_one_that_is_away(lab: Lab) -> None:
    with standing_in() as server, nobody() as address:
        models = at(server.url, a=address)
        models["b"]["model"] = "a"
        models["c"] = {"chain": ["a", "b"], "on": ["outage"]}
        recipe = tiny_recipe(models=models, respond={"models": ["c"]})
        result = run_bound(compile_recipe(recipe), RunOptions(lab.folder / "run", 20))
        assert result.status == OK
        assert set(answered_by(lab)) == {"a"}
        assert set(server.completed.values()) == {1}
        arrived = server.arrived
        assert run_bound(compile_recipe(recipe), RunOptions(lab.folder / "run", 20)).calls == 0
        assert server.arrived == arrived


SERVE = [sys.executable, "-m", "synth", "serve"]
SMALL = """\
name: small
taxonomies: [tiny]
ordinary: 0
n: 24
concurrency: 16
models:
  writer: {{model: writer, base_url: "{url}"}}
  a: {{model: a, base_url: "{url}"}}
  b: {{model: b, base_url: "{url}"}}
  c: {{chain: [a, b], on: [refusal, outage]}}
  j1: {{model: j1, base_url: "{url}", temperature: 0}}
cells:
  harmful/unsafe: {{share: 0.5, stances: {{comply: 3, natural: 1}}}}
  harmful/safe: {{share: 0.5, stances: {{refuse: 1, natural: 1}}}}
query: {{model: writer, elements: [behaviour, task, persona, region]}}
respond: {{models: [c]}}
judge: {{models: [j1]}}
"""


def test_kills_in_the_middle_of_an_outage_lose_nothing_and_pay_for_nothing_twice(lab: Lab) -> None:
    everyone = frozenset({"writer", "a", "b", "j1"})

    def go(kill_after: int | None = None) -> int:
        process = forking().Process(
            target=run, args=(lab.folder, ["run", "small.yaml", "-o", "run"], lab.folder / "words")
        )
        process.start()
        enough = server.completed.total() + (kill_after or 0)
        while kill_after and process.is_alive() and server.completed.total() < enough:
            time.sleep(0.002)
        if kill_after:
            process.kill()
        process.join(120)
        return int(process.exitcode or 0)

    with standing_in(latency="0.01..0.03", models=everyone, listed=everyone) as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url), encoding="utf-8")
        assert go(kill_after=60) < 0
        server.habits = replace(server.habits, models=everyone - {"a"}, listed=everyone)
        for answers in (15, 15):
            assert go(kill_after=answers) < 0
        server.habits = replace(server.habits, models=everyone)
        assert go() == 0
        assert outages(lab) > 0
        assert set(answered_by(lab)) == {"a", "b"}
        assert sum(count - 1 for count in server.completed.values()) <= 3 * 16
        before, arrived = lab.bytes(), server.arrived
        assert go() == 0
        assert (lab.bytes(), server.arrived) == (before, arrived)


def test_the_models_of_a_chain_have_their_own_faults_on_one_server(lab: Lab) -> None:
    with standing_in(faults={"refusal@a": 0.9, "500@b": 0.3}) as server:
        models = at(server.url) | {"c": {"chain": ["a", "b"]}}
        result = run_bound(
            compile_recipe(tiny_recipe(models=models, respond={"models": ["c"]})), RunOptions(lab.folder / "run", 20)
        )
        asked = Counter(body["model"] for body in server.bodies)
    assert result.status == OK
    assert asked["b"] > 0.3 * asked["a"]
    assert server.faults["500"] > 0
