"""What is on a leash ends with the process that held it, though that was killed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

HOLDER = """
import subprocess, sys, time
from synth.backends.vllm.processes import leash, unleash
child = subprocess.Popen([sys.executable, "-c", "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"],
                         stdout=subprocess.PIPE)
grandchild = int(child.stdout.readline())
watch = leash([child.pid])
if sys.argv[1] == "unleash":
    unleash(watch)
print(child.pid, grandchild, flush=True)
time.sleep(60)
"""


LINUX = Path("/proc/self/task").exists()
KNOWN = 2 if LINUX else 1
"""Of a child and its child those that a leash can know of: only Linux tells who has started whom."""


def runs(pid: int) -> bool:
    try:
        state = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            if LINUX
            else subprocess.check_output(["ps", "-o", "stat=", "-p", str(pid)], text=True)
        )
    except (OSError, subprocess.CalledProcessError):  # there is no such process
        return False
    return not state.startswith("Z")


@pytest.mark.parametrize("way", ["leash", "unleash"])
def test_processes_on_a_leash_end_with_who_held_it(way: str) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, way], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        pids = [int(pid) for pid in holder.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(runs, pids))
        holder.kill()
    try:
        deadline = time.monotonic() + (60 if way == "leash" else 0.5)
        while any(map(runs, pids[:KNOWN])) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [runs(pid) for pid in pids[:KNOWN]] == [way == "unleash"] * KNOWN
    finally:
        for pid in pids:
            subprocess.run(["kill", "-9", str(pid)], stderr=subprocess.DEVNULL, check=False)
