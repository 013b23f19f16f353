"""An engine an actor: two actors of Ray on this machine, each with a vLLM of its own; and one that is killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="Ray is not in this environment")

from tests.vllm.test_recipe import synth

ENGINE = b"VLLM::"
"""What the processes of vLLM's engines are called."""
RAY = {"address": "local", "actors": 2, "gpus": 0}


def below(pid: int, name: bytes) -> list[int]:
    """The processes of a name that a process has started, and those they have."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text().split()):
                found += [child] * is_one(child, name) + below(child, name)
    return found


def is_one(pid: int, name: bytes) -> bool:
    with contextlib.suppress(OSError):
        return name in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def test_engines_in_actors_answer_what_one_here_would_be_asked(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = json.loads(recipe.read_text(encoding="utf-8"))
    for role in data["models"].values():
        role |= {"ray": RAY, "max_tokens": 48}
    data["n"] = 3
    recipe.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    command = [sys.executable, "-m", "synth", "run", str(recipe), "--only", "crime.gambling", "-o", "run"]
    process = subprocess.Popen([*command, "--backend", "ray", "--on-doubt", "warn"], stderr=subprocess.PIPE, text=True)
    last = time.monotonic() + 300
    engines: list[int] = []
    while len(engines) < 2 and time.monotonic() < last and process.poll() is None:
        time.sleep(0.2)
        engines = below(process.pid, ENGINE)
    os.kill(below(process.pid, b"ray::Asker")[0], signal.SIGKILL)
    _, words = process.communicate(timeout=300)
    assert len(engines) == 2
    assert process.returncode in (0, 3), words[-3000:]
    assert "1 died" in words
    until = time.monotonic() + 30
    while any(is_one(pid, ENGINE) for pid in engines) and time.monotonic() < until:
        time.sleep(0.2)
    assert not any(is_one(pid, ENGINE) for pid in engines)
    there = synth(recipe, "run", "--backend", "ray")
    assert there["calls"] == 0
    here = synth(recipe, "run")
    assert here["calls"] == 0
    assert here["counts"] == there["counts"]
    with capsys.disabled():
        print("\n" + next(line for line in words.splitlines() if line.startswith("note: ray")))
