"""Signals, whatever the moment: the first stops asking and lands what is in flight, the second waits for nothing and writes what there
is; each is answered at once, a third is never needed, nothing is lost and the same command goes on."""

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from synth.cli import show
from synth.run import merge
from synth.serve.server import StandIn
from tests.conftest import Lab
from tests.promises.test_kill import COMMAND, SMALL, start
from tests.support.forked import Point, forking, run
from tests.support.standin import standing_in

SIGNALS = [signal.SIGINT, signal.SIGTERM]


def send(sign: int, times: int = 1) -> None:
    for _ in range(times):
        os.kill(os.getpid(), sign)
        time.sleep(0.01)


def forked(lab: Lab, point: Point | None = None, sign: int = 0, times: int = 1) -> int:
    """The exit status of the run, in a process that gets the signal at a point."""
    what = functools.partial(send, sign, times)
    arguments = (lab.folder, COMMAND[3:], lab.folder / "words", point, *((what,) if point else ()))
    process = forking().Process(target=run, args=arguments)
    process.start()
    process.join(60)
    assert "Traceback" not in (lab.folder / "words").read_text(encoding="utf-8")
    return int(process.exitcode if process.exitcode is not None else 99)


POINTS: list[Point] = [
    ("before a commit", 1),
    ("after a commit", 2),
    ("before a rename", 1),
    ("in a shard", 1),
    ("before a rename", 3),
    ("after a rename", 4),
]


@pytest.mark.parametrize("sign", SIGNALS)
def test_a_signal_at_any_point_loses_nothing(lab: Lab, sign: int) -> None:
    with standing_in(latency="0.01") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=64), encoding="utf-8")
        assert forked(lab) == 0
        calm = lab.bytes()
        for times, point in enumerate(POINTS, start=1):
            if point == POINTS[0]:
                (lab.folder / "run").rename(lab.folder / f"calm{sign}")
                server.completed.clear()
            assert forked(lab, point, sign, 1 + times % 2) in (0, 130)
        assert forked(lab) == 0
    assert lab.bytes() == calm


@pytest.mark.parametrize(
    ("habits", "bodies"),
    [
        ({"faults": {"500": 1.0}}, 4),
        ({"faults": {"429": 1.0}, "retry_after": 300.0}, 4),
        ({"latency": "600", "listed": None}, 1),  # the check of a model that hangs
    ],
    ids=["retrying", "resting", "checking"],
)
@pytest.mark.parametrize("sign", SIGNALS)
def test_one_signal_ends_a_wait_at_once(lab: Lab, habits: dict[str, Any], bodies: int, sign: int) -> None:
    with standing_in(**habits) as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=8), encoding="utf-8")
        process = start(lab.folder)
        while len(server.bodies) < bodies:
            time.sleep(0.01)
        process.send_signal(sign)
        _, words = process.communicate(timeout=60)
    assert process.returncode == 130
    assert words.decode().strip().endswith("interrupted; run the same command again to go on")


def hang(server: StandIn, seconds: float, after: int = 30) -> None:
    """Waits until eight calls are out at the server, which takes so long for each after the first so many."""
    while server.arrived < after:
        time.sleep(0.01)
    server._latency = lambda chance: seconds
    while server.in_flight < 8:
        time.sleep(0.01)


def until(process: "subprocess.Popen[bytes]", words: bytes) -> bytes:
    """What the process says up to a line with these words, and that line."""
    assert process.stderr is not None
    seen = b""
    for line in process.stderr:
        seen += line
        if words in line:
            return seen
    raise AssertionError(seen.decode())


@pytest.mark.parametrize("sign", SIGNALS)
def test_each_signal_is_answered_and_the_second_still_writes_and_tells_the_way_on(lab: Lab, sign: int) -> None:
    with standing_in(latency="0.01") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=8), encoding="utf-8")
        process = start(lab.folder)
        hang(server, 600.0, after=60)
        process.send_signal(sign)
        assert b"synth: stopping; waiting for 8 calls, the oldest " in until(process, b"once more stops now")
        process.send_signal(sign)
        assert b"synth: stopping now; 8 calls are given up" in until(process, b"once more ends at once")
        _, words = process.communicate(timeout=60)
    assert process.returncode == 130
    lines = words.decode().strip().splitlines()
    assert lines[0] == "synth: writing what there is"
    assert any(line.startswith("scenario ") for line in lines)
    assert lines[-1] == "synth: interrupted; run the same command again to go on"
    assert (lab.folder / "run" / "drops").is_dir()
    assert (lab.folder / "run" / "dataset" / "README.md").is_file()


