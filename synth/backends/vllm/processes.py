"""Processes that must not outlive this one, however it ends: an engine left over by a kill would hold its GPU for ever."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_WATCH = """
import os, sys
sys.stdin.read()
for pid in sys.argv[1:]:
    try:
        os.kill(int(pid), 9)
    except OSError:
        pass
"""


def leash(pids: Iterable[int]) -> "subprocess.Popen[bytes]":
    """Starts a process that ends these, and those they have started (engines of vLLM), once this one is gone. To be given
    to `unleash` when they have ended."""
    command = [
        sys.executable,
        "-S",
        "-c",
        _WATCH,
        *(str(pid) for first in pids for pid in (first, *_started_by(first))),
    ]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603


def unleash(watch: "subprocess.Popen[bytes]") -> None:
    """Ends the watching process that `leash` started: the engines it watched have ended by themselves."""
    watch.kill()
    watch.communicate()


def end_all_below(pid: int) -> None:
    """Ends at once every process (engines of vLLM) that this one has started, and those they have started."""
    for started in _started_by(pid):
        with suppress(OSError):
            os.kill(started, signal.SIGKILL)


def _started_by(pid: int) -> list[int]:
    """All processes below one, where the system tells (Linux)."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, children.read_text(encoding="ascii").split()):
                found += [child, *_started_by(child)]
    return found
