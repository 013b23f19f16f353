"""Real processes, really killed: whatever the moment, the same command goes on and ends in the same bytes."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from synth.errors import ConfigError
from synth.journal.reader import Reader
from synth.run.finished import NAME
from synth.serve.server import StandIn
from tests.conftest import Lab
from tests.support.forked import Point, forking, run
from tests.support.standin import answers, standing_in

KILLS = 20
"""At each concurrency."""
COMMAND = [sys.executable, "-m", "synth", "run", "small.yaml", "-o", "run"]

STAGES = """\
cells:
  harmful/unsafe: {{share: 0.4, stances: {{comply: 3, natural: 1}}}}
  harmful/safe: {{share: 0.35, stances: {{refuse: 1, natural: 1}}}}
  benign/safe: {{share: 0.25, stances: {{natural: 1}}}}
query: {{model: writer, elements: [behaviour, task, persona, region]}}
augment: {{model: writer, operators: {{rewrite: 0.2, red_team: 0.3}}}}
respond: {{models: [a]}}
judge: {{models: [j1, j2], controls: false}}
"""
SMALL = (
    """\
name: small
taxonomies: [tiny]
ordinary: 0
n: 24
concurrency: {concurrency}
models:
  writer: {{model: writer, base_url: "{url}"}}
  a: {{model: a, base_url: "{url}"}}
  j1: {{model: j1, base_url: "{url}", temperature: 0}}
  j2: {{model: j2, base_url: "{url}", temperature: 0}}
  v: {{model: v, backend: embeddings, base_url: "{url}"}}