def test_a_third_signal_ends_at_once(lab: Lab) -> None:
    code = (
        "import time\nfrom synth.run import execute, write\nfrom synth.cli.main import main\n"
        "write.write_dataset = lambda *_: time.sleep(600)\nmain()"
    )
    environment = {**os.environ, "OPENAI_API_KEY": "x", "PYTHONPATH": str(Path(__file__).parents[2])}
    with standing_in(latency="0.01") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=8), encoding="utf-8")
        arguments = [sys.executable, "-c", code, *COMMAND[3:]]
        process = subprocess.Popen(arguments, cwd=lab.folder, env=environment, stderr=subprocess.PIPE)
        hang(server, 600.0)
        for words in (b"once more stops now", b"writing what there is"):
            process.send_signal(signal.SIGINT)
            until(process, words)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said.decode().strip().splitlines()[-1]) == (130, "synth: interrupted")


def test_lines_stand_above_the_live_table_of_a_terminal(lab: Lab) -> None:
    """On a pseudo-terminal: the answer to a signal is a line of its own, whole, while the table is drawn."""
    with standing_in(latency="0.01") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=8), encoding="utf-8")
        environment = {**os.environ, "OPENAI_API_KEY": "x", "PYTHONPATH": str(Path(__file__).parents[2])}
        environment |= {"TERM": "xterm", "COLUMNS": "160"}
        ours, theirs = os.openpty()
        process = subprocess.Popen(COMMAND, cwd=lab.folder, env=environment, stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        hang(server, 4.0)
        time.sleep(2.5)  # the table has been drawn
        process.send_signal(signal.SIGINT)
        seen = b""
        with contextlib.suppress(OSError):
            while part := os.read(ours, 65536):
                seen += part
        assert process.wait(15) == 130
    text = seen.decode().replace("\r", "")
    assert "scenario" in text.partition("synth: stopping")[0]
    assert [
        line
        for line in text.split("\n")
        if "synth: stopping; waiting for " in line and line.endswith("once more stops now")
    ]


@pytest.mark.parametrize("sign", SIGNALS)
def test_a_signal_while_a_run_starts_is_one_line(lab: Lab, sign: int) -> None:
    """From the first line of `main` on: what Python does before that is its own. The server hangs, so that no run ends by itself."""
    code = (
        "import os, signal, sys, threading, time\nfrom synth.cli.main import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs are told to ignore it
        "threading.Timer(float(sys.argv.pop(1)), os.kill, (os.getpid(), int(sys.argv.pop(1)))).start()\nmain()"
    )
    environment = {**os.environ, "OPENAI_API_KEY": "x", "PYTHONPATH": str(Path(__file__).parents[2])}
    with standing_in(latency="600", listed=None) as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=8), encoding="utf-8")
        for seconds in (0.02, 0.4, 1.0):
            arguments = [sys.executable, "-c", code, str(seconds), str(int(sign)), *COMMAND[3:]]
            ended = subprocess.run(
                arguments, check=False, cwd=lab.folder, env=environment, capture_output=True, timeout=60
            )
            assert ended.returncode in (130, -signal.SIGINT)  # a shell says 130 to both
            assert ended.stderr.decode().strip().splitlines()[-1].startswith("synth: interrupted")
            assert b"Traceback" not in ended.stderr


def test_a_run_that_was_killed_before_it_said_anything_can_be_told_shown_and_merged(lab: Lab) -> None:
    with standing_in(latency="0.01") as server:
        (lab.folder / "small.yaml").write_text(SMALL.format(url=server.url, concurrency=8), encoding="utf-8")
        arguments = (lab.folder, COMMAND[3:], lab.folder / "words", ("after a commit", 16))
        process = forking().Process(target=run, args=arguments)
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        facts = json.loads((lab.folder / "run" / "run.json").read_text(encoding="utf-8"))
        assert (facts["stopped"], facts["status"], {cell["status"] for cell in facts["cells"]}) == (
            "running",
            None,
            {"open"},
        )
        assert any("one.s0/harmful/unsafe" in line for line in show.show(lab.folder / "run", None, 5))
        merged = merge.merge([lab.folder / "run"], lab.folder / "whole")
        assert sum(line["calls"] for line in merged.result.spent) > 0
        assert forked(lab) == 0
    facts = json.loads((lab.folder / "run" / "run.json").read_text(encoding="utf-8"))
    assert (facts["stopped"], facts["status"]) == (None, 0)
