"""Real processes, really killed: whatever the moment, the same command goes on and ends in the same bytes."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Lab
from tests.standin import standing_in

KILLS = 20
COMMAND = [sys.executable, "-m", "synth", "run", "small.yaml", "-o", "run"]

SMALL = """\
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
cells:
  harmful/unsafe: {{share: 0.4, stances: {{comply: 3, natural: 1}}}}
  harmful/safe: {{share: 0.35, stances: {{refuse: 1, natural: 1}}}}
  benign/safe: {{share: 0.25, stances: {{natural: 1}}}}
query: {{model: writer, elements: [behaviour, task, persona, region]}}
augment: {{model: writer, operators: {{rewrite: 0.2, red_team: 0.3}}}}
respond: {{models: [a]}}
judge: {{models: [j1, j2]}}
"""


def start(folder: Path) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "OPENAI_API_KEY": "x", "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(COMMAND, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(folder: Path) -> None:
    process = start(folder)
    _, words = process.communicate(timeout=120)
    assert process.returncode == 0, words.decode()


@pytest.mark.parametrize("concurrency", [1, 16])
def test_twenty_kills_change_no_byte_and_repeat_only_what_was_in_flight(lab: Lab, concurrency: int) -> None:
    chance = random.Random(concurrency)
    with standing_in(latency="0.01") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=concurrency), encoding="utf-8")
        finish(lab.folder)
        calm, calls = lab.bytes(), server.completed.total()
        (lab.folder / "run").rename(lab.folder / "calm")
        server.completed.clear()
        kills = 0
        while kills < KILLS // 2:
            answered = server.completed.total()
            process = start(lab.folder)
            # Killed soon after it has begun to pay, so that there are as many kills as there can be in one run.
            while process.poll() is None and server.completed.total() < answered + chance.randint(
                1, max(2, calls // 12)
            ):
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += process.returncode == -signal.SIGKILL
            if process.returncode == 0:
                break
        finish(lab.folder)
        repeated = sum(count - 1 for count in server.completed.values())
    assert kills >= KILLS // 2
    assert lab.bytes() == calm
    assert repeated <= kills * concurrency
    assert max(server.completed.values()) <= 1 + kills


def test_an_interrupt_keeps_everything_and_says_how_to_go_on(lab: Lab) -> None:
    with standing_in(latency="0.05") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=8), encoding="utf-8")
        for sign in (signal.SIGINT, signal.SIGTERM):
            answered = server.completed.total()
            process = start(lab.folder)
            while server.completed.total() < answered + 30:
                time.sleep(0.005)
            process.send_signal(sign)
            _, words = process.communicate(timeout=30)
            assert process.returncode == 130
            assert "interrupted; run the same command again to go on" in words.decode()
            assert "Traceback" not in words.decode()
        finish(lab.folder)
    assert set(server.completed.values()) == {1}


def test_a_second_interrupt_waits_for_nothing(lab: Lab) -> None:
    with standing_in(latency="20.0") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=8), encoding="utf-8")
        process = start(lab.folder)
        while len(server.bodies) < 4:
            time.sleep(0.01)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
        _, words = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in words.decode()


def test_a_second_process_on_the_same_folder_is_one_line(lab: Lab) -> None:
    with standing_in(latency="0.2") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=8), encoding="utf-8")
        first = start(lab.folder)
        while not server.bodies:
            time.sleep(0.01)
        second = start(lab.folder)
        _, words = second.communicate(timeout=30)
        first.kill()
        first.communicate()
    assert second.returncode == 1
    assert (
        words.decode().strip().endswith("another synth is running in this folder; wait for it, or use another -o DIR")
    )