dedup: {{semantic: {{model: v}}}}
"""
    + STAGES
    + "output: {{shard_rows: 20, report: false}}\n"
)


def start(folder: Path) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "OPENAI_API_KEY": "x", "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(COMMAND, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(folder: Path) -> None:
    process = start(folder)
    _, words = process.communicate(timeout=120)
    assert process.returncode == 0, words.decode()


class Squalls(deque[str]):
    """Faults by arrival, now and then, without end."""

    def __init__(self, rate: float, seed: int) -> None:
        super().__init__()
        self.rate, self.chance = rate, random.Random(seed)

    def __bool__(self) -> bool:
        return self.chance.random() < self.rate

    def popleft(self) -> str:
        return self.chance.choice(["429-bare", "500", "503", "reset", "torn", "html", "latin", "null"])


@dataclass
class Loop:
    """Starts the same command again and again, kills it, and keeps books on what was in flight."""

    lab: Lab
    server: StandIn
    chance: random.Random
    kills: int = 0
    flown: Counter[str] = field(default_factory=Counter)
    """For each key the kills at which its answer had been given and was in no journal."""
    most: int = 0
    """In flight at one kill."""

    def start(self, point: Point | None = None) -> Any:
        arguments = (self.lab.folder, COMMAND[3:], self.lab.folder / "words", point)
        process = forking().Process(target=run, args=arguments)
        process.start()
        return process

    def finish(self) -> None:
        process = self.start()
        process.join(120)
        assert process.exitcode == 0, self.words()

    def words(self) -> str:
        return (self.lab.folder / "words").read_text(encoding="utf-8")

    def at_a_point(self, point: Point) -> bool:
        """Whether the process died there; otherwise it came to its end before."""
        before = answers(self.server)
        process = self.start(point)
        process.join(120)
        return self._counted(process, before)

    def after_some_answers(self) -> bool:
        before, enough = answers(self.server), self.server.completed.total() + self.chance.randint(1, 8)
        process = self.start()
        while process.is_alive() and self.server.completed.total() < enough:
            time.sleep(0.002)
        process.kill()
        process.join()
        return self._counted(process, before)

    def after_some_time(self) -> bool:
        before = answers(self.server)
        process = self.start()
        process.join(self.chance.uniform(0, 0.6))
        process.kill()
        process.join()
        return self._counted(process, before)

    def _counted(self, process: Any, before: Counter[str]) -> bool:
        if process.exitcode != -signal.SIGKILL:
            assert process.exitcode == 0, self.words()
            return False
        time.sleep(0.05)  # what the server still had in hand it has answered now
        flying = answers(self.server) - before
        if (self.lab.folder / "run" / "journal.sqlite").exists():
            for key in kept(self.lab.folder / "run"):
                del flying[key]
        self.flown.update(flying)
        self.most = max(self.most, flying.total())
        self.kills += 1
        return True


def kept(folder: Path) -> dict[str, str]:
    """The replies in the journal of a run that was killed."""
    with contextlib.suppress(ConfigError), Reader(folder) as journal:
        return {reply.key: reply.text for reply, _ in journal.replies()}
    return {}


MIDWAY: list[Callable[[Loop], bool]] = [
    Loop.after_some_answers,
    lambda loop: loop.at_a_point(("before a commit", loop.chance.randint(1, 4))),
    Loop.after_some_answers,
    lambda loop: loop.at_a_point(("after a commit", loop.chance.randint(1, 4))),
    Loop.after_some_time,
]
AT_THE_END: list[Point] = [
    ("in a shard", 1),
    ("in a shard", 2),
    *(("before a rename", number) for number in (1, 2, 5)),
    *(("after a rename", number) for number in (1, 3)),
]


@pytest.mark.parametrize("concurrency", [1, 64, 1024])
def test_kills_at_any_moment_change_no_byte_and_repeat_only_what_was_in_flight(lab: Lab, concurrency: int) -> None:
    with standing_in(latency="0.01" if concurrency == 1 else "0.01..0.04") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=concurrency), encoding="utf-8")
        loop = Loop(lab, server, random.Random(concurrency))
        loop.finish()
        calm, calls = lab.bytes(), len(answers(server))
        (lab.folder / "run").rename(lab.folder / "calm")
        server.completed.clear()
        server.script = Squalls(0.03, concurrency)
        for moment in islice(cycle(MIDWAY), KILLS - len(AT_THE_END)):
            if not moment(loop):
                break
        midway = loop.kills
        loop.finish()
        for point in islice(cycle(AT_THE_END), KILLS - midway):
            (lab.folder / "run" / NAME).unlink(missing_ok=True)  # or there is nothing to write
            assert loop.at_a_point(point)
            assert not (lab.folder / "run" / "dataset").exists() or lab.bytes() == calm
        loop.finish()
    print(midway, loop.kills, loop.most, loop.flown.total(), calls, len(answers(server)))
    assert loop.kills == KILLS
    assert midway >= 8
    assert lab.bytes() == calm
    # An answer is given once, and once more for every kill at which it was in flight: whatever became of it, no other is paid again.
    assert loop.most <= concurrency
    assert all(0 <= count - loop.flown[key] <= 1 for key, count in answers(server).items())
    texts = kept(lab.folder / "run").values()
    assert any(text.startswith(("抱歉", "对不起")) for text in texts)
    assert len(answers(server)) <= 1.5 * calls


def jump_about() -> None:
    """From now on the wall clock goes back and forth by years."""
    now, chance = time.time, random.Random(1)
    time.time = lambda: now() + chance.uniform(-1e9, 1e9)


def test_a_clock_that_jumps_delays_nothing_and_changes_no_byte(lab: Lab) -> None:
    with standing_in(latency="0.002") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=16), encoding="utf-8")
        loop = Loop(lab, server, random.Random(0))
        loop.finish()
        (lab.folder / "run").rename(lab.folder / "calm")
        server.script = Squalls(0.03, 1)
        arguments = (
            lab.folder,
            [*COMMAND[3:], "--events", "-"],
            lab.folder / "words",
            ("after a commit", 1),
            jump_about,
        )
        process = forking().Process(target=run, args=arguments)
        process.start()
        process.join(60)
        assert process.exitcode == 0, loop.words()
    assert lab.bytes() == lab.bytes("calm")
    times = [json.loads(line)["time"] for line in loop.words().splitlines() if line.startswith("{")]
    assert max(times) - min(times) > 1e8


def test_an_interrupt_keeps_everything_and_says_how_to_go_on(lab: Lab) -> None:
    with standing_in(latency="0.05") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=8), encoding="utf-8")
        for sign in (signal.SIGINT, signal.SIGTERM):
            answered = server.completed.total()
            process = start(lab.folder)
            while server.completed.total() < answered + 30:
                time.sleep(0.005)
            process.send_signal(sign)
            _, words = process.communicate(timeout=60)
            assert process.returncode == 130
            assert "interrupted; run the same command again to go on" in words.decode()
            assert "Traceback" not in words.decode()
        finish(lab.folder)
    assert set(answers(server).values()) == {1}


def test_a_second_interrupt_waits_for_nothing(lab: Lab) -> None:
    with standing_in(latency="600") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=8), encoding="utf-8")
        process = start(lab.folder)
        while len(server.bodies) < 4:
            time.sleep(0.01)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
        _, words = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in words.decode()


def test_a_second_process_on_the_same_folder_is_one_line(lab: Lab) -> None:
    with standing_in(latency="0.2") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=8), encoding="utf-8")
        first = start(lab.folder)
        while not server.bodies:
            time.sleep(0.01)
        second = start(lab.folder)
        _, words = second.communicate(timeout=60)
        first.kill()
        first.communicate()
    assert second.returncode == 1
    assert (
        words.decode().strip().endswith("another synth is running in this folder; wait for it, or use another -o DIR")
    )
