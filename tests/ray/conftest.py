"""A Ray cluster of two nodes on loopback, made once, and a recipe whose roles its actors ask."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from synth.backends.ray.cluster import OWN, QUIET
from tests.conftest import Lab

os.environ |= {**QUIET, **OWN, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
from ray.cluster_utils import Cluster

KEY = "sk-of-nobody-" + secrets.token_hex(16)
NODE: dict[str, Any] = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 80 * 2**20, "include_dashboard": False}
SOON = {"health_check_period_ms": 500, "health_check_timeout_ms": 20_000, "health_check_initial_delay_ms": 500}
"""A node that is dead refuses at once, a node that is slow has time."""
ACTORS, HELD, CONCURRENCY = 2, 32, 64
"""Actors of each backend, requests that each holds at most, and requests in flight at most."""

RECIPE = """\
name: small
taxonomies: [tiny]
ordinary: 0
n: {n}
concurrency: 64
models:
  writer: {{model: writer, {how}, {ray}}}
  a: {{model: a, {how}, {ray}}}
  j1: {{model: j1, {how}, {ray}, temperature: 0}}
  j2: {{model: j2, {how}, {ray}, temperature: 0}}
cells:
  harmful/unsafe: {{share: 0.4, stances: {{comply: 3, natural: 1}}}}
  harmful/safe: {{share: 0.35, stances: {{refuse: 1, natural: 1}}}}
  benign/safe: {{share: 0.25, stances: {{natural: 1}}}}
query: {{model: writer, elements: [behaviour, task, persona, region]}}
augment: {{model: writer, operators: {{rewrite: 0.2, red_team: 0.3}}}}
respond: {{models: [a]}}
judge: {{models: [j1, j2], controls: false}}
output: {{shard_rows: 20, report: false}}
"""


@dataclass
class Two:
    """The cluster: its head, and a second node that may be killed and made anew."""

    cluster: Any
    second: Any

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def kill_node(self) -> None:
        self.cluster.remove_node(self.second, allow_graceful=False)
        self.second = self.cluster.add_node(**NODE)

    def actors(self) -> list[int]:
        """The processes of actors of synth's, on both nodes."""
        return [pid for pid in below(os.getpid()) if b"ray::Asker" in command(pid)]


def below(pid: int) -> list[int]:
    """All processes that a process has started, and those they have."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text().split()):
                found += [child, *below(child)]
    return found


def command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@pytest.fixture(scope="session")
def two() -> Iterator[Two]:
    cluster = Cluster()
    try:
        cluster.add_node(**NODE, _system_config=SOON)
        yield Two(cluster, cluster.add_node(**NODE))
    finally:
        cluster.shutdown()


@dataclass
class Driver:
    """`synth run` as a user gives it, over the small recipe, in a folder of its own."""

    lab: Lab

    def write(self, how: str, *, n: int = 30, address: str | None = None, **more: Any) -> None:
        told = {"actors": ACTORS, "in_flight": HELD} | ({"address": address} if address else {}) | more
        text = RECIPE.format(n=n, how=how, ray=f"ray: {told}".replace("'", ""))
        (self.lab.folder / "small.yaml").write_text(text, encoding="utf-8")

    def start(self, out: str, *more: str, **environment: str) -> "subprocess.Popen[str]":
        top = str(Path(__file__).parents[2])
        return subprocess.Popen(
            [sys.executable, "-m", "synth", "run", "small.yaml", "-o", out, *more],
            cwd=self.lab.folder,
            env=os.environ | {"OPENAI_API_KEY": KEY, "PYTHONPATH": top} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def end(self, process: "subprocess.Popen[str]", *, status: int = 0) -> str:
        words, _ = process.communicate(timeout=150)
        assert process.returncode == status, words
        assert "Traceback" not in words
        return words

    def run(self, out: str, *more: str, status: int = 0, **environment: str) -> str:
        return self.end(self.start(out, *more, **environment), status=status)

    def bytes(self, out: str) -> dict[str, bytes]:
        """All that a run made, but what tells of the run itself."""
        top = self.lab.folder / out
        paths = [path for name in ("dataset", "drops") for path in (top / name).rglob("*") if path.is_file()]
        return {str(path.relative_to(top)): path.read_bytes() for path in paths}


@pytest.fixture
def driver(lab: Lab) -> Driver:
    return Driver(lab)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def until(what: Any, seconds: float = 150.0) -> None:
    """Waits until something holds."""
    last = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < last, "it never came to that"
        time.sleep(0.02)


def again(completed: Counter[str]) -> int:
    """How many answers were given more than once."""
    return sum(count - 1 for key, count in completed.items() if key)
