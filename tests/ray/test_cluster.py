"""Runs over Ray on two nodes: the bytes of one process, whatever is killed on the way, and a line for whatever is wrong."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from synth.serve.server import StandIn
from tests.ray.conftest import ACTORS, CONCURRENCY, HELD, KEY, Driver, Two, again, command, kill, until
from tests.support.standin import standing_in

OFFLINE = "backend: offline, frames: 2"


def asking(server: StandIn) -> str:
    return f'base_url: "{server.url}"'


def test_journals_of_one_process_and_of_ray_serve_each_other(driver: Driver, two: Two) -> None:
    driver.write(OFFLINE, address=two.address)
    driver.run("here")
    words = driver.run("there", "--backend", "ray")
    assert "note: ray: " in words
    assert driver.bytes("there") == driver.bytes("here")
    for out, more in (("here", ["--backend", "ray"]), ("there", [])):
        words = driver.run(out, *more)
        assert "0 calls made now" in words, words
        assert "have changed" not in words
    assert driver.bytes("there") == driver.bytes("here")


def an_actor(two: Two) -> None:
    kill(two.actors()[0])


def a_node(two: Two) -> None:
    two.kill_node()


@pytest.mark.parametrize(("victim", "moments"), [(an_actor, (0.15, 0.45)), (a_node, (0.3,))])
def test_what_dies_gives_its_requests_back(
    driver: Driver, two: Two, victim: Callable[[Two], None], moments: tuple[float, ...]
) -> None:
    with standing_in(latency="0.1..0.4") as server:
        driver.write(asking(server), address=two.address)
        driver.run("calm")
        once = dict(server.completed)
        server.completed.clear()
        process = driver.start("run", "--backend", "ray")
        for share in moments:
            until(lambda share=share: server.completed.total() > share * len(once) and len(two.actors()) == ACTORS)
            victim(two)
        words = driver.end(process)
    print(victim.__name__, again(server.completed), len(once))
    assert again(server.completed) <= HELD * len(moments)
    assert f"{len(moments)} died" in words
    assert "aylet" not in words
    assert driver.bytes("run") == driver.bytes("calm")
    assert server.headers["Authorization"] == f"Bearer {KEY}"
    assert not any(KEY.encode() in path.read_bytes() for path in written() if path.is_file())


def written() -> list[Path]:
    """Everything that Ray writes down."""
    return list(Path("/tmp/ray/session_latest").resolve().rglob("*"))


def test_a_killed_driver_goes_on_with_the_same_command(driver: Driver, two: Two) -> None:
    with standing_in(latency="0.1..0.4") as server:
        driver.write(asking(server), address=two.address)
        driver.run("calm")
        calls = len(server.completed)
        server.completed.clear()
        for kills in (1, 2):
            process = driver.start("run", "--backend", "ray")
            before = server.completed.total()
            until(lambda before=before: server.completed.total() > before + calls // 4)
            process.kill()
            process.wait()
            until(lambda: not two.actors())  # nobody is left to ask for it
            assert again(server.completed) <= CONCURRENCY * kills
        driver.run("run", "--backend", "ray")
        assert again(server.completed) <= 2 * CONCURRENCY
    assert driver.bytes("run") == driver.bytes("calm")


def test_actors_that_die_over_and_over_end_in_words(driver: Driver, two: Two) -> None:
    with standing_in(latency="60") as server:
        driver.write(asking(server), n=12, address=two.address)
        process = driver.start("run", "--backend", "ray")
        while process.poll() is None:
            if server.arrived:  # first with requests, then before they have any
                for pid in two.actors():
                    kill(pid)
            time.sleep(0.2)
        words = driver.end(process, status=1)
    assert "ray: actors die before they answer anything" in words
    assert "run the same command again" in words


def test_what_a_server_does_not_take_is_learnt_for_all_actors_and_journalled(driver: Driver, two: Two) -> None:
    with standing_in(formats=frozenset({"json_object"})) as server:
        driver.write(asking(server), n=12, address=two.address)
        words = driver.run("run", "--backend", "ray")
    assert "since the server says" in words


def test_a_ray_of_the_run_s_own_ends_with_it_however_that_ends(driver: Driver, two: Two) -> None:
    with standing_in(latency="0.1..0.4") as server:
        driver.write(asking(server), n=12)
        driver.run("here")
        calls = len(server.completed)
        server.completed.clear()
        before, repeated = rays(), 0
        for sign in (signal.SIGINT, signal.SIGKILL):
            process = driver.start("there", "--backend", "ray", RAY_ADDRESS="")
            done = server.completed.total()
            until(lambda done=done: server.completed.total() > done + calls // 4)
            if sign == signal.SIGINT:  # as a terminal does, to all that the run has begun
                os.killpg(process.pid, sign)
                assert "interrupted" in driver.end(process, status=130)
            else:
                process.kill()
                process.wait()
                repeated = CONCURRENCY
            until(lambda: rays() == before)
            assert again(server.completed) <= repeated
        words = driver.run("there", "--backend", "ray", RAY_ADDRESS="")
    assert "on 1 machine" in words
    assert rays() == before
    assert driver.bytes("there") == driver.bytes("here")


def rays() -> set[int]:
    """The heads of Ray that anyone has begun with this Python."""
    found = {int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()}
    return {pid for pid in found if b"gcs_server" in command(pid) and sys.prefix.encode() in command(pid)}


@pytest.mark.parametrize(
    ("how", "ray", "expected"),
    [
        (OFFLINE, {"address": "127.0.0.1:9"}, "ray.address: nothing answers at '127.0.0.1:9'"),
        (OFFLINE, {"address": "ray://127.0.0.1:9"}, "start it on a machine of the cluster"),
        (OFFLINE, {"gpus": 1, "patience": 2}, "an actor needs 1 GPU on one machine, and the most there is is 0 GPU"),
        ("backend: openai, base_url: '{url}'", {}, "The model `"),
    ],
)
def test_what_is_wrong_is_one_line(driver: Driver, two: Two, how: str, ray: dict[str, object], expected: str) -> None:
    with standing_in(models=frozenset({"other"}), listed=None) as server:
        driver.write(how.format(url=server.url), **{"address": two.address, **ray})
        words = driver.run("run", "--backend", "ray", status=1)
    (line,) = [line for line in words.splitlines() if expected in line]
    assert line.startswith("synth: ")
