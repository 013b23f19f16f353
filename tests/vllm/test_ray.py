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

RAY = {"address": "local", "actors": 2, "gpus": 0}


def actors() -> list[int]:
    """The processes of synth's actors that this user has."""
    found = []
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if b"ray::Asker" in (path / "cmdline").read_bytes() and path.stat().st_uid == os.getuid():
                found.append(int(path.name))
    return found


def engines() -> list[int]:
    """The processes of vLLM's engines."""
    found = []
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if b"VLLM::" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return found


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
    last = time.monotonic() + 240
    while len(engines()) < 2 and time.monotonic() < last and process.poll() is None:
        time.sleep(0.2)
    both = len(engines())
    os.kill(actors()[0], signal.SIGKILL)
    _, words = process.communicate(timeout=300)
    assert both == 2
    assert process.returncode in (0, 3), words[-3000:]
    assert "1 died" in words
    until = time.monotonic() + 30
    while engines() and time.monotonic() < until:
        time.sleep(0.2)
    assert not engines()
    there = synth(recipe, "run", "--backend", "ray")
    assert there["calls"] == 0
    here = synth(recipe, "run")
    assert here["calls"] == 0
    assert here["counts"] == there["counts"]
    with capsys.disabled():
        print("\n" + next(line for line in words.splitlines() if line.startswith("note: ray")))
